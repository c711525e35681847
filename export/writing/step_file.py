"""A file of a net of steps, read back: only what we wrote, for no reader knows states that were unrolled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ..annotations import data_type
from ..graph import Graph, IntegrateDense, Layer, PassScores, PassSum, StepCuts
from ..reading import members
from ..reading.chain import StreamlineError, decoded
from .tie_proof import tie_proof


def graph_of(content: bytes) -> Graph:
    """The integer Graph of a file of ours: of one net, of members, or of steps.

    A net of steps is what the constants of its names make, and believed where that, written, is the file. Raises
    StreamlineError where it is not, and as `members.graph_of` does.
    """
    model = decoded(content)
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    if not any(name.endswith(".theta") for name in held):
        return members.graph_of(model)
    try:
        graph = Graph(model.graph.name, _bits(model), tuple(_layers(model, held)))
    except (LookupError, ValueError) as error:
        raise StreamlineError(f"{model.graph.name}: no net of steps, {error}; export it again") from None
    if tie_proof(graph) != model:
        raise StreamlineError(f"{model.graph.name}: its net of steps is written otherwise; export it again")
    return graph


def _layers(model: onnx.ModelProto, held: dict[str, NDArray]) -> Iterator[Layer]:
    first = ".MatMul.1"
    *hidden, last = [node.name.removesuffix(first) for node in model.graph.node if node.name.endswith(first)]
    cuts = [name for name in held if name.startswith("binarize.midpoint.")]
    steps = len(cuts)
    at = [held[f"binarize.midpoint.{step}"] for step in range(1, steps + 1)]
    yield StepCuts("binarize", np.array([int(each[0] + 0.5) for each in at], np.int32), len(at[0]), _bits(model))
    for name in hidden:
        weight = held[f"{name}.weight"].T > 0
        leak = (held[f"{name}.leak"] + weight.shape[1]) / 2
        yield IntegrateDense(name, weight, leak.astype(np.int32), held[f"{name}.theta"].astype(np.int32), steps)
    scores = held[f"{last}.weight"].T > 0
    yield PassScores(scores, steps, last)
    yield PassSum(len(scores), steps, scores.shape[1] + 1)


def _bits(model: onnx.ModelProto) -> int:
    return int(data_type(model, "x").bitwidth())
