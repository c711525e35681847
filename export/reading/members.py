"""A file of several nets whose scores are added: each read as the chain that it is, then all joined."""

from __future__ import annotations

from dataclasses import replace

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
    nodes = [node for node in graph.node if needed & set(node.output)]
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.value_info[:]
    for field, kept in ((graph.node, nodes), (graph.initializer, constants)):
        copies = [type(each).FromString(each.SerializeToString()) for each in kept]
        del field[:]
        field.extend(copies)
    for node in graph.node:
        node.output[:] = ["scores" if name == end else name for name in node.output]
    kinds = [each for each in graph.quantization_annotation if each.tensor_name in needed]
    kept_kinds = [type(each).FromString(each.SerializeToString()) for each in kinds]
    del graph.quantization_annotation[:]
    graph.quantization_annotation.extend(kept_kinds)
    return alone
