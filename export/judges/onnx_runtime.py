"""ONNX Runtime over whole data sets, with its optimisations on: it knows the file and nothing of qonnx."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from ...ib_analysis.codes import Source, Trace
from .ports import Ports


def execute(model: onnx.ModelProto, x: NDArray[np.uint8], batch: int = 2048, source: Source = "onnxruntime") -> Trace:
    """Every layer's codes and the scores of x, (n, features) uint8, for a file of `qonnx.export` or `standard`.

    Raises QonnxError where the file is none of ours or x does not fit it.
    """
    ports, session = Ports.of(model), opened(model)
    wanted = [*ports.codes, "scores"]
    return ports.trace(
        source, x, batch, lambda values: dict(zip(wanted, session.run(wanted, {"x": values}), strict=True))
    )


def opened(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session, of one thread, for any number of samples at a time, every code an output."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    del wide.graph.value_info[:]
    for port in (*wide.graph.input, *wide.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "n"
    shown = {port.name for port in wide.graph.output}
    codes = [name for name in Ports.of(model).codes if name not in shown]
    wide.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in codes)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(wide.SerializeToString(), options, providers=["CPUExecutionProvider"])
