"""Which codes of a narrow layer some input gives, by mixed integer programs: an input for each, or that there is none.

A neuron with threshold t of n elements is a variable z, 0 or 1, of those in front of it: with s of them agreeing

    t z ≤ s ≤ (t − 1) + (n − t + 1) z

Codes that known inputs give need no program. For any other one first the code in front of it is asked for that is
likeliest by how often its neurons fire on known inputs, and an input of that one; where that fails, the whole net at
once. That there is none, the solver (HiGHS) says in floating point; an input is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from .net import Rows

WIDEST = 12  # neurons of a layer whose codes are all asked for
UNLIKELY = 1e-3  # the least share of known inputs on which a neuron is taken to fire
Answer: TypeAlias = NDArray[np.bool_] | Literal["none", "not decided"]


@dataclass(frozen=True, eq=False)
class Reach:
    """layers   from what varies to the layer that is asked about, over the free elements alone
    known    (n, elements) inputs that are there anyway

    Answers each code of the last layer, a bit each.
    """

    layers: tuple[Rows, ...]
    known: NDArray[np.bool_]

    def __call__(self, code: NDArray[np.bool_], seconds: float) -> Answer:
        """An input that gives the code, or whether there is none. seconds: for each of two programs."""
        *before, _ = self.layers
        if before:
            guess = _solved(self.layers[-1:], code, self._likely, seconds)
            if isinstance(guess, str):
                return guess  # no code in front of it gives this one, whatever the input
            rounded = _rounded(before[0], guess) if len(before) == 1 else None
            ahead = _solved(before, guess, None, seconds) if rounded is None else rounded
            if not isinstance(ahead, str):
                return ahead
        return _solved(self.layers, code, None, seconds)

    @cached_property
    def _likely(self) -> NDArray[np.float64]:
        """(elements in front of the last layer,) logarithms of how much rarer than not each is."""
        edge = self.known
        for rows in self.layers[:-1]:
            edge = rows(edge)
        share = edge.mean(axis=0).clip(UNLIKELY, 1 - UNLIKELY)
        return np.log((1 - share) / share)


def _rounded(rows: Rows, code: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """An input that gives the code of a layer: the point farthest from all its thresholds, rounded. None where that is
    too coarse. Where elements are −1 .. 1 and w are ±1, Σ w x is twice the agreeing elements, less all of them.
    """
    signs = np.where(rows.among, np.where(rows.weight, 1.0, -1.0), 0.0)
    turn = np.where(code, 1.0, -1.0)
    midway = 2 * rows.threshold - 1 - rows.among.sum(axis=1)
    elements = signs.shape[1]
    farthest = linprog(
        np.append(np.zeros(elements), -1.0),
        np.column_stack([-turn[:, None] * signs, np.ones(len(code))]),
        -turn * midway,
        bounds=[(-1, 1)] * elements + [(None, elements)],
    )
    if farthest.x is None:
        return None
    found = farthest.x[:-1] > 0
    return found if (rows(found[None])[0] == code).all() else None


def _solved(
    layers: Sequence[Rows], code: NDArray[np.bool_], costs: NDArray[np.float64] | None, seconds: float
) -> Answer:
    """What enters the first layer, at the least cost, so that the last gives the code."""
    widths = [layers[0].weight.shape[1], *(len(rows.weight) for rows in layers[:-1])]
    starts = np.cumsum([0, *widths])
    matrices, low, high = [], [], []
    for at, rows in enumerate(layers):
        signs = np.where(rows.among, np.where(rows.weight, 1, -1), 0)
        against = (rows.among & ~rows.weight).sum(axis=1)  # agreeing elements where all are 0
        most, t = rows.among.sum(axis=1), rows.threshold.astype(np.int64)
        own = _placed(signs, starts[at], starts[-1])
        if at == len(layers) - 1:
            matrices.append(own)
            low.append(np.where(code, t, 0) - against)
            high.append(np.where(code, most, t - 1) - against)
            continue
        neurons = np.arange(len(t))
        for slope, least, greatest in ((t, 0, np.inf), (most - t + 1, -np.inf, t - 1)):
            says = csr_array((slope, (neurons, starts[at + 1] + neurons)), shape=own.shape)
            matrices.append(own - says)
            low.append(least - against)
            high.append(greatest - against)
    answer = milp(
        np.zeros(starts[-1]) if costs is None else costs,
        integrality=np.ones(starts[-1]),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(vstack(matrices), np.concatenate(low), np.concatenate(high)),
        options={"time_limit": seconds, "presolve": False},  # which takes longer than it saves
    )
    if answer.x is not None:
        return answer.x[: widths[0]] > 0.5
    return "none" if answer.status == 2 else "not decided"


def _placed(matrix: NDArray[np.int64], at: int, width: int) -> csr_array:
    rows, columns = matrix.shape
    return hstack([csr_array((rows, at)), csr_array(matrix), csr_array((rows, width - at - columns))]).tocsr()


def codes_given(layers: Sequence[Rows], inputs: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Each code that some of the inputs give, bit j that of neuron j, and the number of the first of these."""
    edge = inputs
    for rows in layers:
        edge = rows(edge)
    codes, first = np.unique((edge.astype(np.int64) << np.arange(edge.shape[1])).sum(axis=1), return_index=True)
    yield from zip(codes.tolist(), first.tolist(), strict=True)


def reached(
    layers: Sequence[Rows], known: NDArray[np.bool_], seconds: float, deadline: float | None = None
) -> Iterator[tuple[int, Answer]]:
    """Every code of the last layer, those that known inputs give first.

    seconds    for each program
    deadline   of time.monotonic(), after which codes are not decided
    """
    widths = len(layers[-1].weight)
    given = dict(codes_given(layers, known))
    for code, at in given.items():
        yield code, known[at]
    question = Reach(tuple(layers), known)
    for code in range(1 << widths):
        if code in given:
            continue
        if deadline is not None and time.monotonic() > deadline:
            yield code, "not decided"
            continue
        said = (code >> np.arange(widths) & 1).astype(np.bool_)
        found = question(said, seconds)
        if not isinstance(found, str) and dict(codes_given(layers, found[None])).keys() != {code}:
            found = "not decided"  # a program's numbers are floats: what they say is looked at
        yield code, found
