"""A net of steps: the golden model, the files, who reads and runs them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Graph, GraphError, IntegrateDense, PassScores, PassSum, StepCuts
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.judges.written import execute_passes, execute_standard
from bitneck.export.reading.chain import StreamlineError
from bitneck.export.writing.qonnx import serialize
from bitneck.export.writing.standard import standard
from bitneck.export.writing.step_file import graph_of
from bitneck.export.writing.streamlined import streamlined
from bitneck.export.writing.tie_proof import tie_proof
from onnx import numpy_helper

RNG = np.random.default_rng(0)
STEPS = 3
CUTS = np.array([9, 0, 32], np.int32)  # falling; always reached, never


def neurons(name: str, rows: int, fan_in: int) -> IntegrateDense:
    """Random, but for one that fires at every step and one that does at none."""
    theta = RNG.integers(1, fan_in // 2, rows).astype(np.int32)
    leak = RNG.integers(fan_in // 4, fan_in // 2, rows).astype(np.int32)
    leak[:2] = -theta[0], fan_in
    return IntegrateDense(name, RNG.random((rows, fan_in)) < 0.5, leak, theta, STEPS)


LAST = RNG.random((5, 8)) < 0.5
GRAPH = Graph(
    "s",
    5,
    (
        StepCuts("binarize", CUTS, 20, 5),
        neurons("dense1", 12, 20),
        neurons("dense2", 8, 12),
        PassScores(LAST, STEPS, "steps"),
        PassSum(5, STEPS, 9),
    ),
)
X = RNG.integers(0, 32, (60, 20)).astype(np.uint8)


def test_it_says_what_its_equations_say():
    said = GRAPH(X)
    code = np.stack([cut <= X for cut in CUTS], axis=1)
    for name in ("dense1", "dense2"):
        layer, state, fired = GRAPH[name], 0, []
        for step in range(STEPS):
            v = state + (code[:, step, None] == layer.weight).sum(axis=2) - layer.leak
            fired.append(v >= layer.theta)
            state = v - layer.theta * fired[-1]
        code = np.stack(fired, axis=1)
        assert (said.codes[name].bits().reshape(code.shape) == code).all()
        assert 0.1 < code[:, :, 2:].mean() < 0.9
    scores = (code[:, :, None] == LAST).sum(axis=3)
    assert (said.scores == scores.sum(axis=1)).all()
    assert list(said.codes) == ["binarize", "dense1", "dense2", "steps", "spread"]


def test_file_and_arrays_are_read_back_as_they_were():
    for back in (graph_of(serialize(tie_proof(GRAPH))), Graph.from_arrays(GRAPH.arrays())):
        assert {name: array.tolist() for name, array in back.arrays().items()} == {
            name: array.tolist() for name, array in GRAPH.arrays().items()
        }


@pytest.mark.parametrize("by", ["qonnx", "onnxruntime", "finn-base"])
def test_executors_of_the_file_say_what_the_graph_says(by):
    assert first_mismatch(GRAPH, GRAPH(X), execute_passes(GRAPH, tie_proof(GRAPH), X, by), X) is None


def test_standard_onnx_says_it_too_and_finns_dialect_is_refused_by_name():
    assert first_mismatch(GRAPH, GRAPH(X), execute_standard(GRAPH, standard(GRAPH), X), X) is None
    with pytest.raises(GraphError, match="binarize: FINN's dialect has no word for a StepCuts"):
        streamlined(GRAPH)


def test_a_state_that_is_kept_differently_is_found_with_its_sum_and_theta():
    theta = GRAPH["dense2"].theta.copy()
    theta[4] += 1
    layers = [replace(layer, theta=theta) if layer.name == "dense2" else layer for layer in GRAPH.layers]
    found = first_mismatch(GRAPH, GRAPH(X), replace(GRAPH, layers=tuple(layers))(X), X)
    assert found is not None
    assert (found.layer, found.neuron % 8, found.threshold) == ("dense2", 4, theta[4] - 1)
    assert (found.accumulator >= found.threshold) == found.expected


def test_a_file_whose_nodes_are_others_is_no_net_of_steps():
    changed = tie_proof(GRAPH)
    (constant,) = (each for each in changed.graph.initializer if each.name == "dense1.midpoint")
    constant.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(constant) + 2, constant.name))
    with pytest.raises(StreamlineError, match="s: its net of steps is written otherwise; export it again"):
        graph_of(serialize(changed))
    lacking = tie_proof(GRAPH)
    lacking.graph.initializer.remove(next(each for each in lacking.graph.initializer if each.name == "dense2.leak"))
    with pytest.raises(StreamlineError, match="s: no net of steps"):
        graph_of(serialize(lacking))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("theta", 0, r"thetas must lie in 1 \.\. 36, got 0 \.\."),
        ("leak", 13, r"leaks must lie in -theta \.\. 12"),
        ("leak", -40, "leaks must lie in -theta"),
    ],
)
def test_neurons_that_are_none_are_refused(field, value, said):
    layer = GRAPH["dense2"]
    wrong = getattr(layer, field).copy()
    wrong[3] = value
    with pytest.raises(GraphError, match=said):
        replace(layer, **{field: wrong})


def test_more_steps_than_hardware_has_are_refused():
    with pytest.raises(GraphError, match=r"17 passes; 2 \.\. 16 are supported"):
        replace(GRAPH["dense2"], passes=17)
