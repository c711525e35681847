from itertools import combinations

import numpy as np
import pytest
from bitneck.models.datasets import Dataset, load
from bitneck.models.thresholds import most_telling_thresholds
from sklearn.metrics import mutual_info_score

RNG = np.random.default_rng(4)
Y = RNG.integers(0, 3, 400)
CUTS = np.arange(7) + 0.5


def dataset(pixels, copies):
    x = np.tile(pixels.astype(np.uint8), copies)
    return Dataset("made", x, Y, x, Y, 3, 3, copies)


def test_a_threshold_is_the_cut_that_tells_most_about_the_label():
    noise = RNG.integers(0, 8, 400)
    pixels = np.stack([2 * (Y > 0), noise, np.full(400, 5), 5 + (Y == 1)], axis=1)
    best = CUTS[np.argmax([mutual_info_score(noise > cut, Y) for cut in CUTS])]
    assert most_telling_thresholds(dataset(pixels, copies=1)).tolist() == [0.5, best, 0.5, 5.5]


def test_two_thresholds_of_one_pixel_tell_most_together():
    pixel = np.clip(2 * Y + RNG.integers(0, 4, 400), 0, 7)
    low, high = most_telling_thresholds(dataset(pixel[:, None], copies=2))
    told = {pair: mutual_info_score(1 * (pixel > pair[0]) + (pixel > pair[1]), Y) for pair in combinations(CUTS, 2)}
    assert low < high
    assert told[low, high] == pytest.approx(max(told.values()))


def test_the_cut_of_an_eight_bit_pixel_is_found_whatever_the_number_of_classes():
    y = np.arange(400) % 100
    pixel = np.where(y < 40, 90, 200).astype(np.uint8)[:, None]
    x = pixel + (RNG.random((400, 1)) < 0.1)
    data = Dataset("made", x.astype(np.uint8), y, x.astype(np.uint8), y, 100, 8)
    assert 91 < most_telling_thresholds(data)[0] < 200


def test_digits_shown_twice_are_cut_at_two_levels():
    data = load("digits-twice")
    assert (data.features, data.pixels) == (128, 64)
    assert np.array_equal(data.test_x[:, :64], data.test_x[:, 64:])
    thresholds = most_telling_thresholds(data).reshape(2, 64)
    assert (thresholds[0] < thresholds[1]).sum() > 50
    assert np.array_equal(thresholds % 1, np.full((2, 64), 0.5))


def test_no_single_move_of_one_of_two_cuts_tells_more():
    data = load("digits-twice")
    thresholds = most_telling_thresholds(data).reshape(2, 64)
    for pixel in range(18, 23):
        x = data.train_x[:, pixel]
        low, high = thresholds[:, pixel]
        told = mutual_info_score(1 * (x > low) + (x > high), data.train_y)
        moved = [
            mutual_info_score(1 * (x > cut) + (x > kept), data.train_y) for kept in (low, high) for cut in range(16)
        ]
        assert told >= max(moved) - 1e-9


def test_a_channel_of_maps_has_the_cut_that_tells_most_over_all_of_its_places():
    """Maps of 2 places and 2 channels are as telling as twice as many rows of 2 pixels."""
    places = [np.stack([np.clip(Y + RNG.integers(0, 4, 400), 0, 7), RNG.integers(0, 8, 400)], axis=1) for _ in range(2)]
    maps = np.stack(places, axis=1).reshape(400, 4).astype(np.uint8)
    rows, y = maps.reshape(800, 2), Y.repeat(2)
    found = most_telling_thresholds(Dataset("maps", maps, Y, maps, Y, 3, 3), channels=2)
    assert found.tolist() == most_telling_thresholds(Dataset("rows", rows, y, rows, y, 3, 3)).tolist()
