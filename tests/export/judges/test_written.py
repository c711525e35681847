"""Executors of our own files: what is spelt otherwise is refused, what counts otherwise is found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from bitneck.export.annotations import QonnxError
from bitneck.export.judges import finn, onnx_runtime, qonnx
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.judges.written import execute_standard, execute_streamlined
from bitneck.export.writing.standard import standard
from bitneck.export.writing.streamlined import streamlined
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from random_conv_nets import random_conv_graph, random_levels
from random_nets import random_frames, random_graph

pytestmark = pytest.mark.filterwarnings("ignore:.*mapping.TENSOR_TYPE:DeprecationWarning")  # finn-base's own
with_finn = pytest.mark.skipif(finn.available() is not None, reason=str(finn.available()))
WRITERS = [(execute_standard, standard), (execute_streamlined, streamlined)]


@with_finn
@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), dialect=st.sampled_from(["xnor", "bipolar"]))
def test_finn_base_says_what_any_graph_says(seed, dialect):
    graph = random_conv_graph(seed)
    x = random_levels(graph, 1, seed)
    said = execute_streamlined(graph, streamlined(graph, dialect), x, "finn-base")
    assert first_mismatch(graph, graph(x), said, x) is None


@pytest.mark.parametrize("dialect", ["xnor", "bipolar"])
def test_one_bit_nets_are_judged_as_by_their_own_judges(dialect):
    graph = random_graph((40, 24, 17, 10), 5)
    x = random_frames(graph, 70)
    pairs = [
        (execute_standard(graph, standard(graph), x, batch=32), onnx_runtime.execute(standard(graph), x)),
        (
            execute_streamlined(graph, streamlined(graph, dialect), x, batch=32),
            qonnx.execute(streamlined(graph, dialect), x),
        ),
    ]
    for said, known in pairs:
        assert said.source == known.source
        assert first_mismatch(graph, known, said, x) is None


def changed(model: onnx.ModelProto, name: str, change: Callable[[np.ndarray], np.ndarray]) -> onnx.ModelProto:
    other = onnx.ModelProto()
    other.CopyFrom(model)
    tensor = next(tensor for tensor in other.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor).copy()), name))
    return other


def reversed_rows(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values[..., ::-1])


@pytest.mark.parametrize(("execute", "write"), WRITERS)
def test_other_weights_are_executed_and_found(execute, write):
    graph = random_conv_graph(5)
    x = random_levels(graph, 8)
    wrong = execute(graph, changed(write(graph), "scores.weight", reversed_rows), x)
    assert first_mismatch(graph, graph(x), wrong, x) is not None


@pytest.mark.parametrize(("execute", "write"), WRITERS)
def test_a_file_of_another_graph_and_samples_that_do_not_fit_are_refused(execute, write):
    graph, other = random_conv_graph(5), random_conv_graph(4)
    with pytest.raises(QonnxError, match=r"net is not spelt as `.*` spells net; export it again"):
        execute(graph, write(other), random_levels(graph, 2))
    with pytest.raises(QonnxError, match=r"net takes \(n, \d+\) uint8, got \(2, 1\) uint8"):
        execute(graph, write(graph), np.zeros((2, 1), np.uint8))
    shorter = write(graph)
    del shorter.graph.node[-1].input[-1]
    with pytest.raises(QonnxError):
        execute(graph, shorter, random_levels(graph, 2))


def test_a_shape_is_part_of_how_a_file_is_spelt():
    graph = random_conv_graph(5)
    model = standard(graph)
    name = next(tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.INT64)
    with pytest.raises(QonnxError, match="is not spelt"):
        execute_standard(graph, changed(model, name, lambda values: values + 1), random_levels(graph, 2))


def test_a_table_with_a_level_that_is_none_is_named():
    graph = next(
        g for g in map(random_conv_graph, range(100)) if g.layers[0].name == "cut1" and g["cut1"].emits.count > 2
    )
    wrong = changed(standard(graph), "cut1.table", lambda table: np.full_like(table, 200))
    with pytest.raises(QonnxError, match="cut1, by onnxruntime: level 200, of"):
        execute_standard(graph, wrong, random_levels(graph, 2))


def test_a_score_between_two_whole_ones_is_named_and_not_rounded():
    graph = random_graph((8, 6, 3), 1)
    zeros = np.eye(6, 3, dtype=np.float32)
    wrong = changed(streamlined(graph, "bipolar"), "scores.weight", lambda weight: weight * (1 - zeros))
    with pytest.raises(QonnxError, match=r"scores, by qonnx: \d\.5 is no whole score"):
        execute_streamlined(graph, wrong, random_frames(graph, 4))
