"""Thresholds by asking: every direction, every edge, and a name for whatever is no threshold."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.reading import threshold
from bitneck.export.reading.threshold import Sums, ThresholdError, bisect, find, refuse_nan
from hypothesis import given
from hypothesis import strategies as st


def find_signs(layer: str, fan_in: int, neurons: int, fires):
    """`find` of neurons that fire or not, asked with ±1 dot products."""
    return find(layer, np.full(neurons, fan_in), 2, lambda at: fires(Sums.of_signs(neurons, fan_in).at(at)))


def asked_of(cuts: np.ndarray, falling: np.ndarray):
    """A neuron for each cut: fires at accumulators >= cut, or below it where it falls."""
    return lambda values: (values >= cuts) ^ falling


@given(
    fan_in=st.integers(1, 40),
    neurons=st.lists(st.tuples(st.integers(-42, 42), st.booleans()), min_size=1, max_size=8),
    block=st.integers(1, 400),
)
def test_thresholds_and_inverted_weights_fire_where_the_neuron_does(fan_in, neurons, block):
    cuts, falling = (np.array(column) for column in zip(*neurons, strict=True))
    rng = np.random.default_rng(0)
    weight, x = rng.random((len(cuts), fan_in)) < 0.5, rng.random((50, fan_in)) < 0.5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threshold, "BLOCK", block)
        found = find_signs("dense1", fan_in, len(cuts), asked_of(cuts, falling))
    said = asked_of(cuts, falling)((2 * (x[:, None] == weight).sum(axis=2) - fan_in).astype(np.float32))
    assert np.array_equal((x[:, None] == found.rising(weight)).sum(axis=2) >= found.at, said)
    assert found.at.min() >= 0
    assert found.at.max() <= fan_in + 1


def test_never_and_always_are_no_direction():
    found = find_signs("dense1", 5, 4, asked_of(np.array([-9, 9, -9, 9]), np.array([0, 0, 1, 1], bool)))
    assert found.at.tolist() == [0, 6, 6, 0]
    assert not found.falling.any()


def test_midpoints_have_the_parity_that_no_accumulator_has():
    found = find_signs("dense1", 5, 7, asked_of(np.arange(-5, 9, 2), np.zeros(7, bool)))
    assert found.at.tolist() == [0, 1, 2, 3, 4, 5, 6]
    sums = Sums.of_signs(7, 5)
    assert sums.midpoints(found)[:, 0].tolist() == [-6, -4, -2, 0, 2, 4, 6]
    assert sums.at(np.arange(6)[:, None])[:, 0].tolist() == [-5, -3, -1, 1, 3, 5]


def test_midpoints_of_pixels_lie_between_sums_of_the_weights_as_they_are_written():
    """Two pixels 0 .. 3 of weights +1, −1, whose sums are −3 .. 3; and of weights +1, +1, 0 .. 6."""
    sums = Sums(np.array([-3, 0]), 1, 6, (2,))
    found = find("conv1", np.full(2, 6), 2, lambda at: np.stack([sums.at(at)[:, 0] >= 1, sums.at(at)[:, 1] <= 1], 1))
    assert found.falling.tolist() == [False, True]
    assert sums.midpoints(found)[:, 0].tolist() == [0.5, -1.5]


def test_zero_and_negative_zero_fire():
    signs = np.array([1, -1], dtype=np.float32)
    found = find_signs("dense1", 2, 2, lambda values: values * signs * np.float32(0) >= 0)
    assert found.at.tolist() == [0, 0]


@pytest.mark.parametrize("block", [1, 3, 1 << 20])
def test_firing_that_comes_and_goes_names_layer_and_neuron(block, monkeypatch):
    monkeypatch.setattr(threshold, "BLOCK", block)

    def fires(values):
        return np.abs(values - np.array([99, 0, 99])) <= 1

    with pytest.raises(
        ThresholdError, match="dense2, neuron 1: the answer changes 2 times between accumulators 0 and 6"
    ):
        find_signs("dense2", 6, 3, fires)


def test_nan_names_layer_and_neuron():
    asked = np.repeat(np.arange(-3, 4, 2, dtype=np.float32)[:, None], 2, axis=1)
    answers = np.where([[False, True]], np.where(asked > 0, np.nan, asked), asked).astype(np.float32)
    with pytest.raises(ThresholdError, match="dense1, neuron 1: NaN at 1;"):
        refuse_nan("dense1", asked, answers)
    assert refuse_nan("dense1", asked, asked) is asked


@given(
    spans=st.lists(st.integers(0, 300), min_size=1, max_size=6),
    levels=st.integers(2, 9),
    block=st.integers(1, 400),
    seed=st.integers(0, 1 << 30),
)
def test_levels_that_rise_or_fall_are_found_by_asking_all_and_by_bisection(spans, levels, block, seed):
    rng = np.random.default_rng(seed)
    rows, top = len(spans), levels - 1
    cuts, falling = np.sort(rng.integers(-5, 310, (rows, top))), rng.random(rows) < 0.5

    def reached(at):
        level = (at[:, :, None] >= cuts).sum(axis=2)
        return np.where(falling, top - level, level).astype(np.uint8)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threshold, "BLOCK", block)
        every, some = (search("dense1", np.array(spans), levels, reached) for search in (find, bisect))
    assert np.array_equal(every.at, some.at)
    assert np.array_equal(every.falling, some.falling)
    at = every.at.reshape(rows, -1)
    for row, span in enumerate(spans):
        sums = np.arange(span + 1)
        said = reached(np.repeat(sums[:, None], rows, axis=1))[:, row]
        counted = span - sums if every.falling[row] else sums
        assert np.array_equal((counted[:, None] >= at[row]).sum(axis=1), said)
        assert 0 <= at[row].min() <= at[row].max() <= span + 1
