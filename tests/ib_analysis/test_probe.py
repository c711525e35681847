"""The probe's bound stays below what is there, reaches it where it can, and sees only what is held out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.probe import ProbeError, probe_bound
from bitneck.ib_analysis.symbols import label_symbols

RNG = np.random.default_rng


def noisy_copies(samples, width, flipped, seed=0):
    """A fair bit, copied `width` times, each copy flipped independently."""
    label = RNG(seed).random(samples) < 0.5
    return Codes.pack(label[:, None] ^ (RNG(seed + 1).random((samples, width)) < flipped)), label_symbols(label)


def test_one_noisy_bit_gives_the_capacity_of_its_channel():
    """I(T;Y) = 1 − h(.1) = .531004 bit, and a logistic regression is the true posterior here."""
    bound = probe_bound(*noisy_copies(20_000, 1, 0.1), RNG(0))
    assert bound.bits == pytest.approx(0.531004, abs=3 * bound.standard_error_bits)
    assert bound.standard_error_bits < 0.02
    assert bound.h_y_bits == pytest.approx(1, abs=0.001)
    assert (bound.trained, bound.held_out) == (15_000, 5000)


def test_ten_copies_give_the_information_of_their_sum():
    """In closed form from the binomial: naive Bayes is linear, so the bound is tight."""
    on = np.array([math.comb(10, k) * 0.7**k * 0.3 ** (10 - k) for k in range(11)])
    posterior = on / (on + on[::-1])
    truth = 1 + float(np.sum(on * np.log2(posterior)))
    bound = probe_bound(*noisy_copies(20_000, 10, 0.3), RNG(0))
    assert bound.bits == pytest.approx(truth, abs=3 * bound.standard_error_bits)


def test_the_standard_error_is_the_spread_over_splits_of_fresh_samples():
    bounds = [probe_bound(*noisy_copies(1000, 1, 0.2, 10 * seed), RNG(seed)) for seed in range(60)]
    spread = np.std([bound.bits for bound in bounds])
    assert spread == pytest.approx(np.mean([bound.standard_error_bits for bound in bounds]), rel=0.35)


def test_random_labels_on_distinct_codes_give_nothing_where_counting_gives_everything():
    codes = Codes(RNG(0).integers(0, 256, (1000, 16), dtype=np.uint8), 128)
    bound = probe_bound(codes, label_symbols(RNG(1).integers(0, 10, 1000)), RNG(2))
    assert bound.bits < 0.05
    assert bound.h_y_bits > 3.2


def test_a_wide_layer_that_knows_its_class_is_seen_to_know_it():
    labels = RNG(0).integers(0, 10, 3000)
    bits = (RNG(1).random((10, 256)) < 0.5)[labels] ^ (RNG(2).random((3000, 256)) < 0.2)
    bound = probe_bound(Codes.pack(bits), label_symbols(labels), RNG(3))
    assert bound.h_y_bits - 0.05 < bound.bits <= bound.h_y_bits


def test_an_exclusive_or_is_not_seen_and_the_bound_is_still_one():
    bits = RNG(0).random((4000, 2)) < 0.5
    assert probe_bound(Codes.pack(bits), label_symbols(bits[:, 0] ^ bits[:, 1]), RNG(1)).bits < 0.01


def test_edges_labels_never_trained_on_one_label_only_and_the_same_seed():
    codes, y = noisy_copies(400, 5, 0.2)
    rare = label_symbols(np.where(np.arange(400) < 30, np.arange(400) + 7, y.ids))
    assert math.isfinite(probe_bound(codes, rare, RNG(0)).standard_error_bits)
    alone = probe_bound(codes, label_symbols(np.zeros(400, int)), RNG(0))
    assert (alone.bits, alone.standard_error_bits, alone.h_y_bits) == (0, 0, 0)
    assert probe_bound(codes, y, RNG(5)) == probe_bound(codes, y, RNG(5))
    assert probe_bound(codes[:5], label_symbols([0, 1, 0, 1, 1]), RNG(0), held_out=0.4).held_out == 2
    assert str(alone) == "≥ 0.000 ± 0.000"


def test_a_split_without_two_sides_is_refused_by_numbers():
    codes, y = noisy_copies(100, 3, 0.1)
    with pytest.raises(ProbeError, match="0 to judge and 100 to learn"):
        probe_bound(codes, y, RNG(0), held_out=0.0)
    with pytest.raises(ProbeError, match="100 to judge and 0 to learn"):
        probe_bound(codes, y, RNG(0), held_out=1.0)
    with pytest.raises(CodesError, match="99 codes against 100"):
        probe_bound(codes[:99], y, RNG(0))
