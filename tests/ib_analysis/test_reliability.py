"""Calibration against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis.reliability import auroc, reliability, softmax


def test_a_net_that_is_right_as_often_as_it_says_has_no_error():
    probabilities = np.tile([0.75, 0.25], (400, 1))
    labels = np.repeat([0, 1], [300, 100])
    found = reliability(probabilities, labels)
    assert found.accuracy == pytest.approx(0.75)
    assert found.ece == pytest.approx(0)
    assert found.nll == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))


def test_the_error_is_what_confidence_exceeds_accuracy_by_in_each_bin():
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 30)
    labels = np.array([0] * 5 + [1] * 5 + [0] * 30)
    found = reliability(probabilities, labels)
    assert found.ece == pytest.approx((10 * 0.4 + 30 * 0.4) / 40)
    assert [(each.samples, each.accuracy) for each in found.bins] == [(30, 1.0), (10, 0.5)]


def test_a_certain_class_is_in_the_last_bin():
    assert reliability(np.array([[1.0, 0.0]]), np.array([0])).bins[0].confidence == 1


def test_softmax_of_a_high_temperature_is_flat():
    assert softmax(np.array([[9, 1, 2]]), 1e9) == pytest.approx(np.full((1, 3), 1 / 3))
    assert softmax(np.array([[2.0, 0.0]]), 2)[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_auroc_counts_pairs_and_half_of_those_that_are_equal():
    rng = np.random.default_rng(0)
    some, others = rng.integers(0, 9, 40), rng.integers(0, 9, 60)
    pairs = (some[:, None] > others).mean() + (some[:, None] == others).mean() / 2
    assert auroc(some, others) == pytest.approx(pairs)
    assert auroc(others, some) == pytest.approx(1 - pairs)
