"""finn-base, FINN's former foundation: a second executor, and the judge of how bits lie in streams and memories.

qonnx descends from it, but its code is its own. Never install it beside finn-plus: both own files under `finn/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from ...ib_analysis.codes import Source, Trace
from .ports import Ports


def available() -> str | None:
    """None where finn-base is installed; otherwise why it cannot be asked, and the way out."""
    if not _installed("finn-base"):
        return "finn-base is not installed here; `make venv` brings it"
    if _installed("finn-plus"):
        return "finn-plus is in the same environment and has overwritten parts of finn-base; keep them in two"
    return None


def _installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def execute(model: onnx.ModelProto, x: NDArray[np.uint8], batch: int = 2048, source: Source = "finn-base") -> Trace:
    """Every layer's codes and the scores of x, (n, features) uint8, for a file of `qonnx.export` or `streamlined`.

    Raises QonnxError where the file is none of ours or x does not fit it.
    """
    from finn.core.modelwrapper import ModelWrapper
    from finn.core.onnx_exec import execute_onnx
    from finn.transformation.infer_shapes import InferShapes

    ports = Ports.of(model)
    ports.check(x)
    batch = min(batch, len(x))
    shape = _shape(model, batch, ports.inputs)
    wide = ModelWrapper(translated(model, shape)).transform(InferShapes())
    return ports.trace(source, x, batch, lambda values: execute_onnx(wide, {"x": values.reshape(shape)}, True))


def _shape(model: onnx.ModelProto, batch: int, inputs: int) -> tuple[int, ...]:
    """With thresholds the samples are the places of one image, without they are samples.

    finn-base compares in a Python loop over samples and channels, but all places at once. Batch-norms take channels
    from the second axis alone, and loop over nothing.
    """
    compares = any(node.op_type == "MultiThreshold" for node in model.graph.node)
    return (1, 1, batch, inputs) if compares else (batch, inputs)


def translated(model: onnx.ModelProto, shape: Sequence[int]) -> onnx.ModelProto:
    """The same file as finn-base spells it, for an input of `shape`; what depends on the shape is left to infer."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    # It rounds to annotations, which could hide a difference.
    del bare.graph.quantization_annotation[:], bare.graph.value_info[:]
    theirs = in_their_domains(bare)
    for port in (*theirs.graph.input, *theirs.graph.output):
        width = port.type.tensor_type.shape.dim[-1].dim_value
        port.CopyFrom(helper.make_tensor_value_info(port.name, onnx.TensorProto.FLOAT, [*shape[:-1], width]))
    return theirs


def in_their_domains(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same file with finn-base's names for operators and layouts, and the shapes of constants beside the others."""
    theirs = onnx.ModelProto()
    theirs.CopyFrom(model)
    for node in theirs.graph.node:
        node.domain = node.domain.replace("qonnx.", "finn.")
        for attribute in node.attribute:
            if attribute.name == "data_layout":
                attribute.s = b"NHWC"
    # It reads only the first opset.
    opsets = sorted((entry.domain.replace("qonnx.", "finn."), entry.version) for entry in model.opset_import)
    del theirs.opset_import[:], theirs.functions[:]
    theirs.graph.value_info.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims) for tensor in model.graph.initializer
    )
    theirs.opset_import.extend(helper.make_opsetid(*opset) for opset in opsets)
    return theirs


def beat_values(data: NDArray[np.uint8], kind: str, values: int) -> NDArray[np.int64]:
    """(beats, bytes) as FINN's driver for PYNQ reads them from the memory of a board: (beats, values) integers.

    kind   FINN's name of one value's type: BINARY, UINT8 …
    """
    from finn.core.datatype import DataType
    from finn.util.data_packing import packed_bytearray_to_finnpy

    read = packed_bytearray_to_finnpy(
        data, DataType[kind], (len(data), values), reverse_inner=True, reverse_endian=True
    )
    return read.astype(np.int64)


def beat_bytes(values: NDArray, kind: str) -> NDArray[np.uint8]:
    """The way back: (beats, values) integers as the driver lays them into memory, (beats, bytes)."""
    from finn.core.datatype import DataType
    from finn.util.data_packing import finnpy_to_packed_bytearray

    return finnpy_to_packed_bytearray(
        values.astype(np.float32), DataType[kind], reverse_inner=True, reverse_endian=True
    )


def weight_memory(weight: NDArray[np.bool_], pe: int, simd: int) -> list[str]:
    """The hexadecimal words of a matrix unit's weight memory as FINN's own generator lays them, without a prefix.

    Source: `make_weight_file` of FINN's matrix-vector unit, which interleaves rows between PEs and flips what is to
    lie in the lowest bits to the end.
    """
    from finn.core.datatype import DataType
    from finn.util.basic import interleave_matrix_outer_dim_from_partitions, roundup_to_integer_multiple
    from finn.util.data_packing import pack_innermost_dim_as_hex_string

    lanes = interleave_matrix_outer_dim_from_partitions(weight, pe).reshape(pe, -1, simd).transpose(1, 0, 2)
    words = lanes.reshape(-1, pe * simd)
    bits = roundup_to_integer_multiple(pe * simd, 4)
    packed = pack_innermost_dim_as_hex_string(words, DataType["BINARY"], bits, reverse_inner=True, prefix="")
    return [str(word) for word in packed]


def weight_read(lines: Sequence[str], rows: int, pe: int, simd: int) -> NDArray[np.bool_]:
    """The way back from the words of a weight memory: (rows, cols), True is +1."""
    from finn.core.datatype import DataType
    from finn.util.data_packing import unpack_innermost_dim_from_hex_string

    words = np.array([f"0x{line}" for line in lines])
    bits = 4 * len(lines[0])
    read = unpack_innermost_dim_from_hex_string(
        words, DataType["BINARY"], (len(words), pe * simd), bits, reverse_inner=True
    )
    folds = rows // pe
    return read.reshape(folds, -1, pe, simd).transpose(0, 2, 1, 3).reshape(rows, -1) > 0
