"""The integer Graph as the file that FINN's compiler works on: thresholds and XNOR-popcounts, every tensor typed.

Nothing but integers is left in it. Graphs are dense chains so far, so no Im2Col and no MaxPoolNHWC occurs.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from qonnx.core.datatype import BaseDataType, DataType

from ..annotations import annotate
from ..graph import Binarize, Dense, Graph, GraphError, Scores

DOMAIN = "qonnx.custom_op.general"
OPSETS = {"": 20, DOMAIN: 2}  # those of model.onnx; the standard one first, because finn-base reads only the first
IR_VERSION = 9

Dialect = Literal["xnor", "bipolar"]


def streamlined(graph: Graph, dialect: Dialect = "xnor") -> onnx.ModelProto:
    """Same graph, same bytes.

    dialect   xnor: codes and weights are BINARY, XnorPopcountMatMul counts agreeing bits, thresholds are the Graph's.
              bipolar: codes and weights are BIPOLAR, MatMul gives dot products, thresholds lie midway between two
              reachable ones.

    In: `x`, (1, inputs) float32, pixels annotated UINTn; 1-bit inputs are BINARY or BIPOLAR, as the codes are. Every
    layer L has `L.code` and `L.thresholds` (rows, 1), dense ones `L.weight` (fan-in, rows) and `L.accumulator`. Out:
    `scores`, in agreeing bits or as dot products.
    """
    if dialect not in get_args(Dialect):
        raise GraphError(f"{graph.name}: no dialect {dialect!r}; choose one of {', '.join(get_args(Dialect))}")
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, NDArray] = {}
    bit = DataType["BINARY" if dialect == "xnor" else "BIPOLAR"]
    kinds = {"x": bit if graph.input_bits == 1 else DataType[f"UINT{graph.input_bits}"]}
    widths: dict[str, int] = {}

    def multiply(layer: Dense | Scores, entering: str, output: str) -> None:
        weight = f"{layer.name}.weight"
        constants[weight] = (
            layer.weight.T.astype(np.float32) if dialect == "xnor" else np.where(layer.weight.T, 1.0, -1.0)
        )
        operator, domain = ("XnorPopcountMatMul", DOMAIN) if dialect == "xnor" else ("MatMul", None)
        nodes.append(
            helper.make_node(operator, [entering, weight], [output], f"{layer.name}.{operator}", domain=domain)
        )
        low = 0 if dialect == "xnor" else -layer.inputs
        kinds.update({weight: bit, output: _smallest(low, layer.inputs)})
        widths[output] = layer.outputs

    def compare(layer: Binarize | Dense, entering: str, at: NDArray[np.int32]) -> str:
        thresholds, code = f"{layer.name}.thresholds", f"{layer.name}.code"
        constants[thresholds] = at[:, None]
        # FINN's own spelling of ±1: twice the number of thresholds reached, less one.
        spelling: dict[str, Any] = {} if dialect == "xnor" else {"out_scale": 2.0, "out_bias": -1.0}
        nodes.append(
            helper.make_node(
                "MultiThreshold",
                [entering, thresholds],
                [code],
                f"{layer.name}.MultiThreshold",
                domain=DOMAIN,
                out_dtype=bit.name,
                data_layout="NC",
                **spelling,
            )
        )
        kinds.update({thresholds: _smallest(int(at.min()), int(at.max())), code: bit})
        widths[code] = layer.outputs
        return code

    live = "x"
    for layer in graph.layers:
        match layer:
            case Binarize():
                live = compare(layer, live, layer.threshold)
            case Dense():
                accumulator = f"{layer.name}.accumulator"
                multiply(layer, live, accumulator)
                midpoints = 2 * layer.threshold - layer.inputs - 1
                live = compare(layer, accumulator, layer.threshold if dialect == "xnor" else midpoints)
            case Scores():
                multiply(layer, live, "scores")
    return _model(graph, nodes, constants, kinds, widths)


def _smallest(low: int, high: int) -> BaseDataType:
    """The narrowest integer type of low .. high."""
    bits = max(high, -low - 1).bit_length()
    return DataType[f"UINT{max(bits, 1)}" if low >= 0 else f"INT{bits + 1}"]


def _model(
    graph: Graph,
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray],
    kinds: dict[str, BaseDataType],
    widths: dict[str, int],
) -> onnx.ModelProto:
    def port(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, width])

    scores = widths.pop("scores")
    body = helper.make_graph(
        nodes,
        graph.name,
        [port("x", graph.inputs)],
        [port("scores", scores)],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in sorted(constants.items())],
        value_info=[port(name, width) for name, width in sorted(widths.items())],
    )
    model = helper.make_model(
        body,
        producer_name="bitneck",
        opset_imports=[helper.make_opsetid(*opset) for opset in OPSETS.items()],
        ir_version=IR_VERSION,
    )
    annotate(model, kinds)
    onnx.checker.check_model(model)
    return model
