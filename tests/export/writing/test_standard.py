"""ONNX of the standard operators alone: the same integers in a plain ONNX Runtime, which has never heard of us."""

from __future__ import annotations

import hashlib

import numpy as np
import onnxruntime
import pytest
from bitneck.export.annotations import QonnxError
from bitneck.export.graph import BIPOLAR, Conv, Cut, Dense, Graph, GraphError, Levels, Pool, Scores
from bitneck.export.judges import onnx_runtime
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.judges.written import execute_standard
from bitneck.export.writing.qonnx import serialize
from bitneck.export.writing.standard import standard
from bitneck.models.config import PRESETS
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from random_conv_nets import random_conv_graph, random_levels
from random_nets import random_frames, random_graph, small_graphs


@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].network.widths])
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


def test_one_bit_nets_are_byte_for_byte_what_they_were_before_there_were_others():
    written = hashlib.sha256(b"".join(serialize(standard(graph)) for graph in small_graphs()))
    assert written.hexdigest().startswith("050ec442a90bf3cc")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_graph_of_maps_and_levels_says_the_same(seed):
    graph = random_conv_graph(seed, plain=False)
    x = random_levels(graph, 6, seed)
    assert first_mismatch(graph, graph(x), execute_standard(graph, standard(graph), x, batch=4), x) is None


def wide_levels(weight: np.ndarray) -> Graph:
    """1,021 levels behind sums of pixels: more than a byte holds."""
    pool = Pool("pool1", (4, 4, 1), ("sum",), (2, 2), (2, 2), takes=256, emits=Levels(0, 1, 1021))
    largest = Pool("pool2", (2, 2, 1), ("min",), (1, 2), (1, 1), (0, 1, 0, 0), 1021, Levels(0, 1, 1021))
    return Graph("wide", 8, (pool, largest, Scores(weight, 1021)), (4, 4, 1))


def test_levels_of_more_than_a_byte_and_weights_of_128_are_summed_in_parts():
    weight = np.array([[128, -128, 7, 90], [-1, 100, 128, 128], [-128, -128, -128, -127]], np.int16)
    graph = wide_levels(weight)
    x = np.vstack([random_levels(graph, 50), np.full((1, 16), 255, np.uint8)])
    model = standard(graph)
    assert first_mismatch(graph, graph(x), execute_standard(graph, model, x), x) is None
    kinds = {port.name: port.type.tensor_type.elem_type for port in model.graph.output}
    assert kinds["pool1.code"] == kinds["pool2.code"] == TensorProto.UINT16


def test_a_map_of_more_than_a_byte_is_padded_in_both_of_its_bytes():
    pool = Pool("pool1", (4, 4, 1), ("sum",), (2, 2), (2, 2), takes=256, emits=Levels(0, 1, 1021))
    weight = np.random.default_rng(0).integers(-8, 8, (3, 2, 2, 1)).astype(np.int8)
    span = np.abs(weight.astype(int)).reshape(3, -1).sum(axis=1)[:, None] * 1020
    at = (span * [0.4, 0.5, 0.6, 0.7]).astype(np.int32)
    conv = Conv("conv1", weight, at, (2, 2, 1), (1, 1), (1, 0, 1, 1), 767, 1, 1021, Levels(0, 1, 5))
    graph = Graph("wide", 8, (pool, conv), (4, 4, 1))
    x = random_levels(graph, 200)
    assert len(np.unique(graph(x).scores)) == 5
    assert first_mismatch(graph, graph(x), execute_standard(graph, standard(graph), x), x) is None


def test_products_of_large_weights_and_large_levels_saturate_nowhere():
    """ONNX Runtime adds pairs of uint8 times int8 in 16 bits on processors without VNNI: 2 · 255 · 127 is too much."""
    graph = Graph("large", 8, (Scores(np.full((2, 64), 127, np.int8), 256),))
    x = np.full((3, 64), 255, np.uint8)
    weight = next(tensor for tensor in standard(graph).graph.initializer if tensor.name == "scores.weight")
    assert weight.data_type == weight.UINT8
    assert execute_standard(graph, standard(graph), x).scores.tolist() == [[64 * 127 * 255] * 2] * 3


def test_a_net_that_ends_in_one_code_has_it_as_its_class():
    dense = Dense("scores", np.ones((1, 4), bool), np.array([3], np.int32))
    graph = Graph("code", 1, (dense,))
    x = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.uint8)
    session = onnxruntime.InferenceSession(serialize(standard(graph)))
    assert [said.tolist() for said in session.run(["class", "scores"], {"x": x})] == [[1, 0], [[1], [0]]]
    assert session.run(["class"], {"x": x[:1]})[0].shape == (1,)
    assert graph(x).predictions().tolist() == [1, 0]


def test_a_table_may_rise_and_fall():
    table = np.array([[1, 0, 2, 1]], np.uint8)
    graph = Graph("table", 2, (Cut("cut1", table, (3,), Levels(0, 1, 3)), Scores(np.ones((2, 3), bool), 3)))
    x = random_levels(graph, 9)
    assert np.array_equal(execute_standard(graph, standard(graph), x).codes["cut1"].levels(2), table[0][x])


def test_sums_beyond_int32_are_refused():
    """Below them int32 wraps; a sum of 300 products of 16 bits and 7 lies beyond."""
    wide = Dense("dense1", np.ones((300, 1), bool), np.zeros((300, 65535), np.int32), 2, Levels(0, 1, 65536))
    dense = Dense("dense2", np.full((1, 300), 127, np.int8), np.array([1], np.int32), 65536, BIPOLAR)
    with pytest.raises(GraphError, match=r"dense2 sums up to 2496883500, beyond the int32"):
        standard(Graph("beyond", 1, (wide, dense)))
