"""The order in which bits can be spared: what says nothing first, what says it again next, what alone says it last."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.map_shape import MapShape
from bitneck.ib_analysis.probe import probe_bound
from bitneck.ib_analysis.spared import least_missed_channels, least_missed_first
from bitneck.ib_analysis.symbols import label_symbols

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 4, 4000)


def flipped(bits: np.ndarray, share: float) -> np.ndarray:
    return bits ^ (RNG.random(bits.shape) < share)


def test_constants_and_noise_go_before_what_tells_the_label():
    high, low = LABELS >= 2, LABELS % 2 == 1
    noise = RNG.random((4000, 3)) < 0.5
    bits = np.column_stack([flipped(high, 0.05), np.zeros(4000, bool), noise, flipped(low, 0.1), np.ones(4000, bool)])
    order = least_missed_first(Codes.pack(bits), label_symbols(LABELS)).tolist()
    assert sorted(order) == list(range(7))
    assert set(order[-2:]) == {0, 5}


def test_of_two_copies_one_goes_early_and_the_other_stays_though_each_alone_says_most():
    high, low = flipped(LABELS >= 2, 0.02), flipped(LABELS % 2 == 1, 0.2)
    bits = np.column_stack([high, high, low])
    order = least_missed_first(Codes.pack(bits), label_symbols(LABELS)).tolist()
    assert order[0] in (0, 1)
    assert order[-1] in (0, 1)
    assert order[1] == 2


@pytest.mark.parametrize("classes", [2, 5])
def test_what_is_left_says_more_on_held_out_samples_than_bits_left_by_chance(classes):
    rng = np.random.default_rng(classes)
    y = rng.integers(0, classes, 6000)
    centres = rng.random((classes, 40)) < 0.5
    noisy = rng.random((6000, 40)) < np.linspace(0.15, 0.5, 40)  # the last bits say next to nothing
    bits = (centres[y] ^ noisy)[:, rng.permutation(40)]
    fit, judged = bits[:3000], bits[3000:]
    order = least_missed_first(Codes.pack(fit), label_symbols(y[:3000]))

    def left(kept: np.ndarray) -> float:
        return probe_bound(Codes.pack(judged[:, np.sort(kept)]), label_symbols(y[3000:]), np.random.default_rng(0)).bits

    assert left(order[-6:]) > max(left(rng.permutation(40)[:6]) for _ in range(5))


def test_a_channel_stays_for_where_it_is_one_and_goes_as_a_whole():
    height, width, channels = 6, 4, 5
    maps = RNG.random((4000, height, width, channels)) < 0.5
    maps[..., 1] = flipped((np.arange(width) // 2 == LABELS[:, None] % 2)[:, None, :], 0.2) & np.ones((height, 1), bool)
    maps[..., 3] = flipped((np.arange(height) // 3 == LABELS[:, None] // 2)[:, :, None], 0.3) & np.ones(width, bool)
    maps[..., 4] = True
    order = least_missed_channels(
        Codes.pack(maps.reshape(4000, -1)), MapShape(height, width, channels), label_symbols(LABELS)
    )
    assert sorted(order.tolist()) == list(range(channels))
    assert set(order[-2:].tolist()) == {1, 3}
    assert order[0] == 4


def test_one_label_is_refused():
    with pytest.raises(CodesError, match="two or more"):
        least_missed_first(Codes.pack(np.ones((5, 2), bool)), label_symbols(np.zeros(5, int)))
