"""How often neurons of a layer fire over a region, alone and by two; and what follows for the layer's entropy.

Of a first layer both come in closed form, however many bits are free. Let two rows agree with each other at a of the
free bits and differ at b: among the bits at which they agree A agree with the input, of the others B do with the first
row and b − B with the second, and

    inputs on which both fire = Σ_B C(b, B) · Σ C(a, A)        over A ≥ max(t_i − B, t_j − b + B)

Of a layer behind it, from its codes and how often each occurs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, product, repeat
from math import comb, log2, prod
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import minimum_spanning_tree

from .behind import bits_of
from .compiled import ExactError
from .net import Rows
from .region import Codes

BLOCK = 1 << 18  # codes that are counted at a time
MOST_JOINTLY = 4
LARGEST = 40_000_000  # combinations of counts that are gone through
Proof: TypeAlias = Literal["whatever enters the layer", "over the region"]


@dataclass(frozen=True)
class Pairs:
    """inputs   of the region
    both     (neurons, neurons) inputs on which both fire: on the diagonal, on which one does
    """

    inputs: int
    both: tuple[tuple[int, ...], ...]

    @property
    def ones(self) -> tuple[int, ...]:
        return tuple(row[at] for at, row in enumerate(self.both))

    def table(self, i: int, j: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """[what i says][what j says]: inputs."""
        one, other, both = self.both[i][i], self.both[j][j], self.both[i][j]
        return (self.inputs - one - other + both, other - both), (one - both, both)

    def entropy_bound_bits(self) -> float:
        """H(T) of the layer is this or less: Σ h(p) − Σ I over the heaviest tree of pairs (Chow and Liu 1968)."""
        neurons = range(len(self.both))
        shared = np.array([[self.information_bits(i, j) if i != j else 0.0 for j in neurons] for i in neurons])
        alone = sum(_entropy((one, self.inputs - one)) for one in self.ones)
        return max(0.0, alone + float(minimum_spanning_tree(-shared).sum()))

    def information_bits(self, i: int, j: int) -> float:
        """I(T_i;T_j)."""
        table = self.table(i, j)
        alone = (_entropy((one, self.inputs - one)) for one in (self.ones[i], self.ones[j]))
        return max(0.0, sum(alone) - _entropy(tuple(number for row in table for number in row)))


@dataclass(frozen=True)
class Implication:
    """Where neuron `of` says `says`, neuron `then` says `so`. proof: on what that stands."""

    of: int
    says: bool
    then: int
    so: bool
    proof: Proof


def implications(pairs: Pairs, rows: Rows) -> Iterator[Implication]:
    """Between neurons of a layer that say both, in pairs i < j; the other direction is the same said backwards.

    rows   of the layer, as it is over all that can enter it
    """
    changing = [at for at, one in enumerate(pairs.ones) if 0 < one < pairs.inputs]
    for at, i in enumerate(changing):
        for j in changing[at + 1 :]:
            table = pairs.table(i, j)
            for says, so in product((False, True), repeat=2):
                if not table[says][not so]:
                    always = not _possible(rows, (i, says), (j, not so))
                    yield Implication(i, says, j, so, "whatever enters the layer" if always else "over the region")


def _possible(rows: Rows, one: tuple[int, bool], other: tuple[int, bool]) -> bool:
    """Whether some input of the layer gives both, each a neuron and what it says."""
    (a, t), (b, u) = (_turned(rows, *each) for each in (one, other))
    differ = int((a != b).sum())
    same = len(a) - differ
    return any(max(t - first, u - differ + first, 0) <= same for first in range(differ + 1))


def _turned(rows: Rows, row: int, says: bool) -> tuple[NDArray[np.bool_], int]:
    """Weights and threshold of the neuron, or of its opposite."""
    weight, threshold = rows.weight[row], int(rows.threshold[row])
    return (weight, threshold) if says else (~weight, len(weight) + 1 - threshold)


def of_first_layer(rows: Rows) -> Pairs:
    """rows   over the free bits alone, as `BitNet.fixed` gives them"""
    bits = rows.weight.shape[1]
    thresholds = rows.threshold.tolist()

    @cache
    def at_least(positions: int) -> list[int]:
        """[s]: patterns of so many positions with s or more that agree, s = 0 .. positions + 1."""
        return [0, *accumulate(map(comb, repeat(positions), range(positions + 1)))][::-1]

    @cache
    def choose(positions: int) -> list[int]:
        return [comb(positions, each) for each in range(positions + 1)]

    def both(i: int, j: int) -> int:
        differ = int((rows.weight[i] != rows.weight[j]).sum())
        more, found = at_least(bits - differ), 0
        for first, ways in enumerate(choose(differ)):
            least = max(0, thresholds[i] - first, thresholds[j] - differ + first)
            if least <= bits - differ:
                found += ways * more[least]
        return found

    found = [[0] * len(thresholds) for _ in thresholds]
    for i in range(len(thresholds)):
        for j in range(i, len(thresholds)):
            found[i][j] = found[j][i] = both(i, j)
    return Pairs(1 << bits, tuple(map(tuple, found)))


def of_codes(codes: Codes, neurons: int) -> Pairs:
    """Fewer than 2^53 inputs: sums of floats are exact."""
    both = np.zeros((neurons, neurons))
    for start in range(0, len(codes[0]), BLOCK):
        part = bits_of(codes[0][start : start + BLOCK], neurons).astype(np.float64)
        both += part.T @ (part * codes[1][start : start + BLOCK, None])
    return Pairs(int(codes[1].sum()), tuple(map(tuple, both.astype(np.int64).tolist())))


def jointly_of_codes(codes: Codes, neurons: Sequence[int]) -> tuple[int, ...]:
    """Of each pattern of what these neurons say, the first of them counting fastest: inputs."""
    found = np.zeros(1 << len(neurons), np.int64)
    pattern = np.zeros(len(codes[0]), np.int64)
    for at, neuron in enumerate(neurons):
        pattern |= (codes[0] >> np.uint64(neuron) & np.uint64(1)).astype(np.int64) << at
    np.add.at(found, pattern, codes[1])
    return tuple(found.tolist())


def jointly_of_first_layer(rows: Rows, neurons: Sequence[int]) -> tuple[int, ...]:
    """The same in closed form: bits at which all these rows are alike, or each differs in the same way from the first,
    count alike; what is summed over is how many bits of each such kind agree with the first row.

    Raises ExactError where these are more than 4·10^7 combinations, or where more than 62 bits are free for three
    neurons and more: of two and one there are pairs.
    """
    bits, weight = rows.weight.shape[1], rows.weight[list(neurons)]
    if bits > 62 and len(neurons) <= 2:
        two = [neurons[0], neurons[-1]]
        table = of_first_layer(Rows(rows.weight[two], rows.among[two], rows.threshold[two])).table(0, 1)
        return tuple(table[i][j] for j in (0, 1) for i in (0, 1)) if len(neurons) == 2 else (table[0][0], table[1][1])
    kinds, sizes = np.unique(weight ^ weight[0], axis=1, return_counts=True)
    combinations = prod(int(size) + 1 for size in sizes)
    if bits > 62 or combinations > LARGEST:
        raise ExactError(
            f"{len(neurons)} neurons jointly over {bits} free bits: {combinations:.2g} sums; up to 62 bits and "
            f"{LARGEST:,} sums are gone through"
        )
    found = np.zeros(1 << len(neurons), np.int64)
    for first in range(int(sizes[0]) + 1):  # one axis at a time keeps arrays small
        ways = np.full((1,) * (len(sizes) - 1), comb(int(sizes[0]), first), np.int64)
        agree = [np.full_like(ways, first if not kinds[n, 0] else sizes[0] - first) for n in range(len(neurons))]
        for axis, (kind, size) in enumerate(zip(kinds.T[1:], sizes[1:].tolist(), strict=True)):
            shape = [1] * (len(sizes) - 1)
            shape[axis] = size + 1
            here = np.arange(size + 1).reshape(shape)
            ways = ways * np.array([comb(size, each) for each in range(size + 1)], np.int64).reshape(shape)
            agree = [each + (size - here if other else here) for each, other in zip(agree, kind, strict=True)]
        pattern = np.zeros(ways.shape, np.int64)
        for at, (each, neuron) in enumerate(zip(agree, neurons, strict=True)):
            pattern = pattern | ((each >= int(rows.threshold[neuron])).astype(np.int64) << at)
        for value in range(len(found)):
            found[value] += ways[pattern == value].sum()
    return tuple(found.tolist())


def _entropy(numbers: tuple[int, ...]) -> float:
    """Bits, of how often each of several things occurs; the numbers may be larger than floats."""
    total = sum(numbers)
    shares = (number / total for number in numbers if number)
    return abs(sum(share * log2(share) for share in shares if share))
