"""The integer Graph in ONNX's own operators alone, for whoever deploys a net elsewhere.

Weights are int8, accumulators int32: whatever runs it has nothing to round. The batch is free.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ..graph import Binarize, Dense, Graph, Scores

OPSET = 16  # the last that changed an operator used here
IR_VERSION = 8  # of opset 16's time: every ONNX Runtime that we support reads it


def standard(graph: Graph) -> onnx.ModelProto:
    """Same graph, same bytes.

    In:  `x`, (n, inputs) uint8, 0 .. 2^input_bits - 1.
    Out: `class` (n,) int64, the first maximum of `scores`; `scores` (n, classes) int32 in agreeing bits; for every
         layer L before them, `L.code` (n, outputs) bool.
    """
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, NDArray] = {}
    outputs = [
        helper.make_tensor_value_info("class", TensorProto.INT64, ["n"]),
        helper.make_tensor_value_info("scores", TensorProto.INT32, ["n", graph.classes]),
    ]

    def node(operator: str, taken: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, taken, [output], output, **attributes))
        return output

    def dot(layer: Dense | Scores, bits: str) -> str:
        """Of bits 0 and 1 with weights ±1: the agreeing bits less the row's number of zeros."""
        constants[f"{layer.name}.weight"] = np.where(layer.weight.T, np.int8(1), np.int8(-1))
        return node("MatMulInteger", [bits, f"{layer.name}.weight"], f"{layer.name}.dot")

    def compare(layer: Binarize | Dense, values: str, at: NDArray) -> str:
        constants[f"{layer.name}.threshold"] = at.astype(np.int32)
        code = node("GreaterOrEqual", [values, f"{layer.name}.threshold"], f"{layer.name}.code")
        outputs.append(helper.make_tensor_value_info(code, TensorProto.BOOL, ["n", layer.outputs]))
        return node("Cast", [code], f"{layer.name}.bits", to=TensorProto.UINT8)

    live = "x"
    for layer in graph.layers:
        match layer:
            case Binarize():
                live = compare(layer, node("Cast", [live], "pixels", to=TensorProto.INT32), layer.threshold)
            case Dense():
                live = compare(layer, dot(layer, live), layer.threshold - _zeros(layer))
            case Scores():
                constants["scores.zeros"] = _zeros(layer).astype(np.int32)
                node("Add", [dot(layer, live), "scores.zeros"], "scores")
    node("ArgMax", ["scores"], "class", axis=1, keepdims=0)
    x = helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", graph.inputs])
    initializers = [numpy_helper.from_array(value, name) for name, value in sorted(constants.items())]
    model = helper.make_model(
        helper.make_graph(nodes, graph.name, [x], outputs, initializers),
        producer_name="bitneck",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _zeros(layer: Dense | Scores) -> NDArray[np.int64]:
    """(rows,) weights that are −1."""
    return (~layer.weight).sum(axis=1)
