"""A file of several nets whose scores are added: each read as the chain that it is, then all joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import onnx
from numpy.typing import NDArray

from ..graph import Graph, GraphError
from ..graph.passes import joined
from .chain import StreamlineError, decoded
from .streamline import streamline


def graph_of(model: onnx.ModelProto | bytes, pixel_values: NDArray | None = None) -> Graph:
    """The integer Graph of a file of ours: of one net, or of members.

    Raises StreamlineError as `streamline` does, and where members differ in more than their thresholds.
    """
    model = decoded(model) if isinstance(model, bytes) else model
    if not (ends := _added(model)):
        return streamline(model, pixel_values).graph
    return joined_graph([streamline(_branch(model, end), pixel_values).graph for end in ends])


def joined_graph(members: list[Graph]) -> Graph:
    """Raises StreamlineError where they differ in more than their thresholds."""
    try:
        return replace(members[0], layers=joined(tuple(each.layers for each in members)))
    except GraphError as error:
        raise StreamlineError(f"{members[0].name}: {error}") from None


def _added(model: onnx.ModelProto) -> list[str]:
    """The tensors whose sum are the scores; empty where these are no such sum."""
    scores = {port.name for port in model.graph.output}
    found = [node for node in model.graph.node if node.op_type == "Sum" and scores & set(node.output)]
    return list(found[0].input) if found else []


def _branch(model: onnx.ModelProto, end: str) -> onnx.ModelProto:
    """What of a file makes the tensor `end`, which is called `scores` then."""
    makers = {output: node for node in model.graph.node for output in node.output}
    wanted, needed = [end], set[str]()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted += makers[name].input if name in makers else ()
    alone = onnx.ModelProto()
    alone.CopyFrom(model)
    graph = alone.graph
    _keep(graph.node, lambda node: bool(needed & set(node.output)))
    _keep(graph.initializer, lambda tensor: tensor.name in needed)
    _keep(graph.quantization_annotation, lambda annotation: annotation.tensor_name in needed)
    del graph.value_info[:]
    for node in graph.node:
        node.output[:] = ["scores" if name == end else name for name in node.output]
    return alone


def _keep(entries: Any, wanted: Callable[[Any], bool]) -> None:
    """In place, of a repeated field."""
    for index in reversed(range(len(entries))):
        if not wanted(entries[index]):
            del entries[index]
