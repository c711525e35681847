"""Neurons that say the same as another for every input, or always the opposite; and graphs with as few as can be.

What is found is proven from weights and thresholds, and holds whatever enters; that two neurons agree on some samples
proves nothing. Only layers of 1-bit weights and levels are looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .constants import fold_constants
from .dense import Dense, Scores
from .functions import Edge, Functions
from .layer import Layer
from .net import Graph


@dataclass(frozen=True, eq=False)
class Copies:
    """Of the elements of one edge.

    first   (elements,) the lowest element that is the same or the opposite for every input; its own index where none is
    sign    (elements,) −1 where it is the opposite of that one, else 1
    """

    first: NDArray[np.int64]
    sign: NDArray[np.int64]

    @property
    def number(self) -> int:
        """Elements that another stands for."""
        return int((self.first != np.arange(len(self.first))).sum())


def copies(graph: Graph) -> Mapping[str, Copies]:
    """Of every layer of 1-bit neurons what they are copies of, those that only copies before them show, too."""
    said = Functions().of(graph)
    return {layer.name: _of(said[layer.name]) for layer in graph.layers if isinstance(layer, Dense) and layer.one_bit}


def _of(edge: Edge) -> Copies:
    lowest: dict[int, int] = {}
    first = [lowest.setdefault(abs(function), element) for element, function in enumerate(edge)]
    sign = [1 if function == edge[at] else -1 for function, at in zip(edge, first, strict=True)]
    return Copies(np.array(first, np.int64), np.array(sign, np.int64))


def _added(layer: Dense | Scores, entering: Copies) -> NDArray[np.int64]:
    """(rows, inputs) the weights of all copies of an input, added up where the first of them stands."""
    weight = np.where(layer.weight, 1, -1).astype(np.int64)
    added = np.zeros_like(weight)
    np.add.at(added.T, entering.first, (weight * entering.sign).T)
    return added


def fold_copies(graph: Graph) -> Graph:
    """The same scores for every input with fewer copies, in layers whose next one is of 1-bit weights, too.

    There the weights of k copies add up to c, and ±1 can say it with as many copies as the greatest |c| of all rows:
    what pairs of them cancel goes into thresholds and offsets. Two copies with equal weights anywhere are the two that
    they were: a weight of ±2 would be a layer of several-bit weights, which costs more than the neuron.
    A layer keeps one neuron at least.
    """
    layers, found = list(graph.layers), copies(graph)
    for index, (layer, after) in enumerate(zip(graph.layers, graph.layers[1:], strict=False)):
        if layer.name not in found or not _takes_signs(after):
            continue
        left, weight, cancelled = _fewer(found[layer.name], after)  # type: ignore[arg-type]
        if len(left) == layer.outputs:
            continue
        own = layers[index]
        assert isinstance(own, Dense)
        layers[index] = replace(own, weight=own.weight[left], threshold=own.threshold[left])
        layers[index + 1] = _heard(after, weight[:, left], cancelled)  # type: ignore[arg-type]
    return Graph(graph.name, graph.input_bits, tuple(layers), graph.shape, graph.entering)


def lossless(graph: Graph) -> Graph:
    """Without what never changes and without copies, until neither is left to fold."""
    while True:
        slim = fold_copies(fold_constants(graph).graph)
        if [layer.outputs for layer in slim.layers] == [layer.outputs for layer in graph.layers]:
            return slim
        graph = slim


def _takes_signs(layer: Layer) -> bool:
    return isinstance(layer, Dense | Scores) and layer.weight.dtype == np.bool_ and layer.takes == 2 and layer.rows > 0


def _fewer(of: Copies, after: Dense | Scores) -> tuple[NDArray[np.int64], NDArray[np.bool_], int]:
    """Elements that are left, the weights (rows, elements) that then hear them, and how many agreed in pairs always."""
    members: dict[int, list[int]] = defaultdict(list)
    for element, first in enumerate(of.first.tolist()):
        members[first].append(element)
    added, weight = _added(after, of), after.weight.astype(np.bool_)
    gone: list[int] = []
    for first, group in members.items():
        sums = added[:, first]
        needed = int(np.abs(sums).max())
        if not needed and len(gone) + len(group) == len(of.first):
            needed = 2  # the last ones of the layer
        for place, element in enumerate(group[:needed]):
            weight[:, element] = (place < (needed + sums) // 2) == (of.sign[element] > 0)
        gone += group[needed:]
    return np.setdiff1d(np.arange(len(of.first)), gone), weight, len(gone) // 2


def _heard(layer: Dense | Scores, weight: NDArray[np.bool_], cancelled: int) -> Layer:
    """The layer without inputs of which `cancelled` agreed in every row, whatever entered."""
    if isinstance(layer, Scores):
        multiplier = np.ones(layer.rows, np.int64) if layer.multiplier is None else layer.multiplier
        offset = cancelled * multiplier + (0 if layer.offset is None else layer.offset)
        return replace(layer, weight=weight, offset=offset)
    threshold = np.clip(layer.threshold - cancelled, 0, weight.shape[1] + 1).astype(np.int32)
    return replace(layer, weight=weight, threshold=threshold)
