"""The reader: a QONNX file, our own or a stock Brevitas export of a dense 1-bit net, as the integer Graph.

Float nodes between a dot product and its sign are not rearranged: they are evaluated on every accumulator there can be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper

from ..graph import Binarize, Dense, Graph, Scores
from .chain import Chain, StreamlineError, read
from .threshold import Thresholds, accumulators, find, refuse_nan

ELEMENTWISE = ("Add", "BatchNormalization", "Clip", "Div", "Dropout", "Identity", "Mul", "Neg", "Sub")
SHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")  # of the input only: they leave the order of the pixels alone
UNIT_ROUNDOFF = 2.0**-24  # of float32


@dataclass(frozen=True)
class Margin:
    """How far a layer whose float sums round keeps from deciding otherwise, in accumulators, which lie 2 apart.

    distance   smallest one between any decision and a reachable accumulator; 1 is the best there is
    error      bound on what rounding adds up to, in whatever order the terms are summed
    """

    distance: float
    error: float

    @property
    def safe(self) -> bool:
        return self.distance > self.error


@dataclass(frozen=True, eq=False)
class Streamlined:
    """The integers of a file, and where in the file they are.

    tensors   ONNX tensor that carries each layer's code (> 0 is 1), and for `scores` the output, by layer name
    margins   by layer name, of the layers whose scales make float sums inexact; empty where everything is exact
    """

    graph: Graph
    tensors: Mapping[str, str]
    margins: Mapping[str, Margin]


@dataclass(frozen=True, eq=False)
class _Product:
    """One MatMul of the chain: signs of its weights, and what one agreeing or differing bit adds to the float sum."""

    node: onnx.NodeProto
    weight: NDArray[np.bool_]  # (rows, fan-in)
    unit: NDArray[np.float64]  # (rows,)

    @property
    def fan_in(self) -> int:
        return self.weight.shape[1]

    @property
    def exact(self) -> bool:
        """Every partial sum is a multiple of the unit that float32 holds."""
        odd = [_odd_part(value) for value in np.unique(self.unit)]
        return max(odd) * self.fan_in <= 1 << 24

    @property
    def error(self) -> float:
        """Of the float sum, in units: K roundings of terms, K − 1 of partial sums of 2 .. K terms, in any order."""
        terms = self.fan_in * (self.fan_in + 3) / 2
        return 0.0 if self.exact else terms * UNIT_ROUNDOFF / (1 - terms * UNIT_ROUNDOFF)


def streamline(
    model: onnx.ModelProto | bytes,
    pixel_values: Sequence[float] | NDArray | None = None,
    margin: Literal["refuse", "state"] = "refuse",
) -> Streamlined:
    """The integer Graph of a file, named as the file is, its layers `binarize`, `dense1` …, `scores`.

    pixel_values   (2^bits,) the float that the file takes for each pixel 0, 1 …: `np.arange(256) / 255` for a stock
                   export of 8-bit images, (-1, 1) for ±1 inputs. Needed where the input is not annotated BIPOLAR or
                   UINTn.
    margin         where a scale such as 0.1 makes float sums inexact: refuse a layer in which rounding might decide, or
                   state it in `margins` and decide as exact sums do. Equal scores of such a file are ties in the Graph.

    Raises StreamlineError, naming the node, where the file is no dense 1-bit chain; ThresholdError, naming the neuron,
    where the float nodes before a sign are no threshold.
    """
    chain = read(model)
    head, rest = _until(chain, chain.nodes, (*ELEMENTWISE, *SHAPES))
    if not rest:
        raise chain.refusal(chain.nodes[-1], "no MatMul comes before the output; a net needs scores")
    head = [_unshaped(node) for node in head]
    pixels = _pixel_values(chain, pixel_values)
    bits = len(pixels).bit_length() - 1
    layers: list[Binarize | Dense | Scores] = []
    tensors: dict[str, str] = {}
    margins: dict[str, Margin] = {}
    signs = pixels[[0, -1]]
    if rest[0].op_type == "BipolarQuant":
        quantizer = rest[0]
        found = _binarize(chain, head, quantizer, pixels, _fan_in(chain, rest))
        if bits > 1:
            layers.append(Binarize("binarize", found.at, bits))
            tensors["binarize"] = quantizer.output[0]
        elif (found.at != 1).any():
            raise chain.refusal(quantizer, "does not pass a 1-bit input through as it is")
        signs, (head, rest) = _signs(chain, quantizer), _until(chain, rest[1:], ELEMENTWISE)
    elif bits > 1:
        raise chain.refusal(rest[0], f"multiplies {bits}-bit pixels; put a BipolarQuant before the first MatMul")
    while True:
        product = _product(chain, head, rest[0], signs)
        between, rest = _until(chain, rest[1:], ELEMENTWISE)
        if not rest:
            layers.append(_scores(chain, product, between))
            tensors["scores"] = chain.nodes[-1].output[0]
            return Streamlined(Graph(chain.model.graph.name or "net", bits, tuple(layers)), tensors, margins)
        if rest[0].op_type != "BipolarQuant":
            raise chain.refusal(
                rest[0], "follows a MatMul without a BipolarQuant between; only 1-bit codes are multiplied"
            )
        name = f"dense{len(layers) + 1 - (bits > 1)}"
        found = _thresholds(chain, name, product, between)
        if not product.exact:
            margins[name] = _margin(chain, product, between, found)
            if margin == "refuse" and not margins[name].safe:
                raise chain.refusal(
                    product.node,
                    f"{name} sums terms of {product.unit[0]:.9g}, which round: a decision lies "
                    f"{margins[name].distance:.3g} from a reachable accumulator and rounding may move "
                    f"{margins[name].error:.3g}; train or export with scale 1, or state the margin instead of refusing",
                )
        layers.append(Dense(name, found.rising(product.weight), found.at))
        tensors[name] = rest[0].output[0]
        signs, (head, rest) = _signs(chain, rest[0]), _until(chain, rest[1:], ELEMENTWISE)
        if not rest or rest[0].op_type != "MatMul":
            raise chain.refusal(rest[0] if rest else chain.nodes[-1], f"the codes of {name} need a MatMul behind them")


def _until(
    chain: Chain, nodes: Sequence[onnx.NodeProto], passed: Sequence[str]
) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    """The nodes before the next MatMul or BipolarQuant, and that one with all behind it."""
    for index, node in enumerate(nodes):
        if node.op_type in ("MatMul", "BipolarQuant"):
            return list(nodes[:index]), list(nodes[index:])
        if node.op_type not in passed:
            raise chain.refusal(node, f"unsupported; between MatMul and BipolarQuant there may be {', '.join(passed)}")
        wide = [chain.constants[name] for name in node.input if name in chain.constants and node.op_type not in SHAPES]
        if any(constant.size != constant.shape[-1] for constant in wide if constant.size > 1):
            raise chain.refusal(node, "its constant is neither one number nor one for each neuron")
    return list(nodes), []


def _unshaped(node: onnx.NodeProto) -> onnx.NodeProto:
    """A row of pixels has its final shape from the start."""
    return helper.make_node("Identity", node.input[:1], node.output) if node.op_type in SHAPES else node


def _pixel_values(chain: Chain, given: Sequence[float] | NDArray | None) -> NDArray[np.float32]:
    kind = ModelWrapper(chain.model, make_deepcopy=True).get_tensor_datatype(chain.input)
    if given is None and kind == DataType["BIPOLAR"]:
        given = (-1, 1)
    elif given is None and kind.is_integer() and not kind.signed() and kind.bitwidth() <= 8:
        given = np.arange(1 << kind.bitwidth())
    if given is None:
        raise StreamlineError(
            f"{chain.model.graph.name}: input {chain.input} is {kind.name}; say with pixel_values which float stands "
            "for each pixel, such as np.arange(256) / 255, or (-1, 1)"
        )
    values = np.asarray(given, dtype=np.float32)
    if values.ndim != 1 or len(values) not in [1 << bits for bits in range(1, 9)]:
        raise StreamlineError(f"pixel_values must be (2^bits,) for 1 .. 8 bits, got {values.shape}")
    return values


def _fan_in(chain: Chain, nodes: Sequence[onnx.NodeProto]) -> int:
    product = next((node for node in nodes if node.op_type == "MatMul"), None)
    if product is None:
        raise chain.refusal(nodes[0], "no MatMul follows; a net needs scores")
    return _weight(chain, product).shape[0]


def _weight(chain: Chain, node: onnx.NodeProto) -> NDArray[np.float32]:
    """(fan-in, rows) floats."""
    if node.input[1] not in chain.constants or chain.constants[node.input[1]].ndim != 2:
        raise chain.refusal(node, "its second operand is no constant matrix")
    return chain.constants[node.input[1]]


def _signs(chain: Chain, quantizer: onnx.NodeProto) -> NDArray[np.float32]:
    """(2,) what the quantizer emits for a 0 and for a 1."""
    scale = chain.operand(quantizer)
    if scale.size != 1 or not scale.item() > 0:
        raise chain.refusal(quantizer, f"its scale must be one positive number, got {scale.tolist()}")
    return np.array([-scale.item(), scale.item()], dtype=np.float32)


def _binarize(
    chain: Chain, head: list[onnx.NodeProto], quantizer: onnx.NodeProto, pixels: NDArray[np.float32], features: int
) -> Thresholds:
    def fires(asked: NDArray[np.float32]) -> NDArray[np.bool_]:
        return refuse_nan("binarize", asked, chain.evaluate(head, asked)) >= 0

    found = find("binarize", pixels, features, fires)
    if found.falling.any():
        raise chain.refusal(
            quantizer, f"neuron {found.falling.argmax()} fires below a pixel; hardware compares pixels with >= only"
        )
    return found


def _product(chain: Chain, before: list[onnx.NodeProto], node: onnx.NodeProto, signs: NDArray[np.float32]) -> _Product:
    weight = _weight(chain, node)
    entering = chain.evaluate(before, np.repeat(signs[:, None], len(weight), axis=1))
    high = float(entering[1, 0])
    if not high > 0 or (entering[1] != high).any() or (entering[0] != -high).any():
        raise chain.refusal(
            node, f"takes {entering[0, 0]:g} and {entering[1, 0]:g} for the two codes, not ± one number"
        )
    magnitude = np.abs(weight).astype(np.float64)
    if not (magnitude[0] > 0).all() or (magnitude != magnitude[0]).any():
        raise chain.refusal(node, "its weights are not ± one number for each neuron; train with 1-bit weights")
    return _Product(node, np.ascontiguousarray(weight.T > 0), magnitude[0] * high)


def _thresholds(chain: Chain, name: str, product: _Product, between: list[onnx.NodeProto]) -> Thresholds:
    def fires(asked: NDArray[np.float32]) -> NDArray[np.bool_]:
        return refuse_nan(name, asked, chain.evaluate(between, (asked * product.unit).astype(np.float32))) >= 0

    return find(name, accumulators(product.fan_in), len(product.unit), fires)


def _margin(chain: Chain, product: _Product, between: list[onnx.NodeProto], found: Thresholds) -> Margin:
    """Bisects every decision between its two neighbouring accumulators; one beyond ± fan-in stands for unreachable."""
    rising = 2.0 * found.at - product.fan_in  # first firing accumulator
    low = np.where(found.falling, -rising, rising - 2)
    high = low + 2
    nearest = [np.where(np.abs(edge) <= product.fan_in, edge, np.inf) for edge in (low, high)]
    while (high - low).max() > 1e-6:
        middle = (low + high) / 2
        fired = chain.evaluate(between, (middle * product.unit).astype(np.float32)[None])[0] >= 0
        low, high = np.where(fired ^ found.falling, low, middle), np.where(fired ^ found.falling, middle, high)
    distance = np.minimum(np.abs(low - nearest[0]), np.abs(nearest[1] - high))
    return Margin(float(distance.min()), product.error)


def _scores(chain: Chain, product: _Product, after: list[onnx.NodeProto]) -> Scores:
    """The last layer: behind its dot product nothing may change which class is the first maximum."""
    asked = np.repeat(accumulators(product.fan_in)[:, None], len(product.unit), axis=1) * product.unit
    answers = chain.evaluate(after, asked.astype(np.float32))
    place = after[0] if after else product.node
    steps = np.diff(answers[:, 0])
    if (answers != answers[:, :1]).any():
        raise chain.refusal(place, "treats the classes differently; scores are bare dot products")
    if not ((steps > 0).all() or (steps < 0).all()):
        raise chain.refusal(place, "makes different dot products equal; scores need a rising or falling line")
    if product.error >= 1:
        raise chain.refusal(product.node, f"rounding may move scores by {product.error:.3g}, which lie 2 apart")
    return Scores(product.weight if (steps > 0).all() else ~product.weight)


def _odd_part(value: float) -> int:
    """The odd integer m of value = m · 2^e."""
    numerator = int(math.frexp(value)[0] * 2**53)
    return numerator // (numerator & -numerator)
