"""An ONNX file as one chain of nodes from pixels to scores, its constants folded, and any stretch of it evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ..annotations import QonnxError
from ..soundness import check
from .evaluation import EvaluationError, first_line, run
from .purity import STANDARD, function_impurity, impurity


class StreamlineError(ValueError):
    """A file that is not a dense 1-bit net, or not surely one."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The nodes that depend on the input, in order; each takes what the one before emits.

    constants   tensors that do not depend on the input, by name
    opset       of the standard operators
    """

    model: onnx.ModelProto
    nodes: tuple[onnx.NodeProto, ...]
    constants: Mapping[str, NDArray]
    opset: int

    @property
    def input(self) -> str:
        return self.live(self.nodes[0])

    def live(self, node: onnx.NodeProto) -> str:
        """The one input of a node that depends on the sample."""
        return next(name for name in node.input if name and name not in self.constants)

    def operand(self, node: onnx.NodeProto) -> NDArray:
        """The one constant that a two-operand node takes."""
        return next(self.constants[name] for name in node.input if name in self.constants)

    def refusal(self, node: onnx.NodeProto, why: str) -> StreamlineError:
        """An error that finds the node again in a file of thousands: type, name, tensors and neighbours."""
        produced = {output: other for other in self.model.graph.node for output in other.output}
        before = [describe(produced[name]) for name in node.input if name in produced] or ["the input"]
        after = [describe(other) for other in self.model.graph.node if set(node.output) & set(other.input)]
        return StreamlineError(
            f"{describe(node)} ({', '.join(filter(None, node.input))} → {', '.join(node.output)}), "
            f"after {' and '.join(before)}, before {' and '.join(after or ['the output'])}: {why}"
        )

    def evaluate(self, nodes: Sequence[onnx.NodeProto], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What `nodes`, a stretch of the chain, make of `values` in place of what enters the first of them."""
        if not nodes:
            return values
        feeds = {self.live(nodes[0]): values} | {
            name: self.constants[name] for node in nodes for name in node.input if name in self.constants
        }
        try:
            return run(nodes, feeds, nodes[-1].output[0], self.opset)
        except EvaluationError as error:
            raise self.refusal(nodes[0], f"cannot be evaluated from here on: {error}") from None

    def elementwise(self, nodes: Sequence[onnx.NodeProto], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """`evaluate`, of nodes that answer each of `values` at its own place."""
        answers = self.evaluate(nodes, values)
        if answers.shape != values.shape or answers.dtype != values.dtype:
            before, after = (f"{array.shape} {array.dtype}" for array in (values, answers))
            raise self.refusal(nodes[0], f"makes {after} of {before}, where every value needs an answer of its own")
        return answers


def read(model: onnx.ModelProto | bytes) -> Chain:
    """Raises StreamlineError where the bytes are no ONNX or the nodes do not form a chain."""
    if isinstance(model, bytes):
        try:
            model = onnx.load_model_from_string(model)
        except DecodeError:
            raise StreamlineError(f"not an ONNX file: {len(model)} bytes that do not decode; export it again") from None
    try:
        check(model)
    except QonnxError as error:
        raise StreamlineError(f"{model.graph.name!r}: {error}; export it again") from None
    graph = model.graph
    opsets = {_domain(opset.domain): opset.version for opset in model.opset_import}
    unknown = {_domain(node.domain) for node in graph.node} - set(opsets)
    if not graph.node or not graph.output or unknown:
        missing = ", ".join(f"opset of {domain or 'ai.onnx'}" for domain in sorted(unknown)) or "nodes or no output"
        raise StreamlineError(f"not an ONNX net: it has no {missing}; export it again")
    chain = Chain(model, (), _initializers(graph), opsets.get("", 0))
    inputs = [port.name for port in graph.input if port.name not in chain.constants]
    if len(inputs) != 1:
        raise StreamlineError(f"{graph.name}: a net has one input, this file has {inputs}")
    constants, nodes, live = dict(chain.constants), [], inputs[0]
    known = {live, *constants}
    for node in _without_gemm(graph, chain):
        taken = [name for name in node.input if name and name not in constants]
        why = function_impurity(node, model) or impurity(node, taken, constants, chain.opset)
        if why:
            raise chain.refusal(node, why)
        if twice := sorted(known & set(node.output)):
            raise chain.refusal(node, f"makes {twice[0]}, which the file has already; names of tensors are unique")
        known.update(filter(None, node.output))
        if not taken:
            constants |= zip(node.output, [_constant(chain, node, constants)], strict=False)
        elif taken == [live]:
            nodes.append(node)
            live = node.output[0]
        else:
            raise chain.refusal(
                node, f"takes {' and '.join(taken)} where only {live} continues the chain; nets are chains"
            )
    if not nodes or live != graph.output[0].name:
        raise StreamlineError(f"{graph.name}: the chain from {inputs[0]} ends in {live}, not in {graph.output[0].name}")
    return Chain(model, tuple(nodes), constants, chain.opset)


def _domain(name: str) -> str:
    """The standard operators' domain has two spellings."""
    return "" if name == "ai.onnx" else name


def describe(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name!r}"


def _without_gemm(graph: onnx.GraphProto, chain: Chain) -> list[onnx.NodeProto]:
    """The file's nodes with every Gemm as the MatMul and Add that it is where its factors are 1."""
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "Gemm" or node.domain not in STANDARD or len(node.input) < 2:
            nodes.append(node)
            continue
        options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if options.get("alpha", 1) != 1 or options.get("beta", 1) != 1 or options.get("transA", 0):
            raise chain.refusal(node, f"only alpha = beta = 1 and transA = 0 are read, got {options}")
        weight, output = node.input[1], node.output[0]
        if options.get("transB", 0):
            weight = f"{output}/transposed"
            nodes.append(
                helper.make_node("Transpose", [node.input[1]], [weight], f"{node.name}/transpose", perm=[1, 0])
            )
        product = f"{output}/product" if any(node.input[2:]) else output
        nodes.append(helper.make_node("MatMul", [node.input[0], weight], [product], node.name))
        if product != output:
            nodes.append(helper.make_node("Add", [product, node.input[2]], [output], f"{node.name}/bias"))
    return nodes


def _initializers(graph: onnx.GraphProto) -> dict[str, NDArray]:
    for tensor in graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise StreamlineError(
                f"{graph.name}: {tensor.name} lies in a file of its own; export with dynamo=False, or save the model "
                "with its data inside"
            )
    try:
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise StreamlineError(f"{graph.name}: damaged constants: {first_line(error)}; export it again") from None


def _constant(chain: Chain, node: onnx.NodeProto, constants: Mapping[str, NDArray]) -> NDArray:
    if node.op_type == "BipolarQuant":
        value, scale = (constants[name] for name in node.input)
        if value.dtype != np.float32 or scale.dtype != np.float32 or scale.shape not in ((), (1,), value.shape):
            got = f"{value.shape} {value.dtype} and {scale.shape} {scale.dtype}"
            raise chain.refusal(node, f"takes float32 weights and one scale for them, got {got}")
        if len(broken := np.argwhere(~np.isfinite(value))):
            place = tuple(broken[0].tolist())
            raise chain.refusal(
                node, f"{node.input[0]} is {value[place]:g} at {place}, which has no sign; train again and export again"
            )
        return np.where(value >= 0, scale, -scale)
    if _domain(node.domain):
        raise chain.refusal(node, f"{node.domain} weights are not 1-bit ones of BipolarQuant; train with 1-bit weights")
    try:
        feeds = {name: constants[name] for name in node.input if name}
        return run([node], feeds, node.output[0], chain.opset)
    except EvaluationError as error:
        raise chain.refusal(node, f"cannot be evaluated: {error}") from None
