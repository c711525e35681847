"""Each float quantity against what it is in truth: codes, a noisy channel, a Gaussian pair; and its own emptiness."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis import float_quantities
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.entropy import plug_in
from bitneck.ib_analysis.float_quantities import binned_not_mi, hash_not_mi, kde_bounds_not_mi
from bitneck.ib_analysis.information import i_ty, i_xt
from bitneck.ib_analysis.symbols import label_symbols, symbols
from scipy.integrate import quad

RNG = np.random.default_rng


def test_two_bins_over_plus_and_minus_one_are_the_codes():
    bits = RNG(0).random((1000, 5)) < 0.3
    y, t = label_symbols(np.arange(1000) % 3), symbols(Codes.pack(bits))
    found = binned_not_mi(np.where(bits, 1.0, -1.0), y, 2, -1, 1)
    assert found.xt_low_bits == found.xt_high_bits == i_xt(t, 5, "dataset").bits
    assert found.ty_low_bits == pytest.approx(i_ty(t, y, 5, "dataset").bits, abs=1e-12)


def test_bins_show_the_grid_from_nothing_to_the_sample_size():
    t, y = RNG(0).uniform(-1, 1, (2048, 1)), label_symbols(RNG(1).integers(0, 10, 2048))
    assert binned_not_mi(t, y, 1, -1, 1).xt_high_bits == 0
    assert binned_not_mi(t, y, 8, -1, 1).xt_high_bits == pytest.approx(3, abs=0.01)
    assert binned_not_mi(t, y, 30, -1, 1).xt_high_bits == pytest.approx(math.log2(30), abs=0.03)
    wide = np.hstack([t, RNG(2).uniform(-1, 1, (2048, 5))])
    finest = binned_not_mi(wide, y, 65536, -1, 1)
    assert finest.xt_high_bits == 11.0
    assert finest.ty_high_bits == pytest.approx(plug_in(y.counts), abs=1e-12)
    assert binned_not_mi([[-9.0], [-0.9], [0.9], [9.0]], label_symbols([0, 0, 1, 1]), 2, -1, 1).xt_high_bits == 1


def awgn_bits(a, variance):
    """I(T+Z;Y) of T = ±a equally likely, by integration: the capacity of the binary-input Gaussian channel."""

    def integrand(v):
        density = math.exp(-((v - a) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        return density * np.logaddexp(0, -2 * a * v / variance) / math.log(2)

    reach = 12 * math.sqrt(variance)
    return 1 - quad(integrand, a - reach, a + reach, limit=200)[0]


@pytest.mark.parametrize("a", [0.05, 0.3, 1.0, 2.0, 5.0])
def test_the_pair_brackets_the_information_of_a_noisy_channel(a):
    y = label_symbols(np.arange(40) % 2)
    found = kde_bounds_not_mi(np.where(np.arange(40) % 2, a, -a)[:, None], y, 0.5)
    truth = awgn_bits(a, 0.5)
    assert found.xt_low_bits <= truth <= found.xt_high_bits
    assert found.ty_low_bits <= truth <= found.ty_high_bits
    for number, exponent in ((found.xt_low_bits, 4 * a * a / 4), (found.xt_high_bits, 4 * a * a)):
        assert number == pytest.approx(1 - math.log2(1 + math.exp(-exponent)), abs=1e-12)


def test_the_pair_brackets_a_mixture_in_two_dimensions_with_labels(monkeypatch):
    """Truth by sampling: I(X;T+Z) and I(T+Z;Y) of 60 given centres in 3 classes."""
    centres, labels = RNG(0).normal(size=(60, 2)), np.arange(60) % 3
    y = label_symbols(labels)
    of = RNG(1).integers(0, 60, 40_000)
    v = centres[of] + RNG(2).normal(size=(40_000, 2)) * 0.3
    densities = np.exp(-((v[:, None] - centres) ** 2).sum(axis=2) / (2 * 0.09))
    everything = densities.mean(axis=1)
    of_label = np.stack([densities[:, labels == label].mean(axis=1) for label in range(3)], axis=1)
    xt = float(np.mean(np.log2(densities[np.arange(40_000), of] / everything)))
    ty = float(np.mean(np.log2(of_label[np.arange(40_000), labels[of]] / everything)))
    found = kde_bounds_not_mi(centres, y, 0.09)
    assert found.xt_low_bits < xt < found.xt_high_bits
    assert found.ty_low_bits < ty < found.ty_high_bits
    monkeypatch.setattr(float_quantities, "_BLOCK", 7)
    assert kde_bounds_not_mi(centres, y, 0.09).xt_low_bits == pytest.approx(found.xt_low_bits, abs=1e-12)


def test_the_pair_meets_where_activations_coincide_or_lie_far_apart():
    y = label_symbols(np.arange(64) % 4)
    same = kde_bounds_not_mi(np.full((64, 3), 7.0), y, 0.1)
    assert (same.xt_low_bits, same.xt_high_bits, same.ty_low_bits) == pytest.approx((0, 0, 0), abs=1e-12)
    far = kde_bounds_not_mi(100.0 * np.arange(64)[:, None], y, 0.1)
    ends = (far.xt_low_bits, far.xt_high_bits, far.ty_low_bits, far.ty_high_bits)
    assert ends == pytest.approx((6, 6, 2, 2), abs=1e-9)
    one = kde_bounds_not_mi([[1.0]], label_symbols([3]), 0.1)
    assert (one.xt_low_bits, one.ty_high_bits) == pytest.approx((0, 0), abs=1e-12)


def ends(found) -> tuple[float, float, float, float]:
    return found.xt_low_bits, found.xt_high_bits, found.ty_low_bits, found.ty_high_bits


def plain_bounds(h: np.ndarray, labels: np.ndarray, variance: float) -> tuple[float, float, float, float]:
    """The docstring's formulas by the differences themselves."""

    def bits(rows: np.ndarray, factor: float) -> float:
        squared = (
            np.subtract.outer(rows[:, 0], rows[:, 0]) ** 2 + np.subtract.outer(rows[:, 1], rows[:, 1]) ** 2
        ) / variance
        return float(-np.log2(np.exp(-squared / factor).mean(axis=1)).mean())

    low, high = bits(h, 8), bits(h, 2)
    shares = [(labels == label).mean() for label in range(3)]
    low_in, high_in = (sum(s * bits(h[labels == k], f) for k, s in enumerate(shares)) for f in (8, 2))
    h_y = -sum(s * math.log2(s) for s in shares)
    return low, high, max(0.0, low - high_in), min(h_y, high - low_in)


