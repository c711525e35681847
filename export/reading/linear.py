"""Products of codes and whole weights: which integers they are, and what one unit of the sum is as a float."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from ..graph import Levels
from ..graph.weighted import Weighted
from ..graph.windows import Padding, Pair
from .chain import Chain
from .edges import Edge
from .quantizers import options

LARGEST_WEIGHT = 128
FLOAT32 = np.finfo(np.float32)


@dataclass(frozen=True, eq=False)
class Product(Weighted):
    """A MatMul or Conv of the chain.

    weight    whole numbers, in the order of our stream: (rows, fan-in), of a Conv (rows, kernel rows, columns, channels
              of a group)
    scale     (rows,) what one unit of weight is
    levels    of what enters
    stride, padding, pad, groups   of a Conv; pad is the level around
    """

    node: onnx.NodeProto
    weight: NDArray[np.int64]
    scale: NDArray[np.float64]
    levels: Levels
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    pad: int = 0
    groups: int = 1

    @property
    def takes(self) -> int:  # type: ignore[override]
        return self.levels.count

    def floats(self, accumulators: NDArray) -> NDArray[np.float32]:
        """(b, rows) the float sum of each accumulator: nearest to what the real numbers give."""
        levels = accumulators - self.lifts()
        return ((self.levels.low * self.integers().sum(axis=1) + self.levels.step * levels) * self.scale).astype(
            np.float32
        )

    def stored(self, falling: NDArray[np.bool_]) -> NDArray:
        """The weights as a layer has them, the falling rows inverted; bool where all are ±1."""
        signs = np.where(falling, -1, 1).reshape(-1, *[1] * (self.weight.ndim - 1))
        # In one order of memory, whichever the file's was: same net, same bytes.
        weight = np.ascontiguousarray(self.weight * signs)
        if (np.abs(weight) == 1).all():
            return weight > 0
        return weight.astype(np.int16 if weight.max() > 127 else np.int8)


def matmul(chain: Chain, node: onnx.NodeProto, edge: Edge) -> Product:
    if len(edge.shape) != 1:
        raise chain.refusal(node, f"multiplies {edge.shape} of one sample; only rows are multiplied, so flatten before")
    integers, scale = _whole(chain, node, 1)
    if integers.ndim != 2 or not integers.size:
        raise chain.refusal(node, f"its weights are of shape {integers.shape}; a matrix belongs there")
    weight = np.empty_like(integers.T)
    weight[:, edge.order] = integers.T
    return Product(node, weight, scale, edge.levels)


def conv(chain: Chain, node: onnx.NodeProto, edge: Edge) -> Product:
    if not edge.is_map:
        raise chain.refusal(node, f"slides over {edge.shape} of one sample, whose elements come in another order")
    integers, scale = _whole(chain, node, 0)
    weight = np.moveaxis(integers[:, :, None] if integers.ndim == 3 else integers, 1, -1)
    said = options(node)
    if any(each != 1 for each in said.get("dilations", ())):  # type: ignore[attr-defined]
        raise chain.refusal(node, f"dilations of {said['dilations']} are not read; windows are dense")
    stride, padding = window(chain, node, edge, weight.shape[1:3])  # type: ignore[arg-type]
    pad = edge.around[1]
    if any(padding) and not any(edge.around[0]):
        pad = zero_level(chain, node, edge.levels)
    elif any(edge.around[0]):
        if any(padding):
            raise chain.refusal(node, "pads again what a Pad before it has padded")
        padding = edge.around[0]
    product = Product(node, np.ascontiguousarray(weight), scale, edge.levels)
    return replace(product, stride=stride, padding=padding, pad=pad, groups=int(said.get("group", 1)))  # type: ignore[call-overload]


def zero_level(chain: Chain, node: onnx.NodeProto, levels: Levels) -> int:
    zero = np.flatnonzero(levels.values() == 0)
    if not len(zero):
        raise chain.refusal(
            node,
            f"pads with 0, which is none of the levels {levels}: neither hardware nor a threshold knows it; pad with a "
            "code, as a Pad of value -1 before it does, or do not pad",
        )
    return int(zero[0])


def window(chain: Chain, node: onnx.NodeProto, edge: Edge, kernel: Pair) -> tuple[Pair, Padding]:
    """Stride and padding of a Conv or pool."""
    said, axes = options(node), len(edge.shape) - 1
    stride = [int(each) for each in said.get("strides", [1] * axes)]  # type: ignore[attr-defined]
    automatic = str(said.get("auto_pad", "NOTSET"))
    sizes, windows = edge.map[:2][-axes:], kernel[-axes:]
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        missing = [
            max(0, (-(-size // step) - 1) * step + width - size)
            for size, step, width in zip(sizes, stride, windows, strict=True)
        ]
        less, more = [each // 2 for each in missing], [-(-each // 2) for each in missing]
        pads = [*less, *more] if automatic == "SAME_UPPER" else [*more, *less]
    elif automatic in ("NOTSET", "VALID"):
        given = said.get("pads", ()) if automatic == "NOTSET" else ()
        pads = [int(each) for each in given] or [0] * (2 * axes)  # type: ignore[attr-defined]
    else:
        raise chain.refusal(node, f"auto_pad={automatic!r} is not known")
    if len(stride) != axes or len(pads) != 2 * axes or min(stride) < 1 or min(pads) < 0:
        raise chain.refusal(node, f"strides of {stride} and pads of {pads} over {axes} axes")
    if axes == 1:
        return (1, stride[0]), (0, pads[0], 0, pads[1])
    return (stride[0], stride[1]), (pads[0], pads[1], pads[2], pads[3])


def _whole(chain: Chain, node: onnx.NodeProto, rows_axis: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The weights as integers, and (rows,) the scale of each row."""
    name = node.input[1]
    if name not in chain.constants:
        raise chain.refusal(node, f"its weights {name} are no constant")
    weight = chain.constants[name]
    if weight.dtype != np.float32 or not weight.size or weight.ndim < 2:
        raise chain.refusal(node, f"its weights are {weight.shape} {weight.dtype}; nets of float32 are read")
    if not np.isfinite(weight).all():
        raise chain.refusal(node, f"its weights {name} hold NaN or infinities; train again and export again")
    over = tuple(axis for axis in range(weight.ndim) if axis != rows_axis)
    if name in chain.grids:
        grid = chain.grids[name]
        integers, scales = grid.integers, grid.scales
        scale = scales.max(axis=over)
        if (scales.min(axis=over) != scale).any():
            raise chain.refusal(node, "the scale of its weights differs within a row, so they are no integers together")
    else:
        integers, scale = _plain(chain, node, weight, over)
    largest = int(np.abs(integers).max())
    if largest > LARGEST_WEIGHT or (largest == LARGEST_WEIGHT and integers.max() == largest):
        raise chain.refusal(node, f"weights of {integers.min()} .. {integers.max()} units; 1 to 8 bits are read")
    if largest == 0:
        raise chain.refusal(node, "all its weights are 0")
    return integers, scale


def _plain(
    chain: Chain, node: onnx.NodeProto, weight: NDArray[np.float32], over: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of weights that no quantizer made: whole numbers as they are, or each row ± one number (and 0)."""
    rounded = np.rint(weight)
    if (rounded == weight).all() and np.abs(rounded).max() <= LARGEST_WEIGHT:
        return rounded.astype(np.int64), np.ones(weight.size // math.prod(weight.shape[axis] for axis in over))
    scale = np.abs(weight).max(axis=over).astype(np.float64)
    each = np.expand_dims(np.where(scale > 0, scale, 1.0), over)
    integers = np.rint(weight / each)
    if (integers * each != weight).any():
        raise chain.refusal(
            node, "its weights are neither whole numbers nor ± one number for each neuron; train with quantised weights"
        )
    return integers.astype(np.int64), np.where(scale > 0, scale, 1.0)
