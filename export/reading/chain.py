"""An ONNX file as one chain of nodes from pixels to scores, its constants folded, and any stretch of it evaluated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from ..annotations import QonnxError
from ..soundness import check
from . import quantizers
from .evaluation import EvaluationError, first_line, run
from .normalise import domain_of, normalised, without_bias, without_gemm
from .purity import LIVE, OF_QONNX, PRODUCTS, QONNX, SHAPES, TRAINING, function_impurity, impurity
from .quantizers import QUANTIZERS, QuantizerError

FREE = 2  # samples that are tried where a file takes any number: one alone would not show that they are mixed
LARGEST_SAMPLE = 1 << 26


class StreamlineError(ValueError):
    """A file that is no chain of layers of small integers, or not surely one."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A constant of whole numbers times scales, both of its shape."""

    integers: NDArray[np.int64]
    scales: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chain:
    """The nodes that depend on the input, in order; each takes what the one before emits.

    model       normalised
    constants   tensors that do not depend on the input, by name
    grids       those of them that a quantizer made, as integers
    shapes      of every tensor of the chain, for the file's batch, or two where that is free
    opset       of the standard operators
    """

    model: onnx.ModelProto
    nodes: tuple[onnx.NodeProto, ...]
    constants: Mapping[str, NDArray]
    opset: int
    grids: Mapping[str, Grid] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def input(self) -> str:
        return self.live(self.nodes[0])

    def live(self, node: onnx.NodeProto) -> str:
        """The one input of a node that depends on the sample."""
        return next(name for name in node.input if name and name not in self.constants)

    def operand(self, node: onnx.NodeProto) -> NDArray:
        """The one constant that a two-operand node takes."""
        return next(self.constants[name] for name in node.input if name in self.constants)

    def entering(self, node: onnx.NodeProto) -> tuple[int, ...]:
        """Shape of what enters, without the batch."""
        return self.shapes[self.live(node)][1:]

    def leaving(self, node: onnx.NodeProto) -> tuple[int, ...]:
        return self.shapes[node.output[0]][1:]

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
        """What `nodes`, a stretch of the chain, make of `values`, a batch of any size of what enters the first."""
        stretch: list[onnx.NodeProto] = []
        for node in nodes:
            if node.op_type in (*QUANTIZERS, *SHAPES):
                values, stretch = self._run(stretch, values), []
                values = self._shaped(node, values) if node.op_type in SHAPES else self._quantized(node, values)
            else:
                stretch.append(node)
        return self._run(stretch, values)

    def channels(self, nodes: Sequence[onnx.NodeProto], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What `nodes` make of (b, channels) values, each at a place of its own: of the same shape.

        Raises StreamlineError where the nodes mix places, or treat places of one channel differently.
        """
        if not nodes:
            return values
        channels = values.shape[1]

        def alone(shape: tuple[int, ...]) -> tuple[int, ...]:
            return (-1, channels, *[1] * (len(shape) - 1))

        answers = values.reshape(alone(self.entering(nodes[0])))
        stretch: list[onnx.NodeProto] = []
        for node in nodes:
            if node.op_type in SHAPES:
                answers, stretch = self._run(stretch, answers), []
                if node.op_type == "Transpose" or self.leaving(node)[:1] != (channels,):
                    raise self.refusal(
                        node, f"turns {self.entering(node)} into {self.leaving(node)} between a sum and its quantizer"
                    )
                answers = answers.reshape(alone(self.leaving(node)))
            elif node.op_type in QUANTIZERS:
                answers, stretch = self._quantized(node, self._run(stretch, answers)), []
            else:
                stretch.append(node)
        answers = self._run(stretch, answers)
        if answers.size != values.size or answers.dtype != values.dtype:
            before, after = (f"{array.shape} {array.dtype}" for array in (values, answers))
            raise self.refusal(nodes[0], f"makes {after} of {before}, where every channel needs an answer of its own")
        return answers.reshape(values.shape)

    def _run(self, nodes: Sequence[onnx.NodeProto], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standard nodes."""
        if not nodes:
            return values
        feeds = {self.live(nodes[0]): values} | {
            name: self.constants[name] for node in nodes for name in node.input if name in self.constants
        }
        try:
            return run(nodes, feeds, nodes[-1].output[0], self.opset)
        except EvaluationError as error:
            raise self.refusal(nodes[0], f"cannot be evaluated from here on: {error}") from None

    def _quantized(self, node: onnx.NodeProto, values: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return quantizers.answer(node, values, self.constants)
        except (AssertionError, ValueError, TypeError, IndexError) as error:  # qonnx's own
            raise self.refusal(node, f"cannot be evaluated: {first_line(error)}") from None

    def _shaped(self, node: onnx.NodeProto, values: NDArray) -> NDArray:
        """The same numbers in the node's shape; one batch or many, a Reshape keeps the batch."""
        if node.op_type == "Transpose":
            return values.transpose(permutation(node, values.ndim))
        return values.reshape(len(values), *self.leaving(node))


def permutation(node: onnx.NodeProto, axes: int) -> tuple[int, ...]:
    """Of a Transpose."""
    said = quantizers.options(node).get("perm")
    return tuple(said) if said else tuple(reversed(range(axes)))  # type: ignore[arg-type]


def decoded(content: bytes) -> onnx.ModelProto:
    """Raises StreamlineError where the bytes are no ONNX."""
    try:
        return onnx.load_model_from_string(content)
    except DecodeError:
        raise StreamlineError(f"not an ONNX file: {len(content)} bytes that do not decode; export it again") from None


def read(model: onnx.ModelProto | bytes) -> Chain:
    """Raises StreamlineError where the bytes are no ONNX or the nodes do not form a chain."""
    model = decoded(model) if isinstance(model, bytes) else model
    known = {
        "",
        TRAINING,
        *QONNX,
        *(opset.domain for opset in model.opset_import if opset.domain.startswith("ai.onnx")),
    }
    for node in model.graph.node:
        if isinstance(node.domain, str) and node.domain not in known and not model.functions:
            raise StreamlineError(
                f"{model.graph.name}: {describe(node)} is of the domain {node.domain!r}, where this reader knows no "
                f"{node.op_type}; export the net as QONNX, before a compiler has made hardware layers of it"
            )
    try:
        model = normalised(model)
        check(model)
    except (QonnxError, ValueError) as error:
        raise StreamlineError(f"{model.graph.name!r}: {error}; export it again") from None
    graph = model.graph
    opsets = {domain_of(opset.domain): opset.version for opset in model.opset_import}
    unknown = {domain_of(node.domain) for node in graph.node} - set(opsets)
    if not graph.node or not graph.output or unknown:
        missing = ", ".join(f"opset of {domain or 'ai.onnx'}" for domain in sorted(unknown)) or "nodes or no output"
        raise StreamlineError(f"not an ONNX net: it has no {missing}; export it again")
    return _Reader(model, opsets.get("", 0)).chain()


class _Reader:
    """The walk over a file's nodes: what is a constant is folded, what is left is the chain."""

    def __init__(self, model: onnx.ModelProto, opset: int) -> None:
        self.model, self.opset = model, opset
        self.constants: dict[str, NDArray] = _initializers(model.graph)
        self.grids: dict[str, Grid] = {}
        self.nodes: list[onnx.NodeProto] = []
        inputs = [port for port in model.graph.input if port.name not in self.constants]
        if len(inputs) != 1:
            raise StreamlineError(
                f"{model.graph.name}: a net has one input, this file has {[port.name for port in inputs]}"
            )
        self.start = self.live = inputs[0].name
        said = [dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim]
        if len(said) < 2 or min(said) < 0 or not all(said[1:]) or math.prod(said) > LARGEST_SAMPLE:
            raise StreamlineError(
                f"{model.graph.name}: input {self.live} is {said}, 0 for what is not said; rows or maps of a known "
                "size belong there, behind the batch"
            )
        self.sample: NDArray = np.zeros((said[0] or FREE, *said[1:]), dtype=np.float32)
        self.shapes: dict[str, tuple[int, ...]] = {self.live: self.sample.shape}

    def so_far(self) -> Chain:
        return Chain(self.model, tuple(self.nodes), self.constants, self.opset, self.grids, self.shapes)

    def chain(self) -> Chain:
        for written in self.model.graph.node:
            try:
                parts = without_gemm(written)
            except ValueError as error:
                raise self.so_far().refusal(written, str(error)) from None
            for part in parts:
                for node in without_bias(part, self.sample.ndim):
                    self._take(node)
        outputs = [port.name for port in self.model.graph.output]
        last = set(self.nodes[-1].output) if self.nodes else set()
        if not last & set(outputs):
            raise StreamlineError(
                f"{self.model.graph.name}: the chain from {self.start} ends in {self.live}, not in {', '.join(outputs)}"
            )
        return self.so_far()

    def _take(self, node: onnx.NodeProto) -> None:
        chain = self.so_far()
        taken = [name for name in node.input if name and name not in self.constants]
        why = function_impurity(node, self.model) or impurity(node, taken, self.constants, self.opset)
        if node.op_type == "Shape" and taken == [self.live]:
            why = None
        if why:
            raise chain.refusal(node, why)
        known = {*self.shapes, *self.constants}
        if twice := sorted(known & set(filter(None, node.output))):
            raise chain.refusal(node, f"makes {twice[0]}, which the file has already; names of tensors are unique")
        if node.op_type in OF_QONNX:
            try:
                quantizers.check(node, self.constants)
            except QuantizerError as error:
                raise chain.refusal(node, str(error)) from None
        if not taken:
            self._fold(node, chain)
        elif node.op_type == "Shape" and taken == [self.live]:  # of one sample: what only says a shape is a constant
            self.constants[node.output[0]] = np.array(self.sample.shape, dtype=np.int64)
        elif taken == [self.live]:
            self._follow(node, chain)
        else:
            met = "joins" if set(taken) <= set(self.shapes) else "takes"
            raise chain.refusal(
                node, f"{met} {' and '.join(taken)} where only {self.live} continues the chain; nets are chains"
            )

    def _follow(self, node: onnx.NodeProto, chain: Chain) -> None:
        """A node of the chain, tried on a sample of zeros for the shape of what it makes."""
        if node.op_type not in LIVE:
            raise chain.refusal(node, f"is not read; layers are made of {', '.join(sorted(LIVE))}")
        if node.op_type in PRODUCTS and (len(node.input) < 2 or node.input[1] not in self.constants):
            raise chain.refusal(node, "its second operand is no constant matrix: weights belong there")
        if len(self.shapes) > 1 << 14:
            raise chain.refusal(node, "is one of more than 16384 nodes")
        with np.errstate(all="ignore"):
            made = chain._quantized(node, self.sample) if node.op_type in OF_QONNX else self._tried(node, chain)
        if not made.size or made.ndim < 1 or (len(made) != len(self.sample) and node.op_type not in ("ArgMax", "TopK")):
            raise chain.refusal(
                node, f"makes {made.shape} of inputs of {self.sample.shape}, where each sample needs a row of its own"
            )
        self.nodes.append(node)
        self.live, self.sample = node.output[0], made
        self.shapes[self.live] = made.shape
        for other in node.output[1:]:
            if other:
                self.shapes[other] = made.shape

    def _tried(self, node: onnx.NodeProto, chain: Chain) -> NDArray:
        feeds = {self.live: self.sample} | {name: self.constants[name] for name in node.input if name in self.constants}
        try:
            return run([node], feeds, node.output[0], self.opset)
        except EvaluationError as error:
            raise chain.refusal(node, f"cannot be evaluated: {error}") from None

    def _fold(self, node: onnx.NodeProto, chain: Chain) -> None:
        made = _constant(chain, node)
        self.constants[node.output[0]] = made
        if node.op_type in OF_QONNX:
            self.grids[node.output[0]] = _grid(chain, node, made)
        elif node.op_type in (*SHAPES, "Identity") and node.input[0] in self.grids:
            grid = self.grids[node.input[0]]
            moved = [chain_of_one(chain, node, array.astype(np.float64)) for array in (grid.integers, grid.scales)]
            self.grids[node.output[0]] = Grid(np.rint(moved[0]).astype(np.int64), moved[1])


def chain_of_one(chain: Chain, node: onnx.NodeProto, values: NDArray) -> NDArray:
    """A node that moves numbers, on other numbers of the shape of its first input."""
    feeds = {name: chain.constants[name] for name in node.input if name} | {node.input[0]: values}
    return run([node], feeds, node.output[0], chain.opset)


def describe(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name!r}"


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


def _constant(chain: Chain, node: onnx.NodeProto) -> NDArray:
    constants = chain.constants
    if node.op_type in OF_QONNX:
        value = constants[node.input[0]]
        if value.dtype != np.float32:
            raise chain.refusal(node, f"takes {value.dtype} weights of {value.shape}; nets of float32 are read")
        if len(broken := np.argwhere(~np.isfinite(value))):
            place = tuple(broken[0].tolist())
            raise chain.refusal(
                node, f"{node.input[0]} is {value[place]:g} at {place}, which has no sign; train again and export again"
            )
        made = chain._quantized(node, value)
        if made.shape != value.shape:
            raise chain.refusal(node, f"makes {made.shape} of weights of {value.shape}")
        return made
    if domain_of(node.domain):
        raise chain.refusal(node, f"{node.domain} is no domain of constants that is read")
    try:
        feeds = {name: constants[name] for name in node.input if name}
        return run([node], feeds, node.output[0], chain.opset)
    except EvaluationError as error:
        raise chain.refusal(node, f"cannot be evaluated: {error}") from None


def _grid(chain: Chain, node: onnx.NodeProto, made: NDArray[np.float32]) -> Grid:
    """What a quantizer made of constants, as whole numbers times scales."""
    if node.op_type == "MultiThreshold":
        scale: NDArray = np.asarray(quantizers.levels(node, chain.constants).step)
    else:
        scale = chain.constants[node.input[4 if node.op_type == "Trunc" and len(node.input) == 6 else 1]]
    scales = np.broadcast_to(scale.astype(np.float64), made.shape)
    integers = np.rint(made / scales)
    if not np.allclose(integers * scales, made, rtol=1e-5, atol=0) or np.abs(integers).max() > 1 << 31:
        raise chain.refusal(node, "makes no whole numbers times its scale")
    return Grid(integers.astype(np.int64), scales)