@pytest.mark.parametrize("variance", [1e-1, 1e-3])
def test_the_pair_hangs_on_distances_alone(variance):
    h, labels = np.round(RNG(0).normal(size=(400, 2)) * 512) / 512, RNG(1).integers(0, 3, 400)
    y = label_symbols(labels)
    due = plain_bounds(h, labels, variance)
    assert ends(kde_bounds_not_mi(h, y, variance)) == pytest.approx(due, abs=1e-9)
    for offset in (1e4, -1e6, 2.0**33):  # which these activations, multiples of 2^-9, survive to the last bit
        assert ends(kde_bounds_not_mi(h + np.array([offset, -offset]), y, variance)) == pytest.approx(due, abs=1e-9)
    for scale in (1e-8, 1e8, 1e-100, 1e100):
        found = kde_bounds_not_mi(h * scale, y, variance * scale**2)
        assert ends(found) == pytest.approx(due, abs=1e-9)


def test_one_far_outlier_moves_nothing_among_the_others():
    h, labels = RNG(0).normal(size=(300, 2)), np.arange(300) % 3
    y = label_symbols(labels)
    found = [ends(kde_bounds_not_mi(np.vstack([[[far, far]], h[1:]]), y, 1e-3)) for far in (1e3, 1e6, 1e9, 1e140)]
    assert found[1:] == [pytest.approx(found[0], abs=1e-9)] * 3


@pytest.mark.parametrize("variance", [1e-300, 1e-12, 1.0, 1e300])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_no_end_lies_below_zero_or_above_the_other(variance, scale):
    for samples in (1, 2, 40):
        twice = np.repeat(RNG(samples).normal(size=(samples, 3)), 2, axis=0) * scale
        low, high, ty_low, ty_high = ends(kde_bounds_not_mi(twice, label_symbols(np.arange(2 * samples) % 3), variance))
        assert 0 <= low <= high <= math.log2(samples) + 1e-9
        assert 0 <= ty_low <= ty_high <= math.log2(3)


