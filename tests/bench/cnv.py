"""BNN-PYNQ's CNV with random weights, as a graph and as the float model that ONNX Runtime would be given."""

from __future__ import annotations

import numpy as np
import onnx
from bitneck.export.graph import BIPOLAR, Conv, Cut, Dense, Graph, Levels, Pool, Scores
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

MAPS = (64, 64, "pool", 128, 128, "pool", 256, 256)  # channels of the 3x3 convolutions, without padding
DENSE = (512, 512)
TERNARY = Levels(-1, 1, 3)


def cnv(bits: int) -> Graph:
    """bits   of weights and codes: 1 is ±1, 2 is −1 0 1"""
    rng = np.random.default_rng(bits)
    shape, takes, emits = (32, 32, 3), 256, BIPOLAR if bits == 1 else TERNARY
    layers: list = [Cut("cut", np.arange(256, dtype=np.uint8)[None], shape, Levels(0, 1, 256))]

    def weight(*shape: int) -> NDArray:
        return rng.random(shape) < 0.5 if bits == 1 else rng.integers(-1, 2, shape).astype(np.int8)

    def thresholds(layer: Conv | Dense) -> NDArray[np.int32]:
        """Where a random sum falls as often on one side as on the other, or in each third."""
        steps = np.array([0.0] if bits == 1 else [-0.4, 0.4])
        spread = np.sqrt(layer.fan_in) * (layer.takes - 1) / 2
        at = (layer.spans()[:, None] / 2 + steps * spread).astype(np.int32)
        return at[:, 0] if bits == 1 else at

    def neurons(kind: type, name: str, weight: NDArray, *more) -> None:
        unset = np.zeros(len(weight) if bits == 1 else (len(weight), 2), np.int32)
        given = [*more, *([] if kind is Dense else [(1, 1), (0, 0, 0, 0), 0, 1]), takes, emits]
        layers.append(kind(name, weight, thresholds(kind(name, weight, unset, *given)), *given))

    for index, channels in enumerate(MAPS):
        if channels == "pool":
            layers.append(Pool(f"pool{index}", shape, ("max",), (2, 2), (2, 2), (0, 0, 0, 0), takes, emits))
        else:
            neurons(Conv, f"conv{index}", weight(channels, 3, 3, shape[2]), shape)
        shape, takes = layers[-1].out_shape, emits.count
    for index, rows in enumerate(DENSE):
        neurons(Dense, f"dense{index}", weight(rows, layers[-1].outputs))
    return Graph(f"cnv{bits}", 8, (*layers, Scores(weight(10, DENSE[-1]), takes)), (32, 32, 3))


def as_floats(graph: Graph) -> onnx.ModelProto:
    """In floats, the fastest that ONNX Runtime computes convolutions in: all sums of CNV are exact below 2^24."""
    nodes, constants, outputs = [], {}, []

    def node(operator: str, taken: list[str], output: str, **attributes) -> str:
        nodes.append(helper.make_node(operator, taken, [output], output, **attributes))
        return output

    def constant(name: str, value: NDArray) -> str:
        constants[name] = np.asarray(value)
        return name

    def code(name: str, shape: tuple[int, ...]) -> str:
        first = ["n", shape[-1], *shape[:-1]]  # channels before rows and columns
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, first))
        return name

    live = node("Transpose", [node("Cast", ["x"], "pixels", to=TensorProto.FLOAT)], "channels_first", perm=[0, 3, 1, 2])
    shape: tuple[int, ...] = (32, 32, 3)
    for layer in graph.layers[1:]:
        if isinstance(layer, Pool):
            shape = layer.out_shape
            live = code(node("MaxPool", [live], layer.name, kernel_shape=layer.kernel, strides=layer.stride), shape)
            continue
        weight = layer.integers().astype(np.float32)
        if isinstance(layer, Conv):
            weight = weight.reshape(layer.weight.shape).transpose(0, 3, 1, 2)
            live = node("Conv", [live, constant(f"{layer.name}.weight", weight)], f"{layer.name}.sums")
        else:
            if len(shape) == 3:  # the graph's stream has channels last
                live = node("Flatten", [node("Transpose", [live], "channels_last", perm=[0, 2, 3, 1])], "flat")
            live = node("MatMul", [live, constant(f"{layer.name}.weight", weight.T)], f"{layer.name}.sums")
        if isinstance(layer, Scores):
            node("Add", [live, constant("lifts", layer.lifts().astype(np.float32))], "scores")
            break
        for index, at in enumerate((layer.threshold.reshape(layer.rows, -1) - layer.lifts()[:, None]).T):
            column = at.reshape(-1, 1, 1) if isinstance(layer, Conv) else at
            reached = node(
                "GreaterOrEqual",
                [live, constant(f"{layer.name}.at{index}", column.astype(np.float32))],
                f"{layer.name}.reached{index}",
            )
            node("Cast", [reached], f"{layer.name}.step{index}", to=TensorProto.FLOAT)
        steps = [f"{layer.name}.step{step}" for step in range(layer.emits.top)]
        shape = layer.out_shape
        live = code(steps[0] if len(steps) == 1 else node("Add", steps, layer.name), shape)
    outputs.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", graph.classes]))
    x = helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", 32, 32, 3])
    initializers = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()]
    return helper.make_model(
        helper.make_graph(nodes, graph.name, [x], outputs, initializers),
        opset_imports=[helper.make_opsetid("", 16)],
        ir_version=8,
    )
