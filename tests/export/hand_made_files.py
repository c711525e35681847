"""Small ONNX files made by hand, and what they answer by ONNX's own reference evaluator: no code of ours."""

from __future__ import annotations

import numpy as np
import onnx
from bitneck.export.graph import Graph
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def chain_file(*nodes: onnx.NodeProto, inputs: int = 6, outputs: int = 2, **constants) -> onnx.ModelProto:
    """A hand-made file from x to y, its nodes in order; `one` is a constant 1, BipolarQuant is of qonnx's domain."""
    for node in nodes:
        node.domain = "qonnx.custom_op.general" if node.op_type in ("BipolarQuant", "Quant") else ""
    constants = {"one": 1.0, **constants}
    graph = helper.make_graph(
        list(nodes),
        "hand-made",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, inputs))],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1, outputs))],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def node(kind: str, inputs: str, output: str, **options) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], f"my_{kind}", **options)


def two_layers(*between: onnx.NodeProto, last: tuple = (), scale: float = 1.0, **constants) -> onnx.ModelProto:
    """x → MatMul → `between`, from `a` to `b` → BipolarQuant → MatMul → `last`, from `s` to `y`."""
    rng = np.random.default_rng(0)
    weights = {"w": rng.choice([-scale, scale], (6, 4)), "v": rng.choice([-1.0, 1.0], (4, 2))}
    nodes = [
        node("MatMul", "x w", "a"),
        *(between or (node("Identity", "a", "b"),)),
        node("BipolarQuant", "b one", "c"),
        node("MatMul", "c v", "s" if last else "y"),
        *last,
    ]
    return chain_file(*nodes, **weights, **constants)


def all_codes(graph: Graph) -> np.ndarray:
    return np.unpackbits(np.arange(64, dtype=np.uint8)[:, None], axis=1)[:, 2:]


def floats_of(model: onnx.ModelProto, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Code and output of `two_layers` files."""
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    first = next(one for one in model.graph.node if one.op_type == "BipolarQuant")
    split = list(model.graph.node).index(first)

    def evaluate(nodes, source: str, value: np.ndarray, target: str) -> np.ndarray:
        graph = helper.make_graph(
            nodes,
            "part",
            [helper.make_tensor_value_info(source, onnx.TensorProto.FLOAT, value.shape)],
            [helper.make_tensor_value_info(target, onnx.TensorProto.FLOAT, None)],
            list(model.graph.initializer),
        )
        part = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        return ReferenceEvaluator(part).run(None, {source: value})[0]

    before = evaluate(list(model.graph.node)[:split], "x", 2 * x.astype(np.float32) - 1, first.input[0])
    code = np.where(before >= 0, tensors[first.input[1]], -tensors[first.input[1]]).astype(np.float32)
    return code > 0, evaluate(list(model.graph.node)[split + 1 :], "c", code, "y")
