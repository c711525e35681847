"""ONNX of the standard operators alone: the same integers in a plain ONNX Runtime, which has never heard of us."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from bitneck.export.annotations import QonnxError
from bitneck.export.graph import Graph
from bitneck.export.judges import onnx_runtime
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.writing.qonnx import serialize
from bitneck.export.writing.standard import standard
from bitneck.models.config import PRESETS
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import random_frames, random_graph


@pytest.mark.parametrize("preset", PRESETS)
def test_every_layer_of_every_preset_says_what_the_graph_says(preset):
    network = PRESETS[preset].network
    graph = random_graph(network.widths, network.input_bits)
    x = random_frames(graph, 1000)
    assert first_mismatch(graph, graph(x), onnx_runtime.execute(standard(graph), x), x) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    widths=st.lists(st.integers(1, 20), min_size=2, max_size=5).map(tuple),
    input_bits=st.integers(1, 8),
    seed=st.integers(0, 2**16),
)
def test_any_graph_says_the_same(widths, input_bits, seed):
    graph = random_graph(widths, input_bits, seed)
    x = random_frames(graph, 64, seed)
    assert first_mismatch(graph, graph(x), onnx_runtime.execute(standard(graph), x, batch=30), x) is None


def test_a_stranger_runs_it_on_any_number_of_samples_and_gets_classes_scores_and_codes():
    graph = random_graph((40, 24, 17, 10), 8)  # its first and its last class always tie
    session = onnxruntime.InferenceSession(serialize(standard(graph)))
    assert [port.name for port in session.get_inputs()] == ["x"]
    for samples in (1, 7, 500):
        x = random_frames(graph, samples)
        expected = graph(x)
        names = [port.name for port in session.get_outputs()]
        said = dict(zip(names, session.run(None, {"x": x}), strict=True))
        assert list(said) == ["class", "scores", "binarize.code", "dense1.code", "dense2.code"]
        assert np.array_equal(said["class"], expected.predictions())
        assert np.array_equal(said["scores"], expected.scores)
        for name, codes in expected.codes.items():
            assert np.array_equal(said[f"{name}.code"], codes.bits())


def test_no_operator_is_anybodys_own_and_no_constant_is_a_float():
    model = standard(random_graph((40, 24, 4), 5))
    assert {node.domain for node in model.graph.node} == {""}
    assert [opset.domain for opset in model.opset_import] == [""]
    assert not model.functions
    kinds = {onnx_type.data_type for onnx_type in model.graph.initializer}
    assert kinds == {model.graph.initializer[0].DataType.Value(name) for name in ("INT8", "INT32")}


def test_the_same_graph_gives_the_same_bytes():
    graph = random_graph((40, 24, 4), 5)
    assert serialize(standard(graph)) == serialize(standard(Graph.from_arrays(graph.arrays())))


def test_samples_that_do_not_fit_are_named():
    with pytest.raises(QonnxError, match=r"takes \(n, 40\) uint8, got \(5, 8\)"):
        onnx_runtime.execute(standard(random_graph((40, 24, 4), 5)), np.zeros((5, 8), np.uint8))
