"""An input on which two nets differ, or a proof that there is none, by a SAT solver: `pip install 'bitneck[sat]'`.

A neuron is a totaliser: unary numbers of agreeing elements, added in pairs, each no further than its threshold asks.
Where it looks at more than UNARY elements it is a counter of full adders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import product
from threading import Timer
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .net import BitNet, Rows

SOLVER = "glucose4"  # can be interrupted, which cadical cannot
UNARY = 128
WAY_OUT = "`pip install 'bitneck[sat]'` brings a solver that looks further"
Found: TypeAlias = NDArray[np.bool_] | Literal["none", "not decided"]


def installed() -> bool:
    return find_spec("pysat") is not None


def left_over(
    net: BitNet, x: NDArray[np.bool_], free: Sequence[int], order: Sequence[tuple[int, int]], seconds: float
) -> Found:
    """An input of the last class, whose elements but the free ones are those of x; "none" is a proof.

    net     its last class has no rows, as of side_by_side.SideBySide
    order   elements of which the first implies the second
    """
    from pysat.solvers import Solver

    clauses = Clauses()
    inputs: list[int | bool] = list(map(bool, x))
    for element in free:
        inputs[element] = clauses.new()
    for implies, implied in order:
        clauses.add([opposite(inputs[implies]), inputs[implied]])
    edge = inputs
    for rows in net.hidden:
        edge = [clauses.reached(rows, row, edge, both=True) for row in range(len(rows.weight))]
    for rows in net.versus[:-1]:
        clauses.add([clauses.reached(rows, row, edge, both=False) for row in range(len(rows.weight))])
    with Solver(SOLVER, bootstrap_with=clauses.made) as solver:
        timer = Timer(seconds, solver.interrupt)
        timer.start()
        try:
            answer = solver.solve_limited(expect_interrupt=True)
        finally:
            timer.cancel()
        if answer is None:
            return "not decided"
        if not answer:
            return "none"
        true = {literal for literal in solver.get_model() if literal > 0}
    return np.array([each if isinstance(each, bool) else each in true for each in inputs])


class Clauses:
    """Of a formula, as it grows. A literal is a number, or a truth that is known."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []
        self._last = 0

    def new(self) -> int:
        self._last += 1
        return self._last

    def add(self, literals: Sequence[int | bool]) -> None:
        if not any(literal is True for literal in literals):
            self.made.append([literal for literal in literals if literal is not False])

    def reached(self, rows: Rows, row: int, edge: Sequence[int | bool], both: bool) -> int | bool:
        """A literal that implies that a row holds; both: and is implied by it."""
        among = np.flatnonzero(rows.among[row]).tolist()
        agrees = [edge[at] if rows.weight[row, at] else opposite(edge[at]) for at in among]
        varying = [each for each in agrees if not isinstance(each, bool)]
        needed = int(rows.threshold[row]) - sum(each is True for each in agrees)
        if needed <= 0 or needed > len(varying):
            return needed <= 0
        if len(varying) > UNARY:
            return self._counted(varying, needed)
        return self._unary(varying, needed, both)[needed - 1]

    def _unary(self, elements: Sequence[int], most: int, both: bool) -> list[int]:
        """Number k holds where k + 1 elements do, up to `most`."""
        if len(elements) == 1:
            return list(elements)
        middle = len(elements) // 2
        a, b = self._unary(elements[:middle], most, both), self._unary(elements[middle:], most, both)
        total = [self.new() for _ in range(min(most, len(elements)))]
        least = [[True, *part, False] for part in (a, b)]  # of each part, whether so many hold
        for i, j in product(range(len(a) + 1), range(len(b) + 1)):
            if both and i + j:
                self.add([opposite(least[0][i]), opposite(least[1][j]), total[min(i + j, len(total)) - 1]])
            if i + j < len(total):
                self.add([least[0][i + 1], least[1][j + 1], -total[i + j]])
        return total

    def _counted(self, elements: Sequence[int], needed: int) -> int | bool:
        """Whether so many hold: the bits of their number, from the lowest, and how it compares."""
        reached: int | bool = True
        column: list[int | bool] = list(elements)
        while column:
            carries: list[int | bool] = []
            while len(column) > 1:
                a, b, c = column.pop(), column.pop(), column.pop() if column else False
                column.insert(0, self._function((a, b, c), lambda *truths: sum(truths) % 2 == 1))
                carries.append(self._function((a, b, c), lambda *truths: sum(truths) > 1))
            reached = self._function((column[0], reached), all_of if needed & 1 else any_of)
            column, needed = carries, needed >> 1
        return reached if not needed else False

    def _function(self, of: Sequence[int | bool], truth: Callable[..., bool]) -> int | bool:
        """A literal that is what `truth` says of the others."""
        said = self.new()
        for truths in product((False, True), repeat=len(of)):
            unlike = [opposite(literal) if holds else literal for literal, holds in zip(of, truths, strict=True)]
            self.add([*unlike, said if truth(*truths) else -said])
        return said


def all_of(*truths: bool) -> bool:
    return all(truths)


def any_of(*truths: bool) -> bool:
    return any(truths)


def opposite(literal: int | bool) -> int | bool:
    return not literal if isinstance(literal, bool) else -literal
