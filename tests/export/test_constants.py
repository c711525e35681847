"""Neurons that never change: on their own, or on what the layer before leaves them."""

from __future__ import annotations

import numpy as np
from bitneck.export.graph import Dense, Graph, Scores
from bitneck.export.graph.constants import constants, fold_constants

ALL = (np.arange(64)[:, None] >> np.arange(6) & 1).astype(np.uint8)  # every input there is


def net() -> Graph:
    """The first neuron of dense1 fires always. The first of dense2 would fire where that one does not, and so never."""
    rng = np.random.default_rng(0)
    first = Dense("dense1", rng.random((3, 6)) < 0.5, np.array([0, 3, 4], np.int32))
    second = Dense("dense2", np.array([[0, 1, 1], [1, 1, 0]], bool), np.array([3, 2], np.int32))
    return Graph("net", 1, (first, second, Scores(np.array([[1, 1], [0, 1]], bool))))


def test_a_neuron_is_constant_where_the_constants_before_it_leave_no_other_sum():
    graph = net()
    alone = Graph("alone", 1, (graph["dense2"], graph.layers[-1]))
    assert constants(alone)["dense2"].tolist() == [-1, -1]
    assert constants(graph)["dense1"].tolist() == [1, -1, -1]
    assert constants(graph)["dense2"].tolist() == [0, -1]


def test_folding_follows_the_constants_of_one_layer_into_the_next_and_changes_no_answer():
    graph = net()
    folded = fold_constants(graph)
    assert [layer.outputs for layer in folded.graph.layers] == [2, 1, 2]
    assert {name: left.tolist() for name, left in folded.kept.items()} == {"dense1": [1, 2], "dense2": [1]}
    before, after = graph(ALL), folded.graph(ALL)
    assert np.array_equal(before.scores, after.scores)
    for name, left in folded.kept.items():
        assert np.array_equal(before.codes[name].bits()[:, left], after.codes[name].bits())
