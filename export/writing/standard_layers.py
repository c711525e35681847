"""Each kind of layer in ONNX's own operators on integers: what enters is (n, inputs) levels, what leaves (n, outputs).

Constants of int64 say shapes and places; those of other types are the numbers of the net.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce, singledispatch

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from ..graph import (
    Binarize,
    Conv,
    Cut,
    Dense,
    GraphError,
    IntegrateDense,
    Layer,
    PassScores,
    PassSum,
    Pool,
    Scores,
    SetDense,
    StepCuts,
)
from ..graph.net import SPREAD
from ..graph.passes import Passed
from ..graph.weighted import steps
from .nodes import Nodes

NEVER = np.iinfo(np.int32).max
SUMMED_IN_PAIRS = (
    64  # ONNX Runtime adds two products of uint8 and int8 in 16 bits on older processors: 2 · 255 · 64 fits
)
ZERO = 128  # of weights as uint8, in which ConvInteger takes them

Multiply = Callable[[str, int, NDArray[np.int64], str], str]
"""(bytes of levels, their factor, weights of one byte, tensor to make) -> the tensor of their int32 sums"""


@singledispatch
def code(layer: Layer, nodes: Nodes, live: str) -> str:
    """The tensor of levels, or scores, that a layer makes of `live`."""
    raise GraphError(f"{layer.name}: no standard operators are known for a {type(layer).__name__}")


def levels(layer: Layer, nodes: Nodes, emitted: str) -> str:
    """A code as the next layer takes it: as numbers, where it is bool."""
    if layer.emits.count > 2:
        return emitted
    return nodes.add("Cast", [emitted], f"{layer.name}.bits", to=TensorProto.UINT8)


@code.register
def _(layer: Binarize, nodes: Nodes, live: str) -> str:
    pixels = nodes.add("Cast", [live], "pixels", to=TensorProto.INT32)
    return _reached(nodes, layer, pixels, layer.threshold[:, None])


@code.register
def _(layer: Cut, nodes: Nodes, live: str) -> str:
    rows, takes = layer.table.shape
    places = nodes.add("Cast", [live], f"{layer.name}.place", to=TensorProto.INT64)
    if rows > 1:
        first = nodes.places(f"{layer.name}.first", np.tile(np.arange(rows) * takes, layer.inputs // rows))
        places = nodes.add("Add", [places, first], f"{layer.name}.entry")
    table = nodes.constant(f"{layer.name}.table", layer.table.ravel())
    return nodes.add("Gather", [table, places], f"{layer.name}.code")


@code.register
def _(layer: Dense, nodes: Nodes, live: str) -> str:
    sums = _products(nodes, layer, live, layer.integers(), _matrix(nodes, layer))
    return _reached(nodes, layer, sums, steps(layer.threshold) - layer.lifts()[:, None])


@code.register
def _(layer: Scores, nodes: Nodes, live: str) -> str:
    sums = _products(nodes, layer, live, layer.integers(), _matrix(nodes, layer))
    zeros = layer.lifts()
    if layer.multiplier is not None:
        multiplier = nodes.constant("scores.multiplier", layer.multiplier, np.int32)
        sums = nodes.add("Mul", [sums, multiplier], "scores.multiplied")
        zeros = zeros * layer.multiplier
    zeros = zeros if layer.offset is None else zeros + layer.offset
    return nodes.add("Add", [sums, nodes.constant("scores.zeros", zeros, np.int32)], "scores")


@code.register
def _(layer: SetDense, nodes: Nodes, live: str) -> str:
    sums = _passed(nodes, layer, live, 1 if layer.shared else layer.passes)
    at = nodes.constant(f"{layer.name}.threshold", layer.threshold - layer.lifts(), np.int32)
    return _flat(nodes, layer, nodes.add("GreaterOrEqual", [sums, at], f"{layer.name}.fires"))


@code.register
def _(layer: PassScores, nodes: Nodes, live: str) -> str:
    sums = _passed(nodes, layer, live, layer.passes)
    zeros = nodes.constant(f"{layer.name}.zeros", layer.lifts(), np.int32)
    return _as_code(nodes, layer, nodes.add("Add", [sums, zeros], f"{layer.name}.agreeing"))


@code.register
def _(layer: StepCuts, nodes: Nodes, live: str) -> str:
    pixels = nodes.add("Cast", [live], "pixels", to=TensorProto.INT32)
    frame = nodes.add("Unsqueeze", [pixels, nodes.places("axis.1", [1])], f"{layer.name}.frame")
    at = nodes.constant(f"{layer.name}.threshold", layer.threshold[:, None], np.int32)
    return _flat(nodes, layer, nodes.add("GreaterOrEqual", [frame, at], f"{layer.name}.fires"))


@code.register
def _(layer: IntegrateDense, nodes: Nodes, live: str) -> str:
    name = layer.name
    sums = _passed(nodes, layer, live, layer.passes)
    leak = nodes.constant(f"{name}.leak", layer.leak - layer.lifts(), np.int32)
    theta = nodes.constant(f"{name}.theta", layer.theta, np.int32)
    entering = nodes.add("Sub", [sums, leak], f"{name}.rising")
    codes, state = [], nodes.constant("zero", 0, np.int32)
    for step in range(layer.passes):
        each = nodes.add("Gather", [entering, nodes.places(f"step.{step}", step)], f"{name}.entering.{step}", axis=1)
        v = nodes.add("Add", [state, each], f"{name}.v.{step}")
        codes.append(nodes.add("GreaterOrEqual", [v, theta], f"{name}.fires.{step}"))
        state = nodes.add(
            "Where", [codes[-1], nodes.add("Sub", [v, theta], f"{name}.left.{step}"), v], f"{name}.{step}"
        )
    return nodes.add("Concat", codes, f"{name}.code", axis=1)


def _passed(nodes: Nodes, layer: Passed, live: str, passes: int) -> str:
    """(n, passes, rows) sums."""
    shape = nodes.places(f"{layer.name}.passes", [-1, passes, layer.fan_in])
    rows = nodes.add("Reshape", [live, shape], f"{layer.name}.entering")
    return _products(nodes, layer, rows, layer.integers(), _matrix(nodes, layer))


@code.register
def _(layer: PassSum, nodes: Nodes, live: str) -> str:
    wide = nodes.add("Cast", [live], "members.wide", to=TensorProto.INT32)
    shape = nodes.places("scores.passes", [-1, layer.passes, layer.classes])
    members = nodes.add("Reshape", [wide, shape], "scores.members")
    ends = [nodes.add(f"Reduce{end}", [members], f"{SPREAD}.{end}", axes=[1], keepdims=0) for end in ("Max", "Min")]
    apart, axis = nodes.add("Sub", ends, f"{SPREAD}.Sub"), nodes.places("axis.1", [1])
    nodes.add("ReduceSum", [apart, axis], f"{SPREAD}.code", keepdims=1)
    return nodes.add("ReduceSum", [members, axis], "scores", keepdims=0)


@code.register
def _(layer: Conv, nodes: Nodes, live: str) -> str:
    convolve = _convolution(nodes, layer, layer.pad, layer.groups)
    kernels = np.moveaxis(layer.integers().reshape(layer.weight.shape), -1, 1)
    maps = _products(nodes, layer, live, kernels, convolve)
    sums = nodes.add("Transpose", [maps], f"{layer.name}.sums", perm=[0, 2, 3, 1])
    return _reached(nodes, layer, sums, steps(layer.threshold) - layer.lifts()[:, None])


@code.register
def _(layer: Pool, nodes: Nodes, live: str) -> str:
    name, channels = layer.name, layer.shape[2]
    if layer.of[0] == "sum":
        ones = np.ones((channels, 1, *layer.kernel), np.int64)
        maps = _products(nodes, layer, live, ones, _convolution(nodes, layer, 0, channels))
        return _as_code(nodes, layer, nodes.add("Transpose", [maps], f"{name}.sums", perm=[0, 2, 3, 1]))
    # MaxPool knows bytes, but no uint16; float32 holds those.
    dtype, kind = (np.uint8, TensorProto.UINT8) if layer.takes <= 256 else (np.float32, TensorProto.FLOAT)
    if layer.takes > 256:
        live = nodes.add("Cast", [live], f"{name}.floats", to=kind)
    live = nodes.add("Reshape", [live, nodes.places(f"{name}.map", [-1, *layer.shape])], f"{name}.entering")
    live = _mirrored(nodes, layer, live, "mirrored", dtype)
    live = nodes.add("Transpose", [live], f"{name}.channels", perm=[0, 3, 1, 2])
    live = nodes.add(
        "MaxPool",
        [live],
        f"{name}.largest",
        kernel_shape=layer.kernel,
        strides=layer.stride,
        pads=layer.padding,
    )
    live = nodes.add("Transpose", [live], f"{name}.pooled", perm=[0, 2, 3, 1])
    return _as_code(nodes, layer, _mirrored(nodes, layer, live, "back", dtype))


def _mirrored(nodes: Nodes, layer: Pool, live: str, to: str, dtype: type) -> str:
    """The channels of which the least level counts turned upside down: their largest is then the least."""
    least = np.array(layer.of) == "min"
    if not least.any():
        return live
    top = nodes.constant(f"{layer.name}.top", layer.takes - 1, dtype)
    upside_down = nodes.add("Sub", [top, live], f"{layer.name}.{to}")
    if least.all():
        return upside_down
    which = nodes.constant(f"{layer.name}.least", least)
    return nodes.add("Where", [which, upside_down, live], f"{layer.name}.{to}.some")


def _matrix(nodes: Nodes, layer: Dense | Scores | Passed) -> Multiply:
    def multiply(live: str, _: int, weight: NDArray[np.int64], output: str) -> str:
        taken, name = [live], f"{layer.name}.weight{output.removeprefix(f'{layer.name}.dot')}"
        if np.abs(weight).max() <= SUMMED_IN_PAIRS:
            taken += [nodes.constant(name, np.ascontiguousarray(weight.T), np.int8)]
        else:
            taken += _unsigned(nodes, name, weight.T)
        return nodes.add("MatMulInteger", taken, output)

    return multiply


def _convolution(nodes: Nodes, layer: Conv | Pool, pad: int, groups: int) -> Multiply:
    name = layer.name

    def multiply(live: str, factor: int, weight: NDArray[np.int64], output: str) -> str:
        part = output.removeprefix(f"{name}.dot")
        shape = nodes.places(f"{name}.map", [-1, *layer.shape])
        live = nodes.add("Reshape", [live, shape], f"{name}.entering{part}")
        live = nodes.add("Transpose", [live], f"{name}.channels{part}", perm=[0, 3, 1, 2])
        if any(layer.padding):
            top, left, bottom, right = layer.padding
            around = nodes.places(f"{name}.padding", [0, 0, top, left, 0, 0, bottom, right])
            level = nodes.constant(f"{name}.pad{part}", pad // factor % 256, np.uint8)
            live = nodes.add("Pad", [live, around, level], f"{name}.padded{part}")
        taken = [live, *_unsigned(nodes, f"{name}.weight{part}", weight)]
        return nodes.add("ConvInteger", taken, output, strides=layer.stride, group=groups)

    return multiply


def _unsigned(nodes: Nodes, name: str, weight: NDArray[np.int64]) -> list[str]:
    """Weights and the zero points of what they meet and of themselves."""
    return [
        nodes.constant(name, np.ascontiguousarray(weight + ZERO), np.uint8),
        nodes.constant("zero.levels", 0, np.uint8),
        nodes.constant("zero.weights", ZERO, np.uint8),
    ]


def _products(
    nodes: Nodes,
    layer: Dense | Conv | Scores | Pool | Passed,
    live: str,
    weight: NDArray[np.int64],
    multiply: Multiply,
) -> str:
    """Σ w·level, in int32: of levels and weights of more than a byte, the sum over their bytes."""
    name = layer.name
    highest = int(layer.spans().max()) if not isinstance(layer, Pool) else layer.emits.top
    if highest >= NEVER:
        raise GraphError(f"{name} sums up to {highest}, beyond the int32 of ONNX's integer products")
    small = np.minimum(weight, ZERO - 1)
    parts = [small] if (weight == small).all() else [small, weight - small]
    halves = [(1, live)] if layer.takes <= 256 else _bytes(nodes, name, live)
    pairs = [(half, factor, part) for factor, half in halves for part in parts]
    if len(pairs) == 1:
        return multiply(live, 1, weight, f"{name}.dot")
    terms = []
    for index, (half, factor, part) in enumerate(pairs):
        term = multiply(half, factor, part, f"{name}.dot.{index}")
        if factor > 1:
            term = nodes.add("Mul", [term, nodes.constant("byte", factor, np.int32)], f"{term}.shifted")
        terms.append(term)
    return reduce(lambda sum_, term: nodes.add("Add", [sum_, term], f"{sum_}+"), terms)


def _bytes(nodes: Nodes, name: str, live: str) -> list[tuple[int, str]]:
    """The two bytes of uint16 levels, each behind what it counts for."""
    byte = nodes.constant("byte", 256, np.int32)
    wide = nodes.add("Cast", [live], f"{name}.wide", to=TensorProto.INT32)
    high = nodes.add("Div", [wide, byte], f"{name}.high")
    low = nodes.add("Sub", [wide, nodes.add("Mul", [high, byte], f"{name}.high.shifted")], f"{name}.low")
    return [
        (256, nodes.add("Cast", [high], f"{name}.high.byte", to=TensorProto.UINT8)),
        (1, nodes.add("Cast", [low], f"{name}.low.byte", to=TensorProto.UINT8)),
    ]


def _reached(nodes: Nodes, layer: Layer, sums: str, at: NDArray[np.integer]) -> str:
    """How many of its rising thresholds, (rows, steps), each of the sums, (n, …, rows), reaches."""
    name, (rows, count) = layer.name, at.shape
    is_row = layer.out_shape == (layer.outputs,)
    if count == 1:
        threshold = nodes.constant(f"{name}.threshold", at[:, 0], np.int32)
        fires = nodes.add("GreaterOrEqual", [sums, threshold], f"{name}.code" if is_row else f"{name}.fires")
        return fires if is_row else _flat(nodes, layer, fires)
    # The first half of the search is constant: where the middle lies is the same for all.
    halvings = count.bit_length()
    table = np.full((rows, 1 << halvings), NEVER)
    table[:, :count] = at
    thresholds = nodes.constant(f"{name}.thresholds", table.ravel(), np.int32)
    before = place = nodes.places(f"{name}.before", (np.arange(rows) << halvings) - 1)
    for halving in reversed(range(halvings)):
        step = nodes.places(f"step.{1 << halving}", 1 << halving)
        there = nodes.add("Add", [place, step], f"{name}.there.{halving}")
        asked = nodes.add("Gather", [thresholds, there], f"{name}.asked.{halving}")
        fires = nodes.add("GreaterOrEqual", [sums, asked], f"{name}.fires.{halving}")
        place = nodes.add("Where", [fires, there, place], f"{name}.place.{halving}")
    return _as_code(nodes, layer, nodes.add("Sub", [place, before], f"{name}.reached"))


def _as_code(nodes: Nodes, layer: Layer, numbers: str) -> str:
    """Levels of any integer type, (n, …), in the one of a code."""
    kind = {1: TensorProto.BOOL, 8: TensorProto.UINT8, 16: TensorProto.UINT16}
    bits = layer.emits.bits
    narrow = nodes.add("Cast", [numbers], f"{layer.name}.levels", to=kind[1 if bits == 1 else 8 if bits <= 8 else 16])
    return _flat(nodes, layer, narrow)


def _flat(nodes: Nodes, layer: Layer, live: str) -> str:
    shape = nodes.places(f"{layer.name}.row", [-1, layer.outputs])
    return nodes.add("Reshape", [live, shape], f"{layer.name}.code")
