"""Entropy estimators against closed forms, their own published formulae and the known table for uniform bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis.entropy import CountsError, chao_wang_jost, fingerprint, miller_madow, plug_in
from hypothesis import given
from hypothesis import strategies as st

COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=40).filter(any).map(np.array)


def chao_wang_jost_as_published(counts):
    """The formula as it stands, term by term, harmonic numbers as sums; for small N, where nothing overflows."""
    counts = counts[counts > 0]
    samples, once, twice = int(counts.sum()), int((counts == 1).sum()), int((counts == 2).sum())
    seen = sum(n / samples * sum(1 / k for k in range(n, samples)) for n in counts.tolist())
    if not once:
        return seen / math.log(2)
    known = 2 * twice or 2
    rarity = known / ((samples - 1) * (once - (twice == 0)) + known)
    if rarity == 1:
        return seen / math.log(2)
    bracket = -math.log(rarity) - sum((1 - rarity) ** r / r for r in range(1, samples))
    return (seen + once / samples * (1 - rarity) ** (1 - samples) * bracket) / math.log(2)


def test_plug_in_in_closed_form():
    assert plug_in(np.full(256, 7)) == 8.0
    assert plug_in(np.array([60_000])) == 0.0
    assert plug_in(np.array([2, 1, 1])) == 1.5
    assert plug_in(np.array([3, 1])) == pytest.approx(2 - 0.75 * math.log2(3), abs=1e-15)


def test_miller_madow_adds_the_first_order_term():
    counts = np.array([5, 3, 0, 2])
    assert miller_madow(counts) == pytest.approx(plug_in(counts) + 2 / (20 * math.log(2)), abs=1e-15)


@pytest.mark.parametrize(
    "counts", [[1], [1, 1], [2], [1, 2], [1, 5], [1] * 12, [1] * 9 + [2], [1, 1, 2, 2, 3, 9], [4, 4], [1, 1, 1, 3, 7]]
)
def test_chao_wang_jost_is_the_published_formula(counts):
    counts = np.array(counts)
    assert chao_wang_jost(counts) == pytest.approx(chao_wang_jost_as_published(counts), abs=1e-11)


def test_chao_wang_jost_stays_finite_where_the_published_formula_overflows():
    nearly_unseen = np.array([1] * 2 + [2] * 5000 + [100] * 900)  # (1-A)^(1-N) is beyond float64 here
    assert 0 < chao_wang_jost(nearly_unseen) - plug_in(nearly_unseen) < 0.1
    assert math.isfinite(chao_wang_jost(np.ones(10**6, np.int64)))
    assert chao_wang_jost(np.ones(1, np.int64)) == 0.0
    assert chao_wang_jost(np.array([10**12, 10**12])) == pytest.approx(1.0, abs=1e-9)


@given(COUNTS)
def test_no_estimator_minds_the_order_of_symbols_or_symbols_never_seen(counts):
    other = np.concatenate((counts[::-1], [0, 0]))
    for estimator in (plug_in, miller_madow, chao_wang_jost):
        assert estimator(other) == estimator(counts)


@given(COUNTS)
def test_corrections_only_raise_the_entropy_and_plug_in_stays_within_its_bounds(counts):
    samples, seen = int(counts.sum()), int((counts > 0).sum())
    assert 0 <= plug_in(counts) <= math.log2(min(samples, seen)) + 1e-12
    assert miller_madow(counts) >= plug_in(counts)
    assert chao_wang_jost(counts) >= plug_in(counts) - 1e-12


@pytest.mark.parametrize(
    ("width", "plain", "corrected", "tolerance"),
    [
        (8, 7.98, 8.00, 0.02),
        (10, 9.93, 10.01, 0.03),
        (12, 11.68, 12.01, 0.08),
        (14, 12.74, 13.99, 0.15),
        (16, 13.14, 15.96, 0.5),
    ],
)
def test_uniform_bits_saturate_plug_in_and_less_so_chao_wang_jost(width, plain, corrected, tolerance):
    counts = np.bincount(np.random.default_rng(width).integers(0, 2**width, 10_000))
    assert plug_in(counts) == pytest.approx(plain, abs=0.02)
    assert chao_wang_jost(counts) == pytest.approx(corrected, abs=tolerance)
    assert plug_in(counts) < math.log2(10_000)


@pytest.mark.parametrize("counts", [[], [0, 0], [3, -1], [0.5, 2.0], [[1, 2]]])
def test_what_no_distribution_has_is_refused(counts):
    with pytest.raises(CountsError, match="counts need"):
        plug_in(np.array(counts))


def test_fingerprint_counts_the_counts():
    found = fingerprint([1, 4, 1, 0, 4, 1])
    assert (found.times.tolist(), found.symbols.tolist()) == ([1, 4], [3, 2])
