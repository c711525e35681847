"""Whether bytes are an ONNX net at all, whoever wrote it: asked once, where a file comes in."""

from __future__ import annotations

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray
from onnx import checker, numpy_helper

from .annotations import QonnxError

PROSE = ("doc_string", "value")  # texts that may run over lines; all others are names, and end up in messages


def sound(content: bytes) -> onnx.ModelProto:
    """The net. Raises QonnxError where the bytes decode to none, or to one that breaks ONNX's own rules."""
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise QonnxError("no ONNX file") from None
    check(model)
    return model


def check(model: onnx.ModelProto) -> None:
    """Raises QonnxError where the net breaks ONNX's own rules."""
    if why := _wrong_text(model):
        raise QonnxError(why)
    if not model.graph.node:  # an empty file is a valid message
        raise QonnxError("a net without nodes")
    try:
        checker.check_model(model)
    except checker.ValidationError as error:
        raise QonnxError(" ".join(str(error).split())[:200]) from None
    for node in model.graph.node:  # of operators that ONNX does not know, it checks nothing
        if not node.output or not node.output[0]:
            raise QonnxError(f"{node.op_type} {node.name!r} makes nothing")
        if outer := [attribute.ref_attr_name for attribute in node.attribute if attribute.ref_attr_name]:
            raise QonnxError(f"{node.op_type} {node.name!r} takes {outer[0]!r} of a function, and stands in none")
    for tensor in model.graph.initializer:
        constant(tensor)


def constant(tensor: onnx.TensorProto) -> NDArray:
    """Its numbers. Raises QonnxError where there are fewer or more than its shape says, or of no type that is known."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise QonnxError(
            f"{tensor.name} lies in a file of its own; export with dynamo=False, or save the model with its data inside"
        )
    try:
        return numpy_helper.to_array(tensor)
    except (IndexError, KeyError, MemoryError, TypeError, ValueError):
        raise QonnxError(f"constant {tensor.name!r} is cut, or of a type that is none") from None


def _wrong_text(message: Message) -> str | None:
    """Of every text of a message: protobuf gives bytes for one that is not in UTF-8, and code falls over it."""
    for field, value in message.ListFields():
        values = [value] if isinstance(value, Message | str | bytes) else value
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            if why := next(filter(None, map(_wrong_text, values)), None):
                return why
        elif field.type == FieldDescriptor.TYPE_STRING:
            if any(isinstance(text, bytes) for text in values):
                return "a text in it is not in UTF-8"
            if field.name not in PROSE and not all(str(text).isprintable() for text in values):
                return "a name in it holds a line break, or another sign that does not print"
    return None
