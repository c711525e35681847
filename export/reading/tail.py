"""Behind the last sum: what float scores are made of, and the integers that order classes as they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from .chain import Chain
from .linear import Product
from .purity import DECISIONS, SHAPES
from .quantizers import options
from .threshold import refuse_nan

SAME = 1e-9  # relative: gains and offsets that differ by less are the same number, written by two roads
LARGEST = 1 << 30  # score, where gains differ and integers can only approach them
ASKED = 1 << 16


@dataclass(frozen=True, eq=False)
class Order:
    """float score of row r = gain[r] · accumulator + bias[r]; the accumulator is that of `Scores`, falling rows
    inverted.

    falling                (rows,) bool: rows whose score falls as their sum rises
    offset, multiplier     of `Scores`; None where they say nothing
    error                  how far integers of unequal gains may lie from the real order, in accumulators; else 0
    """

    gain: NDArray[np.float64]
    bias: NDArray[np.float64]
    falling: NDArray[np.bool_]
    offset: NDArray[np.int64] | None
    multiplier: NDArray[np.int64] | None
    error: float = 0.0

    def accumulators(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """(n, rows) of float scores: the nearest whole ones."""
        return np.rint((scores.astype(np.float64) - self.bias) / self.gain).astype(np.int64)

    def scores(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """The integer scores that float ones stand for."""
        found = self.accumulators(scores)
        found = found if self.multiplier is None else found * self.multiplier
        return found if self.offset is None else found + self.offset


def order_of(chain: Chain, product: Product, nodes: Sequence[onnx.NodeProto]) -> Order:
    """Raises StreamlineError where the nodes are no straight line for each class."""
    step = product.levels.step * product.scale
    gain = step.astype(np.float64)
    bias = product.levels.low * product.integers().sum(axis=1) * product.scale - step * product.lifts()
    for node in nodes:
        gain, bias = _through(chain, node, gain, bias)
    if not (np.isfinite(gain).all() and np.isfinite(bias).all()) or (gain == 0).any():
        row = int(np.argmax(~(np.isfinite(gain) & np.isfinite(bias)) | (gain == 0)))
        raise chain.refusal(
            (*nodes, product.node)[0],
            f"makes different dot products equal: class {row} has a gain of {gain[row]:g} and a bias of {bias[row]:g}",
        )
    _check_distinct(chain, product, nodes)
    falling = gain < 0
    bias = np.where(falling, bias + gain * product.spans(), bias)
    gain = np.abs(gain)
    if np.ptp(gain) <= SAME * gain.max():
        return Order(gain, bias, falling, *_of_equal_gains(bias / gain.mean()))
    numbers = np.concatenate([gain, bias - bias.min()])
    if (numbers == np.rint(numbers)).all() and float((gain * product.spans() + bias - bias.min()).max()) < LARGEST:
        whole = numbers.astype(np.int64) // np.gcd.reduce(numbers.astype(np.int64))  # nothing to approach: ties stay
        return Order(gain, bias, falling, whole[len(gain) :], whole[: len(gain)])
    factor = LARGEST / float((gain * product.spans() + bias - bias.min()).max())
    multiplier = np.maximum(np.rint(gain * factor), 1).astype(np.int64)
    offset = np.rint((bias - bias.min()) * factor).astype(np.int64)
    error = float((np.abs(multiplier / factor - gain) * product.spans()).max() / gain.min()) + 1 / float(
        factor * gain.min()
    )
    return Order(gain, bias, falling, offset, multiplier, error)


def _of_equal_gains(bias: NDArray[np.float64]) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Offset and multiplier for biases in accumulators. Sums are whole, so of what a bias has behind the point only
    the rank among the classes decides.
    """
    bias = bias - bias.min()
    near = 1e-6 + SAME * bias.max()
    whole = np.floor(bias + near).astype(np.int64)
    parts = np.maximum(bias - whole, 0)
    order = np.argsort(parts, kind="stable")
    rank = np.zeros(len(bias), dtype=np.int64)
    rank[order[1:]] = np.cumsum(np.diff(parts[order]) > near)
    if not rank.any():
        return (whole if whole.any() else None), None
    factor = 1 << int(rank.max()).bit_length()
    return whole * factor + rank, np.full(len(bias), factor, dtype=np.int64)


