"""Neurons that never change, and graphs without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .conv import Conv
from .dense import Dense, Scores
from .layer import Layer
from .net import Graph
from .pool import Pool
from .weighted import steps

NOTHING = -1  # in place of a level: the channel changes


@dataclass(frozen=True, eq=False)
class Folded:
    """graph   without the channels that never change
    kept    by name of each layer that lost some, the channels that are left
    """

    graph: Graph
    kept: Mapping[str, NDArray[np.int64]]


def constants(graph: Graph) -> dict[str, NDArray[np.int64]]:
    """By layer of thresholds, (channels,) the level that a channel says whatever enters, NOTHING where it changes.

    What is known of a layer's inputs narrows what its sums can be: a neuron that sees only constants is one, and so may
    be one whose last step only a constant input would reach. Each layer by itself has fewer: the second of FINN's
    cybsec net 40, and 42 behind the first.
    """
    found: dict[str, NDArray[np.int64]] = {}
    known: NDArray[np.int64] | None = None
    for layer in graph.layers[:-1] if isinstance(graph.layers[-1], Scores) else graph.layers:
        known = _said(layer, known)
        if known is not None and isinstance(layer, Dense | Conv):
            found[layer.name] = known
    return found


def _said(layer: Layer, known: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """(channels,) of what leaves a layer, given the same of what enters; None where nothing is known."""
    if isinstance(layer, Pool):
        if known is None:
            return None
        return np.where(known < 0, known, known * layer.fan_in) if layer.of[0] == "sum" else known
    if not isinstance(layer, Dense | Conv):
        return None
    low, high = _range(layer, known)
    at = steps(layer.threshold)
    lowest, highest = ((at <= sums[:, None]).sum(axis=1) for sums in (low, high))
    return np.where(lowest == highest, lowest, NOTHING)


def _range(
    layer: Dense | Conv | Scores, known: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows,) the least and the highest accumulator."""
    fixed = _given(layer, known)
    free = layer.spans() if known is None else _free_spans(layer, known)
    return fixed, fixed + free


def _columns(layer: Dense | Conv | Scores, known: NDArray[np.int64]) -> NDArray[np.int64]:
    """(fan-in,) the level of each input that one row sees, NOTHING where it changes. Channels are the last axis."""
    if isinstance(layer, Conv):
        if layer.groups > 1:
            return np.full(layer.fan_in, NOTHING)
        at_edges = layer.pad if any(layer.padding) else None
        usable = known if at_edges is None else np.where(known == at_edges, known, NOTHING)
        return np.tile(usable, layer.fan_in // len(known))
    return np.tile(known, layer.fan_in // len(known))


def _given(layer: Dense | Conv | Scores, known: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """(rows,) what the inputs that never change add to the accumulator."""
    if known is None:
        return np.zeros(layer.rows, dtype=np.int64)
    columns, weight = _columns(layer, known), layer.integers()
    counted = np.where(weight < 0, layer.takes - 1 - columns, columns)
    return (np.abs(weight) * counted)[:, columns >= 0].sum(axis=1)


def _free_spans(layer: Dense | Conv | Scores, known: NDArray[np.int64]) -> NDArray[np.int64]:
    free = _columns(layer, known) < 0
    return np.abs(layer.integers())[:, free].sum(axis=1) * (layer.takes - 1)


def fold_constants(graph: Graph) -> Folded:
    """The same answers without the channels that never change: what they add goes into thresholds and offsets.

    A layer keeps one channel at least. Those in front of padding that differs from them stay, as do those that go into
    groups or out of the net.
    """
    layers: list[Layer] = []
    kept: dict[str, NDArray[np.int64]] = {}
    known: NDArray[np.int64] | None = None  # of what enters, in the graph as it was
    gone: NDArray[np.bool_] | None = None  # channels of it that are no more
    for index, layer in enumerate(graph.layers):
        said = _said(layer, known)
        slim = _without_inputs(layer, known, gone)
        following = graph.layers[index + 1 :]
        gone_next: NDArray[np.bool_] | None = None
        grouped = isinstance(layer, Conv) and layer.groups > 1  # its rows are as many as its groups want
        if isinstance(layer, Dense | Conv) and not grouped and said is not None and following:
            gone_next = _removable(said, following)
            if gone_next.any():
                slim = _without_rows(slim, ~gone_next)  # type: ignore[arg-type]
        elif isinstance(layer, Pool):
            gone_next = gone
        if gone_next is not None and gone_next.any():
            kept[layer.name] = np.flatnonzero(~gone_next)
        layers.append(slim)
        known, gone = said, gone_next
    return Folded(Graph(graph.name, graph.input_bits, tuple(layers), graph.shape, graph.entering), kept)


def _removable(said: NDArray[np.int64], following: tuple[Layer, ...]) -> NDArray[np.bool_]:
    known = said
    for layer in following:
        if isinstance(layer, Pool):
            known = _said(layer, known)  # type: ignore[assignment]
            continue
        if not isinstance(layer, Dense | Conv | Scores) or (isinstance(layer, Conv) and layer.groups > 1):
            return np.zeros(len(said), dtype=bool)
        removable: NDArray[np.bool_] = np.all((_columns(layer, known) >= 0).reshape(-1, len(known)), axis=0)
        if removable.all():
            removable[0] = False
        return removable
    return np.zeros(len(said), dtype=bool)


def _without_rows(layer: Dense | Conv, left: NDArray[np.bool_]) -> Layer:
    return replace(layer, weight=layer.weight[left], threshold=layer.threshold[left])


def _without_inputs(layer: Layer, known: NDArray[np.int64] | None, gone: NDArray[np.bool_] | None) -> Layer:
    """The layer where some channels of what enters are no more."""
    if gone is None or not gone.any() or known is None:
        return layer
    left = ~gone
    if isinstance(layer, Pool):
        of = layer.of if len(layer.of) == 1 else tuple(np.array(layer.of)[left].tolist())
        return replace(layer, shape=(*layer.shape[:2], int(left.sum())), of=of)
    assert isinstance(layer, Dense | Conv | Scores)
    fixed = _given(layer, np.where(gone, known, NOTHING))
    if isinstance(layer, Conv):
        weight, shape = layer.weight[..., left], (*layer.shape[:2], int(left.sum()))
        slim = replace(layer, weight=weight, shape=shape, threshold=np.zeros_like(layer.threshold))
        return replace(slim, threshold=_lowered(layer.threshold, fixed, slim.spans()))
    weight = layer.weight[:, np.tile(left, layer.fan_in // len(left))]
    if isinstance(layer, Scores):
        multiplier = 1 if layer.multiplier is None else layer.multiplier
        offset = fixed * multiplier + (0 if layer.offset is None else layer.offset)
        return replace(layer, weight=weight, offset=offset if offset.any() else None)
    matrix = replace(layer, weight=weight, threshold=np.zeros_like(layer.threshold))
    return replace(matrix, threshold=_lowered(layer.threshold, fixed, matrix.spans()))


def _lowered(threshold: NDArray[np.int32], by: NDArray[np.int64], spans: NDArray[np.int64]) -> NDArray[np.int32]:
    axes = (slice(None), *[None] * (threshold.ndim - 1))
    return np.clip(threshold - by[axes], 0, spans[axes] + 1).astype(np.int32)
