"""Which float a file takes for each level of its input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.datatype import DataType

from ..annotations import QonnxError, data_type
from .chain import Chain, StreamlineError
from .purity import SHAPES
from .quantizers import QUANTIZERS, QuantizerError, levels


def pixel_levels(chain: Chain, given: Sequence[float] | NDArray | None) -> NDArray[np.float32]:
    """(count,) the float of each level of the input."""
    try:
        kind = data_type(chain.model, chain.input)
    except QonnxError as error:
        raise StreamlineError(f"{chain.model.graph.name}: {error}; export it again") from None
    if given is None and kind == DataType["BIPOLAR"]:
        given = (-1, 1)
    elif given is None and kind.is_integer() and 0 < kind.bitwidth() <= 8:
        given = np.arange(int(kind.min()), int(kind.max()) + 1)
    elif given is None and _element_type(chain) in (onnx.TensorProto.UINT8, onnx.TensorProto.INT8):
        given = np.arange(256) - (128 if _element_type(chain) == onnx.TensorProto.INT8 else 0)
    elif given is None and (grid := _declared_grid(chain)) is not None:
        given = grid
    if given is None:
        raise StreamlineError(
            f"{chain.model.graph.name}: input {chain.input} is {kind.name}; say with --pixels, or "
            "pixel_values, which float stands for each pixel: 0..1 or np.arange(256) / 255, -1..1:2 or (-1, 1)"
        )
    numbers = np.asarray(given)
    if numbers.ndim != 1 or not 2 <= len(numbers) <= 256:
        raise StreamlineError(f"pixel_values must be (levels,), 2 to 256 of them, got {numbers.shape}")
    if numbers.dtype.kind not in "biuf" or not np.isfinite(numbers.astype(np.float32)).all():
        raise StreamlineError(f"pixel_values must be finite floats, got {numbers.dtype}: {numbers.tolist()[:4]} ...")
    return numbers.astype(np.float32)


def _element_type(chain: Chain) -> int:
    return next(p for p in chain.model.graph.input if p.name == chain.input).type.tensor_type.elem_type


def _declared_grid(chain: Chain) -> NDArray[np.float32] | None:
    """The floats of a quantizer of at most 8 bits that the input goes into; bytes where it is divided by 255."""
    first = next((node for node in chain.nodes if node.op_type not in (*SHAPES, "Identity", "Dropout")), None)
    if first is not None and first.op_type == "Div" and first.input[1] in chain.constants:
        divisor = chain.operand(first)
        return np.arange(256, dtype=np.float32) if divisor.size == 1 and divisor.item() == 255 else None
    if first is None or first.op_type not in QUANTIZERS:
        return None
    try:
        grid = levels(first, chain.constants)
    except QuantizerError as error:
        raise chain.refusal(first, str(error)) from None
    return grid.values() if 2 < grid.count <= 256 else None
