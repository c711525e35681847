"""qonnx's own executor over whole data sets."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes

from ...ib_analysis.codes import Source, Trace
from .ports import Ports


def execute(model: onnx.ModelProto, x: NDArray[np.uint8], batch: int = 2048, source: Source = "qonnx") -> Trace:
    """Every layer's codes and the scores of x, (n, features) uint8, by qonnx's executor.

    model   of `writing.qonnx.export`, or of `writing.streamlined`

    One pass a batch: the file's batch size is changed, because qonnx opens a session for every node that it runs.
    Raises QonnxError where the file is none of ours or x does not fit it.
    """
    ports = Ports.of(model)
    ports.check(x)
    batch = min(batch, len(x))
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    # Without annotations qonnx rounds nothing to them: it could hide a difference, and takes five times as long.
    del bare.graph.quantization_annotation[:], bare.graph.value_info[:]
    wide = ModelWrapper(bare).transform(ChangeBatchSize(batch)).transform(InferShapes())
    return ports.trace(
        source, x, batch, lambda values: execute_onnx(wide, {"x": values}, return_full_exec_context=True)
    )
