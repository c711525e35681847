"""Which neurons of a trained net stay: by what they say of the label, by their gains, or by chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes
from ..ib_analysis.map_probe import map_probe
from ..ib_analysis.map_shape import MapShape
from ..ib_analysis.probe import ProbeBound, probe_bound
from ..ib_analysis.spared import least_missed_channels, least_missed_first
from ..ib_analysis.symbols import Symbols, label_symbols
from ..models.datasets import Dataset
from ..models.layers import Shape
from .folder import RunFolder
from .shrink_ladder import Hidden
from .shrunk import How
from .trained import checkpoint_arrays

if TYPE_CHECKING:
    from ..models.training import Run

MEASURED = 10_000  # training samples on which neurons are compared
INPUTS = -1  # the layer in front of the first


@dataclass(frozen=True, eq=False)
class Whole:
    """A trained net and its hidden codes, of every layer with weights, of the samples that neurons are compared on.

    shapes   of these codes: (neurons,), or of a map
    inputs   what the first of them reads; None of maps
    """

    run: Run
    codes: tuple[Codes, ...]
    shapes: tuple[Shape, ...]
    inputs: Codes | None
    y: Symbols


def known_of(codes: Codes, shape: Shape, y: Symbols) -> ProbeBound:
    """I(T;Y), at least, of a layer's codes of this shape, held out."""
    rng = np.random.default_rng(0)
    return map_probe(codes, MapShape(*shape), y, rng) if len(shape) == 3 else probe_bound(codes, y, rng)


class Survivors:
    """Of the nets of one data set, by seed. Test samples are never looked at."""

    def __init__(self, data: Dataset, folder_of: Callable[[int], RunFolder]) -> None:
        self.data, self.folder_of = data, folder_of
        self.whole = cache(self._whole)
        self.order = cache(self._order)
        self.bits = cache(self._bits)

    def kept(self, how: How, seed: int, rows: Hidden) -> list[NDArray[np.int64]]:
        """Of each hidden layer the neurons that stay, rising, when so many do. Fewer are among more."""
        return [self._last(how, seed, layer, width) for layer, width in enumerate(rows)]

    def pixels(self, how: How, seed: int, count: int) -> NDArray[np.int64]:
        """Those that stay, rising, when so many do."""
        return self._last(how, seed, INPUTS, count)

    def _last(self, how: How, seed: int, layer: int, width: int) -> NDArray[np.int64]:
        return np.sort(self.order(how, seed, layer)[-width:])

    def _whole(self, seed: int) -> Whole:
        from ..models.capture import capture
        from ..models.checkpoints import restore

        run = restore(checkpoint_arrays(self.folder_of(seed).checkpoint)[0], self.data)
        rows = np.sort(np.random.default_rng(0).permutation(len(self.data.train_y))[:MEASURED])
        x, network = self.data.train_x[rows], run.net.config
        codes = capture(run.net, x).codes
        shapes = tuple(network.shapes[name] for name in network.rows)
        inputs = None if network.of_maps else codes["binarize"] if "binarize" in codes else Codes.pack(x > 0)
        hidden = tuple(codes[name] for name in network.rows)
        return Whole(run, hidden, shapes, inputs, label_symbols(self.data.train_y[rows]))

    def _order(self, how: How, seed: int, layer: int) -> NDArray[np.int64]:
        """The neurons of a hidden layer, or the pixels, those first that go first."""
        from ..models.networks import Block

        whole = self.whole(seed)
        if layer == INPUTS:
            return self._order_of_pixels(how, seed, whole)
        codes, shape = whole.codes[layer], whole.shapes[layer]
        if how == "information":
            if len(shape) == 3:
                return least_missed_channels(codes, MapShape(*shape), whole.y)
            return least_missed_first(codes, whole.y)
        if how == "random":
            return np.random.default_rng([seed, layer, 1]).permutation(shape[-1])
        blocks = [block for block in whole.run.net.hidden if isinstance(block, Block)]
        gain = blocks[layer].norm.weight.detach().numpy()  # type: ignore[union-attr,operator]
        return np.argsort(np.abs(gain), kind="stable")

    def _order_of_pixels(self, how: How, seed: int, whole: Whole) -> NDArray[np.int64]:
        """A pixel has no gain: in its place stands what the latent weights that hear it weigh."""
        if how == "information":
            assert whole.inputs is not None
            return least_missed_first(whole.inputs, whole.y, each=self.data.copies)
        if how == "random":
            return np.random.default_rng([seed, 0, 2]).permutation(self.data.pixels)
        heard = whole.run.net.linears()[0].weight.detach().abs().sum(dim=0).numpy()  # type: ignore[union-attr]
        return np.argsort(heard.reshape(self.data.copies, -1).sum(axis=0), kind="stable")

    def _bits(self, seed: int, layer: int, width: int) -> tuple[float, float]:
        """I(T;Y), at least, of the neurons of a layer that stay by information, held out; and its standard error."""
        whole = self.whole(seed)
        left = self._last("information", seed, layer, width)
        if layer == INPUTS:
            assert whole.inputs is not None
            bits = whole.inputs.bits().reshape(len(whole.inputs), self.data.copies, -1)[..., left]
            codes = Codes.pack(bits.reshape(len(bits), -1))
            bound = known_of(codes, (codes.width,), whole.y)
            return bound.bits, bound.standard_error_bits
        shape = whole.shapes[layer]
        bits = whole.codes[layer].bits().reshape(-1, *shape)[..., left].reshape(len(whole.codes[layer]), -1)
        bound = known_of(Codes.pack(bits), (*shape[:-1], width), whole.y)
        return bound.bits, bound.standard_error_bits
