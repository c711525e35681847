"""What I(T;Y) would be if labels were dealt out at random: the floor of a picture, and a p-value.

The floor is drawn, and never subtracted: the bias of plug-in depends on the dependence itself, so that the difference
is no estimate of anything. (Where labels are a function of the code, plug-in I(T;Y) is H(Y) with next to no bias; minus
the floor it would lose bits that are there.)
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .compiled import compiled
from .symbols import Symbols, pair_tally, same_samples

NOTHING = 1e-20  # of a weight of 1
_TIE_BITS = 1e-9  # rounding, between sums that are equal on paper


class NullError(ValueError):
    """A null distribution that cannot be had: of too few permutations."""


def null_mean_bits(t: Symbols, y: Symbols) -> float:
    """Mean of plug-in I(T;Y) over all N! ways to deal the labels to the codes: exact, without a permutation.

    sum over codes i, labels j, n of  hypergeometric(n; N, a_i, b_j) · (n/N) log2(N n / (a_i b_j))

    a_i, b_j are the counts, and equal counts have equal terms: of N samples there are at most √(2N) different ones, so
    it takes milliseconds whatever the codes. One symbol in T or Y: 0. All codes distinct: H(Y).
    Source: Vinh, Epps and Bailey 2010, "Information theoretic measures for clusterings comparison", theorem 3.
    """
    same_samples(t.samples, y.samples)
    return float(_null_mean(*_different(t), *_different(y), t.samples))


def _different(symbols: Symbols) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The counts that there are, and how many symbols have each."""
    counts, symbols_of = np.unique(symbols.counts, return_counts=True)
    return counts, symbols_of


@compiled
def _null_mean(of_codes, codes, of_labels, labels, samples):
    total = 0.0
    for i in range(len(of_codes)):
        for j in range(len(of_labels)):
            a, b = of_codes[i], of_labels[j]
            expected = a * (b / samples)
            each = _mean_n_log_n(a, b, samples) - expected * np.log2(expected)
            total += codes[i] * labels[j] * each
    return max(total / samples, 0.0)


@njit(inline="always")
def _mean_n_log_n(a, b, samples):
    """Of n log2(n), n hypergeometric. The weights are had from that of the mode, as ratios of neighbours, until what is
    left is nothing; so nothing is rounded but sums.
    """
    mode = (a + 1) * (b + 1) // (samples + 2)
    total, mean = 1.0, mode * np.log2(max(mode, 1))
    weight, n = 1.0, mode
    while weight > NOTHING and n < min(a, b):
        weight *= (a - n) * (b - n) / ((n + 1) * (samples - a - b + n + 1))
        n += 1
        total += weight
        mean += weight * n * np.log2(n)
    weight, n = 1.0, mode
    while weight > NOTHING and n > max(0, a + b - samples):
        weight *= n * (samples - a - b + n) / ((a - n + 1) * (b - n + 1))
        n -= 1
        total += weight
        mean += weight * n * np.log2(max(n, 1))
    return mean / total


def null_bits(t: Symbols, y: Symbols, rng: np.random.Generator, permutations: int = 999) -> NDArray[np.float64]:
    """(permutations,) plug-in I(T;Y) under random dealings of the labels; quantiles of it are the band of a picture."""
    same_samples(t.samples, y.samples)
    if permutations < 1:
        raise NullError(f"a null needs at least 1 permutation, got {permutations}")
    n = np.arange(t.samples + 1, dtype=np.float64)
    n_log_n: NDArray[np.float64] = n * np.log2(np.maximum(n, 1))
    fixed = math.log2(t.samples) - (n_log_n[t.counts].sum() + n_log_n[y.counts].sum()) / t.samples
    few = len(t) * len(y) * CELL <= t.samples
    sums = _of_cells(t, y, rng, permutations, n_log_n) if few else _of_dealings(t, y, rng, permutations, n_log_n)
    return fixed + sums / t.samples


CELL = 20  # samples that are dealt while one number of a table is drawn


def _of_cells(
    t: Symbols, y: Symbols, rng: np.random.Generator, permutations: int, n_log_n: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(permutations,) of n log n over the tables: each cell hypergeometric, given those before it."""
    left, sums = np.repeat(t.counts[:, None], permutations, axis=1), np.zeros(permutations)
    for label in y.counts[:-1]:
        due, behind = np.full(permutations, label), left.sum(axis=0)
        for code in left:
            behind = behind - code
            drawn = rng.hypergeometric(code, behind, due)
            sums += n_log_n[drawn]
            code -= drawn
            due -= drawn
    return sums + n_log_n[left].sum(axis=0)


def _of_dealings(
    t: Symbols, y: Symbols, rng: np.random.Generator, permutations: int, n_log_n: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The same by dealing label after label."""
    dealt, sums = Symbols(y.counts, y.firsts, y.ids.copy()), np.empty(permutations)
    for index in range(permutations):
        rng.shuffle(dealt.ids)
        sums[index] = n_log_n[pair_tally(t, dealt).counts].sum()
    return sums


def p_value(t: Symbols, y: Symbols, rng: np.random.Generator, permutations: int = 999) -> float:
    """How often labels dealt at random share as much information with the codes: (1 + those at least as large)/(1 + B).

    Valid whatever the bias of plug-in, since the observed dealing is one of B + 1 that are equally likely if T and Y
    are independent; at least 1/(B + 1), and 1 where T or Y has one symbol or all codes are distinct. Costs B counts of
    N pairs, 1 to 2 ms each for 60,000 samples; of few codes and labels B draws of each cell, .1 µs each.
    Source: Phipson and Smyth 2010, "Permutation p-values should never be zero".
    """
    drawn = null_bits(t, y, rng, permutations)
    return (1 + int(np.count_nonzero(drawn >= observed_bits(t, y) - _TIE_BITS))) / (1 + permutations)


def observed_bits(t: Symbols, y: Symbols) -> float:
    """Plug-in I(T;Y), which the null is of."""
    both = pair_tally(t, y)
    of_t, of_y = t.counts[t.ids[both.firsts]], y.counts[y.ids[both.firsts]]
    return float(both.counts @ np.log2(both.counts * t.samples / (of_t * of_y))) / t.samples
