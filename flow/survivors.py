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


@dataclass(frozen=True, eq=False)
class Whole:
    """A trained net and its hidden codes, of every layer with weights, of the samples that neurons are compared on.

    shapes   of these codes: (neurons,), or of a map
    """

    run: Run
    codes: tuple[Codes, ...]
    shapes: tuple[Shape, ...]
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

    def kept(self, how: How, seed: int, hidden: Hidden) -> list[NDArray[np.int64]]:
        """Of each hidden layer the neurons that stay, rising, when so many do. Fewer are among more."""
        orders = [self.order(how, seed, layer) for layer in range(len(hidden))]
        return [np.sort(order[-width:]) for order, width in zip(orders, hidden, strict=True)]

    def _whole(self, seed: int) -> Whole:
        from ..models.capture import capture
        from ..models.checkpoints import restore

        run = restore(checkpoint_arrays(self.folder_of(seed).checkpoint)[0], self.data)
        rows = np.sort(np.random.default_rng(0).permutation(len(self.data.train_y))[:MEASURED])
        codes = capture(run.net, self.data.train_x[rows]).codes
        network = run.net.config
        shapes = tuple(network.shapes[name] for name in network.rows)
        return Whole(run, tuple(codes[name] for name in network.rows), shapes, label_symbols(self.data.train_y[rows]))

    def _order(self, how: How, seed: int, layer: int) -> NDArray[np.int64]:
        """The neurons of a hidden layer, those first that go first."""
        from ..models.networks import Block

        whole = self.whole(seed)
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

    def _bits(self, seed: int, layer: int, width: int) -> tuple[float, float]:
        """I(T;Y), at least, of the neurons of a layer that stay by information, held out; and its standard error."""
        whole = self.whole(seed)
        left = np.sort(self.order("information", seed, layer)[-width:])
        shape = whole.shapes[layer]
        bits = whole.codes[layer].bits().reshape(-1, *shape)[..., left].reshape(len(whole.codes[layer]), -1)
        bound = known_of(Codes.pack(bits), (*shape[:-1], width), whole.y)
        return bound.bits, bound.standard_error_bits
