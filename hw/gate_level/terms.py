"""Any table as few functions of three inputs, which is what a vector unit does in one step.

A term is an input, by its index; or a truth value; or (table, a, b, c) of three terms: bit 4a + 2b + c of the table.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TypeAlias

Term: TypeAlias = "int | bool | tuple[int, Term, Term, Term]"
MUX = 0xCA  # a ? b : c


@cache
def term(table: int, inputs: int) -> Term:
    """Of the table of so many inputs; input i is bit i of its row."""
    return _term(table, tuple(range(inputs)))


def cost(of: Term) -> int:
    """Steps."""
    return 1 + sum(map(cost, of[1:])) if isinstance(of, tuple) else 0


def _term(table: int, inputs: tuple[Term, ...]) -> Term:
    for at in reversed(range(len(inputs))):
        low, high = halves(table, len(inputs), at)
        if low == high:
            return _term(low, inputs[:at] + inputs[at + 1 :])
    if not inputs:
        return bool(table)
    if len(inputs) == 1 and table == 0b10:
        return inputs[0]
    if len(inputs) <= 3:
        return _step(table, inputs)
    found = [
        *_inner(table, inputs),
        *(_choice(table, inputs, at) for at in range(len(inputs))),
    ]
    return min(found, key=cost)


def _step(table: int, inputs: tuple[Term, ...]) -> Term:
    """One step; c is input 0. Inputs that there are not repeat one that there is."""
    count = len(inputs)
    rows = sum((table >> (row & ((1 << count) - 1)) & 1) << row for row in range(8))
    a, b, c = (inputs[i] if i < count else inputs[0] for i in (2, 1, 0))
    return rows, a, b, c


def _choice(table: int, inputs: tuple[Term, ...], at: int) -> Term:
    low, high = halves(table, len(inputs), at)
    rest = inputs[:at] + inputs[at + 1 :]
    return MUX, inputs[at], _term(high, rest), _term(low, rest)


def _inner(table: int, inputs: tuple[Term, ...]) -> list[Term]:
    """Those in which three inputs, or of four two and one that is used again, act through one step alone."""
    if len(inputs) == 4:
        pairs = ((at, again) for at in range(4) for again in range(4) if at != again)
        return [found for at, again in pairs if (found := _used_again(table, inputs, at, again)) is not None]
    for bound in combinations(range(len(inputs)), 3):
        rest = tuple(i for i in range(len(inputs)) if i not in bound)
        columns = [
            _column(table, {at: row >> i & 1 for i, at in enumerate(rest)}, bound) for row in range(1 << len(rest))
        ]
        inner = _one_function(columns, 0xFF)
        if inner is not None:
            outer = 0  # input 0 is the step
            for row, column in enumerate(columns):
                for of in (0, 1):
                    outer |= _meaning(column, inner, of, 0xFF) << (row << 1 | of)
            a, b, c = (inputs[i] for i in reversed(bound))
            return [_term(outer, ((inner, a, b, c), *(inputs[i] for i in rest)))]
    return []


def _used_again(table: int, inputs: tuple[Term, ...], at: int, again: int) -> Term | None:
    """Of four inputs: a step of the two others and `again`, then one of that, of `again` and of `at`."""
    x, y = (i for i in range(4) if i not in (at, again))
    columns = [[_column(table, {again: v, at: d}, (x, y)) for d in (0, 1)] for v in (0, 1)]
    functions = [found for pair in columns if (found := _one_function(pair, 0b1111)) is not None]
    if len(functions) < 2:
        return None
    step, outer = 0, 0
    for row in range(8):
        step |= (functions[row >> 2] >> (row & 3) & 1) << row
        of, v, d = row >> 2, row >> 1 & 1, row & 1
        outer |= _meaning(columns[v][d], functions[v], of, 0b1111) << row
    return outer, (step, inputs[again], inputs[y], inputs[x]), inputs[again], inputs[at]


def _column(table: int, fixed: dict[int, int], free: tuple[int, ...]) -> int:
    """Of the free inputs, the first of them lowest."""
    base = sum(value << at for at, value in fixed.items())
    return sum(
        (table >> (base | sum((row >> i & 1) << at for i, at in enumerate(free))) & 1) << row
        for row in range(1 << len(free))
    )


def _one_function(columns: list[int], ones: int) -> int | None:
    """The one of which, or of whose complement, all columns are that are not constant; None where there are two."""
    found = {min(column, column ^ ones) for column in columns} - {0}
    return found.pop() if len(found) == 1 else 0 if not found else None


def _meaning(column: int, inner: int, of: int, ones: int) -> int:
    """What the column is where the inner function is `of`."""
    return int(column == ones or (column == inner and of == 1) or (column == inner ^ ones and column and of == 0))


def halves(table: int, inputs: int, at: int) -> tuple[int, int]:
    """The tables that are left where input `at` is 0, and 1."""
    found = [0, 0]
    for row in range(1 << inputs):
        rest = row & ((1 << at) - 1) | row >> (at + 1) << at
        found[row >> at & 1] |= (table >> row & 1) << rest
    return found[0], found[1]
