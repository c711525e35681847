"""The file for FINN's compiler: thresholds and popcounts whose integers qonnx executes to the Graph's own answers."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from bitneck.export.annotations import data_types
from bitneck.export.graph import Binarize, Conv, Cut, Dense, Graph, GraphError, Levels, Pool, Scores
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.judges.qonnx import execute
from bitneck.export.judges.written import execute_streamlined
from bitneck.export.writing.qonnx import serialize
from bitneck.export.writing.streamlined import streamlined
from bitneck.models.config import PRESETS
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from random_conv_nets import random_conv_graph, random_levels
from random_nets import random_frames, random_graph, small_graphs

DIALECTS = ("xnor", "bipolar")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].network.widths])
def test_every_layer_of_every_preset_says_what_the_graph_says(preset, dialect):
    network = PRESETS[preset].network
    graph = random_graph(network.widths, network.input_bits)
    x = random_frames(graph, 300)
    assert first_mismatch(graph, graph(x), execute(streamlined(graph, dialect), x, batch=128), x) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    widths=st.lists(st.integers(1, 20), min_size=2, max_size=5).map(tuple),
    input_bits=st.integers(1, 8),
    dialect=st.sampled_from(DIALECTS),
    seed=st.integers(0, 2**16),
)
def test_any_graph_says_the_same(widths, input_bits, dialect, seed):
    graph = random_graph(widths, input_bits, seed)
    x = random_frames(graph, 64, seed)
    assert first_mismatch(graph, graph(x), execute(streamlined(graph, dialect), x), x) is None


def every_threshold(pixels: bool) -> tuple[Graph, np.ndarray]:
    """A neuron for each threshold that there can be, always and never included, and every input."""
    rng = np.random.default_rng(0)
    if pixels:
        layers = (Binarize("binarize", np.arange(257, dtype=np.int32), 8), Scores(rng.random((2, 257)) < 0.5))
        return Graph("net", 8, layers), np.repeat(np.arange(256, dtype=np.uint8)[:, None], 257, axis=1)
    weight = np.repeat(rng.random((1, 8)) < 0.5, 10, axis=0)
    layers = (Dense("dense1", weight, np.arange(10, dtype=np.int32)), Scores(rng.random((2, 10)) < 0.5))
    return Graph("net", 1, layers), np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("pixels", [True, False])
def test_a_neuron_fires_from_its_threshold_on_and_never_or_always_beyond_the_ends(pixels, dialect):
    graph, x = every_threshold(pixels)
    trace = execute(streamlined(graph, dialect), x)
    (name, codes), *_ = trace.codes.items()
    assert codes == graph(x).codes[name]
    assert codes.bits()[:, 0].all()
    assert not codes.bits()[:, -1].any()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("input_bits", [1, 3, 8])
def test_every_value_that_occurs_is_allowed_by_the_annotated_type(input_bits, dialect):
    graph = random_graph((40, 24, 17, 4), input_bits)
    model = streamlined(graph, dialect)
    kinds = data_types(model)
    wide = ModelWrapper(model).transform(ChangeBatchSize(200)).transform(InferShapes())
    x = random_frames(graph, 200).astype(np.float32)
    values = execute_onnx(wide, {"x": 2 * x - 1 if kinds["x"] == "BIPOLAR" else x}, return_full_exec_context=True)
    assert set(kinds) == {name for name in values if name}
    for name, kind in kinds.items():
        assert all(DataType[kind].allowed(value) for value in np.unique(values[name])), (name, kind)


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("xnor", {"accumulator": "UINT6", "thresholds": "UINT6", "weight": "BINARY", "code": "BINARY"}),
        ("bipolar", {"accumulator": "INT7", "thresholds": "INT7", "weight": "BIPOLAR", "code": "BIPOLAR"}),
    ],
)
def test_types_are_as_narrow_as_the_integers(dialect, expected):
    kinds = data_types(streamlined(random_graph((40, 24, 17, 4), 5), dialect))
    assert {part: kinds[f"dense1.{part}"] for part in expected} == expected
    assert kinds["x"] == "UINT5"
    assert kinds["binarize.thresholds"] == "UINT6", "never is one more than a pixel can be"
    assert kinds["scores"] == {"xnor": "UINT5", "bipolar": "INT6"}[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_qonnx_infers_from_the_types_what_it_needs(dialect):
    model = ModelWrapper(streamlined(random_graph((40, 24, 17, 4), 1), dialect)).transform(InferDataTypes())
    bit = {"xnor": "BINARY", "bipolar": "BIPOLAR"}[dialect]
    assert [model.get_tensor_datatype(name).name for name in ("x", "dense1.code", "dense2.code")] == [bit] * 3
    assert {node.op_type for node in model.graph.node} == {
        "MultiThreshold",
        {"xnor": "XnorPopcountMatMul", "bipolar": "MatMul"}[dialect],
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_graph_gives_the_same_bytes(dialect):
    graph = random_graph((40, 24, 4), 5)
    again = Graph.from_arrays(graph.arrays())
    assert serialize(streamlined(graph, dialect)) == serialize(streamlined(again, dialect))
    assert serialize(streamlined(graph, dialect)) != serialize(streamlined(random_graph((40, 24, 4), 5, 1), dialect))


def test_an_unknown_dialect_is_refused_with_the_known_ones():
    with pytest.raises(GraphError, match="no dialect 'binary'; choose one of xnor, bipolar"):
        streamlined(random_graph((4, 3, 2), 1), "binary")


@pytest.mark.parametrize(("dialect", "digest"), [("xnor", "1f8f0946aa27edbf"), ("bipolar", "36ea40b366f6a333")])
def test_one_bit_nets_are_byte_for_byte_what_they_were_before_there_were_others(dialect, digest):
    written = hashlib.sha256(b"".join(serialize(streamlined(graph, dialect)) for graph in small_graphs()))
    assert written.hexdigest().startswith(digest)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), dialect=st.sampled_from(DIALECTS))
def test_any_graph_of_maps_and_levels_says_the_same(seed, dialect):
    graph = random_conv_graph(seed)
    x = random_levels(graph, 2, seed)
    assert first_mismatch(graph, graph(x), execute_streamlined(graph, streamlined(graph, dialect), x), x) is None


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), dialect=st.sampled_from(DIALECTS))
def test_every_value_of_a_map_is_allowed_by_the_annotated_type(seed, dialect):
    graph = random_conv_graph(seed)
    model = streamlined(graph, dialect)
    kinds = data_types(model)
    x = random_levels(graph, 1, seed).astype(np.float32)
    x = (2 * x - 1 if kinds["x"] == "BIPOLAR" else x).reshape(1, *graph.shape)
    values = execute_onnx(ModelWrapper(model), {"x": x}, return_full_exec_context=True)
    assert set(kinds) == {name for name in values if name and not name.endswith(".shape")}
    for name, kind in kinds.items():
        assert all(DataType[kind].allowed(value) for value in np.unique(values[name])), (name, kind)


def one_conv(**changes) -> Graph:
    """A map of 1 x 5 with two channels, under a 1 x 3 window."""
    conv = {
        "weight": np.ones((2, 1, 3, 2), bool),
        "threshold": np.array([2, 3], np.int32),
        "shape": (1, 5, 2),
    } | changes
    layer = Conv("conv1", **conv)
    return Graph("net", 1, (layer, Scores(np.ones((2, layer.outputs), bool))), layer.shape)


def test_depthwise_windows_say_so_and_their_weights_are_zero_between_channels():
    graph = one_conv(weight=np.ones((2, 1, 3, 1), bool), groups=2)
    model = streamlined(graph)
    (window,) = (node for node in model.graph.node if node.op_type == "Im2Col")
    assert {each.name: each.i for each in window.attribute}["depthwise"] == 1
    wrapper = ModelWrapper(model)
    assert wrapper.get_tensor_sparsity("conv1.weight") == {"dw": {"kernel_shape": [1, 3]}}
    assert wrapper.get_initializer("conv1.weight").tolist() == [[1, 0], [0, 1]] * 3


def test_windows_of_one_element_need_no_im2col():
    model = streamlined(one_conv(weight=np.ones((2, 1, 1, 2), bool)))
    assert [node.op_type for node in model.graph.node] == [
        *("XnorPopcountMatMul", "MultiThreshold", "Reshape", "XnorPopcountMatMul")
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_least_of_a_window_is_of_one_bit_still_for_who_infers_types_again(dialect):
    pool = Pool("pool1", (3, 3, 2), ("min", "max"), (2, 2), (1, 1))
    graph = Graph("pool", 1, (pool, Scores(np.ones((2, 8), bool))), (3, 3, 2))
    model = streamlined(graph, dialect)
    again = ModelWrapper(streamlined(graph, dialect)).transform(InferShapes()).transform(InferDataTypes())
    assert again.get_tensor_datatype("pool1.code").name == data_types(model)["pool1.code"]
    x = random_levels(graph, 20)
    assert first_mismatch(graph, graph(x), execute_streamlined(graph, model, x), x) is None


def with_table(table: list[int]) -> Graph:
    return Graph(
        "table", 2, (Cut("cut1", np.array([table], np.uint8), (3,), Levels(0, 1, 3)), Scores(np.ones((2, 3), bool), 3))
    )


def padded_pool(padding: tuple[int, int, int, int]) -> Graph:
    pool = Pool("pool1", (3, 3, 1), ("max",), (2, 2), (1, 1), padding)
    return Graph("pool", 1, (pool, Scores(np.ones((2, pool.outputs), bool))), (3, 3, 1))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (with_table([0, 2, 1, 2]), "cut1: the table of element 0 rises and falls"),
        (padded_pool((1, 0, 0, 0)), r"pool1: MaxPoolNHWC pads both sides alike, not \(1, 0, 0, 0\)"),
        (
            one_conv(weight=np.ones((2, 3, 3, 2), bool), padding=(1, 0, 1, 0)),
            "conv1: a window of .* Im2Col neither pads an axis of one element nor slides along it",
        ),
        (
            Graph("wide", 8, (Scores(np.full((2, 520), 127, np.int8), 256),)),
            "scores sums 0 .. 16840200, beyond the 2\\^24",
        ),
    ],
)
def test_what_the_dialect_has_no_word_for_is_refused_by_name(graph, message):
    with pytest.raises(GraphError, match=message):
        streamlined(graph)
