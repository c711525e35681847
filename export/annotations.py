"""QONNX's annotations: which integers a tensor of floats stands for."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from qonnx.core.datatype import BaseDataType, DataType


class QonnxError(ValueError):
    """A file or samples that cannot be run as a net of ours."""


def data_types(model: onnx.ModelProto) -> dict[str, str]:
    """QONNX's name of the data type of each annotated tensor."""
    return {
        annotation.tensor_name: entry.value
        for annotation in model.graph.quantization_annotation
        for entry in annotation.quant_parameter_tensor_names
        if entry.key == "finn_datatype"
    }


def data_type(model: onnx.ModelProto, tensor: str) -> BaseDataType:
    """Of one tensor; FLOAT32 where nothing is said. Raises QonnxError for what qonnx does not know, or two at once."""
    names = {
        entry.value
        for annotation in model.graph.quantization_annotation
        for entry in annotation.quant_parameter_tensor_names
        if (annotation.tensor_name, entry.key) == (tensor, "finn_datatype")
    }
    try:
        (name,) = names or {"FLOAT32"}
        return DataType[name]
    except (KeyError, ValueError):
        raise QonnxError(f"{tensor} is annotated as {' and '.join(map(repr, sorted(names)))}, no data type") from None


def annotate(model: onnx.ModelProto, kinds: Mapping[str, BaseDataType]) -> None:
    """In place: QONNX's annotation of these tensors, which have none yet."""
    for tensor, kind in sorted(kinds.items()):
        entry = onnx.StringStringEntryProto(key="finn_datatype", value=kind.name)
        model.graph.quantization_annotation.append(
            onnx.TensorAnnotation(tensor_name=tensor, quant_parameter_tensor_names=[entry])
        )