def _through(
    chain: Chain, node: onnx.NodeProto, gain: NDArray[np.float64], bias: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A straight line behind one more node."""

    def each(values: NDArray) -> NDArray[np.float64]:
        numbers = values.astype(np.float64).ravel()
        if numbers.size not in (1, len(gain)):
            raise chain.refusal(node, f"its constant has {numbers.size} numbers for {len(gain)} classes")
        return numbers

    match node.op_type:
        case "Identity" | "Dropout" | "Cast":
            return gain, bias
        case "Neg":
            return -gain, -bias
        case "Mul":
            factor = each(chain.operand(node))
            return gain * factor, bias * factor
        case "Add":
            return gain, bias + each(chain.operand(node))
        case "Sub":
            other = each(chain.operand(node))
            return (gain, bias - other) if node.input[1] in chain.constants else (-gain, other - bias)
        case "Div" if node.input[1] in chain.constants:
            divisor = each(chain.operand(node))
            with np.errstate(divide="ignore", invalid="ignore"):
                return gain / divisor, bias / divisor
        case "BatchNormalization":
            scale, shift, mean, variance = (each(chain.constants[name]) for name in node.input[1:5])
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = scale / np.sqrt(variance + float(options(node).get("epsilon", 1e-5)))  # type: ignore[arg-type]
            return gain * factor, (bias - mean) * factor + shift
        case "Sigmoid" | "Tanh":
            return gain, bias  # rising, the same for all: the first maximum stays where it is
        case kind if kind in SHAPES and chain.entering(node)[:1] == chain.leaving(node)[:1]:
            return gain, bias
    raise chain.refusal(node, "changes scores, and is no straight line for each class; end the net with its scores")


def _check_distinct(chain: Chain, product: Product, nodes: Sequence[onnx.NodeProto]) -> None:
    """Raises StreamlineError where the floats of the file run together: where a bias drowns the sums, say."""
    straight = [node for node in nodes if node.op_type not in ("Sigmoid", "Tanh")]
    asked = np.minimum(np.arange(min(int(product.spans().max()) + 1, ASKED))[:, None], product.spans())
    floats = chain.channels(straight, product.floats(asked))
    refuse_nan("scores", asked, floats)
    apart = np.diff(floats, axis=0)[asked[1:].astype(bool) & (np.diff(asked, axis=0) > 0)]
    if (apart == 0).any():
        raise chain.refusal(
            (*nodes, product.node)[0], "makes different dot products equal; scores need a rising or falling line"
        )


def check_decisions(chain: Chain, rest: Sequence[onnx.NodeProto]) -> None:
    """What may stand at the end, where a class is chosen of scores."""
    for node in rest:
        said = options(node)
        if node.op_type not in (*DECISIONS, *SHAPES, "Identity"):
            raise chain.refusal(
                rest[0], f"is not read before {node.op_type} {node.name!r}; only the last nodes choose a class"
            )
        if node.op_type == "TopK":
            k = chain.constants.get(node.input[1]) if len(node.input) > 1 else np.array(said.get("k", 1))
            if k is None or k.size != 1 or k.item() != 1 or not said.get("largest", 1):
                raise chain.refusal(node, "chooses more than the one largest score, or the least")
        if node.op_type == "ArgMax" and said.get("select_last_index", 0):
            raise chain.refusal(node, "chooses the last of equal scores; here the first wins")
        axes = len(chain.entering(node))
        axis = said.get("axis", {"TopK": -1, "ArgMax": 0}.get(node.op_type, -1 if chain.opset >= 13 else 1))
        if node.op_type in DECISIONS and int(axis) % (axes + 1) != 1:  # type: ignore[call-overload]
            raise chain.refusal(node, f"goes along axis {axis}, where the classes are not")
