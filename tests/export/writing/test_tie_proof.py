"""The file for consumers of QONNX: read back it is the graph, and executors of every kind say what the graph says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Conv, Cut, Graph, GraphError, Levels, Pool, Scores
from bitneck.export.judges import foreign
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.reading.streamline import Streamlined, streamline
from bitneck.export.writing.qonnx import serialize
from bitneck.export.writing.tie_proof import tie_proof
from bitneck.ib_analysis.codes import Trace
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
from qonnx.util.cleanup import cleanup_model
from random_conv_nets import random_conv_graph, random_levels


def read_back(graph: Graph) -> Streamlined:
    return streamline(tie_proof(graph), None if graph.input_bits == 1 else np.arange(graph.layers[0].takes))


def differs(graph: Graph, said: Trace, x: np.ndarray):
    """Where offsets and multipliers order classes, a reader finds the least that order them so, and perhaps others."""
    expected = graph(x)
    if getattr(graph.layers[-1], "offset", None) is not None:
        assert np.array_equal(said.predictions(), expected.predictions())
        said = replace(said, scores=expected.scores)
    return first_mismatch(graph, expected, said, x)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_graph_is_read_back_and_nothing_in_it_rounds(seed):
    graph = random_conv_graph(seed)
    x = random_levels(graph, 20, seed)
    read = read_back(graph)
    assert differs(graph, read.graph(x), x) is None
    assert not read.margins


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_qonnx_and_onnx_runtime_say_what_the_graph_says(seed):
    graph = random_conv_graph(seed)
    x = random_levels(graph, 4, seed)
    read = read_back(graph)
    for execute in (foreign.qonnx, foreign.onnx_runtime):
        assert differs(graph, execute(read, x), x) is None


def test_the_same_graph_gives_the_same_bytes():
    graph = random_conv_graph(5)
    assert serialize(tie_proof(graph)) == serialize(tie_proof(Graph.from_arrays(graph.arrays())))


def test_levels_that_are_whole_numbers_stay_what_they_are():
    ternary = Levels(-1, 1, 3)
    at = np.array([[2, 4]], np.int32)
    conv = Conv("conv1", np.ones((1, 1, 3, 2), bool), at, (1, 5, 2), takes=2, emits=ternary)
    read = read_back(Graph("net", 1, (conv, Scores(np.ones((2, 3), bool), 3)), (1, 5, 2)))
    assert read.graph["conv1"].emits == ternary
    assert np.array_equal(read.graph["conv1"].threshold, at)


def test_qonnx_lowers_its_convolutions_to_matrices():
    graph = next(each for each in map(random_conv_graph, range(99)) if any(isinstance(a, Conv) for a in each.layers))
    lowered = cleanup_model(ModelWrapper(tie_proof(graph))).transform(LowerConvsToMatMul())
    assert not [node for node in lowered.graph.node if node.op_type == "Conv"]


def pooled(of: tuple, low_weight: int) -> Graph:
    weight = np.full((2, 1, 1, 1), low_weight, np.int8)
    conv = Conv("conv1", weight, np.array([3, 5], np.int32), (1, 4, 1), takes=16)
    pool = Pool("pool1", (1, 4, 2), of, (1, 2), (1, 2))
    return Graph("net", 4, (conv, pool, Scores(np.ones((2, 4), bool))), (1, 4, 1))


def padded_sum() -> Graph:
    pool = Pool("pool1", (1, 4, 1), ("sum",), (1, 2), (1, 1), (0, 1, 0, 0), 2, Levels(0, 1, 3))
    return Graph("net", 1, (pool, Scores(np.ones((2, 4), bool), 3)), (1, 4, 1))


def mixed_pool_of_the_input() -> Graph:
    pool = Pool("pool1", (1, 4, 2), ("max", "min"), (1, 2), (1, 1))
    return Graph("net", 1, (pool, Scores(np.ones((2, 6), bool))), (1, 4, 2))


def tables_of_places() -> Graph:
    table = np.sort(np.random.default_rng(0).integers(0, 3, (8, 4)), axis=1).astype(np.uint8)
    cut = Cut("cut1", table, (2, 2, 2), Levels(0, 1, 3))
    return Graph("net", 2, (cut, Scores(np.ones((2, 8), bool), 3)), (2, 2, 2))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (pooled(("max", "min"), -128), "conv1: a weight of 128 or -128 whose inverse Quant does not have"),
        (padded_sum(), "pool1: sums with padding"),
        (mixed_pool_of_the_input(), "pool1: the largest of some channels and the least of others"),
        (tables_of_places(), "cut1: a table for every place of a map"),
    ],
)
def test_what_these_nodes_cannot_say_is_refused_by_name(graph, message):
    with pytest.raises(GraphError, match=message):
        tie_proof(graph)


def test_classes_that_tie_under_different_multipliers_still_tie_when_read_back():
    weight = np.ones((2, 6), bool)
    scores = Scores(weight, 2, np.array([3, 0]), np.array([2, 3]))
    graph = Graph("tie", 1, (scores,))
    x = np.triu(np.ones((6, 6), np.uint8))  # of three agreeing bits both scores are 9
    assert graph(x).scores[3].tolist() == [9, 9]
    read = read_back(graph)
    assert np.array_equal(read.graph(x).scores, graph(x).scores)
