"""Rise, peak, compression and the data-processing inequality, on trajectories whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.dynamics import Trajectory, dpi_violations, rank_correlation, trajectories
from bitneck.ib_analysis.plane import PlaneError, plane

EPOCHS = np.array([0, 1, 2, 4, 8, 16])


def trajectory(i_xt: list[float], i_ty: list[float]) -> Trajectory:
    return Trajectory("dense1", EPOCHS, np.array(i_xt), np.array(i_ty))


def test_a_net_that_fits_first_rises_peaks_late_and_compresses_after_the_fit():
    found = trajectory([2, 4, 6, 6.5, 4, 2], [0.1, 0.5, 0.95, 1, 1, 1])
    assert found.rise_bits == 4.5
    assert found.peak_epoch == 4
    assert found.compression_bits == 4.5
    assert found.fitted_epoch == 2
    assert found.compression_while_fitting() == 0


def test_a_net_that_does_both_at_once_never_rises_and_is_compressed_when_it_is_fitted():
    found = trajectory([8, 7, 6, 5, 4.5, 4], [0.0, 0.2, 0.4, 0.7, 0.95, 1])
    assert found.rise_bits == 0
    assert found.peak_epoch == 0
    assert found.fitted_epoch == 8
    assert found.compression_while_fitting() == pytest.approx(3.5 / 4)


def test_a_net_that_compresses_nothing_has_no_share_of_it():
    assert trajectory([1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 1]).compression_while_fitting() is None


def layers(seed: int, samples: int = 256) -> dict[str, Codes]:
    """A deterministic chain: each layer a random function of the one before."""
    rng = np.random.default_rng(seed)
    bits = np.unpackbits(np.arange(samples, dtype=np.uint8)[:, None], axis=1).astype(bool)
    chain = {}
    for depth, width in enumerate((6, 4, 3)):
        bits = (bits.astype(int) @ rng.choice([-1, 1], (bits.shape[1], width))) >= 0
        chain[f"dense{depth + 1}"] = Codes.pack(bits)
    return chain


@pytest.mark.parametrize("seed", range(5))
def test_exact_numbers_of_a_chain_keep_the_data_processing_inequality(seed):
    labels = np.arange(256) % 3
    points = plane({0: layers(seed), 1: layers(seed + 50)}, labels, "enumerated")
    assert dpi_violations(trajectories(points)) == ()


def test_layers_in_the_wrong_order_break_it_and_are_named_with_their_excess():
    chain = layers(1)
    points = plane({3: dict(reversed(chain.items()))}, np.arange(256) % 3, "enumerated")
    found = dpi_violations(trajectories(points))
    assert {(v.epoch, v.layer, v.quantity) for v in found} >= {(3, "dense1", "i_xt"), (3, "dense2", "i_xt")}
    by_layer = {point.layer: point.i_xt.bits for point in points}
    excess = next(v.excess_bits for v in found if (v.layer, v.quantity) == ("dense1", "i_xt"))
    assert excess == by_layer["dense1"] - by_layer["dense2"]


def test_trajectories_are_sorted_by_epoch_and_keep_the_layers_order():
    points = plane({5: layers(2), 0: layers(1)}, np.arange(256) % 2, "enumerated")
    found = trajectories(points)
    assert [t.layer for t in found] == ["dense1", "dense2", "dense3"]
    assert found[0].epochs.tolist() == [0, 5]
    assert found[0].i_xt.tolist() == [
        p.i_xt.bits for e in (0, 5) for p in points if (p.epoch, p.layer) == (e, "dense1")
    ]


def test_a_refused_number_has_no_trajectory():
    codes = Codes(np.random.default_rng(0).integers(0, 256, (300, 8), dtype=np.uint8), 64)
    with pytest.raises(PlaneError, match="dense1, epoch 0: SATURATED"):
        trajectories(plane({0: {"dense1": codes}}, np.arange(300) % 2, "population"))


def test_late_compression_is_what_is_lost_after_the_fit():
    assert trajectory([2, 4, 6, 6.5, 4, 2], [0.1, 0.5, 0.95, 1, 1, 1]).late_compression_bits == 4
    assert trajectory([8, 7, 6, 5, 4.5, 4], [0.0, 0.2, 0.4, 0.7, 0.95, 1]).late_compression_bits == 0.5
    assert trajectory([1, 2, 3, 4, 5, 6], [0, 1, 1, 1, 1, 1]).late_compression_bits == -4


def test_rank_correlation_knows_order_and_its_reversal_and_says_when_it_is_sure():
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    assert rank_correlation(x, np.exp(x)).rho == pytest.approx(1)
    assert rank_correlation(x, -(x**3)).rho == pytest.approx(-1)
    assert rank_correlation(x, -(x**3)).consistent
    assert not rank_correlation(x, rng.normal(size=60)).consistent
    assert rank_correlation(x, np.ones(60)).rho is None


def test_the_interval_of_a_rank_correlation_covers_what_it_promises():
    """Normal pairs of known correlation: Spearman's rho is 6/pi asin(r/2)."""
    rng, truth = np.random.default_rng(1), 6 / np.pi * np.arcsin(0.6 / 2)
    covered = 0
    for _ in range(400):
        x = rng.normal(size=40)
        found = rank_correlation(x, 0.6 * x + 0.8 * rng.normal(size=40))
        covered += found.low < truth < found.high
    assert covered / 400 > 0.92


def test_too_few_pairs_have_no_rank_correlation():
    with pytest.raises(PlaneError, match="at least 4 pairs, got 3"):
        rank_correlation([1, 2, 3], [1, 2, 3])
