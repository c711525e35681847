"""Two nets over one code as one net, whose classes say where the two agree: what counts classes then counts equality.

A class is "none of these rows holds". The last class of `same_…` has no rows: it is what is left, the inputs on which
the nets differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from ...export.graph import Scores
from .net import BitNet, Rows


@dataclass(frozen=True, eq=False)
class SideBySide:
    """The hidden layers of two nets in one; a neuron that both have stands there once.

    hidden         of both; the first net's neurons lead each layer
    first, second  where the neurons of either net's last hidden layer lie on the last edge
    """

    hidden: tuple[Rows, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @classmethod
    def of(cls, a: Sequence[Rows], b: Sequence[Rows], share_last: bool = True) -> SideBySide:
        """Of hidden layers that look at one code. The shallower net hands its last code on.

        share_last   also in the last layer neurons of both stand once
        """
        width = a[0].weight.shape[1]
        first = second = np.arange(width)
        hidden: list[Rows] = []
        for own, other in zip_longest(a, b):
            own = spread(_handed_on(len(first)) if own is None else own, first, width)
            other = spread(_handed_on(len(second)) if other is None else other, second, width)
            last = len(hidden) + 1 == max(len(a), len(b))
            first, second = np.arange(len(own.weight)), _found_in(own, other, share_last or not last)
            new = second < 0
            second[new] = len(first) + np.arange(new.sum())
            hidden.append(_stacked(own, Rows(other.weight[new], other.among[new], other.threshold[new])))
            width = len(hidden[-1].weight)
        return cls(tuple(hidden), first, second)

    def same_class(self, a: BitNet, b: BitNet) -> BitNet:
        """A class for each that both nets say, and one for what is left."""
        both = [self._neither(mine, yours) for mine, yours in zip(a.versus, b.versus, strict=True)]
        return BitNet(self.hidden, (*both, self._nothing))

    def of_second(self, b: BitNet) -> BitNet:
        """The classes of the second net alone; each layer begins with the first net's neurons."""
        return BitNet(self.hidden, tuple(spread(each, self.second, self._width) for each in b.versus))

    def both_classes(self, a: BitNet, b: BitNet) -> BitNet:
        """A class for each pair (i, j) of what the first and the second say, in the order of `pairs_of`."""
        pairs = pairs_of(len(a.versus), len(b.versus))
        return BitNet(self.hidden, tuple(self._neither(a.versus[i], b.versus[j]) for i, j in pairs))

    def same_scores(self, a: Scores, b: Scores) -> BitNet:
        """All scores are equal, or what is left. The last layer is not shared. Scores have no multiplier."""
        more, less = self._above(a, b, self.first, self.second), self._above(b, a, self.second, self.first)
        return BitNet(self.hidden, (_stacked(more, less), self._nothing))

    def same_code(self) -> BitNet:
        """The last codes are equal, neuron by neuron; or what is left. Both have as many neurons."""
        apart = np.flatnonzero(self.first != self.second)
        weight, among = (np.zeros((2 * len(apart), self._width), np.bool_) for _ in range(2))
        for row, neuron in enumerate(apart):
            among[2 * row : 2 * row + 2, [self.first[neuron], self.second[neuron]]] = True
            weight[2 * row, self.first[neuron]] = weight[2 * row + 1, self.second[neuron]] = True
        return BitNet(self.hidden, (Rows(weight, among, np.full(len(weight), 2, np.int32)), self._nothing))

    def _above(self, a: Scores, b: Scores, at: NDArray[np.int64], of_b: NDArray[np.int64]) -> Rows:
        """A score of `a` is above that of `b`: so many of its elements agree, and of the other's do not."""
        weight, among = (np.zeros((a.rows, self._width), np.bool_) for _ in range(2))
        weight[:, at], weight[:, of_b] = a.weight, ~b.weight.astype(np.bool_)
        among[:, at] = among[:, of_b] = True
        lead, behind = (np.zeros(a.rows, np.int64) if each.offset is None else each.offset for each in (a, b))
        return Rows(weight, among, (b.inputs + 1 - lead + behind).astype(np.int32))

    def _neither(self, a: Rows, b: Rows) -> Rows:
        return _stacked(spread(a, self.first, self._width), spread(b, self.second, self._width))

    @property
    def _nothing(self) -> Rows:
        none = np.zeros((0, self._width), np.bool_)
        return Rows(none, none, np.zeros(0, np.int32))

    @property
    def _width(self) -> int:
        return len(self.hidden[-1].weight)


def pairs_of(first: int, second: int) -> list[tuple[int, int]]:
    """Of classes, equal ones before all others: most inputs are of one of those, and the rest is then not looked at."""
    pairs = [(i, j) for i in range(first) for j in range(second)]
    return sorted(pairs, key=lambda pair: pair[0] != pair[1])


def spread(rows: Rows, at: NDArray[np.int64], width: int) -> Rows:
    """The same over an edge of so many elements, on which those that the rows look at lie `at`."""
    weight, among = (np.zeros((len(rows.weight), width), np.bool_) for _ in range(2))
    weight[:, at], among[:, at] = rows.weight & rows.among, rows.among
    return Rows(weight, among, rows.threshold)


def flipping(net: BitNet, elements: Sequence[int]) -> BitNet:
    """What the net says where these elements of the code are the others."""
    first = net.hidden[0]
    weight = first.weight.copy()
    weight[:, list(elements)] ^= True
    return BitNet((Rows(weight, first.among, first.threshold), *net.hidden[1:]), net.versus)


def _handed_on(width: int) -> Rows:
    same = np.eye(width, dtype=np.bool_)
    return Rows(same, same, np.ones(width, np.int32))


def _stacked(a: Rows, b: Rows) -> Rows:
    both = ((getattr(a, name), getattr(b, name)) for name in ("weight", "among", "threshold"))
    return Rows(*map(np.concatenate, both))


def _found_in(own: Rows, other: Rows, share: bool) -> NDArray[np.int64]:
    """Of each row of `other` the same one of `own`, −1 where there is none or another row has it."""
    left: dict[tuple[bytes, bytes, int], list[int]] = defaultdict(list)
    for row in reversed(range(len(own.weight) if share else 0)):
        left[_key(own, row)].append(row)
    rows = [left[_key(other, row)] for row in range(len(other.weight))]
    return np.array([same.pop() if same else -1 for same in rows], np.int64)


def _key(rows: Rows, row: int) -> tuple[bytes, bytes, int]:
    among = rows.among[row]
    return (rows.weight[row] & among).tobytes(), among.tobytes(), int(rows.threshold[row])
