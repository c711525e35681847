"""A difference in a net of maps is named by layer, place, channel, sample, accumulator and deciding threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import BIPOLAR, Conv, Cut, Dense, Graph, Layer, Levels, Pool, Scores
from bitneck.export.judges.compare import Mismatch, first_mismatch
from bitneck.ib_analysis.codes import Codes, Trace
from random_conv_nets import random_conv_graph, random_levels


def with_level(trace: Trace, layer: Layer, sample: int, neuron: int, level: int) -> Trace:
    bits, each = trace.codes[layer.name].bits().copy(), layer.emits.bits
    bits[sample, neuron * each : (neuron + 1) * each] = level >> np.arange(each) & 1
    return replace(trace, source="rtl", codes={**trace.codes, layer.name: Codes.pack(bits)})


@pytest.mark.parametrize("seed", range(12))
def test_every_level_that_differs_is_named_with_its_place_and_what_decided(seed):
    graph = random_conv_graph(seed, plain=False)
    x, rng = random_levels(graph, 3), np.random.default_rng(seed)
    reference = graph(x)
    for layer in graph.layers[:-1]:
        for _ in range(6):
            sample, neuron = int(rng.integers(3)), int(rng.integers(layer.outputs))
            levels = reference.codes[layer.name].levels(layer.emits.bits)
            level = int(rng.choice([each for each in range(layer.emits.count) if each != levels[sample, neuron]]))
            found = first_mismatch(graph, reference, with_level(reference, layer, sample, neuron, level), x)
            assert found is not None
            assert (found.layer, found.sample, found.neuron) == (layer.name, sample, neuron)
            assert (found.expected, found.got) == (int(levels[sample, neuron]), level)
            assert found.place == (
                tuple(np.unravel_index(neuron, layer.out_shape)) if len(layer.out_shape) == 3 else None
            )
            if found.threshold is not None:
                assert (found.accumulator >= found.threshold) == (found.expected > found.got)


@pytest.fixture
def graph() -> Graph:
    rng, few = np.random.default_rng(3), Levels(0, 1, 4)
    cut = Cut("cut1", np.array([[0, 0, 1, 1, 2, 2, 3, 3]], np.uint8), (4, 3, 2), few)
    weight = rng.integers(-2, 2, (3, 2, 2, 2)).astype(np.int8)
    weight[0, 0, 0, 0] = -2
    span = np.abs(weight.astype(int)).reshape(3, -1).sum(axis=1) * 3
    threshold = (span[:, None] * np.array([0.35, 0.5, 0.65])).astype(np.int32)
    conv = Conv("conv1", weight, threshold, cut.shape, (1, 1), (1, 0, 0, 1), 2, 1, 4, few)
    pool = Pool("pool1", conv.out_shape, ("max", "min", "max"), (2, 1), (2, 1), (0, 0, 0, 0), 4, few)
    dense = Dense("dense1", rng.random((4, pool.outputs)) < 0.5, np.array([20, 27, 30, 25], np.int32), 4, BIPOLAR)
    return Graph("maps", 3, (cut, conv, pool, dense, Scores(rng.random((2, 4)) < 0.5)), cut.shape)


def planted(graph: Graph, name: str, **changed: object) -> tuple[Mismatch, Layer]:
    """The first difference from a net of which one layer is another."""
    wrong = replace(graph[name], **changed)  # type: ignore[type-var]
    x = random_levels(graph, 40)
    layers = tuple(wrong if layer.name == name else layer for layer in graph.layers)
    found = first_mismatch(graph, graph(x), replace(replace(graph, layers=layers)(x), source="rtl"), x)
    assert found is not None
    assert found.layer == name
    return found, graph[name]


def test_a_weight_is_named_by_its_channel(graph):
    weight = graph["conv1"].weight.copy()
    weight[1, 0, 1, 0] ^= 1
    found, _ = planted(graph, "conv1", weight=weight)
    assert found.place is not None
    assert found.place[2] == 1
    assert (found.accumulator >= found.threshold) == (found.expected > found.got)


def test_a_threshold_is_named_with_the_accumulator_that_lies_at_it(graph):
    threshold = graph["conv1"].threshold.copy()
    threshold[2, 1] -= 1
    found, _ = planted(graph, "conv1", threshold=threshold)
    assert found.place is not None
    assert found.place[2] == 2
    assert found.accumulator == found.threshold - 1 == threshold[2, 1]


def test_a_padding_is_named_at_the_edge_of_the_map(graph):
    found, conv = planted(graph, "conv1", pad=1)
    assert found.place is not None
    assert found.place[0] == 0 or found.place[1] == conv.out_shape[1] - 1


def test_the_line_says_it_all(graph):
    x = random_levels(graph, 5)
    reference = graph(x)
    levels = reference.codes["conv1"].levels(2)
    neuron = 2 * 3 * 3 + 1 * 3 + 2
    got = (int(levels[4, neuron]) + 1) % 4
    found = first_mismatch(graph, reference, with_level(reference, graph["conv1"], 4, neuron, got), x)
    relation = ">=" if found.accumulator >= found.threshold else "<"
    assert str(found) == (
        f"conv1: row 2, column 1, channel 2, sample 4: graph says {levels[4, neuron]}, rtl says {got}; "
        f"accumulator {found.accumulator} {relation} threshold {found.threshold} above the least sum"
    )
    pool = with_level(reference, graph["pool1"], 1, 4, 3 - int(reference.codes["pool1"].levels(2)[1, 4]))
    assert str(first_mismatch(graph, reference, pool, x)).startswith("pool1: row 0, column 1, channel 1, sample 1: ")
