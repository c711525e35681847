"""Dead, copied and inverted channels are those that a comparison of whole columns finds, however large the maps."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis import channels as module
from bitneck.ib_analysis.channels import channels
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.map_shape import MapShape


def found(maps: np.ndarray, bits: int = 1, top: int | None = None):
    """(images, height, width, channels) levels."""
    return channels(Codes.pack_integers(maps.reshape(len(maps), -1), bits), MapShape(*maps.shape[1:], bits, top))


def test_dead_copied_and_inverted_channels_are_named_with_what_they_follow():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, (2, 6, 3, 4))
    maps = np.stack([a, np.zeros_like(a), b, 1 - b, np.ones_like(a), a, 1 - a, b], axis=3)
    got = found(maps)
    assert got.dead == ((1, 0), (4, 1))
    assert got.copies == ((5, 0), (7, 2))
    assert got.inverted == ((3, 2), (6, 0))
    assert got.bits[1] == got.bits[4] == 0


def test_channels_that_differ_at_one_position_of_one_image_are_no_copies(monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 16)
    rng = np.random.default_rng(1)
    maps = np.repeat(rng.integers(0, 2, (20, 3, 3, 1)), 3, axis=3)
    maps[-1, -1, -1, 1] ^= 1
    assert found(maps).copies == ((2, 0),)
    maps[..., 0] = 1
    maps[0, 0, 0, 0] = 0
    assert found(maps).dead == ()


def test_a_level_is_inverted_against_the_highest_there_is_and_not_bit_by_bit():
    rng = np.random.default_rng(2)
    a = rng.integers(0, 3, (5, 4, 4))
    middle = np.where(a == 1, 1, a)
    got = found(np.stack([a, 2 - a, middle, 3 - a], axis=3), bits=2, top=2 + 1)
    assert (got.copies, got.inverted) == (((2, 0),), ((3, 0),))
    got = found(np.stack([a, 2 - a, middle], axis=3), bits=2, top=2)
    assert (got.copies, got.inverted) == (((2, 0),), ((1, 0),))


def test_the_entropy_of_a_channel_is_that_of_its_level_over_all_positions():
    level = np.arange(4)[:, None, None, None] * np.ones((4, 2, 2, 1), int)
    assert found(np.concatenate([level, level // 2, np.zeros_like(level)], axis=3), bits=2).bits == (2.0, 1.0, 0.0)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_levels_it_is_what_comparing_all_pairs_gives(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(module, "_ROWS", int(rng.integers(1, 40)))
    bits = int(rng.integers(1, 4))
    top = int(rng.integers(1 << bits - 1, 1 << bits))
    maps = rng.integers(0, top + 1, (int(rng.integers(1, 4)), 2, 3, 2))[..., rng.integers(0, 2, 7)]
    for channel in rng.integers(0, 7, 3):
        maps[..., channel] = top - maps[..., channel]
    maps[..., rng.integers(0, 7)] = rng.integers(0, top + 1)
    columns = maps.reshape(-1, 7).T.tolist()
    inverse = [[top - level for level in column] for column in columns]
    alive = [channel for channel in range(7) if len(set(columns[channel])) > 1]
    first = {c: next(o for o in range(7) if columns[c] in (columns[o], inverse[o])) for c in alive}
    got = found(maps, bits, top)
    assert [channel for channel, _ in got.dead] == [channel for channel in range(7) if channel not in alive]
    assert list(got.copies) == [(c, o) for c, o in first.items() if o < c and columns[c] == columns[o]]
    assert list(got.inverted) == [(c, o) for c, o in first.items() if o < c and columns[c] != columns[o]]
