"""What flows along the chain where codes do, and what nodes that stand between codes make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from ..graph import Levels, Shape
from ..graph.windows import Padding
from .chain import Chain, permutation
from .purity import SHAPES

UNIFORM = 1e-3  # of a step: how far a float may lie from the level that it is


@dataclass(frozen=True, eq=False)
class Edge:
    """What flows along the chain where codes do.

    shape    as the file has it, without the batch: (channels, height, width), (channels, width) or (elements,)
    levels   of an element, as floats of the file
    order    (elements,) the place in our stream, row by row, column by column and all channels of a place together, of
             each element in the file's order
    around   padding that a Pad node has put around, and its level
    """

    shape: Shape
    levels: Levels
    order: NDArray[np.int64]
    around: tuple[Padding, int] = ((0, 0, 0, 0), 0)

    @property
    def map(self) -> Shape:
        """(height, width, channels) of a map, whose height is 1 where it has one dimension."""
        channels, *sizes = self.shape
        height, width = ([1, *sizes] if len(sizes) == 1 else sizes) if sizes else (1, 1)
        return height, width, channels

    @property
    def is_map(self) -> bool:
        """Whether its elements are in our stream as those of a map of its shape."""
        return len(self.shape) in (2, 3) and np.array_equal(self.order, of_map(self.shape))


def of_map(shape: Shape) -> NDArray[np.int64]:
    """`Edge.order` of a map in the file's own axes; of a row, as it is."""
    places = np.arange(int(np.prod(shape))).reshape(*shape[1:], shape[0])
    return np.moveaxis(places, -1, 0).ravel()


def each(chain: Chain, edge: Edge, nodes: Sequence[onnx.NodeProto], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(count, elements) what nodes make of each level at each element, in the order of the tensor they make."""
    wide = np.broadcast_to(values.reshape(-1, *[1] * len(edge.shape)), (len(values), *edge.shape))
    block = max(1, (1 << 24) // max(1, int(np.prod(edge.shape))))
    made = [
        chain.evaluate(nodes, np.ascontiguousarray(wide[at : at + block])).reshape(len(wide[at : at + block]), -1)
        for at in range(0, len(values), block)
    ]
    answers = np.concatenate(made)
    if answers.shape[1] != len(edge.order) or answers.dtype != np.float32:
        raise chain.refusal(
            nodes[0], f"makes {answers.shape[1]} {answers.dtype} of {len(edge.order)} elements of a sample"
        )
    return answers


def moved(chain: Chain, edge: Edge, nodes: Sequence[onnx.NodeProto]) -> Edge:
    """The edge behind nodes, of which those that change shapes count."""
    shape, order = edge.shape, edge.order
    for node in nodes:
        if node.op_type not in SHAPES:
            continue
        made = chain.leaving(node)
        if node.op_type == "Transpose":
            axes = permutation(node, len(shape) + 1)
            if axes[0] != 0:
                raise chain.refusal(node, f"moves the batch, by {axes}")
            order = order.reshape(shape).transpose([axis - 1 for axis in axes[1:]]).ravel()
        shape = made
    if len(shape) > 3 or int(np.prod(shape)) != len(order):
        raise chain.refusal(nodes[-1], f"makes {shape} of one sample of {edge.shape}")
    return Edge(shape, edge.levels, order, edge.around)


def levels_of(values: NDArray[np.float32]) -> Levels | None:
    """Evenly spaced floats as levels; None where they are not."""
    low = float(values[0])
    step = (float(values[-1]) - low) / (len(values) - 1)
    if not np.isfinite(values).all() or step == 0:
        return None
    found = Levels(low, step, len(values))
    spaced = (np.abs(low + step * np.arange(len(values)) - values) <= UNIFORM * abs(step)).all()
    return found if spaced else None


def compressed(table: NDArray, shape: tuple[int, ...]) -> NDArray:
    """One row for all elements, or one for each channel, where that says the same."""
    if (table == table[0]).all():
        return np.ascontiguousarray(table[:1])
    channels = shape[-1]
    if (table.reshape(-1, channels, table.shape[1]) == table[:channels]).all():
        return np.ascontiguousarray(table[:channels])
    return np.ascontiguousarray(table)
