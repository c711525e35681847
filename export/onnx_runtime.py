"""ONNX Runtime over whole data sets, with its optimisations on: it knows the file and nothing of qonnx."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from ..ib_analysis.codes import Source, Trace, concatenate
from .ports import Ports


def execute(model: onnx.ModelProto, x: NDArray[np.uint8], batch: int = 2048, source: Source = "onnxruntime") -> Trace:
    """Every layer's codes and the scores of x, (n, features) uint8, for a file of `qonnx.export` or `standard`.

    Raises QonnxError where the file is none of ours or x does not fit it.
    """
    ports = Ports.of(model)
    values = ports.feed(x)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        _opened(model, ports).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    wanted = [*ports.codes, "scores"]
    traces = []
    for start in range(0, len(x), batch):
        block = values[start : start + batch]
        answers = session.run(wanted, {"x": block})
        traces.append(ports.trace(source, dict(zip(wanted, answers, strict=True)), len(block)))
    return concatenate(traces)


def _opened(model: onnx.ModelProto, ports: Ports) -> onnx.ModelProto:
    """The same file for any number of samples at a time, every code an output."""
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    del opened.graph.value_info[:]
    for port in (*opened.graph.input, *opened.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "n"
    shown = {port.name for port in opened.graph.output}
    opened.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in ports.codes if name not in shown)
    return opened
