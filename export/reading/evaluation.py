"""Nodes of a file asked what they answer, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

REFUSALS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    UnicodeDecodeError,  # of what it answers
)


class EvaluationError(ValueError):
    """Nodes that ONNX Runtime cannot run, in its own words, of which the first line is kept."""


def run(nodes: Sequence[onnx.NodeProto], feeds: Mapping[str, NDArray], output: str, opset: int) -> NDArray:
    """ONNX Runtime, node by node: no fusion may move a decision that the file's own nodes take."""
    try:
        ports = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in feeds.items()
        ]
        graph = helper.make_graph(list(nodes), "stretch", ports, [helper.make_empty_tensor_value_info(output)])
        # IR 8 is the first that knows everything used here and is older than every ONNX Runtime that we support.
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.log_severity_level = 4  # what it refuses is raised as well
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        answer = session.run([output], dict(feeds))[0]
    except REFUSALS as error:
        raise EvaluationError(first_line(error)) from None
    if not isinstance(answer, np.ndarray):
        raise EvaluationError(f"{output} is a {type(answer).__name__}, not a tensor")
    return answer


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
