"""What every writer of ONNX collects on its way down a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import DTypeLike, NDArray
from onnx import helper, numpy_helper

from ..graph import Graph, Levels, Shape

QONNX = "qonnx.custom_op.general"
OPSETS = {"": 20, QONNX: 2}  # those of model.onnx; the standard one first, because finn-base reads only the first
IR_VERSION = 9


@dataclass(eq=False)
class Nodes:
    """Nodes in order, and constants by name."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, NDArray] = field(default_factory=dict)

    def add(
        self,
        operator: str,
        taken: Sequence[str],
        output: str,
        name: str | None = None,
        domain: str | None = None,
        **attributes: Any,
    ) -> str:
        """The tensor that it makes; the node is named after that where it has no name."""
        self.nodes.append(
            helper.make_node(operator, taken, [output], output if name is None else name, domain=domain, **attributes)
        )
        return output

    def constant(self, name: str, value: Any, dtype: DTypeLike | None = None) -> str:
        """Numbers of the net."""
        self.constants[name] = np.asarray(value, dtype=dtype)
        return name

    def places(self, name: str, value: Any) -> str:
        """A shape, or places in one: int64, as nothing else is."""
        return self.constant(name, value, np.int64)

    def initializers(self) -> list[onnx.TensorProto]:
        return [numpy_helper.from_array(value, name) for name, value in sorted(self.constants.items())]


def model_of(
    name: str,
    file: Nodes,
    x: onnx.ValueInfoProto,
    scores: onnx.ValueInfoProto,
    value_info: Sequence[onnx.ValueInfoProto] = (),
) -> onnx.ModelProto:
    """The file of the QONNX family that these nodes are."""
    body = helper.make_graph(file.nodes, name, [x], [scores], file.initializers(), value_info=list(value_info))
    opsets = [helper.make_opsetid(*opset) for opset in OPSETS.items()]
    return helper.make_model(body, producer_name="bitneck", opset_imports=opsets, ir_version=IR_VERSION)


@dataclass(eq=False)
class FloatNodes(Nodes):
    """Nodes whose numbers are float32, as in all files of the QONNX family, whatever they annotate."""

    def constant(self, name: str, value: Any, dtype: DTypeLike | None = None) -> str:
        return super().constant(name, value, np.float32 if dtype is None else dtype)


@dataclass(frozen=True)
class Edge:
    """A tensor between two layers.

    shape    of one sample in stream order: (height, width, channels) or (elements,)
    levels   the integers that the file writes for them
    """

    name: str
    shape: Shape
    levels: Levels

    @property
    def is_map(self) -> bool:
        return len(self.shape) == 3


def entering_shape(graph: Graph) -> Shape:
    """Of what a file takes: a map where the graph or its first layer says one, otherwise a row."""
    said = graph.shape or getattr(graph.layers[0], "shape", ())
    return said if len(said) == 3 else (graph.inputs,)


def bipolar_quant(model: onnx.ModelProto) -> onnx.FunctionProto:
    """qonnx's operator in standard ones, carried in the file: ONNX Runtime then runs it without knowing qonnx."""
    standard = [opset for opset in model.opset_import if not opset.domain]
    zero = helper.make_tensor("zero", onnx.TensorProto.FLOAT, [], [0.0])
    nodes = [
        helper.make_node("Constant", [], ["zero"], value=zero),
        helper.make_node("GreaterOrEqual", ["value", "zero"], ["fires"]),
        helper.make_node("Neg", ["scale"], ["minus"]),
        helper.make_node("Where", ["fires", "scale", "minus"], ["code"]),
    ]
    return helper.make_function(QONNX, "BipolarQuant", ["value", "scale"], ["code"], nodes, standard)
