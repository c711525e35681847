"""Images are drawn, positions are not: closed forms, one image after the other left out, and what must be refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis import information, whole_images
from bitneck.ib_analysis.codes import CodesError
from bitneck.ib_analysis.diagnostics import Verdict, coverage
from bitneck.ib_analysis.entropy import plug_in
from bitneck.ib_analysis.symbols import label_symbols
from bitneck.ib_analysis.whole_images import i_ty, i_xt, left_out
from maps_of_bits import repeated, symbols_of


def h(p: float) -> float:
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


@pytest.mark.parametrize("seed", range(8))
def test_leaving_an_image_out_is_counting_without_it(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    images, positions = int(rng.integers(2, 9)), int(rng.integers(1, 6))
    monkeypatch.setattr(whole_images, "_ROWS", 2 * positions)  # several shares
    bits = repeated(rng, images, positions, 2, rng.random())
    codes = bits @ [1, 2]
    found = left_out(symbols_of(bits), positions)
    assert found.bits == pytest.approx(plug_in(np.bincount(codes.ravel())))
    others = [np.delete(codes, image, axis=0) for image in range(images)]
    assert found.without == pytest.approx([plug_in(np.bincount(each.ravel())) for each in others])
    shared = [np.isin(codes[image], others[image]) for image in range(images)]
    assert found.shared == pytest.approx(np.mean(shared))
    named = np.unique(codes + 4 * np.arange(images)[:, None], return_counts=True)[1]
    assert found.naming_bits == pytest.approx(plug_in(named) - found.bits, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_with_one_position_it_is_what_is_said_of_independent_samples(seed):
    rng = np.random.default_rng(seed)
    t = symbols_of(rng.random((300, 1, 4 + 3 * seed)) < 0.4)
    y = label_symbols(rng.integers(0, 3, 300))
    assert left_out(t, 1).shared == pytest.approx(coverage(t.counts))
    for ours, theirs in (
        (i_xt(t, 1, 9, "dataset"), information.i_xt(t, 9, "dataset")),
        (i_ty(t, y, 1, 9, "dataset"), information.i_ty(t, y, 9, "dataset")),
    ):
        assert ours.bits == pytest.approx(theirs.bits)
        assert (ours.verdict, ours.saturated, ours.symbols) == (theirs.verdict, theirs.saturated, theirs.symbols)
        assert ours.coverage == pytest.approx(theirs.coverage)


def test_independent_channels_have_the_sum_of_their_entropies():
    p = np.array([0.5, 0.1, 0.8])
    found = i_xt(symbols_of(np.random.default_rng(0).random((400, 25, 3)) < p), 25, 3, "population")
    truth = sum(map(h, p))
    assert found.verdict in (Verdict.GUARANTEED, Verdict.RELIABLE)
    assert found.bits == pytest.approx(truth, abs=0.02)
    assert found.low < truth < found.high
    assert (found.samples, found.symbols, found.coverage) == (10_000, 8, 1.0)


def test_a_label_that_is_seen_through_noise_is_one_bit_less_the_noise():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 1000)
    seen = (labels[:, None] == 1) ^ (rng.random((1000, 16)) < 0.1)
    bits = np.stack([seen, rng.random((1000, 16)) < 0.5], axis=2)
    found = i_ty(symbols_of(bits), label_symbols(labels), 16, 2, "population")
    assert found.bits == pytest.approx(1 - h(0.1), abs=0.02)
    assert found.low < 1 - h(0.1) < found.high
    strange = i_ty(symbols_of(bits), label_symbols(rng.permutation(labels)), 16, 2, "population")
    assert strange.bits == pytest.approx(0, abs=0.01)


def test_intervals_of_images_hold_the_truth_where_those_of_positions_do_not():
    """Two bits, of which the first is never 1 without the second: 1.5 bits. Images repeat themselves."""
    rng = np.random.default_rng(2)
    ours = theirs = 0
    for _ in range(60):
        bits = repeated(rng, 150, 40, 2, 0.7)
        bits[:, :, 0] &= bits[:, :, 1]
        t, truth = symbols_of(bits), 1.5
        mine, independent = i_xt(t, 40, 2, "population"), information.i_xt(t, 2, "population")
        ours += mine.low <= truth <= mine.high
        theirs += independent.low <= truth <= independent.high
    assert ours >= 53
    assert theirs < 40


def test_leaving_out_spreads_like_drawing_images_anew():
    rng = np.random.default_rng(3)
    bits = repeated(rng, 200, 9, 2, 0.5) & repeated(rng, 200, 9, 2, 0.5)
    codes, found = bits @ [1, 2], i_xt(symbols_of(bits), 9, 2, "population")
    drawn = [plug_in(np.bincount(codes[rng.integers(0, 200, 200)].ravel())) for _ in range(400)]
    assert (found.high - found.low) / 2 == pytest.approx(1.97 * np.std(drawn), rel=0.2)


def test_positions_that_repeat_their_image_lend_no_credibility():
    """300 images, each with one code of 2^10 in all of its 50 positions: 15,000 samples, and 300 draws."""
    rng = np.random.default_rng(4)
    t = symbols_of(repeated(rng, 300, 50, 10, 1.0))
    assert coverage(t.counts) == 1.0
    found = i_xt(t, 50, 10, "population")
    assert found.coverage < 0.4
    assert found.verdict in (Verdict.UNRELIABLE, Verdict.SATURATED)
    assert str(found) == "refused"
    assert (found.low, found.high) == (None, None)


def test_a_code_that_names_its_image_is_saturated_however_often_it_is_repeated():
    images = np.arange(256)
    bits = np.repeat((images[:, None] >> np.arange(8) & 1).astype(bool)[:, None, :], 20, axis=1)
    t, y = symbols_of(bits), label_symbols(images % 2)
    given = i_ty(t, y, 20, 8, "dataset")
    assert (given.bits, given.standing) == (1.0, "EXACT (saturated)")
    assert i_ty(t, y, 20, 8, "population").verdict is Verdict.SATURATED
    assert not i_xt(t, 20, 8, "enumerated").saturated


def test_few_images_are_refused_and_what_unseen_codes_may_weigh_is_asked():
    rng = np.random.default_rng(5)
    assert i_xt(symbols_of(rng.random((9, 500, 2)) < 0.5), 500, 2, "population").verdict is Verdict.UNRELIABLE
    one = i_xt(symbols_of(rng.random((1, 500, 2)) < 0.5), 500, 2, "population")
    assert one.verdict is Verdict.SATURATED  # a code of the only image names it
    common = np.zeros((1000, 10, 64), bool)
    common[:, :, 0] = rng.random((1000, 10)) < 0.5
    rare = rng.random((1000, 10)) < 0.006
    common[rare] = rng.random((np.count_nonzero(rare), 64)) < 0.5
    found = i_xt(symbols_of(common), 10, 64, "population")
    assert found.coverage > 0.99
    assert found.verdict is Verdict.UNRELIABLE  # .006 of 63 bits


def test_samples_that_are_no_whole_images_are_an_error():
    t = symbols_of(np.zeros((5, 2, 3), bool))
    with pytest.raises(CodesError, match="10 samples are no whole images of 3 positions"):
        left_out(t, 3)
    with pytest.raises(CodesError, match="10 codes of 2 positions against 4 labels"):
        i_ty(t, label_symbols([0, 1, 0, 1]), 2, 3, "dataset")
