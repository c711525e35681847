"""The integer Graph as the file that FINN's compiler works on: thresholds and popcounts, every tensor typed.

Nothing but integers is left in it. Maps are (1, height, width, channels), as FINN's streams are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import onnx

from ..annotations import annotate
from ..graph import BIPOLAR, Graph, GraphError, Levels
from .nodes import Edge, entering_shape, model_of
from .streamed_nodes import Streamed
from .streamlined_layers import write
from .whole_sums import whole

Dialect = Literal["xnor", "bipolar"]


def streamlined(graph: Graph, dialect: Dialect = "xnor") -> onnx.ModelProto:
    """Same graph, same bytes.

    dialect   xnor: every tensor carries levels, 0, 1, 2 …; weights of ±1 that meet one-bit codes are BINARY, and
              XnorPopcountMatMul counts agreeing bits, so that thresholds are the Graph's. Other sums count from where
              all levels are 0.
              bipolar: codes carry the whole numbers that they stand for, as `whole_sums.as_integers` says them (±1 are
              BIPOLAR), MatMul gives dot products, thresholds lie where no ±1 dot product does.

    In: `x`, (1, inputs) or (1, height, width, channels) float32, levels annotated UINTn; 1-bit inputs are BINARY or
    BIPOLAR, as the dialect says. Every layer L before the last has `L.code`, and `L.thresholds` (rows, steps) or none,
    products `L.weight` (fan-in, rows) and `L.accumulator`; the fan-in of a convolution is in the order kernel row,
    kernel column, channel, and of one in groups it holds zeros. Out: `scores`, of a net that ends in codes those, else
    up to a factor and a constant that all classes share: agreeing bits, or dot products.

    Raises GraphError for what the dialect has no word for: tables that rise and fall, sums beyond 2^24, and windows
    that Im2Col or MaxPoolNHWC do not have.
    """
    return written(graph, dialect).model


@dataclass(frozen=True, eq=False)
class Written:
    """A file, and what the numbers in it say of a graph.

    levels           by layer, what its `L.code` is for each level
    step, constant   a score of the graph is (`scores` + constant) / step
    """

    model: onnx.ModelProto
    levels: Mapping[str, Levels]
    step: int
    constant: int


def written(graph: Graph, dialect: Dialect = "xnor") -> Written:
    """`streamlined`, with what is needed to read what it answers."""
    if dialect not in get_args(Dialect):
        raise GraphError(f"{graph.name}: no dialect {dialect!r}; choose one of {', '.join(get_args(Dialect))}")
    file = Streamed(counts=dialect == "xnor")
    entering = Levels(0, 1, graph.layers[0].takes)
    if dialect == "bipolar" and graph.input_bits == 1:
        entering = BIPOLAR
    edge = file.made(Edge("x", entering_shape(graph), entering))
    said: dict[str, Levels] = {}
    for layer in graph.layers:
        edge = write(layer, file, edge, "scores" if layer is graph.layers[-1] else f"{layer.name}.code")
        said[layer.name] = edge.levels
    low, step = whole(edge.levels)
    constant = -low if file.constant_of_scores is None else file.constant_of_scores
    return Written(_model(graph, file), said, step, constant)


def _model(graph: Graph, file: Streamed) -> onnx.ModelProto:
    inner = [file.port(name) for name in sorted(file.shapes) if name not in ("x", "scores")]
    model = model_of(graph.name, file, file.port("x"), file.port("scores"), inner)
    annotate(model, file.kinds)
    for weight, kernel in sorted(file.depthwise.items()):
        said = onnx.StringStringEntryProto(key="tensor_sparsity", value=str({"dw": {"kernel_shape": list(kernel)}}))
        entry = next(each for each in model.graph.quantization_annotation if each.tensor_name == weight)
        entry.quant_parameter_tensor_names.append(said)
    onnx.checker.check_model(model)
    return model
