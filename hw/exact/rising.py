"""What classes become where a pixel gets brighter by a step, over all inputs of a region."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...export.graph import Graph
from .compiled import ExactError
from .equality import MOST_BITS, Tell
from .joint_code import JointCode, groups_of
from .net import BitNet
from .region import Found, Region
from .shards import by_threads
from .side_by_side import SideBySide, flipping, pairs_of

Way: TypeAlias = Literal["never changes", "rises", "falls", "both"]


@dataclass(frozen=True)
class Rising:
    """moved      (classes, classes) inputs of the first class below a step and of the second above it, over all steps
    steps      of the pixel: where the code becomes another
    inputs     of the region, the pixel left out
    witnesses  of some pairs of classes: the input below the step
    """

    moved: tuple[tuple[int, ...], ...]
    steps: int
    inputs: int
    witnesses: dict[tuple[int, int], tuple[int, ...]]

    def lost(self, of: int) -> int:
        """Steps up that leave a class."""
        return sum(number for c, number in enumerate(self.moved[of]) if c != of)

    def gained(self, of: int) -> int:
        return sum(row[of] for c, row in enumerate(self.moved) if c != of)

    def way(self, of: int) -> Way:
        """Whether the class is monotone in the pixel."""
        lost, gained = self.lost(of) > 0, self.gained(of) > 0
        return "both" if lost and gained else "falls" if lost else "rises" if gained else "never changes"


def rising(
    graph: Graph,
    elements: Sequence[int],
    x: NDArray[np.uint8],
    free: Sequence[int] | None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> Rising:
    """Over all inputs that are those of x, (inputs,), but for the elements `free`; None is all that change the code.

    elements   of the input that show the pixel, all of them

    Raises ExactError where the pixel never changes the code, or there are more than 2^38 inputs.
    """
    code, net = JointCode.of_graphs(graph), BitNet.of(graph)
    shown = np.isin(code.element, elements)
    cuts = np.unique(code.threshold[shown & (code.threshold > 0) & (code.threshold < code.takes)]).tolist()
    if not cuts:
        raise ExactError(f"pixel {elements[0]} never changes the code")
    if free is not None:
        groups_of(code, free)
    beside = set(code.changing.tolist() if free is None else free) - set(elements)
    if not 0 < len(beside) <= MOST_BITS:
        raise ExactError(f"{len(beside)} free bits beside the pixel; 1 .. {MOST_BITS} are counted")
    groups, pairs = groups_of(code, sorted(beside)), pairs_of(graph.classes, graph.classes)
    moved = np.zeros((graph.classes, graph.classes), np.int64)
    witnesses: dict[tuple[int, int], tuple[int, ...]] = {}
    for cut in cuts:
        below, above = x.copy(), x.copy()
        below[list(elements)], above[list(elements)] = cut - 1, cut
        other = flipping(net, np.flatnonzero(shown & (code.threshold == cut)).tolist())
        both = SideBySide.of(net.hidden, other.hidden).both_classes(net, other)
        region = Region(both, code.code(below), groups)
        found = _counted(region, workers, tell, f"the step to {cut}")
        for pair, number, levels in zip(pairs, found.number, found.witnesses, strict=True):
            moved[pair] += number
            if levels is not None and pair[0] != pair[1]:
                at = region.input_of(levels)
                two = np.stack(
                    [code.input_of(at, below), code.input_of(at ^ code.code(below) ^ code.code(above), above)]
                )
                assert tuple(graph(two).predictions()) == pair, "the golden model says other classes of a witness"
                witnesses.setdefault(pair, tuple(two[0].tolist()))
    return Rising(tuple(map(tuple, moved.tolist())), len(cuts), 1 << len(beside), witnesses)


def _counted(region: Region, workers: int, tell: Tell, remark: str) -> Found:
    found, parts = region.nothing(), region.shards()
    with closing(by_threads(((region, part) for part in parts), workers)) as ending:
        for done, (_, each) in enumerate(ending, 1):
            found += each
            tell(done, len(parts), remark)
    return found
