"""What neurons say, as numbered functions of what enters the net: of one number is what is the same for every input.

A neuron of ±1 inputs b is "Σ c b ≥ θ". With equal inputs added up, constants taken into θ, all c divided by what they
share, θ lifted to the next sum that can be reached, and turned so that the first c is positive, neurons that are the
same by this have one key, in whatever order they stand and in whichever net. Functions of two numbers may be the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import gcd
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .cut import Binarize
from .dense import Dense, Scores
from .layer import Layer
from .net import Graph

ALWAYS = 1  # the function that is true for every input; −1 is never
Edge: TypeAlias = tuple[int, ...]  # the function of each element; a negative number is the opposite of that function
Sum: TypeAlias = tuple[tuple[tuple[int, int], ...], int]  # (function, coefficient) pairs, rising, and a constant


class Functions:
    """Numbers functions, of as many nets as are asked about."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def of(self, graph: Graph, fixed: Mapping[int, int] | None = None) -> dict[str, Edge]:
        """By layer what each of its elements is a function of; of the scores nothing is said.

        fixed   levels of the input's elements that never change
        """
        found: dict[str, Edge] = {}
        edge: Edge | None = None
        for layer in graph.layers:
            if isinstance(layer, Scores):
                break
            edge = found[layer.name] = self._said(layer, edge, fixed or {})
        return found

    def entering(self, graph: Graph, fixed: Mapping[int, int] | None = None) -> Edge:
        """What enters the last layer."""
        if len(graph.layers) == 1:
            return self._inputs(graph.layers[0], fixed or {})
        return self.of(graph, fixed)[graph.layers[-2].name]

    def _said(self, layer: Layer, edge: Edge | None, fixed: Mapping[int, int]) -> Edge:
        if edge is None and isinstance(layer, Binarize):
            return tuple(self._cut(layer, element, fixed) for element in range(layer.inputs))
        edge = self._inputs(layer, fixed) if edge is None else edge
        if isinstance(layer, Dense) and layer.takes == layer.emits.count == 2:
            weight = layer.integers()
            bounds = 2 * layer.threshold.astype(np.int64).reshape(-1) - np.abs(weight).sum(axis=1)
            return tuple(self._neuron(row, int(bound), edge) for row, bound in zip(weight, bounds, strict=True))
        content = tuple((name, array.shape, array.tobytes()) for name, array in sorted(layer.fields().items()))
        return tuple(self._number((type(layer).__name__, content, edge, at)) for at in range(layer.outputs))

    def _cut(self, layer: Binarize, element: int, fixed: Mapping[int, int]) -> int:
        threshold = int(layer.threshold[element])
        if element in fixed:
            return ALWAYS if fixed[element] >= threshold else -ALWAYS
        if not 0 < threshold < layer.takes:
            return ALWAYS if threshold <= 0 else -ALWAYS
        return self._number((element, threshold))

    def _inputs(self, layer: Layer, fixed: Mapping[int, int]) -> Edge:
        numbers = []
        for element in range(layer.inputs):
            level = fixed.get(element)
            if level is None:
                numbers.append(self._number((element,)))
            elif layer.takes > 2:
                numbers.append(self._number(("level", level)))
            else:
                numbers.append(ALWAYS if level else -ALWAYS)
        return tuple(numbers)

    def _neuron(self, row: NDArray[np.int64], bound: int, edge: Edge) -> int:
        terms, constant = added(row, edge)
        bound -= constant
        if not terms:
            return ALWAYS if bound <= 0 else -ALWAYS
        sign = 1 if terms[0][1] > 0 else -1
        bound = bound if sign > 0 else 1 - bound  # Σ c b ≥ θ fails where Σ −c b ≥ 1 − θ
        shared = gcd(*(c for _, c in terms))
        terms = tuple((function, sign * c // shared) for function, c in terms)
        lifted = _lifted([abs(c) for _, c in terms], -(-bound // shared))
        if lifted is None:
            return -sign * ALWAYS
        if lifted == -sum(abs(c) for _, c in terms):
            return sign * ALWAYS
        if len(terms) == 1:
            return sign * terms[0][0]
        return sign * self._number((terms, lifted))

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, ALWAYS + 1 + len(self._numbers))


def added(row: NDArray[np.int64], edge: Edge) -> Sum:
    """Σ row · b, where b are the ±1 of the edge, with each function once."""
    sums: dict[int, int] = {}
    for weight, function in zip(row.tolist(), edge, strict=True):
        sums[abs(function)] = sums.get(abs(function), 0) + (weight if function > 0 else -weight)
    constant = sums.pop(ALWAYS, 0)
    return tuple(sorted((function, c) for function, c in sums.items() if c)), constant


def _lifted(sizes: list[int], bound: int) -> int | None:
    """The least sum of ± all sizes that is `bound` or more; None where the greatest is less."""
    top = sum(sizes)
    most = (top - bound) // 2  # of what is taken twice from the greatest sum
    if most < 0:
        return None
    if max(sizes) == 1:
        return top - 2 * min(most, top)
    taken = 1  # bit u: u can be a sum of some of the sizes
    for size in sizes:
        taken |= taken << size
    return top - 2 * ((taken & ((1 << most + 1) - 1)).bit_length() - 1)


def scored(scores: Scores, edge: Edge) -> tuple[Sum, ...]:
    """Twice each score, as a sum of what it is a function of."""
    weight = scores.integers()
    multiplier = np.ones(scores.rows, np.int64) if scores.multiplier is None else scores.multiplier
    offset = np.zeros(scores.rows, np.int64) if scores.offset is None else scores.offset
    found = []
    for row, times, more in zip(weight, multiplier.tolist(), offset.tolist(), strict=True):
        unit, lowest = 1, int(np.abs(row).sum())  # twice Σ w level, where levels are (1 + b) / 2
        if scores.takes > 2:
            unit, lowest = 2, 2 * (scores.takes - 1) * int(np.abs(row[row < 0]).sum())
        terms, constant = added(row * times * unit, edge)
        found.append((terms, constant + times * lowest + 2 * more))
    return tuple(found)


def classed(scores: Scores, edge: Edge) -> Hashable:
    """What nets of one class have in common: how far each score is above the first, up to a factor."""
    (first, constant), *others = scored(scores, edge)
    apart: list[tuple[dict[int, int], int]] = []
    for terms, own in others:
        sums = dict(terms)
        for function, c in first:
            sums[function] = sums.get(function, 0) - c
        apart.append(({function: c for function, c in sums.items() if c}, own - constant))
    shared = gcd(*(c for sums, own in apart for c in (*sums.values(), own))) or 1
    return tuple((tuple(sorted((f, c // shared) for f, c in sums.items())), own // shared) for sums, own in apart)
