"""Any table as few functions of three inputs, which is what a vector unit does in one step.

A term is an input, by its index; or a truth value; or (table, a, b, c) of three terms: bit 4a + 2b + c of the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, permutations
from typing import TypeAlias

Term: TypeAlias = "int | bool | tuple[int, Term, Term, Term]"
MUX = 0xCA  # a ? b : c


@cache
def term(table: int, inputs: int) -> Term:
    """Of the table of so many inputs; input i is bit i of its row."""
    for at in range(inputs):
        low, high = halves(table, inputs, at)
        if low == high:
            return _of(term(low, inputs - 1), _without(inputs, at))
    if inputs == 0:
        return bool(table)
    if inputs == 1 and table == 0b10:
        return 0
    if inputs <= 3:
        return _step(table, inputs)
    found = list(_used_again(table) if inputs == 4 else _inner(table, inputs))
    choices = [(1 + _cost(table, inputs, at), at) for at in range(inputs)]
    dearness, at = min(choices)
    if found and (best := min(found, key=cost)) and cost(best) <= dearness:
        return best
    low, high = halves(table, inputs, at)
    rest = _without(inputs, at)
    return MUX, at, _of(term(high, inputs - 1), rest), _of(term(low, inputs - 1), rest)


@cache
def cost(of: Term) -> int:
    """Steps."""
    return 1 + sum(map(cost, of[1:])) if isinstance(of, tuple) else 0


def _cost(table: int, inputs: int, at: int) -> int:
    """Of both halves."""
    return sum(cost(term(half, inputs - 1)) for half in halves(table, inputs, at))


def _of(of: Term, inputs: Sequence[Term]) -> Term:
    """The term with these as its inputs."""
    if isinstance(of, bool):
        return of
    if isinstance(of, int):
        return inputs[of]
    table, *rest = of
    a, b, c = (_of(each, inputs) for each in rest)
    return table, a, b, c


@cache
def _without(inputs: int, *at: int) -> tuple[int, ...]:
    return tuple(i for i in range(inputs) if i not in at)


def _step(table: int, inputs: int) -> Term:
    """One step; c is input 0. Inputs that there are not repeat one that there is."""
    rows = sum((table >> (row & ((1 << inputs) - 1)) & 1) << row for row in range(8))
    a, b, c = (i if i < inputs else 0 for i in (2, 1, 0))
    return rows, a, b, c


def _inner(table: int, inputs: int) -> Iterator[Term]:
    """One in which three inputs act through one step alone."""
    for bound in combinations(range(inputs), 3):
        columns = _columns(table, inputs, bound)
        inner = _one_function(columns, 0xFF)
        if inner is not None:
            outer = 0  # input 0 is the step
            for row, column in enumerate(columns):
                for of in (0, 1):
                    outer |= _meaning(column, inner, of, 0xFF) << (row << 1 | of)
            c, b, a = bound
            yield _of(term(outer, inputs - 2), ((inner, a, b, c), *_without(inputs, *bound)))
            return


def _used_again(table: int) -> Iterator[Term]:
    """Of four inputs: a step of the two others and `again`, then one of that, of `again` and of `at`."""
    for at, again in permutations(range(4), 2):
        x, y = _without(4, at, again)
        found = _columns(table, 4, (x, y))  # by the inputs that are left, the lower one lowest
        columns = [[found[v << (again > at) | d << (at > again)] for d in (0, 1)] for v in (0, 1)]
        functions = [function for pair in columns if (function := _one_function(pair, 0b1111)) is not None]
        if len(functions) < 2:
            continue
        step, outer = 0, 0
        for row in range(8):
            step |= (functions[row >> 2] >> (row & 3) & 1) << row
            of, v, d = row >> 2, row >> 1 & 1, row & 1
            outer |= _meaning(columns[v][d], functions[v], of, 0b1111) << row
        yield outer, (step, again, y, x), again, at


def _columns(table: int, inputs: int, free: tuple[int, ...]) -> list[int]:
    """Of the free inputs, the first of them lowest: a table for each row of the others."""
    return [sum((table >> row & 1) << index for index, row in enumerate(rows)) for rows in _rows(inputs, free)]


@cache
def _rows(inputs: int, free: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    def spread(row: int, over: tuple[int, ...]) -> int:
        return sum((row >> i & 1) << at for i, at in enumerate(over))

    rest = _without(inputs, *free)
    return tuple(
        tuple(spread(of, rest) | spread(row, free) for row in range(1 << len(free))) for of in range(1 << len(rest))
    )


def _one_function(columns: list[int], ones: int) -> int | None:
    """The one of which, or of whose complement, all columns are that are not constant; None where there are two."""
    found = {min(column, column ^ ones) for column in columns} - {0}
    return found.pop() if len(found) == 1 else 0 if not found else None


def _meaning(column: int, inner: int, of: int, ones: int) -> int:
    """What the column is where the inner function is `of`."""
    return int(column == ones or (column == inner and of == 1) or (column == inner ^ ones and column and of == 0))


@cache
def halves(table: int, inputs: int, at: int) -> tuple[int, int]:
    """The tables that are left where input `at` is 0, and 1."""
    low, high = _columns(table, inputs, _without(inputs, at))
    return low, high
