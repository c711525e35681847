"""The nodes that make integers of floats, answered by qonnx's own functions, and what levels they emit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant, max_int, min_int
from qonnx.custom_op.general.multithreshold import multithreshold
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from ..graph import GraphError, Levels

QUANTIZERS = ("BipolarQuant", "IntQuant", "MultiThreshold", "Quant", "Sign", "Trunc")
ROUNDING = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
INT, FLOAT, STRING = onnx.AttributeProto.INT, onnx.AttributeProto.FLOAT, onnx.AttributeProto.STRING
TYPES = {
    "signed": INT,
    "narrow": INT,
    "rounding_mode": STRING,
    "data_layout": STRING,
    "out_dtype": STRING,
} | dict.fromkeys(("out_scale", "out_bias"), FLOAT)
INPUTS = {"BipolarQuant": (2,), "IntQuant": (4,), "MultiThreshold": (2,), "Quant": (4,), "Sign": (1,), "Trunc": (5, 6)}


class QuantizerError(ValueError):
    """A quantizer whose parameters are none, or none that is read."""


def options(node: onnx.NodeProto) -> dict[str, object]:
    """Its attributes by name; text as str."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {
        name: value.decode(errors="replace") if isinstance(value, bytes) else value for name, value in values.items()
    }


def check(node: onnx.NodeProto, constants: Mapping[str, NDArray]) -> None:
    """Raises QuantizerError where the parameters of a quantizer are none that its operator knows."""
    kind = node.op_type
    if len(node.input) not in INPUTS[kind] or not all(node.input):
        raise QuantizerError(f"takes {list(node.input)}; {kind} takes {' or '.join(map(str, INPUTS[kind]))} tensors")
    for name in node.input[1:]:
        if name not in constants:
            raise QuantizerError(f"its parameter {name} is no constant")
        if (
            constants[name].dtype.kind not in "fiub"
            or not constants[name].size
            or not np.isfinite(constants[name]).all()
        ):
            raise QuantizerError(f"its parameter {name} is {constants[name].tolist()}; finite numbers belong there")
    parameters = [constants[name] for name in node.input[1:]]
    for attribute in node.attribute:
        due = TYPES.get(attribute.name)
        if due is not None and attribute.type != due:
            said = onnx.AttributeProto.AttributeType.Name(attribute.type)
            raise QuantizerError(f"its {attribute.name} is of type {said}")
    missing = {"signed", "narrow"} - {attribute.name for attribute in node.attribute}
    if kind in ("Quant", "IntQuant") and missing:
        raise QuantizerError(f"it does not say {' and '.join(sorted(missing))}")
    for name, values in zip(node.input[1:], parameters, strict=True):
        if values.dtype != np.float32 and (values.size != 1 or name == node.input[1]):
            raise QuantizerError(f"its parameter {name} is {values.dtype}; nets of float32 are read")
    if kind in ("Quant", "IntQuant", "Trunc"):
        mode = str(options(node).get("rounding_mode", "FLOOR" if kind == "Trunc" else "ROUND")).upper()
        if mode not in ROUNDING:
            raise QuantizerError(f"rounds by {mode!r}; {', '.join(ROUNDING)} are known")
        for what, bits in (
            ("bit width", each) for each in parameters[2:] if each is not parameters[-1] or len(parameters) < 5
        ):
            if bits.size != 1 or bits.item() != int(bits.item()) or not 1 <= bits.item() <= 32:
                raise QuantizerError(f"its {what} is {bits.tolist()}; one whole number 1 .. 32 belongs there")
    if kind not in ("MultiThreshold", "Sign") and not (parameters[0] > 0).all():
        raise QuantizerError(f"its scale is {parameters[0].ravel()[:4].tolist()}; positive numbers belong there")
    if kind == "MultiThreshold":
        at = parameters[0]
        if at.ndim != 2 or (np.diff(at, axis=1) < 0).any():
            raise QuantizerError(
                f"its thresholds are of shape {at.shape}, or do not rise; (channels, steps) belong there"
            )
        if at.shape[1] > 1 << 12:
            raise QuantizerError(f"it has {at.shape[1]} thresholds; up to 4096 are read")


