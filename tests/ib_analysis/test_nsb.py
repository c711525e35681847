"""NSB and Grassberger against published numbers, an integration in 260 digits, recursions and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis.entropy import CountsError, chao_wang_jost, grassberger, plug_in
from bitneck.ib_analysis.nsb import nsb, nsb_information

NDD = [4, 12, 4, 5, 3, 1, 5, 1, 2, 2, 2, 2, 11, 3, 4, 12, 12, 1, 2]


@pytest.mark.parametrize(
    ("counts", "possible", "nats"),
    [
        (NDD, 100, 2.8060922529931225),
        ([12, *NDD], 100, 2.8400090835681375),
        ([7, 3, 5, 8, 9, 1, 3, 3, 1, 0, 2, 5, 2, 11, 4, 23, 5, 0, 8, 0], 20, 2.623634344888532),
    ],
)
def test_nsb_is_what_the_package_ndd_prints_in_its_documentation(counts, possible, nats):
    assert nsb(counts, possible) * math.log(2) == pytest.approx(nats, abs=1e-5)


@pytest.mark.parametrize(
    ("counts", "possible", "nats"),
    [
        (NDD, 100, 2.80609691604664),
        ([5, 5], 2, 0.6594537733614),
        ([1], 16, 1.38629436111621),
        ([6] * 8, 8, 2.06040848023652),
        ([1, 1, 1], 2**64, 23.2653574910903),
        ([3, 2, 1, 1], 2**64, 2.07904888195084),
        ([3, 2, 1, 1], 2**300, 2.07904888195084),
    ],
)
def test_nsb_is_its_integral(counts, possible, nats):
    """Made with mpmath: the integrand as published, in 260 digits, summed over ln beta in steps of 1/4."""
    assert nsb(counts, possible) * math.log(2) == pytest.approx(nats, abs=1e-9)


def test_nsb_of_many_samples_is_plug_in():
    assert nsb(np.array([10**12, 10**12]), 2) == pytest.approx(1.0, abs=1e-9)
    assert nsb(np.array([3 * 10**9, 10**9]), 2**64) == pytest.approx(2 - 0.75 * math.log2(3), abs=1e-6)
    assert nsb(np.array([60_000]), 2**64) == pytest.approx(0, abs=1e-4)
    assert nsb(np.array([7]), 1) == 0.0


def test_nsb_forgets_the_alphabet_where_samples_coincide_and_knows_nothing_else_where_they_do_not():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(4096, 0.3))
    counts = rng.multinomial(10_000, p)
    truth = -float(np.sum(p[p > 0] * np.log2(p[p > 0])))
    by_width = [nsb(counts, 2**width) for width in (12, 20, 64, 512)]
    assert np.ptp(by_width) < 0.03
    assert by_width == pytest.approx([truth] * 4, abs=0.06)
    distinct = [nsb(np.ones(10_000, np.int64), 2**width) for width in (14, 20, 64)]
    assert distinct[0] == pytest.approx(14, abs=0.01)
    assert distinct[1] == pytest.approx(20, abs=0.1)
    assert distinct[2] > 40


def test_nsb_and_chao_wang_jost_agree_where_one_in_ten_is_alone():
    counts = np.bincount(np.random.default_rng(4).integers(0, 2**12, 16_000))
    assert abs(nsb(counts, 2**12) - 12) < 0.02
    assert abs(nsb(counts, 2**12) - chao_wang_jost(counts)) < 0.03
    assert plug_in(counts) < 11.85


def test_nsb_information_of_a_copy_is_its_entropy_and_does_not_mind_the_order():
    x = np.array([500, 300, 200])
    assert nsb_information(x, x, x, 4) == pytest.approx(plug_in(x), abs=0.02)
    rare, y = np.array([1] * 300 + [4] * 100), np.array([350, 350])
    assert nsb_information(rare, y, rare, 2**12) == pytest.approx(1, abs=0.002), "a function of the code: H(Y)"
    assert nsb(np.array([9, 0, 4, 1]), 16) == nsb(np.array([1, 9, 4]), 16)


@pytest.mark.parametrize("possible", [2, 0, 2**513, 2**1024 * 10])
def test_nsb_refuses_alphabets_below_what_was_seen_and_beyond_meaning(possible):
    with pytest.raises(CountsError, match="512"):
        nsb([1, 2, 3], possible)


def test_grassberger_obeys_its_recursion():
    """G(1) = −gamma − ln 2, G(2) = 2 − gamma − ln 2, G(2n+1) = G(2n), G(2n+2) = G(2n) + 2/(2n+1)."""

    def g(n):  # of a single symbol, H = ln n − G(n)
        return math.log(n) - grassberger(np.array([n])) * math.log(2)

    assert g(1) == pytest.approx(-np.euler_gamma - math.log(2), abs=1e-14)
    assert g(2) == pytest.approx(2 - np.euler_gamma - math.log(2), abs=1e-14)
    for n in range(1, 40):
        assert g(2 * n + 1) == pytest.approx(g(2 * n), abs=1e-13)
        assert g(2 * n + 2) == pytest.approx(g(2 * n) + 2 / (2 * n + 1), abs=1e-13)


def test_grassberger_at_its_edges_and_on_uniform_bits():
    assert grassberger(np.array([10**12, 0, 10**12])) == pytest.approx(1.0, abs=1e-9)
    distinct = math.log2(1000) + 1 + np.euler_gamma / math.log(2)
    assert grassberger(np.ones(1000, np.int64)) == pytest.approx(distinct, abs=1e-12)
    counts = np.bincount(np.random.default_rng(0).integers(0, 2**10, 10_000))
    assert grassberger(counts) == pytest.approx(10, abs=0.005)
    assert plug_in(counts) < 9.94
