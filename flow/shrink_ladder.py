"""The widths of a net on its way down: a sixteenth of a layer less each time, where that loses least for its saving."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Binarize, Conv, Cut, Dense, Graph, Pool, Scores
from ..export.graph.layer import Layer
from ..hw.costs.search import Search
from ..hw.stages import Output
from ..models.config import NetworkConfig
from ..models.layers import LayerConfig, Shape, named, shapes

Hidden = tuple[int, ...]
"""Neurons of every hidden dense layer, channels of every convolution: `NetworkConfig.rows`. In front of them the pixels
that the net takes, where some may be left out.
"""

SHARES = 16  # into which a layer is cut
PIXEL_STEPS = 4  # of them, that are compared where pixels go


@dataclass(frozen=True)
class Cost:
    """What the cheapest design of a net is estimated to take.

    cells    logic cells (iCE40) or LUTs (the others)
    brams    memory blocks
    cycles   a frame
    """

    cells: int
    brams: int
    cycles: int


@dataclass(frozen=True)
class Rung:
    """One net on the way down. hidden: its widths."""

    hidden: Hidden
    cost: Cost


class Costs:
    """What nets of one kind cost on a part, by the widths of their hidden layers.

    thresholds   of the pixels, (inputs,), or of maps (channels,), as in `Binarize`; None where none is cut
    cycles       a frame, at most; output, fifo_depth as in `lower`
    copies       how often each pixel is shown

    Estimates of matrices look at shapes alone, so a graph of any weights stands for every net of its widths.
    """

    def __init__(
        self,
        network: NetworkConfig,
        thresholds: NDArray[np.int32] | None,
        target: str,
        cycles: int,
        output: Output,
        fifo_depth: int,
        copies: int = 1,
    ) -> None:
        self.network, self.thresholds, self.target, self.cycles = network, thresholds, target, cycles
        self.output, self.fifo_depth, self.copies = output, fifo_depth, copies
        self.of = cache(self._of)

    def _of(self, hidden: Hidden) -> Cost | None:
        """None where no folding of these widths is fast enough."""
        network, thresholds = of_widths(self.network, hidden, self.copies), self.thresholds
        if thresholds is not None and not network.of_maps:
            thresholds = thresholds[: network.inputs]
        graph = shaped(network, thresholds)
        plan = Search(graph, self.target, self.output, self.fifo_depth).cheapest(self.cycles)
        return None if plan is None else Cost(plan.resources.cells, plan.resources.brams, plan.cycles)


def of_widths(network: NetworkConfig, hidden: Hidden, copies: int) -> NetworkConfig:
    """The net with these rows; and with so many pixels, each shown so often, where their number stands in front."""
    pixels, rows = in_front(network, hidden)
    return network.of_rows(rows, None if pixels is None else pixels * copies)


def in_front(network: NetworkConfig, hidden: Hidden) -> tuple[int | None, Hidden]:
    """The pixels, where some may be left out, and the rows."""
    return (None, hidden) if len(hidden) == len(network.rows) else (hidden[0], hidden[1:])


def shaped(network: NetworkConfig, thresholds: NDArray[np.int32] | None) -> Graph:
    """A graph of this net's shapes. thresholds   as of `Costs`

    Weights are all +1, but for kernels, which must differ: hardware keeps those that repeat in another form.
    """
    bits, layers = network.input_bits, list[Layer]()
    if thresholds is not None and network.of_maps:
        layers.append(Cut("cut1", np.arange(1 << bits) >= thresholds[:, None], network.shape))
    elif thresholds is not None:
        layers.append(Binarize("binarize", thresholds, bits))
    takes = 2 if layers else 1 << bits
    for (name, layer), entering in zip(named(network.chain), shapes(network.entering, network.chain), strict=False):
        layers.append(_shaped(name, layer, entering, takes))
        takes = 2
    return Graph("shaped", bits, tuple(layers), network.shape)


def _shaped(name: str, layer: LayerConfig, entering: Shape, takes: int) -> Layer:
    side, step = (layer.side, layer.side), (layer.step, layer.step)
    if layer.pool:
        return Pool(name, entering, ("max",), side, step)
    at = np.ones(layer.channels, np.int32)
    if layer.conv:
        weight = np.random.default_rng(0).random((layer.conv, *side, entering[2])) < 0.5
        return Conv(name, weight, at, entering, step, (layer.around,) * 4, takes=takes)
    weight = np.ones((layer.channels, prod(entering)), bool)
    return Scores(weight) if name == "scores" else Dense(name, weight, at)


def ladder(
    whole: Hidden,
    cost_of: Callable[[Hidden], Cost | None],
    bits_of: Callable[[int, int], tuple[float, float]],
    cells: int,
    pixels: bool = False,
) -> Iterator[Rung]:
    """Rungs from `whole` downward, until one takes `cells` or fewer or none takes less than the last.

    bits_of   I(T;Y) that so many surviving neurons of a layer, by its index, still have, and its standard error
    pixels    whether the first width is that of the pixels

    Each rung narrows one layer to the next sixteenths that save anything: the layer that loses the fewest bits for a
    cell saved, a standard error added to what it loses, for bits that nobody misses are never known to be none.
    Foldings want divisors, so not every width saves; of the many pixels a sixteenth may save a cell or five hundred, so
    the next PIXEL_STEPS that save anything are looked at.
    The first rung is `whole`, where any folding of it is fast enough.
    """
    hidden, cost = whole, cost_of(whole)
    if cost is not None:
        yield Rung(hidden, cost)
    while cost is None or cost.cells > cells:
        below = [
            rung
            for layer in range(len(whole))
            for rung in islice(
                _narrower(whole, hidden, layer, cost, cost_of), PIXEL_STEPS if pixels and layer == 0 else 1
            )
        ]
        if not below:
            return

        def price(rung: Rung, hidden: Hidden = hidden, cost: Cost | None = cost) -> float:
            layer = next(i for i, (was, now) in enumerate(zip(hidden, rung.hidden, strict=True)) if was != now)
            (before, _), (after, error) = bits_of(layer, hidden[layer]), bits_of(layer, rung.hidden[layer])
            saved = 1 if cost is None else cost.cells - rung.cost.cells
            return (max(before - after, 0.0) + error) / saved

        chosen = min(below, key=price)
        hidden, cost = chosen.hidden, chosen.cost
        yield chosen


def _narrower(
    whole: Hidden, hidden: Hidden, layer: int, cost: Cost | None, cost_of: Callable[[Hidden], Cost | None]
) -> Iterator[Rung]:
    """With one layer at each of its sixteenths that saves cells, the widest first."""
    for width in sixteenths(whole[layer]):
        if width < hidden[layer]:
            narrow = (*hidden[:layer], width, *hidden[layer + 1 :])
            found = cost_of(narrow)
            if found is not None and (cost is None or found.cells < cost.cells):
                yield Rung(narrow, found)


def sixteenths(width: int) -> list[int]:
    """Widths from the whole one down, a sixteenth of it, at least one neuron, less each."""
    return sorted({max(round(width * share / SHARES), 1) for share in range(1, SHARES + 1)}, reverse=True)


def evenly(whole: Hidden, cost_of: Callable[[Hidden], Cost | None], cells: int) -> Rung | None:
    """Of the nets whose hidden layers all have the same share of `whole` the one that takes nearest to `cells`."""
    rungs = []
    for share in range(1, SHARES + 1):
        hidden = tuple(max(round(width * share / SHARES), 1) for width in whole)
        if (cost := cost_of(hidden)) is not None:
            rungs.append(Rung(hidden, cost))
    return min(rungs, key=lambda rung: abs(rung.cost.cells - cells), default=None)


def spread(rungs: Sequence[Rung], points: int) -> list[Rung]:
    """So many of the rungs below the first, nearest to even steps in cells, the last one too; fewer where few are."""
    first, last = rungs[0].cost.cells, rungs[-1].cost.cells
    due = [first + (last - first) * step / points for step in range(1, points + 1)]
    chosen = [min(rungs[1:], key=lambda rung: abs(rung.cost.cells - at)) for at in due]
    return list(dict.fromkeys(chosen))
