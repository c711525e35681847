"""The reader: a QONNX file, our own or a stock Brevitas export of a dense 1-bit net, as the integer Graph.

Float nodes between a dot product and its sign are not rearranged: they are evaluated on every accumulator there can be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.datatype import DataType

from ..annotations import QonnxError, data_type
from ..graph import Binarize, Dense, Graph, Scores
from .chain import Chain, StreamlineError, read
from .purity import ELEMENTWISE, SHAPES
from .rounding import Margin, Product
from .threshold import Thresholds, accumulators, find, refuse_nan

Rounding = Literal["refuse", "state"]
WAYS_OUT = 'train or export with scale 1 (or another power of two), or state the margin with margin="state"'
FLOAT32 = np.finfo(np.float32)
MOST_PIXELS = 1 << 27  # of all samples that a file takes at once


@dataclass(frozen=True, eq=False)
class Streamlined:
    """The integers of a file, and where in the file they are.

    tensors   ONNX tensor that carries each layer's code (> 0 is 1), and for `scores` the output, by layer name
    margins   by layer name, `scores` among them, where scales make float sums inexact; empty where all are exact
    """

    graph: Graph
    tensors: Mapping[str, str]
    margins: Mapping[str, Margin]


def streamline(
    model: onnx.ModelProto | bytes,
    pixel_values: Sequence[float] | NDArray | None = None,
    margin: Rounding = "refuse",
) -> Streamlined:
    """The integer Graph of a file, named as the file is, its layers `binarize`, `dense1` …, `scores`.

    pixel_values   (2^bits,) the float that the file takes for each pixel 0, 1 …: `np.arange(256) / 255` for a stock
                   export of 8-bit images, (-1, 1) for ±1 inputs. Needed where the input is not annotated BIPOLAR or
                   UINTn.
    margin         where a scale such as 0.1 makes float sums inexact: refuse a layer in which rounding might decide, or
                   state it in `margins` and decide as exact sums do. Equal scores of such a file are different floats
                   by rounding, so that all but a few are refused; stated, they are ties, and the first class wins.

    Raises StreamlineError, naming the node, where the file is no dense 1-bit chain; ThresholdError, naming the neuron,
    where the float nodes before a sign are no threshold.
    """
    if margin not in get_args(Rounding):
        raise StreamlineError(f"margin={margin!r}; choose one of {', '.join(get_args(Rounding))}")
    chain = read(model)
    head, rest = _until(chain, chain.nodes, (*ELEMENTWISE, *SHAPES))
    if not rest:
        raise chain.refusal(chain.nodes[-1], "no MatMul comes before the output; a net needs scores")
    _check_rows(chain, head, rest)
    head = [_identity(chain, node) if node.op_type in SHAPES else node for node in head]  # rows have their final shape
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
        if layers and layers[-1].outputs != product.fan_in:
            raise chain.refusal(
                product.node, f"takes {product.fan_in} codes, but {layers[-1].name} emits {layers[-1].outputs}"
            )
        between, rest = _until(chain, rest[1:], ELEMENTWISE)
        if not rest:
            layers.append(_scores(chain, product, between))
            tensors["scores"] = chain.nodes[-1].output[0]
            if not product.exact:
                margins["scores"] = Margin(0.0 if product.ties else 1.0, product.error)
                if margin == "refuse" and not margins["scores"].safe:
                    raise chain.refusal(
                        product.node,
                        f"the scores sum terms of {product.unit[0]:.9g}, which round: two classes may have equal sums "
                        f"and rounding may move each by {product.error:.3g}, so that it decides the class, not the "
                        f"file; {WAYS_OUT}, where the first of equal classes wins",
                    )
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
                    f"{margins[name].error:.3g}; {WAYS_OUT}",
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


def _check_rows(chain: Chain, head: Sequence[onnx.NodeProto], rest: Sequence[onnx.NodeProto]) -> None:
    """Raises StreamlineError unless the head hands over one row a sample, its pixels in the order of the input.

    Asked with numbered pixels of as many samples as the file takes, two where it takes any number.
    """
    port = next(port for port in chain.model.graph.input if port.name == chain.input)
    sizes = [size.dim_value for size in port.type.tensor_type.shape.dim]
    if len(sizes) < 2 or min(sizes[1:]) < 1 or sizes[0] < 0:
        raise StreamlineError(
            f"{chain.model.graph.name}: input {chain.input} is {sizes}, 0 for what is not said; a net takes (samples, "
            "pixels) or (samples, channels, rows, columns), with all but the samples said"
        )
    if (pixels := math.prod((sizes[0] or 2, *sizes[1:]))) > MOST_PIXELS:
        raise StreamlineError(
            f"{chain.model.graph.name}: input {chain.input} is {sizes}, {pixels:,} pixels at once; export the net with "
            "one sample"
        )
    samples = np.arange(pixels, dtype=np.float64).reshape(sizes[0] or 2, *sizes[1:])
    rows = chain.evaluate([node if node.op_type in SHAPES else _identity(chain, node) for node in head], samples)
    if rows.shape != (len(samples), samples[0].size) or (rows.ravel() != samples.ravel()).any():
        place = next((node for node in head if node.op_type in SHAPES), rest[0])
        raise chain.refusal(
            place, f"takes {rows.shape} of {samples.shape} inputs, where each sample needs a row of its own"
        )
    if rows.shape[1] != _fan_in(chain, rest):
        raise chain.refusal(rest[0], f"takes {rows.shape[1]} pixels, but the first MatMul {_fan_in(chain, rest)}")


def _identity(chain: Chain, node: onnx.NodeProto) -> onnx.NodeProto:
    return helper.make_node("Identity", [chain.live(node)], node.output[:1])


def _pixel_values(chain: Chain, given: Sequence[float] | NDArray | None) -> NDArray[np.float32]:
    try:
        kind = data_type(chain.model, chain.input)
    except QonnxError as error:
        raise StreamlineError(f"{chain.model.graph.name}: {error}; export it again") from None
    if given is None and kind == DataType["BIPOLAR"]:
        given = (-1, 1)
    elif given is None and kind.is_integer() and not kind.signed() and 0 < kind.bitwidth() <= 8:
        given = np.arange(1 << kind.bitwidth())
    if given is None:
        raise StreamlineError(
            f"{chain.model.graph.name}: input {chain.input} is {kind.name}; say with pixel_values which float stands "
            "for each pixel, such as np.arange(256) / 255, or (-1, 1)"
        )
    numbers = np.asarray(given)
    if numbers.ndim != 1 or len(numbers) not in [1 << bits for bits in range(1, 9)]:
        raise StreamlineError(f"pixel_values must be (2^bits,) for 1 .. 8 bits, got {numbers.shape}")
    if numbers.dtype.kind not in "biuf" or not np.isfinite(numbers.astype(np.float32)).all():
        raise StreamlineError(f"pixel_values must be finite floats, got {numbers.dtype}: {numbers.tolist()[:4]} ...")
    return numbers.astype(np.float32)


def _fan_in(chain: Chain, nodes: Sequence[onnx.NodeProto]) -> int:
    product = next((node for node in nodes if node.op_type == "MatMul"), None)
    if product is None:
        raise chain.refusal(nodes[0], "no MatMul follows; a net needs scores")
    return _weight(chain, product).shape[0]


def _weight(chain: Chain, node: onnx.NodeProto) -> NDArray[np.float32]:
    """(fan-in, rows) floats."""
    if node.input[1] not in chain.constants or chain.constants[node.input[1]].ndim != 2:
        raise chain.refusal(node, "its second operand is no constant matrix")
    weight = chain.constants[node.input[1]]
    if weight.dtype != np.float32 or not weight.size:
        raise chain.refusal(node, f"its weights are {weight.shape} {weight.dtype}; nets of float32 are read")
    return weight


def _signs(chain: Chain, quantizer: onnx.NodeProto) -> NDArray[np.float32]:
    """(2,) what the quantizer emits for a 0 and for a 1."""
    scale = chain.operand(quantizer)
    if scale.dtype != np.float32 or scale.size != 1 or not 0 < scale.item() < np.inf:
        raise chain.refusal(quantizer, f"its scale must be one positive float32, got {scale.tolist()} {scale.dtype}")
    return np.array([-scale.item(), scale.item()], dtype=np.float32)


def _binarize(
    chain: Chain, head: list[onnx.NodeProto], quantizer: onnx.NodeProto, pixels: NDArray[np.float32], features: int
) -> Thresholds:
    def fires(asked: NDArray[np.float32]) -> NDArray[np.bool_]:
        return refuse_nan("binarize", asked, chain.elementwise(head, asked)) >= 0

    found = find("binarize", pixels, features, fires)
    if found.falling.any():
        raise chain.refusal(
            quantizer, f"neuron {found.falling.argmax()} fires below a pixel; hardware compares pixels with >= only"
        )
    return found


def _product(chain: Chain, before: list[onnx.NodeProto], node: onnx.NodeProto, signs: NDArray[np.float32]) -> Product:
    weight = _weight(chain, node)
    if norm := next((other for other in before if other.op_type == "BatchNormalization"), None):
        raise chain.refusal(norm, "stands between a code and its MatMul, where it would scale what is summed")
    entering = chain.elementwise(before, np.repeat(signs[:, None], len(weight), axis=1))
    high = float(entering[1, 0])
    if not high > 0 or (entering[1] != high).any() or (entering[0] != -high).any():
        raise chain.refusal(
            node, f"takes {entering[0, 0]:g} and {entering[1, 0]:g} for the two codes, not ± one number"
        )
    magnitude = np.abs(weight).astype(np.float64)
    if not (magnitude[0] > 0).all() or (magnitude != magnitude[0]).any():
        raise chain.refusal(node, "its weights are not ± one number for each neuron; train with 1-bit weights")
    unit = magnitude[0] * high
    if unit.min() < FLOAT32.tiny or unit.max() * len(weight) > FLOAT32.max:
        raise chain.refusal(
            node, f"sums {len(weight)} terms of {unit.min():g} .. {unit.max():g}, beyond float32's range"
        )
    return Product(node, np.ascontiguousarray(weight.T > 0), unit)


def _thresholds(chain: Chain, name: str, product: Product, between: list[onnx.NodeProto]) -> Thresholds:
    def fires(asked: NDArray[np.float32]) -> NDArray[np.bool_]:
        return refuse_nan(name, asked, chain.elementwise(between, (asked * product.unit).astype(np.float32))) >= 0

    return find(name, accumulators(product.fan_in), len(product.unit), fires)


def _margin(chain: Chain, product: Product, between: list[onnx.NodeProto], found: Thresholds) -> Margin:
    """Bisects every decision between its two neighbouring accumulators; one beyond ± fan-in stands for unreachable."""
    rising = 2.0 * found.at - product.fan_in  # first firing accumulator
    low = np.where(found.falling, -rising, rising - 2)
    high = low + 2
    nearest = [np.where(np.abs(edge) <= product.fan_in, edge, np.inf) for edge in (low, high)]
    while (high - low).max() > 1e-6:
        middle = (low + high) / 2
        fired = chain.elementwise(between, (middle * product.unit).astype(np.float32)[None])[0] >= 0
        low, high = np.where(fired ^ found.falling, low, middle), np.where(fired ^ found.falling, middle, high)
    distance = np.minimum(np.abs(low - nearest[0]), np.abs(nearest[1] - high))
    return Margin(float(distance.min()), product.error)


def _scores(chain: Chain, product: Product, after: list[onnx.NodeProto]) -> Scores:
    """The last layer: behind its dot product nothing may change which class is the first maximum."""
    if product.error >= 1:
        raise chain.refusal(product.node, f"rounding may move scores by {product.error:.3g}, which lie 2 apart")
    reachable = np.repeat(accumulators(product.fan_in).astype(np.float64)[:, None], len(product.unit), axis=1)
    lowest, highest = (
        chain.elementwise(after, ((reachable + moved) * product.unit).astype(np.float32))
        for moved in (-product.error, product.error)
    )
    place = after[0] if after else product.node
    if (lowest != lowest[:, :1]).any() or (highest != highest[:, :1]).any():
        raise chain.refusal(place, "treats the classes differently; scores are bare dot products")
    rising = (highest[:-1] < lowest[1:]).all()
    if not (rising or (highest[:-1] > lowest[1:]).all()):
        raise chain.refusal(place, "makes different dot products equal; scores need a rising or falling line")
    return Scores(product.weight if rising else ~product.weight)
