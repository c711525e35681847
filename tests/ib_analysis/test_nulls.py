"""The null mean is the mean over all dealings, the p-value keeps its promise, and edges say what they must."""

from __future__ import annotations

import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from bitneck.ib_analysis import nulls
from bitneck.ib_analysis.codes import CodesError
from bitneck.ib_analysis.entropy import plug_in
from bitneck.ib_analysis.nulls import NullError, null_bits, null_mean_bits, observed_bits, p_value
from bitneck.ib_analysis.symbols import label_symbols, pairs
from scipy.stats import kstest
from sklearn.metrics.cluster import expected_mutual_information


def plug_in_information(x, y):
    x, y = label_symbols(x), label_symbols(y)
    return plug_in(x.counts) + plug_in(y.counts) - plug_in(pairs(x, y).counts)


@pytest.mark.parametrize(
    ("t", "y"), [([0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 2]), ([0, 0, 0, 1, 2, 3], [0, 1, 0, 1, 0, 1])]
)
def test_the_null_mean_is_the_mean_over_every_dealing(t, y):
    every = [plug_in_information(t, list(dealt)) for dealt in permutations(y)]
    assert null_mean_bits(label_symbols(t), label_symbols(y)) == pytest.approx(np.mean(every), abs=1e-12)


def test_the_null_mean_in_closed_form():
    """Two pairs dealt to two pairs: 1 of 3 dealings matches, and gives 1 bit."""
    two = label_symbols([0, 0, 1, 1])
    assert null_mean_bits(two, two) == pytest.approx(1 / 3, abs=1e-14)
    distinct, y = label_symbols(np.arange(1000)), label_symbols(np.arange(1000) % 10)
    assert null_mean_bits(distinct, y) == pytest.approx(math.log2(10), abs=1e-9)
    assert null_mean_bits(distinct, label_symbols(np.zeros(1000, int))) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("many", [500, 20_000])
def test_the_null_mean_where_labels_are_as_rich_as_codes(many):
    distinct = label_symbols(np.arange(many))
    assert null_mean_bits(distinct, distinct) == pytest.approx(math.log2(many), abs=1e-9)


@pytest.mark.parametrize(("codes", "labels", "samples"), [(3, 2, 50), (40, 10, 1797), (5, 4, 60_000), (3000, 80, 5000)])
def test_scikit_learn_has_the_same_null_mean(codes, labels, samples):
    """Of heavy tails: a few symbols of nearly all samples, many of one."""
    rng = np.random.default_rng(0)
    t, y = label_symbols(rng.zipf(1.5, samples) % codes), label_symbols(rng.zipf(2.0, samples) % labels)
    joint = np.zeros((len(t), len(y)), np.int64)
    np.add.at(joint, (t.ids, y.ids), 1)
    due = expected_mutual_information(joint, samples) / math.log(2)
    assert null_mean_bits(t, y) == pytest.approx(due, abs=1e-9)


def test_the_null_mean_is_near_its_first_order_term_for_many_samples():
    """(R−1)(C−1)/(2 N ln 2), which Miller-Madow is about."""
    rng = np.random.default_rng(0)
    t, y = label_symbols(rng.integers(0, 64, 60_000)), label_symbols(rng.integers(0, 10, 60_000))
    assert null_mean_bits(t, y) == pytest.approx(63 * 9 / (2 * 60_000 * math.log(2)), rel=0.01)


def test_tables_are_drawn_as_often_as_dealings_make_them(monkeypatch):
    """12 samples of 3 codes and 3 labels: every value of plug-in I(T;Y) within five standard errors of its share."""
    t, y = label_symbols([0] * 5 + [1] * 4 + [2] * 3), label_symbols([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
    draws, counted = 20_000, []
    for cell in (0, 1000):
        monkeypatch.setattr(nulls, "CELL", cell)
        counted.append(Counter(null_bits(t, y, np.random.default_rng(3), draws).round(9).tolist()))
    drawn, dealt = counted
    for value in drawn | dealt:
        share = (drawn[value] + dealt[value]) / (2 * draws)
        assert abs(drawn[value] - dealt[value]) / draws < 5 * math.sqrt(2 * share * (1 - share) / draws)


@pytest.mark.parametrize("many", [3, 40, 3000])
def test_permutations_have_the_exact_mean_and_the_observed_number_is_plug_in(many):
    rng = np.random.default_rng(1)
    t, y = rng.integers(0, many, 2000), rng.integers(0, 80, 2000)
    codes, labels = label_symbols(t), label_symbols(y)
    drawn = null_bits(codes, labels, rng, 300)
    assert drawn.mean() == pytest.approx(null_mean_bits(codes, labels), abs=5 * drawn.std() / math.sqrt(300))
    assert observed_bits(codes, labels) == pytest.approx(plug_in_information(t, y), abs=1e-10)


def test_p_values_of_independent_labels_are_uniform_and_of_dependent_ones_smallest():
    rng = np.random.default_rng(2)
    values = []
    for _ in range(200):
        t, y = label_symbols(rng.integers(0, 30, 150)), label_symbols(rng.integers(0, 3, 150))
        values.append(p_value(t, y, rng, 99))
    assert kstest(values, "uniform").pvalue > 0.01
    assert np.mean(np.array(values) <= 0.05) <= 0.1
    t = rng.integers(0, 30, 500)
    assert p_value(label_symbols(t), label_symbols((t + (rng.random(500) < 0.3)) % 3), rng, 99) == 0.01


@pytest.mark.parametrize(("t", "y"), [(np.arange(200), np.arange(200) % 7), (np.zeros(200, int), np.arange(200) % 7)])
def test_where_every_dealing_is_alike_the_p_value_is_one(t, y):
    assert p_value(label_symbols(t), label_symbols(y), np.random.default_rng(0), 50) == 1.0


def test_the_same_seed_gives_the_same_null_and_the_labels_are_left_alone():
    t, y = label_symbols(np.arange(300) % 50), label_symbols(np.arange(300) % 4)
    before = y.ids.copy()
    one, other = (null_bits(t, y, np.random.default_rng(5), 20) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(y.ids, before)


def test_what_cannot_be_had_is_refused_by_numbers():
    many, few = label_symbols(np.arange(20_000)), label_symbols(np.zeros(5, int))
    with pytest.raises(CodesError, match="20000 samples of one variable against 5"):
        null_bits(many, few, np.random.default_rng(0), 3)
    with pytest.raises(NullError, match="got 0"):
        null_bits(few, few, np.random.default_rng(0), 0)
