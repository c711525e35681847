"""All inputs over some free bits of the code: classes, and the codes of every layer; into exact.json of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Binarize, Graph
from ..hw.exact.net import BitNet
from ..hw.exact.region import Group, Region, histogram
from ..hw.exact.shards import TWO_THREADS, Spread
from .belonging import graph_of
from .config import RunError, chosen_samples
from .epoch_nets import graph_at
from .exact import Tell, code_of, free_of, numbers_of
from .exact_codes import ByY, CodesOfLayers, codes_of_layers, summed
from .exact_record import MOST_BITS, CodesOf, Exact, Free, entropy_bits, exact_of, write_exact
from .folder import RunFolder
from .held import writing
from .run import finished, trained_on


@dataclass(frozen=True, eq=False)
class FreeRegion:
    """All inputs that differ from sample `base` in the bits `free` of its code alone; and the net that is asked.

    x       (inputs,) uint8, the sample
    free    rising
    epoch   whose net it is; None of the run's own
    """

    folder: RunFolder
    graph: Graph
    base: int
    x: NDArray[np.uint8]
    free: tuple[int, ...]
    epoch: int | None = None

    @classmethod
    def of(
        cls, folder: RunFolder, bits: Sequence[int] | None, base: int, data_dir: Path | str | None = None
    ) -> FreeRegion:
        """bits   None is all that can change. Raises RunError where one is none, or there is no such sample."""
        graph = graph_of(folder)
        x, _ = chosen_samples(config := finished(folder), trained_on(folder, config, data_dir))
        numbers_of([base], len(x))
        return cls(folder, graph, base, x[base], tuple(free_bits(graph, bits)))

    def at(self, epoch: int) -> FreeRegion:
        """The same inputs, asked of the net at a captured epoch."""
        graph = graph_at(self.folder, epoch)
        if _cut(graph) != _cut(self.graph):
            raise RunError(f"{self.folder.path}: epoch {epoch} cuts pixels elsewhere than the run's net")
        return replace(self, graph=graph, epoch=epoch)

    def checked(self, where: str = "") -> FreeRegion:
        """Raises RunError where these are more than 2^38 inputs."""
        if len(self.free) > MOST_BITS:
            raise RunError(f"{len(self.free)} free bits; {where}2^{MOST_BITS} inputs are counted at most")
        return self

    @cached_property
    def net(self) -> BitNet:
        return BitNet.of(self.graph)

    @property
    def code(self) -> NDArray[np.bool_]:
        """(inputs,) of the sample."""
        return code_of(self.graph, self.x)

    @property
    def groups(self) -> tuple[Group, ...]:
        return tuple(map(Group.bit, self.free))

    @property
    def hidden(self) -> list[tuple[str, int]]:
        return hidden_layers(self.graph)

    def codes(self, spread: Spread, tell: Tell) -> CodesOfLayers:
        def of_layer(index: int) -> Region:
            return Region(self.net, self.code, self.groups, layer=index)

        return codes_of_layers(self.net, of_layer, spread, tell)

    def known(self) -> Exact:
        return exact_of(self.folder, self.graph, self.epoch)

    def keep(self, known: Exact) -> None:
        write_exact(self.folder, known, self.epoch)


@writing
def free(
    folder: RunFolder,
    bits: Sequence[int] | None,
    base: int = 0,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
    tell: Tell = lambda done, total, remark: None,
) -> Free:
    """Counts classes and every layer's codes over all inputs that differ from sample `base` in `bits` of its code,
    None for all that can change; into exact.json.

    The codes of the first layer that are few enough to count say all that is behind it.
    """
    return over(FreeRegion.of(folder, bits, base, data_dir).checked(), spread, tell)


def over(region: FreeRegion, spread: Spread, tell: Tell) -> Free:
    """The same of a region, into the file of its net."""
    known, began = region.known(), time.monotonic()
    if (answer := counted_before(region, known)) is not None:
        return answer
    counted = region.codes(spread, tell)
    if not counted.of_class:
        number = summed(Region(region.net, region.code, region.groups), spread, tell, "classes").number
        counted = replace(counted, of_class=number)
    answer = of_codes(region, counted, time.monotonic() - began)
    region.keep(replace(known, free=(*known.free, answer)))
    return answer


def counted_before(region: FreeRegion, known: Exact) -> Free | None:
    return next((each for each in known.free if (each.base, each.free) == (region.base, region.free)), None)


def of_codes(region: FreeRegion, counted: CodesOfLayers, seconds: float) -> Free:
    layers = (CodesOf(*named, *_remembered(by_y)) for named, by_y in zip(region.hidden, counted.layers, strict=True))
    return Free(region.base, region.free, counted.of_class, tuple(layers), seconds)


def _remembered(by_y: ByY | None) -> tuple[int, float] | tuple[None, None]:
    """How many codes there are, and H(T)."""
    if by_y is None:
        return None, None
    times = together(by_y)
    return len(times), entropy_bits(times)


def together(by_y: ByY) -> NDArray[np.int64]:
    """How often each code occurs, whatever the y."""
    codes, times = map(np.concatenate, zip(*by_y, strict=True))
    return times if len(by_y) == 1 else histogram(codes, times)[1]


def free_bits(graph: Graph, bits: Sequence[int] | None) -> list[int]:
    """Those asked for, rising; None is all that can change. Raises RunError where one is none."""
    able = free_of(graph).tolist()
    wanted = able if bits is None else sorted(set(bits))
    if not wanted or (stuck := [bit for bit in wanted if bit not in set(able)]):
        which = f"bit {stuck[0]} of {graph.inputs} is none, or never changes" if wanted else "no bit"
        raise RunError(f"--free: {which}")
    return wanted


def hidden_layers(graph: Graph) -> list[tuple[str, int]]:
    """Names and neurons."""
    return [(layer.name, layer.outputs) for layer in graph.layers if not isinstance(layer, Binarize)][:-1]


def _cut(graph: Graph) -> bytes:
    first = graph.layers[0]
    return first.threshold.tobytes() if isinstance(first, Binarize) else b""
