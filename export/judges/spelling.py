"""Whether a file is spelt as `writing` spells: what else an ONNX file may hold, other people's executors fail on in
ways of their own. Which numbers stand in the file is not asked here; that is what it is executed for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, defs, helper, shape_inference

from ..annotations import QonnxError
from ..soundness import constant
from ..writing.nodes import QONNX, bipolar_quant

Shape: TypeAlias = tuple[int, ...]


def _each(width: int, *operands: Shape) -> int | None:
    """One number, or one for each neuron."""
    return width if all(shape in ((), (1,), (width,), (1, width)) for shape in operands) else None


def _matrix(width: int, weight: Shape) -> int | None:
    return weight[1] if len(weight) == 2 and weight[0] == width else None


def _thresholds(width: int, at: Shape) -> int | None:
    return width if len(at) == 2 and at[0] == width else None


def _number(value: Any) -> bool:
    return isinstance(value, float) and bool(np.isfinite(value))


@dataclass(frozen=True)
class Operator:
    """operands   behind the first input, which is what the one before emits
    width      (entering width, shapes of the operands) -> leaving width; None where they do not fit
    options    what an attribute may be
    """

    operands: int
    width: Callable[..., int | None]
    options: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)


KINDS: Mapping[str, Callable[[Any], bool]] = {
    "out_dtype": (b"BINARY", b"BIPOLAR").__contains__,
    "data_layout": (b"NC", b"NHWC").__contains__,
    "out_scale": _number,
    "out_bias": _number,
}
NORM: Mapping[str, Callable[[Any], bool]] = {"epsilon": _number, "momentum": _number, "training_mode": (0).__eq__}
OPERATORS: Mapping[tuple[str, str], Operator] = {
    ("", "MatMul"): Operator(1, _matrix),
    ("", "MatMulInteger"): Operator(1, _matrix),
    (QONNX, "XnorPopcountMatMul"): Operator(1, _matrix),
    **{("", name): Operator(1, _each) for name in ("Add", "Sub", "Mul", "Div", "GreaterOrEqual")},
    ("", "BatchNormalization"): Operator(
        4, lambda width, *shapes: width if set(shapes) == {(width,)} else None, options=NORM
    ),
    (QONNX, "BipolarQuant"): Operator(1, lambda width, scale: width if scale in ((), (1,)) else None),
    (QONNX, "MultiThreshold"): Operator(1, _thresholds, options=KINDS),
    ("", "Cast"): Operator(0, _each, options={"to": (TensorProto.INT32, TensorProto.UINT8).__contains__}),
    ("", "ArgMax"): Operator(0, lambda _: 0, options={"axis": (1).__eq__, "keepdims": (0).__eq__}),
}


def check_spelling(model: onnx.ModelProto) -> None:
    """Raises QonnxError, naming the node or tensor, where the file holds what `writing` never writes."""
    graph, said = model.graph, f"{model.graph.name}: "
    opsets = {_domain(entry.domain): entry.version for entry in model.opset_import}
    if not 7 <= opsets.get("", 0) <= defs.onnx_opset_version() or not 0 < opsets.get(QONNX, 1) < 3:
        raise QonnxError(f"{said}opsets {opsets} are none that is written here; export it again")
    if model.ir_version > onnx.IR_VERSION or graph.sparse_initializer:
        raise QonnxError(f"{said}IR version {model.ir_version}, or sparse constants; export it again")
    if [each.SerializeToString() for each in model.functions] not in ([], [bipolar_quant(model).SerializeToString()]):
        raise QonnxError(f"{said}a function in it is not ours; export it again")
    shapes = {tensor.name: _shape(said, tensor) for tensor in graph.initializer}
    widths = {"x": _rows(said, graph.input[0])}
    for node in graph.node:
        why = _step(node, shapes, widths)
        if why:
            raise QonnxError(f"{said}{node.op_type} {node.name!r}: {why}; export it again")
    for port in graph.output:
        if port.name not in widths or (widths[port.name] and widths[port.name] != _rows(said, port)):
            raise QonnxError(f"{said}output {port.name!r} is not what the nodes make; export it again")
    ports = (port.type.tensor_type.elem_type for port in (*graph.input, *graph.output))
    types = {*ports, *(tensor.data_type for tensor in graph.initializer)}
    if any(_domain(node.domain) for node in graph.node) and types != {TensorProto.FLOAT}:
        raise QonnxError(f"{said}numbers that are no float32; export it again")
    try:
        shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (shape_inference.InferenceError, ValueError) as error:
        raise QonnxError(f"{said}{' '.join(str(error).split())[:200]}; export it again") from None


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _shape(said: str, tensor: TensorProto) -> Shape:
    values = constant(tensor)
    if tensor.data_type not in (TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT32) or not values.size:
        raise QonnxError(f"{said}constant {tensor.name!r} is {values.dtype} of {values.shape}; export it again")
    if not np.isfinite(values).all():
        raise QonnxError(f"{said}constant {tensor.name!r} holds NaN or infinities; export it again")
    return values.shape


def _rows(said: str, port: onnx.ValueInfoProto) -> int:
    """The width of a port of rows."""
    sizes = [dim.dim_value for dim in port.type.tensor_type.shape.dim]
    if port.type.WhichOneof("value") != "tensor_type" or len(sizes) != 2 or sizes[0] not in (0, 1) or sizes[1] < 1:
        raise QonnxError(f"{said}{port.name!r} is of shape {sizes}, rows of one sample belong there; export it again")
    return sizes[1]


def _step(node: onnx.NodeProto, shapes: dict[str, Shape], widths: dict[str, int]) -> str | None:
    """What is wrong with a node; None where nothing is, and then its output is among shapes or widths."""
    operator = OPERATORS.get((_domain(node.domain), node.op_type))
    if operator is None or len(node.output) != 1 or len(node.input) != 1 + operator.operands:
        return f"no operator of ours, or not with {len(node.input)} inputs"
    names = [attribute.name for attribute in node.attribute]
    for attribute in node.attribute:
        allowed = operator.options.get(attribute.name)
        if allowed is None or names.count(attribute.name) > 1 or not allowed(_value(attribute)):
            return f"{attribute.name} is not as it is written here"
    output = node.output[0]
    if not output or output in shapes or output in widths:
        return f"makes {output!r} a second time"
    if node.op_type == "BipolarQuant" and node.input[0] in shapes:  # weights
        shapes[output] = shapes[node.input[0]]
        return None if shapes.get(node.input[1]) in ((), (1,)) else "its scale is not one number"
    if node.input[0] not in widths or any(name not in shapes for name in node.input[1:]):
        return f"takes {', '.join(map(repr, node.input))}, where a layer's output and constants belong"
    found = operator.width(widths[node.input[0]], *(shapes[name] for name in node.input[1:]))
    if found is None:
        return f"constants of {[shapes[name] for name in node.input[1:]]} for {widths[node.input[0]]} inputs"
    widths[output] = found
    return None


def _value(attribute: AttributeProto) -> Any:
    """None where it has none."""
    try:
        return helper.get_attribute_value(attribute)
    except ValueError:
        return None
