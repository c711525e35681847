"""What a file of FINN's dialect holds beside its nodes: the type and the shape of every tensor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.datatype import BaseDataType

from ..graph import GraphError, Layer, Levels, Shape
from ..graph.windows import Pair
from .nodes import Edge, FloatNodes
from .whole_sums import LARGEST, as_integers, data_type, smallest, whole


@dataclass(eq=False)
class Streamed(FloatNodes):
    """counts      every edge carries levels; otherwise the whole numbers that they stand for
    shapes      of one sample, of every tensor that depends on it
    kinds       of every tensor
    depthwise   kernels by their weights, which are zeros where channels differ
    constant_of_scores   what `scores` lack, where sums leave the net
    """

    counts: bool = True
    shapes: dict[str, Shape] = field(default_factory=dict)
    kinds: dict[str, BaseDataType] = field(default_factory=dict)
    depthwise: dict[str, Pair] = field(default_factory=dict)
    constant_of_scores: int | None = None

    def made(self, edge: Edge) -> Edge:
        return self.typed(edge, data_type(edge.levels))

    def typed(self, edge: Edge, kind: BaseDataType) -> Edge:
        self.shapes[edge.name], self.kinds[edge.name] = edge.shape, kind
        return edge

    def levels(self, layer: Layer) -> Levels:
        """What the file writes for the levels that a layer emits."""
        return Levels(0, 1, layer.emits.count) if self.counts else as_integers(layer.emits)

    def port(self, name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, *self.shapes[name]])

    def shaped(self, edge: Edge, shape: Shape) -> Edge:
        """The same elements in the same order, as a row or a map."""
        if edge.shape == shape:
            return edge
        name = f"{edge.name}.{'map' if len(shape) == 3 else 'row'}"
        self.add("Reshape", [edge.name, self.places(f"{name}.shape", [-1, *shape])], name)
        return self.made(Edge(name, shape, edge.levels))

    def signed(self, edge: Edge, signs: NDArray[np.int64], output: str) -> Edge:
        """Each channel times 1 or −1."""
        low, step = whole(edge.levels)
        largest = max(abs(low), abs(low + step * edge.levels.top))
        return self.channelwise("Mul", edge, self.constant(f"{output}.signs", signs), output, (-largest, largest))

    def channelwise(self, operator: str, edge: Edge, constant: str, output: str, reach: tuple[int, int]) -> Edge:
        """reach   the least and the highest that can leave"""
        if max(-reach[0], reach[1]) >= LARGEST:
            raise GraphError(f"{output}: {reach[0]} .. {reach[1]}, beyond the 2^24 to which float32 holds integers")
        values = self.constants[constant]
        self.add(operator, [edge.name, constant], output, f"{output}.{operator}")
        self.kinds[constant] = smallest(int(values.min()), int(values.max()))
        return self.typed(replace(edge, name=output), smallest(*reach))
