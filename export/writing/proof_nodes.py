"""What a tie-proof file holds beside its nodes, and how it says decisions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.datatype import BaseDataType

from ..graph import BIPOLAR, GraphError, Layer, Shape
from ..reading.edges import of_map
from .nodes import QONNX, Edge, FloatNodes
from .whole_sums import as_integers, data_type, whole

MOST_THRESHOLDS = 4096


@dataclass(eq=False)
class Proof(FloatNodes):
    """kinds    of tensors of which they are known
    shapes      of one sample in the file's own order, of `x` and `scores`
    order       (elements,) of a row, the place in our stream of each element of the file's; None where they are equal
    """

    kinds: dict[str, BaseDataType] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    order: NDArray[np.int64] | None = None

    def port(self, name: str) -> onnx.ValueInfoProto:
        shape = self.shapes[name]
        shape = (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, *shape])

    def made(self, edge: Edge) -> Edge:
        self.kinds[edge.name], self.shapes[edge.name] = data_type(edge.levels), edge.shape
        return edge

    def row(self, edge: Edge) -> Edge:
        """A map as the row that Flatten makes of it."""
        if not edge.is_map:
            return edge
        height, width, channels = edge.shape
        self.order = of_map((channels, height, width))
        flat = Edge(f"{edge.name}.row", (len(self.order),), edge.levels)
        self.add("Flatten", [edge.name], flat.name, f"{edge.name}.Flatten", axis=1)
        return self.made(flat)

    def in_order(self, by_element: NDArray) -> NDArray:
        """An array by element of our stream, for a row of the file."""
        return by_element if self.order is None else by_element[self.order]

    def signed(self, live: str, signs: NDArray[np.int64], output: str, shape: Shape) -> str:
        """Each channel times 1 or −1; as it is where all are 1."""
        if (signs > 0).all():
            return live
        constant = self.constant(f"{output}.signs", _by_channel(signs, shape))
        return self.add("Mul", [live, constant], output, f"{output}.Mul")

    def decided(self, layer: Layer, sums: str, at: NDArray[np.float64], output: str, shape: Shape) -> Edge:
        """at   (rows, steps) or (1, steps), midway between what `sums` can be"""
        name, levels = layer.name, as_integers(layer.emits)
        low, step = whole(levels)
        if levels == BIPOLAR:
            midpoint = self.constant(f"{name}.midpoint", _by_channel(at[:, 0], shape))
            norm = self.add("Sub", [sums, midpoint], f"{name}.norm", f"{name}.Sub")
            self.add("BipolarQuant", [norm, self.constant("one", 1)], output, f"{name}.BipolarQuant", QONNX)
            return self.made(Edge(output, shape, levels))
        if at.shape[1] > MOST_THRESHOLDS:
            raise GraphError(f"{name}: {at.shape[1]} thresholds; QONNX files of up to {MOST_THRESHOLDS} are read")
        self.add(
            "MultiThreshold",
            [sums, self.constant(f"{name}.thresholds", at)],
            output,
            f"{name}.MultiThreshold",
            QONNX,
            out_dtype=data_type(levels).name,
            data_layout="NCHW" if len(shape) == 3 else "NC",
            out_scale=float(step),
            out_bias=float(low),
        )
        return self.made(Edge(output, shape, levels))


def _by_channel(values: NDArray, shape: Shape) -> NDArray:
    return values.reshape(-1, 1, 1) if len(shape) == 3 else values
