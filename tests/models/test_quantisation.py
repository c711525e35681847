"""Cuts are fitted on the training set by the rule that is stated, and what they lose is counted."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.models.config import DataConfig
from bitneck.models.datasets import DataError, dataset
from bitneck.models.quantisation import fitted
from bitneck.models.samples import samples_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

RNG = np.random.default_rng(7)
NUMBERS = arrays(np.float64, st.integers(2, 60), elements=st.floats(allow_nan=False, allow_infinity=False))


def cut(train, bits, rule):
    """Levels of (n, 1) numbers; the same whether features share their cuts or each has its own."""
    shared = fitted(train[:, None], bits, rule, True, (), "here")
    own = fitted(np.repeat(train[:, None], 2, axis=1), bits, rule, False, ("a", "b"), "here")

    def levels(x):
        found = own(np.repeat(x, 2, axis=1))
        assert np.array_equal(found, np.repeat(shared(x), 2, axis=1))
        return found[:, :1]

    return levels


@given(NUMBERS, st.integers(1, 8), st.sampled_from(["quantiles", "range"]))
def test_levels_follow_the_order_of_the_numbers_from_the_least_to_the_greatest(train, bits, rule):
    if train.min() == train.max():
        return
    made = cut(train, bits, rule)
    levels = made(np.sort(train)[:, None])[:, 0].astype(int)
    assert (np.diff(levels) >= 0).all()
    assert levels[0] == 0
    assert 0 < levels[-1] < 1 << bits
    if rule == "quantiles":
        assert levels[-1] == min(len(np.unique(train)), 1 << bits) - 1
    beyond = made(np.array([[-np.finfo(float).max], [np.finfo(float).max]]))[:, 0]
    assert beyond.tolist() == [0, levels[-1]]


@given(NUMBERS, st.integers(1, 8))
def test_a_feature_of_few_different_numbers_keeps_them_all_apart(train, bits):
    different = np.unique(train)
    if 1 < len(different) <= 1 << bits:
        assert cut(train, bits, "quantiles")(different[:, None])[:, 0].tolist() == list(range(len(different)))


def test_quantiles_do_not_lose_the_rest_of_a_feature_that_nearly_always_is_zero():
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])
    levels = cut(values, 2, "quantiles")(values[:, None])[:, 0]
    assert np.bincount(levels).tolist() == [900, 33, 34, 33]


def test_quantiles_put_as_many_training_samples_on_each_level():
    values = RNG.lognormal(size=1600)
    levels = cut(values, 4, "quantiles")(values[:, None])[:, 0]
    assert np.bincount(levels).tolist() == [100] * 16


def test_a_range_is_cut_evenly_each_number_to_its_nearest_level():
    train = np.array([0.0, 0.1, 30.0])
    assert cut(train, 2, "range")(np.array([[-9.0], [4.9], [5.1], [14.9], [15.1], [24.9], [25.1], [99.0]]))[
        :, 0
    ].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_bytes_that_were_divided_by_255_come_back_as_they_were():
    images = RNG.integers(0, 256, (40, 6, 5)).astype(np.uint8)
    images[0, 0, :2] = 0, 255
    y = np.arange(40) % 2
    floats = dataset("floats", samples_of("floats", {"x": images.astype(np.float32) / 255, "y": y}), bits=8)
    whole = dataset("whole", samples_of("whole", {"x": images, "y": y}), bits=8)
    assert floats.sha256 == whole.sha256
    assert whole.taken.loss is None
    assert (floats.taken.loss.rule, len(floats.quantiser.cuts)) == ("range", 1)


def test_the_account_names_levels_clipped_values_and_samples_that_became_equal():
    train = np.array([[0.0, 1.5], [0.1, 1.5], [1.0, 2.5], [0.9, 2.5], [1.0, 2.5]])
    test = np.array([[-1.0, 2.5], [2.0, 9.0]])
    arrays = {"train_x": train, "train_y": np.array([0, 1, 1, 1, 1]), "test_x": test, "test_y": np.array([0, 1])}
    loss = dataset("a", samples_of("a", arrays), DataConfig(rule="range"), bits=1).taken.loss
    first, second = loss.features
    assert (first.low, first.high, first.values, first.levels, first.clipped) == (0.0, 1.0, 4, 2, 2)
    assert (second.values, second.levels, second.clipped) == (2, 2, 1)
    assert (loss.tested, loss.clipped) == (4, 3)
    assert (loss.different, loss.left) == (6, 3)  # 00 twice, 11 four times, 01
    assert (loss.colliding, loss.colliding_before) == (2, 0)


def test_the_rule_is_fitted_on_the_training_set_alone():
    train, y = RNG.normal(size=(50, 3)), np.arange(50) % 2
    one, other = (
        dataset("a", samples_of("a", {"train_x": train, "train_y": y, "test_x": test, "test_y": y[:9]}), bits=3)
        for test in (RNG.normal(size=(9, 3)), 100 + RNG.normal(size=(9, 3)))
    )
    assert np.array_equal(one.train_x, other.train_x)
    assert np.array_equal(one.quantiser.cuts, other.quantiser.cuts)
    assert other.test_x.min() == 7


def test_whole_numbers_that_fit_are_never_cut_whatever_the_rule():
    x, y = RNG.integers(0, 16, (40, 3)), np.arange(40) % 2
    for kind in (np.uint8, np.int64, np.float32):
        for rule in (None, "range", "quantiles"):
            made = dataset("a", samples_of("a", {"x": x.astype(kind), "y": y}), DataConfig(rule=rule), bits=4)
            assert np.array_equal(np.sort(made.all()[0], axis=0), np.sort(x, axis=0))
            assert made.quantiser is None
    assert dataset("a", samples_of("a", {"x": x, "y": y})).input_bits == 4


def test_whole_numbers_that_do_not_fit_are_cut_where_a_rule_is_given_and_else_refused():
    x, y = RNG.integers(-20, 900, (40, 3)), np.arange(40) % 2
    samples = samples_of("here", {"x": x, "y": y})
    with pytest.raises(
        DataError, match=r"here: 3 inputs of whole numbers -\d+ \.\. 8\d\d \(int64\) do not fit in 4 bits"
    ):
        dataset("a", samples, bits=4)
    assert dataset("a", samples, DataConfig(rule="range"), bits=4).train_x.max() == 15
    narrow = samples_of("here", {"x": np.abs(x) % 60, "y": y})
    with pytest.raises(DataError, match=r"do not fit in 4 bits, 0 \.\. 15; take input_bits = 6, or say by which rule"):
        dataset("a", narrow, bits=4)


def test_a_column_of_one_number_is_refused_by_its_name_and_pixels_that_never_change_are_not():
    x, y = RNG.random((40, 2, 2)), np.arange(40) % 2
    x[:, 0, 1] = 0.25
    with pytest.raises(
        DataError, match=r"here, training set \(32, 4\) float64: feature b is 0.25 in every sample.*ignore"
    ):
        dataset("a", samples_of("here", {"x": x.reshape(40, 4), "y": y}, "abcd"), bits=4)
    assert len(np.unique(dataset("a", samples_of("here", {"x": x, "y": y}), bits=4).train_x[:, 1])) == 1
    with pytest.raises(DataError, match=r"every number is 0\.5"):
        dataset("a", samples_of("here", {"x": np.full((40, 2, 2), 0.5), "y": y}), bits=4)


def test_inputs_are_shown_as_often_as_asked():
    x, y = RNG.random((40, 3)), np.arange(40) % 2
    made = dataset("a", samples_of("a", {"x": x, "y": y}), DataConfig(copies=4), bits=3)
    assert (made.features, made.pixels, made.copies) == (12, 3, 4)
    assert np.array_equal(made.train_x[:, :3], made.train_x[:, 9:])
