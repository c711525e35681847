"""Which neurons of a trained net stay: by what they say of the label, by their gains, or by chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes
from ..ib_analysis.probe import probe_bound
from ..ib_analysis.spared import least_missed_first
from ..ib_analysis.symbols import Symbols, label_symbols
from ..models.datasets import Dataset
from .folder import RunFolder
from .shrink_ladder import Hidden
from .shrunk import How
from .trained import checkpoint_arrays

if TYPE_CHECKING:
    from ..models.training import Run

MEASURED = 10_000  # training samples on which neurons are compared


@dataclass(frozen=True, eq=False)
class Whole:
    """A trained net and its hidden codes, layer by layer, of the samples that neurons are compared on."""

    run: Run
    codes: tuple[Codes, ...]
    y: Symbols


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
        hidden = tuple(code for name, code in codes.items() if name != "binarize")
        return Whole(run, hidden, label_symbols(self.data.train_y[rows]))

    def _order(self, how: How, seed: int, layer: int) -> NDArray[np.int64]:
        """The neurons of a hidden layer, those first that go first."""
        whole = self.whole(seed)
        if how == "information":
            return least_missed_first(whole.codes[layer], whole.y)
        if how == "random":
            return np.random.default_rng([seed, layer, 1]).permutation(whole.codes[layer].width)
        gain = whole.run.net.hidden[layer].norm.weight.detach().numpy()  # type: ignore[union-attr,operator]
        return np.argsort(np.abs(gain), kind="stable")

    def _bits(self, seed: int, layer: int, width: int) -> tuple[float, float]:
        """I(T;Y), at least, of the neurons of a layer that stay by information, held out; and its standard error."""
        whole = self.whole(seed)
        left = np.sort(self.order("information", seed, layer)[-width:])
        bound = probe_bound(Codes.pack(whole.codes[layer].bits()[:, left]), whole.y, np.random.default_rng(0))
        return bound.bits, bound.standard_error_bits