@pytest.mark.parametrize("offset", [1e6, -1e9])
def test_the_hash_of_shifted_activations_is_that_of_the_activations(offset):
    x, y = RNG(0).normal(size=(1000, 1)), label_symbols(np.arange(1000) % 2)
    due = hash_not_mi(x, x, y, RNG(2))
    assert hash_not_mi(x + offset, x + offset, y, RNG(2)).xt_low_bits == pytest.approx(due.xt_low_bits, abs=0.02)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_hash_comes_near_the_information_of_a_gaussian_pair(correlation):
    """−½ log2(1 − ρ²): 0, .2075, 1.198 bits."""
    x = RNG(0).normal(size=(40_000, 1))
    t = correlation * x + math.sqrt(1 - correlation**2) * RNG(1).normal(size=x.shape)
    found = hash_not_mi(x, 3 * t + 1, label_symbols(np.arange(40_000) % 2), RNG(2))
    assert found.xt_low_bits == pytest.approx(-0.5 * math.log2(1 - correlation**2), abs=0.04)
    assert found.ty_low_bits == pytest.approx(0, abs=0.01)


def test_the_hash_of_a_label_in_the_mean_of_a_gaussian_is_the_channels_information():
    label = RNG(0).integers(0, 2, 40_000)
    t = np.where(label, 1.0, -1.0)[:, None] + RNG(1).normal(size=(40_000, 1))
    found = hash_not_mi(t, t, label_symbols(label), RNG(2))
    assert found.ty_low_bits == pytest.approx(awgn_bits(1.0, 1.0), abs=0.02)


def test_the_hash_of_a_deterministic_net_grows_with_resolution_up_to_the_sample_size():
    x, y = RNG(0).normal(size=(1024, 2)), label_symbols(RNG(1).integers(0, 4, 1024))
    t = np.tanh(x @ RNG(2).normal(size=(2, 3)))
    by_scale = [hash_not_mi(x, t, y, RNG(3), scale).xt_high_bits for scale in (1.0, 0.3, 0.05, 1e-6)]
    assert by_scale == sorted(by_scale)
    assert by_scale[-1] == pytest.approx(10, abs=1e-9)
    assert hash_not_mi(x, t, y, RNG(3), 1e-6).ty_high_bits == pytest.approx(plug_in(y.counts), abs=1e-9)
    assert hash_not_mi(x, np.zeros((1024, 3)), y, RNG(3)).xt_high_bits == pytest.approx(0, abs=1e-12)
    assert hash_not_mi(x, t, y, RNG(3)) == hash_not_mi(x, t, y, RNG(3))


def test_every_name_and_docstring_says_that_it_is_not_the_information_of_the_net():
    for function in (binned_not_mi, kde_bounds_not_mi, hash_not_mi):
        assert function.__doc__.startswith("Not the MI of the net: ")
        assert "_not_mi" in function.__name__
    assert all(part in float_quantities.__doc__ for part in ("Goldfeld et al. 2019", "Amjad and Geiger 2018"))


def test_what_makes_no_sense_is_refused():
    y = label_symbols([0, 1, 0])
    good = np.zeros((3, 2))
    with pytest.raises(CodesError, match=r"need \(3, d\) floats beside 3 labels, got \(2, 2\)"):
        binned_not_mi(good[:2], y, 4, 0, 1)
    with pytest.raises(CodesError, match="1 activations are not finite"):
        kde_bounds_not_mi([[0.0], [np.nan], [1.0]], y, 1)
    for odd in (
        [["a"], ["b"], ["c"]],
        [[1j], [2], [3]],
        [[None]] * 3,
        [[1], [1, 2], [3]],
        [[1e200], [0], [1]],
        [[]] * 3,
    ):
        for ask in (
            lambda odd: kde_bounds_not_mi(odd, y, 1),
            lambda odd: binned_not_mi(odd, y, 2, 0, 1),
            lambda odd: hash_not_mi(good, odd, y, RNG(0)),
        ):
            with pytest.raises(CodesError, match="activation"):
                ask(odd)
    with pytest.raises(CodesError, match="rising range"):
        binned_not_mi(good, y, 4, 0, math.inf)
    with pytest.raises(CodesError, match="finer than the floats"):
        hash_not_mi(good + np.arange(3)[:, None], good, y, RNG(0), scale=1e-300)
    with pytest.raises(CodesError, match="bins=0"):
        binned_not_mi(good, y, 0, 0, 1)
    with pytest.raises(CodesError, match="noise_variance=0"):
        kde_bounds_not_mi(good, y, 0)
    with pytest.raises(CodesError, match="two different stretches"):
        hash_not_mi(good, good, y, RNG(0), stretches=(1.0,))
