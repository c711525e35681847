"""The integer Graph in ONNX's own operators alone, for whoever deploys a net elsewhere.

Weights are bytes, accumulators int32: whatever runs it has nothing to round. The batch is free.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..graph import Graph
from ..graph.net import SPREAD
from .nodes import Nodes
from .standard_layers import code, levels

OPSET = 16  # the last that changed an operator used here
IR_VERSION = 8  # of opset 16's time: every ONNX Runtime that we support reads it


def standard(graph: Graph) -> onnx.ModelProto:
    """Same graph, same bytes.

    In:  `x`, (n, inputs) uint8, levels in stream order, 0 .. 2^input_bits - 1 of pixels.
    Out: `class` (n,) int64, the first maximum of `scores`, of a net that ends in one single code that code; `scores`
         (n, classes) int32, as the Graph's; for every layer L before the last, `L.code` (n, outputs): bool where there
         are two levels, uint8 up to 256, uint16 beyond; of a net of members `spread.code` (n, 1) int32.

    Raises GraphError where a sum may leave int32.
    """
    nodes = Nodes()
    outputs = [
        helper.make_tensor_value_info("class", TensorProto.INT64, ["n"]),
        helper.make_tensor_value_info("scores", TensorProto.INT32, ["n", graph.classes]),
    ]
    *hidden, last = graph.layers
    live = "x"
    for layer in hidden:
        emitted = code(layer, nodes, live)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(layer.emits.dtype))
        outputs.append(helper.make_tensor_value_info(emitted, kind, ["n", layer.outputs]))
        live = levels(layer, nodes, emitted)
    emitted = code(last, nodes, live)
    if SPREAD in graph.coded:
        outputs.append(helper.make_tensor_value_info(f"{SPREAD}.code", TensorProto.INT32, ["n", 1]))
    if graph.ends_in_code:
        nodes.add("Cast", [emitted], "scores", to=TensorProto.INT32)
    if not graph.ends_in_code or graph.classes > 1:
        nodes.add("ArgMax", ["scores"], "class", axis=1, keepdims=0)
    else:
        only = nodes.add("Cast", ["scores"], "class.code", to=TensorProto.INT64)
        nodes.add("Squeeze", [only, nodes.places("class.axis", [1])], "class")
    x = helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", graph.inputs])
    model = helper.make_model(
        helper.make_graph(nodes.nodes, graph.name, [x], outputs, nodes.initializers()),
        producer_name="bitneck",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model
