"""What I(T;Y) would be if labels were dealt out at random: the floor of a picture, and a p-value.

The floor is drawn, and never subtracted: the bias of plug-in depends on the dependence itself, so that the difference
is no estimate of anything. (Where labels are a function of the code, plug-in I(T;Y) is H(Y) with next to no bias; minus
the floor it would lose bits that are there.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .symbols import Symbols, pairs, same_samples

MOST_CELLS = 200_000_000
"""Distinct codes times distinct labels that the exact mean is computed for: at some 20 ns each, seconds."""
_TIE_BITS = 1e-9  # rounding, between sums that are equal on paper


class NullError(ValueError):
    """A null distribution that cannot be had: too large, or of too few permutations."""


def null_mean_bits(t: Symbols, y: Symbols) -> float:
    """Mean of plug-in I(T;Y) over all N! ways to deal the labels to the codes: exact, without a permutation.

    sum over codes i, labels j, n of  hypergeometric(n; N, a_i, b_j) · (n/N) log2(N n / (a_i b_j))

    a_i, b_j are the counts. Costs R·C cells and at most C·N terms for R codes and C labels, since the n of one cell are
    at most a_i: milliseconds for labels of 10 classes, whatever the codes; NullError beyond 2e8 cells, where Y is as
    rich as T. One symbol in T or Y: 0. All codes distinct: H(Y).
    Source: Vinh, Epps and Bailey 2010, "Information theoretic measures for clusterings comparison", theorem 3;
    computed by scikit-learn.
    """
    from sklearn.metrics.cluster import expected_mutual_information  # a second that nobody else should wait for

    same_samples(t.samples, y.samples)
    if len(t) * len(y) > MOST_CELLS:
        raise NullError(f"{len(t):,} codes x {len(y):,} labels are more than {MOST_CELLS:,} cells; use p_value alone")
    return float(expected_mutual_information(_contingency(t, y), t.samples)) / math.log(2)


def _contingency(t: Symbols, y: Symbols) -> NDArray[np.int64] | csr_array:
    """(codes, labels), how often each pair occurs; sparse where few of many cells are taken, for it takes longer."""
    if len(t) * len(y) <= 16 * t.samples:
        dense = np.bincount(t.ids.astype(np.int64) * len(y) + y.ids, minlength=len(t) * len(y))
        return dense.reshape(len(t), len(y))
    both = pairs(t, y)
    cells = (t.ids[both.firsts], y.ids[both.firsts])
    return csr_array((both.counts, cells), shape=(len(t), len(y)))


def null_bits(t: Symbols, y: Symbols, rng: np.random.Generator, permutations: int = 999) -> NDArray[np.float64]:
    """(permutations,) plug-in I(T;Y) under random dealings of the labels; quantiles of it are the band of a picture."""
    same_samples(t.samples, y.samples)
    if permutations < 1:
        raise NullError(f"a null needs at least 1 permutation, got {permutations}")
    n = np.arange(t.samples + 1)
    n_log_n = n * np.log2(np.maximum(n, 1))
    fixed = math.log2(t.samples) - (n_log_n[t.counts].sum() + n_log_n[y.counts].sum()) / t.samples
    dealt, rows = y.ids.copy(), t.ids.astype(np.int64) * len(y)
    direct = len(t) * len(y) <= 16 * t.samples
    drawn = np.empty(permutations)
    for index in range(permutations):
        rng.shuffle(dealt)
        joint = np.bincount(rows + dealt) if direct else pairs(t, Symbols(dealt, y.counts, y.firsts)).counts
        drawn[index] = fixed + n_log_n[joint].sum() / t.samples
    return drawn


def p_value(t: Symbols, y: Symbols, rng: np.random.Generator, permutations: int = 999) -> float:
    """How often labels dealt at random share as much information with the codes: (1 + those at least as large)/(1 + B).

    Valid whatever the bias of plug-in, since the observed dealing is one of B + 1 that are equally likely if T and Y
    are independent; at least 1/(B + 1), and 1 where T or Y has one symbol or all codes are distinct. Costs B counts of
    N pairs: 1 to 2 ms each for 60,000 samples.
    Source: Phipson and Smyth 2010, "Permutation p-values should never be zero".
    """
    drawn = null_bits(t, y, rng, permutations)
    return (1 + int(np.count_nonzero(drawn >= observed_bits(t, y) - _TIE_BITS))) / (1 + permutations)


def observed_bits(t: Symbols, y: Symbols) -> float:
    """Plug-in I(T;Y), which the null is of."""
    both = pairs(t, y)
    of_t, of_y = t.counts[t.ids[both.firsts]], y.counts[y.ids[both.firsts]]
    return float(both.counts @ np.log2(both.counts * t.samples / (of_t * of_y))) / t.samples
