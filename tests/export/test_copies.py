"""Neurons that say the same for every input: found from weights, folded without a change of any answer."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.graph import Dense, Graph, Scores
from bitneck.export.graph.copies import copies, fold_copies, lossless

ALL = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(np.uint8)  # every input there is


def opposite(weight: np.ndarray, threshold: int) -> tuple[np.ndarray, int]:
    """A neuron that fires where the given one does not."""
    return ~weight, weight.size - threshold + 1


def net(seed: int, classes: int = 3) -> Graph:
    """Random, but neurons 2 and 4 of dense1 are copies of 0, and 3 its opposite; dense2 has two that hear the same."""
    rng = np.random.default_rng(seed)
    w1, t1 = rng.random((5, 8)) < 0.5, rng.integers(3, 6, 5).astype(np.int32)
    w1[2], t1[2] = w1[0], t1[0]
    w1[4], t1[4] = w1[0], t1[0]
    w1[3], t1[3] = opposite(w1[0], int(t1[0]))
    w2, t2 = rng.random((4, 5)) < 0.5, rng.integers(2, 4, 4).astype(np.int32)
    w2[1] = w2[0]
    w2[1, [0, 2]] = w2[0, [2, 0]]  # copies changed places
    t2[1] = t2[0]
    layers = Dense("dense1", w1, t1), Dense("dense2", w2, t2), Scores(rng.random((classes, 4)) < 0.5)
    return Graph("net", 1, layers)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_called_a_copy_is_one_for_every_input_and_one_by_its_inputs_is_found(seed):
    graph = net(seed)
    found, said = copies(graph), graph(ALL).codes
    assert found["dense1"].first[[2, 3, 4]].tolist() == [0, 0, 0]
    assert found["dense2"].first[1] == 0
    for name, of in found.items():
        bits = said[name].bits()
        assert np.array_equal(bits, bits[:, of.first] ^ (of.sign < 0))


@pytest.mark.parametrize("seed", range(60))
def test_folding_changes_no_score_beyond_nothing_and_never_adds_a_neuron(seed):
    graph = net(seed, classes=1 + seed % 4)
    for slim in (fold_copies(graph), lossless(graph)):
        assert np.array_equal(graph(ALL).scores, slim(ALL).scores)
        assert all(now.outputs <= was.outputs for now, was in zip(slim.layers, graph.layers, strict=True))


def test_two_copies_go_where_every_weight_that_hears_them_cancels():
    rng = np.random.default_rng(1)
    w1 = rng.random((4, 8)) < 0.5
    w1[1] = w1[0]
    first = Dense("dense1", w1, np.array([4, 4, 3, 5], np.int32))
    scores = Scores(np.array([[1, 0, 1, 0], [0, 1, 1, 1]], bool))
    graph = Graph("net", 1, (first, scores))
    slim = fold_copies(graph)
    assert [layer.outputs for layer in slim.layers] == [2, 2]
    assert np.array_equal(graph(ALL).scores, slim(ALL).scores)
    doubled = Graph("net", 1, (first, Scores(np.array([[1, 0, 1, 0], [1, 1, 1, 1]], bool))))
    assert [layer.outputs for layer in fold_copies(doubled).layers] == [4, 2]  # twice the same bit is no ±1


def test_thresholds_that_no_sum_lies_between_are_one():
    """Both inputs of dense2 are one bit, so that one agreeing bit and two come to the same."""
    first = Dense("dense1", np.array([[1] * 8] * 2, bool), np.array([4, 4], np.int32))
    second = Dense("dense2", np.ones((2, 2), bool), np.array([1, 2], np.int32))
    graph = Graph("net", 1, (first, second, Scores(np.array([[1, 0], [1, 1]], bool))))
    assert copies(graph)["dense2"].first.tolist() == [0, 0]