def answer(node: onnx.NodeProto, values: NDArray[np.float32], constants: Mapping[str, NDArray]) -> NDArray[np.float32]:
    """What a checked quantizer makes of values, by qonnx's function for it; of the same shape."""
    said = options(node)
    parameters = [constants[name] for name in node.input[1:]]
    flag = {name: bool(said.get(name, default)) for name, default in (("signed", 1), ("narrow", 0))}
    match node.op_type:
        case "BipolarQuant":
            made = binary_quant(values, parameters[0])
        case "Quant" | "IntQuant":
            mode = str(said.get("rounding_mode", "ROUND"))
            made = int_quant(values, *parameters, flag["signed"], flag["narrow"], mode)
        case "Trunc":
            mode = str(said.get("rounding_mode", "FLOOR"))
            if len(parameters) == 4:
                made = trunc_v1(values, *parameters, mode)
            else:
                scale, zero, bits, to_scale, to_bits = parameters
                made = trunc_v2(values, scale, zero, bits, flag["narrow"], flag["signed"], to_scale, to_bits, mode)
        case "MultiThreshold":
            last = str(said.get("data_layout", "")).find("C") == values.ndim - 1 and values.ndim > 2
            out = [np.float32(said.get(name, default)) for name, default in (("out_scale", 1.0), ("out_bias", 0.0))]  # type: ignore[arg-type]
            made = multithreshold(values, parameters[0], *out, last)
        case _:
            made = np.sign(values)  # ONNX's: 0 is 0
    return np.asarray(made, dtype=np.float32)


def levels(node: onnx.NodeProto, constants: Mapping[str, NDArray]) -> Levels:
    """What a checked quantizer emits. Raises QuantizerError where that is not the same for all channels."""
    said = options(node)
    parameters = [constants[name] for name in node.input[1:]]
    signed, narrow = bool(said.get("signed", 1)), bool(said.get("narrow", 0))

    def one(what: str, array: NDArray) -> float:
        if (array != array.ravel()[0]).any():
            raise QuantizerError(f"its {what} differs between channels, so what it emits cannot be summed as integers")
        return float(array.ravel()[0])

    try:
        match node.op_type:
            case "BipolarQuant":
                scale = one("scale", parameters[0])
                return Levels(-scale, 2 * scale, 2)
            case "Quant" | "IntQuant":
                scale, zero, bits = (
                    one("scale", parameters[0]),
                    one("zero point", parameters[1]),
                    one("bits", parameters[2]),
                )
                if signed and bits == 1:  # qonnx's, and Brevitas', meaning of it
                    return Levels(-scale, 2 * scale, 2)
                low, high = float(min_int(signed, narrow, bits)), float(max_int(signed, narrow, bits))
                return Levels((low - zero) * scale, scale, int(high - low) + 1)
            case "Trunc" if len(parameters) == 4:
                scale, zero = one("scale", parameters[0]), one("zero point", parameters[1])
                low, high = float(min_int(signed, narrow, parameters[3])), float(max_int(signed, narrow, parameters[3]))
                return Levels((low - zero) * scale, scale, int(high - low) + 1)
            case "Trunc":
                scale, zero, to_scale = (one("scale", parameters[index]) for index in (0, 1, 3))
                low, high = float(min_int(signed, narrow, parameters[4])), float(max_int(signed, narrow, parameters[4]))
                shifted = zero / 2 ** np.round(np.log2(to_scale / scale))
                return Levels(float((low - shifted) * to_scale), to_scale, int(high - low) + 1)
            case "MultiThreshold":
                scale, bias = float(said.get("out_scale", 1.0)), float(said.get("out_bias", 0.0))  # type: ignore[arg-type]
                return Levels(bias, scale, parameters[0].shape[1] + 1)
            case _:
                return Levels(-1, 1, 3)
    except GraphError as error:
        raise QuantizerError(str(error)) from None
