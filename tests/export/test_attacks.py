"""Attacks flip what they say, as few bits as they say, and what they turn is turned in the golden model."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from bitneck.export.attacks import Target, at_random, by_gradient, exactly, summed_draws
from bitneck.export.graph import GraphError
from random_conv_nets import random_conv_graph
from random_nets import random_graph


@pytest.fixture(scope="module", params=[1, 3], ids=["bits come in", "pixels come in"])
def attacked(request):
    """A net, samples, and as their classes what it says of them."""
    graph = random_graph([10, 9, 7, 4], request.param, seed=3)
    x = np.random.default_rng(0).integers(0, 1 << request.param, (60, 10), dtype=np.uint8)
    return graph, Target.of(graph), x, graph(x).predictions()


def test_scores_are_those_of_the_golden_model(attacked):
    graph, target, x, _ = attacked
    dots = 2 * graph(x).scores.astype(int) - graph.layers[-1].fan_in
    np.testing.assert_array_equal(target.scores(target.bits(x)), dots)
    zero = summed_draws(target, 0.0, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(zero(target.bits(x)), 3 * dots)


def test_so_many_bits_are_flipped_and_only_free_ones(attacked):
    _, target, x, y = attacked
    bits = target.bits(x)
    for flipped in (at_random(target, bits, 3, np.random.default_rng(0)), by_gradient(target, bits, y, 3, 1.0)):
        assert ((flipped != bits).sum(axis=1) == 3).all()
        assert not (flipped != bits)[:, ~target.free].any()


def test_what_is_turned_is_turned_in_the_golden_model_by_samples_that_one_could_send(attacked):
    graph, target, x, y = attacked
    found = exactly(target, target.bits(x), y, 4, 10, 1.0)
    sent = target.samples(found.bits, x)
    assert (found.needed > 0).any()
    np.testing.assert_array_equal(graph(sent).predictions() != y, found.needed > 0)
    flipped = (target.bits(sent) != target.bits(x)).sum(axis=1)
    np.testing.assert_array_equal(flipped[found.needed > 0], found.needed[found.needed > 0])


def test_with_every_bit_tried_one_flip_is_found_wherever_one_is_enough(attacked):
    _, target, x, y = attacked
    bits = target.bits(x)
    enough = np.zeros(len(x), bool)
    for bit in np.flatnonzero(target.free):
        one = bits.copy()
        one[:, bit] *= -1
        enough |= target.scores(one).argmax(axis=1) != y
    needed = exactly(target, bits, y, 2, 10, 1.0).needed
    np.testing.assert_array_equal(needed == 1, enough)
    for sample in np.flatnonzero(needed == 2):  # greedy: never fewer than there have to be
        pairs = np.repeat(bits[sample : sample + 1], 45, axis=0)
        for row, two in enumerate(combinations(range(10), 2)):
            pairs[row, list(two)] *= -1
        assert (target.scores(pairs).argmax(axis=1) != y[sample]).any()


def test_the_gradient_is_that_of_the_triangles(attacked):
    """Of a slope so wide that all is linear, the gain is what a flip does to a net without thresholds."""
    _, target, x, y = attacked
    bits = target.bits(x)[:5]
    gains = target.gains(bits, y[:5], 1e6)
    back = target.scores(bits) / np.sqrt(target.weights[-1].shape[1])
    p = np.exp(back) / np.exp(back).sum(axis=1, keepdims=True) - np.eye(4)[y[:5]]
    linear = p @ target.weights[2] @ target.weights[1] @ target.weights[0]
    due = np.where(target.free, -bits * linear, -np.inf)
    np.testing.assert_array_equal(gains.argmax(axis=1), due.argmax(axis=1))
    finite = np.isfinite(due)
    assert np.corrcoef(gains[finite], due[finite])[0, 1] > 0.999999


def test_a_net_of_maps_is_refused_by_the_name_of_its_layer():
    graph = random_conv_graph(0)
    with pytest.raises(GraphError, match=rf"{graph.name}: .* which attacks need|attacks flip bits"):
        Target.of(graph)
