"""QONNX's annotations: which integers a tensor of floats stands for."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from qonnx.core.datatype import BaseDataType


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


def annotate(model: onnx.ModelProto, kinds: Mapping[str, BaseDataType]) -> None:
    """In place: QONNX's annotation of these tensors, which have none yet."""
    for tensor, kind in sorted(kinds.items()):
        entry = onnx.StringStringEntryProto(key="finn_datatype", value=kind.name)
        model.graph.quantization_annotation.append(
            onnx.TensorAnnotation(tensor_name=tensor, quant_parameter_tensor_names=[entry])
        )
