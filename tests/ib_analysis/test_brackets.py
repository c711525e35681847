"""Brackets hold entropies that are known, and their parts are what they say they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis.autoregressive import fitted
from bitneck.ib_analysis.bracket_calibration import FAMILIES, table, trials
from bitneck.ib_analysis.brackets import entropy_bracket, label_bracket
from bitneck.ib_analysis.code_models import independent, tree
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.coincidences import coincidences
from bitneck.ib_analysis.counted_ends import counted_ends
from bitneck.ib_analysis.mixture import mixed
from bitneck.ib_analysis.symbols import label_symbols
from threadpoolctl import threadpool_limits

RNG = np.random.default_rng


def counts_of(p, samples, seed=0):
    return RNG(seed).multinomial(samples, p)


def all_codes(width):
    return (np.arange(2**width)[:, None] >> np.arange(width)) & 1 == 1


@pytest.fixture(scope="module")
def done():
    return list(trials(RNG(3), 14))


def test_known_entropies_lie_in_their_brackets(done):
    assert {trial.family for trial in done} == set(FAMILIES)
    assert [trial for trial in done if not trial.inside] == []
    assert "| all | 14 | 14 |" in table(done)
    assert np.median([t.bracket.high_bits - t.bracket.low_bits for t in done]) < 20, "wide enough is no answer"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_entropies_of_the_families_are_known(family):
    """Small enough to count: plug-in of many samples agrees."""
    for seed in range(3):
        bits, truth = FAMILIES[family](RNG(seed), 3000, 16 if family in ("power law", "narrow layers") else 12)
        low, high = counted_ends(np.unique(Codes.pack(bits).packed, axis=0, return_counts=True)[1], bits.shape[1], 3)
        assert low - 1e-9 <= truth <= high + 1e-9


def test_counts_bracket_what_made_them_and_uniform_codes_end_at_their_width():
    for seed in range(8):
        p = RNG(seed).dirichlet(np.full(2**12, 0.2))
        truth = -float(p[p > 0] @ np.log2(p[p > 0]))
        low, high = counted_ends(counts_of(p, 3000, seed), 12, 3.0)
        assert truth - 3 < low <= truth <= high <= 12
    low, high = counted_ends(counts_of(np.full(2**20, 2.0**-20), 10_000), 64, 3.0)
    assert 18 < low < 20, "far above log2 N = 13.3: pairs tell"
    assert high > 60, "and nothing tells what was never seen"
    assert counted_ends(np.array([1000]), 1, 3.0)[0] == 0
    assert counted_ends(np.full(10_000, 1), 64, 3.0)[0] < 2 * math.log2(10_000)


def test_repeated_samples_are_no_independent_ones():
    assert counted_ends(np.full(5000, 2), 64, 3.0) is None


def test_order_2_of_uniform_codes_is_their_width_and_its_error_is_the_spread():
    found = [coincidences(counts_of(np.full(2**14, 2.0**-14), 4000, seed)) for seed in range(60)]
    assert np.mean([one.bits for one in found]) == pytest.approx(14, abs=0.01)
    assert np.std([one.bits for one in found]) == pytest.approx(
        np.mean([o.standard_error_bits for o in found]), rel=0.3
    )
    p = np.array([0.5, 0.25, 0.25])
    skewed = [coincidences(counts_of(p, 1000, seed)) for seed in range(60)]
    assert np.mean([one.bits for one in skewed]) == pytest.approx(-math.log2(float(p @ p)), abs=0.01)
    assert np.std([o.bits for o in skewed]) == pytest.approx(np.mean([o.standard_error_bits for o in skewed]), rel=0.3)
    assert coincidences(np.full(99, 2)) is None
    assert coincidences(np.full(100, 2)).pairs == 100


def test_models_of_codes_are_probabilities():
    bits = RNG(0).random((500, 8)) < RNG(1).random(8)
    bits[:, 3] = bits[:, 1] ^ (RNG(2).random(500) < 0.1)
    labels = bits[:, 1].astype(int)
    models = [independent(bits), tree(bits), fitted(bits, bits[:50], RNG(0)), fitted(bits, bits, RNG(0), labels, 2)]
    for model in models:
        assert np.exp2(model.log2_q(all_codes(8))).sum() == pytest.approx(1, abs=1e-4)
    both = mixed(models, Codes.pack(bits[:400]), Codes.pack(bits[400:]))
    said = both.log2_q(Codes.pack(all_codes(8)))
    assert 0.98 < np.exp2(said).sum() <= 1 + 1e-4
    assert said.min() >= both.least_log2_q(8)
    fresh = RNG(5).random((500, 8)) < RNG(1).random(8)
    fresh[:, 3] = fresh[:, 1] ^ (RNG(6).random(500) < 0.1)
    alone, given_one = (-model.log2_q(fresh).mean() for model in models[:2])
    assert given_one < alone - 0.1, "the tree has found its edge"


def test_bit_j_is_judged_by_those_before_it_alone():
    bits = RNG(0).random((300, 6)) < 0.5
    net = fitted(bits, bits, RNG(0))
    total = np.exp2(net.log2_q(all_codes(6))).reshape((2,) * 6)  # the last bit first
    shares = total.sum(axis=(0, 1, 2, 3))  # of bits 1 and 0
    again = fitted(bits, bits, RNG(0))
    assert np.array_equal(net.out, again.out)
    assert shares.sum() == pytest.approx(1, abs=1e-4)


def test_the_same_ends_on_one_thread_and_on_two():
    bits, _ = FAMILIES["prototypes"](RNG(4), 1000, 64)
    codes, y = Codes.pack(bits), label_symbols(RNG(5).integers(0, 3, 1000))
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append((entropy_bracket(codes, RNG(0), y), label_bracket(codes, y, RNG(0))))
    assert repr(found[0]) == repr(found[1])


def test_a_net_of_the_class_sees_what_an_exclusive_or_hides_from_a_linear_probe():
    bits = RNG(0).random((4000, 6)) < 0.5
    found = label_bracket(Codes.pack(bits), label_symbols(bits[:, 0] ^ bits[:, 1]), RNG(1))
    assert found.low_bits > 0.7
    assert found.high_bits == pytest.approx(1, abs=1e-3)
    assert (found.low_method, found.high_method, found.held_out) == ("probe", "H(Y)", 1000)
    chance = label_bracket(Codes.pack(bits), label_symbols(RNG(2).integers(0, 2, 4000)), RNG(1))
    assert chance.low_bits == 0


def test_few_samples_and_wide_codes_get_wide_ends_and_no_error():
    few = entropy_bracket(Codes.pack(RNG(0).random((5, 40)) < 0.5), RNG(0))
    assert few.low_bits <= few.high_bits <= 40
    one = entropy_bracket(Codes.pack(np.ones((1, 3), bool)), RNG(0))
    assert (one.low_bits, one.high_bits) == (0, 3)
    wide = entropy_bracket(Codes.pack(RNG(0).random((70, 3000)) < 0.5), RNG(0))
    assert wide.high_bits <= 3000
    assert str(few) == f"{few.low_bits:.1f} … {few.high_bits:.1f}"
