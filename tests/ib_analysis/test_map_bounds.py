"""Ends that hold: entropies that are known lie between them, and what cannot be known makes them wide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis import map_shape
from bitneck.ib_analysis.map_bounds import Bracket, code_at_a_position, most_bits, one_bit_of_label, whole_map
from bitneck.ib_analysis.map_probe import position_probe, shares
from bitneck.ib_analysis.map_shape import MapShape
from bitneck.ib_analysis.symbols import label_symbols
from maps_of_bits import maps_of, repeated, symbols_of


def test_of_independent_bits_the_upper_end_is_near_the_truth():
    bits = np.random.default_rng(0).random((800, 6, 5)) < 0.5
    found = whole_map(*maps_of(bits))
    assert found.high_bits == pytest.approx(30, abs=0.1)
    assert 0 < found.low_bits < math.log2(800)
    at = code_at_a_position(*maps_of(bits), symbols_of(bits))
    assert at.low_bits < 5 <= at.high_bits + 1e-9
    assert at.high_bits == pytest.approx(5, abs=0.01)
    assert most_bits(*maps_of(bits)) == pytest.approx(5.0, abs=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_the_truth_lies_between_the_ends_whatever_repeats(monkeypatch, seed):
    """A code of 3 uniform bits, copied to 9 channels: 3 bits. Positions repeat the first of their image."""
    monkeypatch.setattr(map_shape, "_BITS", 5000)
    rng = np.random.default_rng(seed)
    images, positions, share = int(rng.integers(2, 400)), int(rng.integers(1, 9)), rng.random()
    bits = np.repeat(repeated(rng, images, positions, 3, share), 3, axis=2)
    at = code_at_a_position(*maps_of(bits), symbols_of(bits))
    assert at.low_bits <= 3 <= at.high_bits <= 9
    one_code = np.repeat(bits[:, :1], positions, axis=1)
    found = whole_map(*maps_of(one_code))
    assert found.low_bits <= 3 <= found.high_bits <= 9 * positions
    assert (most_bits(*maps_of(bits)) >= 3).all()


def test_what_never_changes_costs_next_to_nothing_and_one_image_says_nothing():
    still = np.ones((500, 4, 8), bool)
    assert whole_map(*maps_of(still)).high_bits < 0.1
    alone = maps_of(np.ones((1, 4, 8), bool))
    assert whole_map(*alone) == Bracket(0.0, 32.0)
    assert code_at_a_position(*alone, symbols_of(np.ones((1, 4, 8), bool))) == Bracket(0.0, 8.0)
    assert str(Bracket(9.08, 54125.2)) == "9.1 … 54,125.2"


def test_shares_of_ones_are_counted_in_cells_that_cover_the_map():
    rng = np.random.default_rng(1)
    bits = rng.random((5, 7, 5, 3)) < 0.5
    codes, _ = maps_of(bits.reshape(5, 35, 3))
    got = shares(codes, MapShape(7, 5, 3)).reshape(5, 4, 4, 3)
    assert got[:, 0, 1] == pytest.approx(2 * bits[:, 0:1, 1:2].mean((1, 2)) - 1)
    assert got[:, 3, 3] == pytest.approx(2 * bits[:, 5:7, 3:5].mean((1, 2)) - 1)
    wide = shares(maps_of(np.ones((2, 4, 300), bool))[0], MapShape(2, 2, 300))
    assert wide.shape == (2, 300)
    assert (wide == 1).all()


def test_the_probe_of_a_position_finds_what_one_position_says_and_no_more():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 600)
    bits = rng.random((600, 12, 3)) < 0.5
    bits[:, :, 1] = labels[:, None] ^ (rng.random((600, 12)) < 0.11)
    known = 1 + 0.11 * math.log2(0.11) + 0.89 * math.log2(0.89)
    found = position_probe(*maps_of(bits), label_symbols(labels), np.random.default_rng(0))
    assert found.bits == pytest.approx(known, abs=3 * found.standard_error_bits)
    assert (found.trained, found.held_out) == (450, 150)
    noise = position_probe(*maps_of(bits), label_symbols(rng.permutation(labels)), np.random.default_rng(0))
    assert noise.bits < 0.02


def test_one_bit_says_of_the_label_what_it_says_and_chance_is_not_chosen():
    rng = np.random.default_rng(3)
    labels = np.arange(2000) % 4  # in turns
    bits = rng.random((2000, 3, 50)) < 0.5
    bits[:, 1, 7] = labels % 2 == 1
    bits[:, 2, 0] = bits[:, 2, 1] ^ (labels % 2 == 1)  # no single bit knows it
    found = one_bit_of_label(*maps_of(bits), label_symbols(labels), rng)
    assert found == pytest.approx([0, 1, 0], abs=0.005)
    assert one_bit_of_label(*maps_of(bits[:1]), label_symbols(labels[:1]), rng).tolist() == [0, 0, 0]
