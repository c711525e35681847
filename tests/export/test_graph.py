"""The golden model against the definition of agreeing bits, written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from bitneck.export.graph import Binarize, Dense, Graph, GraphError, Scores, net
from hypothesis import given, settings
from hypothesis import strategies as st


def random_graph(widths: tuple[int, ...], bits: int, seed: int = 0) -> Graph:
    rng = np.random.default_rng(seed)

    def weight(rows: int, fan_in: int):
        return rng.random((rows, fan_in)) < 0.5

    def thresholds(high: int, rows: int):
        return rng.integers(0, high + 1, rows).astype(np.int32)

    head = [Binarize("binarize", thresholds(1 << bits, widths[0]), bits)] if bits > 1 else []
    dense = [
        Dense(f"dense{index + 1}", weight(rows, fan_in), thresholds(fan_in + 1, rows))
        for index, (fan_in, rows) in enumerate(itertools.pairwise(widths[:-1]))
    ]
    return Graph("random", bits, (*head, *dense, Scores(weight(widths[-1], widths[-2]))))


def assert_follows_the_definition(graph: Graph, x: np.ndarray) -> None:
    trace = graph(x)
    bits = x.astype(bool)
    for layer in graph.layers:
        if isinstance(layer, Binarize):
            bits = x >= layer.threshold
        else:
            agreeing = np.stack([(bits == row).sum(axis=1) for row in layer.weight], axis=1)
            if isinstance(layer, Scores):
                assert np.array_equal(trace.scores, agreeing)
                assert trace.scores.dtype == np.int32
                return
            bits = agreeing >= layer.threshold
        assert np.array_equal(trace.codes[layer.name].bits(), bits), layer.name


@settings(deadline=None, derandomize=True)
@given(
    widths=st.lists(st.integers(1, 30), min_size=2, max_size=5).map(tuple),
    bits=st.integers(1, 8),
    samples=st.integers(1, 9),
    seed=st.integers(0, 999),
)
def test_any_graph_counts_agreeing_bits(widths, bits, samples, seed):
    x = np.random.default_rng(seed).integers(0, 1 << bits, (samples, widths[0]), dtype=np.uint8)
    assert_follows_the_definition(random_graph(widths, bits, seed), x)


@pytest.mark.parametrize("samples", [1, 63, 64, 65, 131])
def test_blocks_and_odd_ends_change_nothing(monkeypatch, samples):
    monkeypatch.setattr(net, "ELEMENTS", 64 * 20)
    x = np.random.default_rng(0).integers(0, 256, (samples, 20), dtype=np.uint8)
    assert_follows_the_definition(random_graph((20, 9, 3), 8), x)


@pytest.mark.parametrize("fan_in", [2046, 2047, 2048, 2049])
@pytest.mark.parametrize("filled", [slice(0), slice(0, 4), slice(4, 7), slice(0, 7, 2)])
@pytest.mark.parametrize("fill", [0, 1])
def test_two_samples_in_one_product_never_touch(fan_in, filled, fill):
    """Largest sums of both signs beside odd and even ones, around the fan-in up to which samples share a product."""
    rng = np.random.default_rng(fan_in)
    weight = np.array([np.zeros(fan_in), np.ones(fan_in), rng.random(fan_in) < 0.5], dtype=bool)
    dense = Dense("dense1", weight, np.array([1, fan_in, fan_in // 2], np.int32))
    x = (rng.random((7, fan_in)) < 0.5).astype(np.uint8)
    x[:, 0] ^= x.sum(axis=1) % 2 == 0  # odd counts: a half above an even one would round back to it
    x[filled] = fill
    assert_follows_the_definition(Graph("wide", 1, (dense, Scores(weight[:, :3]))), x)
    assert_follows_the_definition(Graph("scores", 1, (Scores(weight),)), x)


def test_arrays_read_back_to_the_same_graph():
    graph = random_graph((20, 9, 3), 5)
    again = Graph.from_arrays(graph.arrays())
    x = np.random.default_rng(0).integers(0, 32, (50, 20), dtype=np.uint8)
    assert (again.name, again.input_bits) == (graph.name, graph.input_bits)
    assert again(x).codes == graph(x).codes
    with pytest.raises(GraphError, match="not a graph"):
        Graph.from_arrays({"name": np.array("x")})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 19), np.uint8), r"takes \(n, 20\) uint8, got \(3, 19\)"),
        (np.zeros((0, 20), np.uint8), r"got \(0, 20\)"),
        (np.zeros((3, 20), np.float32), "float32"),
        (np.full((3, 20), 32, np.uint8), "5-bit inputs, got 32"),
    ],
)
def test_inputs_that_do_not_fit_are_named(x, message):
    with pytest.raises(GraphError, match=message):
        random_graph((20, 9, 3), 5)(x)


def test_layers_that_do_not_chain_are_named():
    weight = np.ones((3, 4), bool)
    with pytest.raises(GraphError, match="dense1 emits 3 elements but scores takes 4"):
        Graph("g", 1, (Dense("dense1", weight, np.zeros(3, np.int32)), Scores(weight)))
    with pytest.raises(GraphError, match=r"thresholds must lie in 0 \.\. 5, got 0 \.\. 6"):
        Dense("dense1", weight, np.array([0, 6, 1], np.int32))
    with pytest.raises(GraphError, match="8-bit inputs of 256 levels; scores takes 2"):
        Graph("g", 8, (Scores(weight),))
