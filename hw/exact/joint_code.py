"""One code that two graphs look at, also where they cut pixels at different thresholds. What gives one code
is one input: no net tells it apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...export.graph import Binarize, Graph
from .compiled import ExactError
from .net import BitNet
from .region import Group
from .side_by_side import spread


@dataclass(frozen=True, eq=False)
class JointCode:
    """bit j is "element[j] of the input reaches threshold[j]", each once.

    element, threshold   (bits,) int64
    of                   of each graph: which bit each of its cuts is, one an element where its first layer cuts, or
                         where inputs have two levels; else every level is one
    takes                levels of an element of the input
    """

    element: NDArray[np.int64]
    threshold: NDArray[np.int64]
    of: tuple[NDArray[np.int64], ...]
    takes: int

    @classmethod
    def of_graphs(cls, *graphs: Graph) -> JointCode:
        """Raises ExactError where they take different inputs."""
        takes = [(each.inputs, each.layers[0].takes) for each in graphs]
        if len(set(takes)) > 1:
            said = " and ".join(f"{inputs} inputs of {levels} levels" for inputs, levels in takes)
            raise ExactError(f"{said}; nets over the same inputs are compared")
        cuts, base = [_cuts(each) for each in graphs], takes[0][1] + 1
        pairs, at = np.unique(np.concatenate([element * base + cut for element, cut in cuts]), return_inverse=True)
        ends = np.cumsum([len(element) for element, _ in cuts])[:-1]
        return cls(pairs // base, pairs % base, tuple(np.split(at.reshape(-1), ends)), takes[0][1])

    @property
    def changing(self) -> NDArray[np.int64]:
        """Elements of the input that can change the code."""
        return np.unique(self.element[(self.threshold > 0) & (self.threshold < self.takes)])

    def bits_of(self, elements: Sequence[int]) -> list[int]:
        """Bits that these elements of the input can change."""
        able = (self.threshold > 0) & (self.threshold < self.takes) & np.isin(self.element, elements)
        return np.flatnonzero(able).tolist()

    @property
    def order(self) -> list[tuple[int, int]]:
        """Bits of one element: the first of a pair implies the second."""
        return [(int(low) + 1, int(low)) for low in np.flatnonzero(self.element[1:] == self.element[:-1])]

    def net(self, graph: int, of: BitNet) -> BitNet:
        """The net of that graph, over this code."""
        return BitNet((spread(of.hidden[0], self.of[graph], len(self.element)), *of.hidden[1:]), of.versus)

    def code(self, x: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(bits,) of x (inputs,)."""
        return x[self.element] >= self.threshold

    def group(self, element: int) -> Group:
        """All that levels of this element of the input make of the code; each counts once."""
        at = np.flatnonzero(self.element == element)
        values = np.unique(np.arange(self.takes)[:, None] >= self.threshold[at], axis=0)
        return Group(tuple(at.tolist()), values, (1,) * len(values))

    def levels(self, element: int) -> NDArray[np.int64]:
        """The lowest level of this element of the input for each thing that the code can be of it."""
        cuts = self.threshold[self.element == element]
        return np.array([0, *cuts[(cuts > 0) & (cuts < self.takes)]], np.int64)

    def input_of(self, code: NDArray[np.bool_], x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(inputs,) an input of this code: each element the level that is nearest to that of x."""
        found = x.copy()
        for element in np.unique(self.element[self.code(x) != code]).tolist():
            at = np.flatnonzero(self.element == element)
            levels = np.arange(self.takes)
            fits = levels[((levels[:, None] >= self.threshold[at]) == code[at]).all(axis=1)]
            found[element] = fits[np.abs(fits - int(x[element])).argmin()]
        return found


def groups_of(code: JointCode, free: Sequence[int]) -> tuple[Group, ...]:
    """Raises ExactError where an element of the input is none, or never changes the code."""
    able = set(code.changing.tolist())
    if not free or (stuck := [each for each in free if each not in able]):
        inputs = code.element[-1] + 1
        raise ExactError(f"bit {stuck[0]} of {inputs} is none, or never changes" if free else "no free bit")
    return tuple(code.group(element) for element in sorted(set(free)))


def _cuts(graph: Graph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Elements of the input, and at which levels they are cut."""
    first, elements = graph.layers[0], np.arange(graph.inputs)
    if isinstance(first, Binarize):
        return elements, first.threshold.astype(np.int64)
    return np.repeat(elements, first.takes - 1), np.tile(np.arange(1, first.takes), graph.inputs)
