"""Each kind of layer in FINN's dialect."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from ..graph import Binarize, Conv, Cut, Dense, GraphError, Layer, Levels, Pool, Scores, Shape
from ..graph.weighted import steps
from .nodes import QONNX, Edge
from .streamed_nodes import Streamed
from .whole_sums import data_type, decisions, ends, score_constants, smallest, table_decisions, whole


@singledispatch
def write(layer: Layer, file: Streamed, edge: Edge, output: str) -> Edge:
    """Writes a layer; the edge that leaves it is called `output`."""
    raise GraphError(f"{layer.name}: FINN's dialect has no word for a {type(layer).__name__}")


@write.register
def _(layer: Binarize, file: Streamed, edge: Edge, output: str) -> Edge:
    row = file.shaped(edge, layer.out_shape)
    return _compare(file, layer, row.name, layer.threshold[:, None], output, layer.out_shape)


@write.register
def _(layer: Cut, file: Streamed, edge: Edge, output: str) -> Edge:
    by_channel = len(layer.shape) == 3 and len(layer.table) in (1, layer.shape[-1])
    shape = layer.shape if by_channel else (layer.inputs,)
    at, signs = table_decisions(layer, edge.levels, shape[-1])
    live = file.shaped(edge, shape)
    if (signs < 0).any():
        live = file.signed(live, signs, f"{layer.name}.rising")
    return _compare(file, layer, live.name, np.ceil(at).astype(np.int64), output, shape)


@write.register
def _(layer: Dense, file: Streamed, edge: Edge, output: str) -> Edge:
    row = file.shaped(edge, (layer.inputs,))
    sums, at = _matrix(file, layer, row, layer.integers().T, layer.out_shape)
    return _compare(file, layer, sums, at, output, layer.out_shape)


@write.register
def _(layer: Scores, file: Streamed, edge: Edge, output: str) -> Edge:
    row = file.shaped(edge, (layer.inputs,))
    low, high, popcount = _range(file, layer, row)
    constants = score_constants(layer, row.levels, popcount)
    gains = layer.multiplier
    added = bool((constants != constants[0]).any())
    file.constant_of_scores = 0 if added else int(constants[0])
    multiplied = "scores.multiplied" if added else output
    dot = output if not added and gains is None else "scores.dot" if gains is not None else multiplied
    sums = Edge(dot, layer.out_shape, row.levels)
    live = _multiply(file, layer, row, layer.integers().T, popcount, sums, (low, high))
    if gains is not None:
        name, most = file.constant("scores.multiplier", gains), int(gains.max())
        low, high = min(0, low * most), max(0, high * most)
        live = file.channelwise("Mul", live, name, multiplied, (low, high))
    if added:
        name = file.constant("scores.constant", constants)
        low, high = low + int(constants.min()), high + int(constants.max())
        live = file.channelwise("Add", live, name, output, (low, high))
    return live


@write.register
def _(layer: Conv, file: Streamed, edge: Edge, output: str) -> Edge:
    weight, channels = layer.integers().reshape(layer.weight.shape), layer.shape[2]
    if layer.groups > 1:
        of_group, each = weight, channels // layer.groups
        weight = np.zeros((*of_group.shape[:3], channels), np.int64)
        for row in range(layer.rows):
            first = row * layer.groups // layer.rows * each
            weight[row, :, :, first : first + each] = of_group[row]
    depthwise = 1 < layer.groups == channels == layer.rows
    if depthwise:
        file.depthwise[f"{layer.name}.weight"] = layer.kernel
    live = _windows(file, layer, edge, layer.pad, depthwise)
    sums, at = _matrix(file, layer, live, weight.reshape(layer.rows, -1).T, layer.out_shape)
    return _compare(file, layer, sums, at, output, layer.out_shape)


@write.register
def _(layer: Pool, file: Streamed, edge: Edge, output: str) -> Edge:
    name, channels = layer.name, layer.shape[2]
    low, step = whole(edge.levels)
    if layer.of[0] == "sum":
        emits = Levels(low * layer.fan_in, step, layer.emits.count)
        live = _windows(file, layer, edge, 0, True)
        weight = f"{name}.weight"
        file.constant(weight, np.tile(np.eye(channels), (layer.fan_in, 1)))
        file.kinds[weight], file.depthwise[weight] = smallest(0, 1), layer.kernel
        file.add("MatMul", [live.name, weight], output, f"{name}.MatMul")
        return file.made(Edge(output, layer.out_shape, emits))
    top, left, bottom, right = layer.padding
    if (top, left) != (bottom, right):
        raise GraphError(f"{name}: MaxPoolNHWC pads both sides alike, not {layer.padding}; `standard` writes it")
    signs = np.where(np.array(layer.of) == "min", -1, 1)
    falls = bool((signs < 0).any())
    live = file.signed(edge, signs, f"{name}.mirrored") if falls else edge
    pooled = Edge(f"{name}.largest" if falls else output, layer.out_shape, edge.levels)
    file.add(
        "MaxPoolNHWC",
        [live.name],
        pooled.name,
        f"{name}.MaxPoolNHWC",
        QONNX,
        kernel_shape=layer.kernel,
        strides=layer.stride,
        pads=layer.padding,
    )
    file.typed(pooled, file.kinds[live.name])
    if not falls:
        return pooled
    # Mul makes 32 bits of anything, for whoever infers types again; thresholds say what they emit.
    back = file.signed(pooled, signs, f"{name}.least")
    at = np.ceil(low + step * (np.arange(1, layer.takes) - 0.5))[None].astype(np.int64)
    return _threshold(file, name, back.name, at, output, layer.out_shape, edge.levels)


def _windows(file: Streamed, layer: Conv | Pool, edge: Edge, pad: int, depthwise: bool) -> Edge:
    """(rows, columns, fan-in of all channels) of the map that enters, as FINN's sliding window unit streams them."""
    height, width, channels = layer.shape
    if layer.kernel == (1, 1) == layer.stride and not any(layer.padding):
        return edge
    for size, kernel, padding in (
        (height, layer.kernel[0], layer.padding[::2]),
        (width, layer.kernel[1], layer.padding[1::2]),
    ):
        if size == 1 and (kernel > 1 or any(padding)):
            raise GraphError(
                f"{layer.name}: a window of {layer.kernel}, padding {layer.padding}, over a map of {layer.shape}: "
                "Im2Col neither pads an axis of one element nor slides along it; `standard` writes it"
            )
    low, step = whole(edge.levels)
    name = f"{layer.name}.windows"
    file.add(
        "Im2Col",
        [edge.name],
        name,
        f"{layer.name}.Im2Col",
        QONNX,
        kernel_size=layer.kernel,
        stride=layer.stride,
        pad_amount=layer.padding,
        pad_value=low + step * pad,
        input_shape=str((1, *layer.shape)).replace(" ", ""),
        depthwise=int(depthwise),
        dilations=(1, 1),
    )
    return file.made(Edge(name, (*layer.places, layer.kernel[0] * layer.kernel[1] * channels), edge.levels))


def _range(file: Streamed, layer: Dense | Conv | Scores, edge: Edge) -> tuple[int, int, bool]:
    """The least and the highest sum, and whether it is the popcount of agreeing bits."""
    low, high = ends(layer, edge.levels)
    one_bit = layer.weight.dtype == np.bool_ and edge.levels.count == 2 and getattr(layer, "groups", 1) == 1
    popcount = file.counts and one_bit
    return (0, layer.fan_in, True) if popcount else (low, high, False)


def _matrix(
    file: Streamed, layer: Dense | Conv, edge: Edge, weight: NDArray[np.int64], shape: Shape
) -> tuple[str, NDArray[np.int64]]:
    """The tensor of a layer's sums, and (rows, steps) where they reach its thresholds."""
    low, high, popcount = _range(file, layer, edge)
    accumulator = f"{layer.name}.accumulator"
    _multiply(file, layer, edge, weight, popcount, Edge(accumulator, shape, edge.levels), (low, high))
    if popcount:
        return accumulator, steps(layer.threshold).astype(np.int64)
    return accumulator, np.ceil(decisions(layer, edge.levels)).astype(np.int64)


def _multiply(
    file: Streamed,
    layer: Dense | Conv | Scores,
    edge: Edge,
    weight: NDArray[np.int64],
    popcount: bool,
    sums: Edge,
    reach: tuple[int, int],
) -> Edge:
    name = f"{layer.name}.weight"
    operator, domain = ("XnorPopcountMatMul", QONNX) if popcount else ("MatMul", None)
    file.constant(name, weight > 0 if popcount else weight)
    file.add(operator, [edge.name, name], sums.name, f"{layer.name}.{operator}", domain)
    bipolar = (np.abs(weight) == 1).all() and layer.weight.dtype == np.bool_
    of_bits = Levels(0, 1, 2) if popcount else Levels(-1, 2, 2)
    file.kinds[name] = data_type(of_bits) if bipolar else smallest(int(weight.min()), int(weight.max()))
    return file.typed(sums, smallest(*reach))


def _compare(file: Streamed, layer: Layer, sums: str, at: NDArray, output: str, shape: Shape) -> Edge:
    return _threshold(file, layer.name, sums, at, output, shape, file.levels(layer))


def _threshold(file: Streamed, name: str, sums: str, at: NDArray, output: str, shape: Shape, levels: Levels) -> Edge:
    thresholds = f"{name}.thresholds"
    low, step = whole(levels)
    # FINN's own spelling: the step times the number of thresholds reached, and the lowest; of ±1 twice it, less one.
    spelling = {} if (low, step) == (0, 1) else {"out_scale": float(step), "out_bias": float(low)}
    file.add(
        "MultiThreshold",
        [sums, file.constant(thresholds, at)],
        output,
        f"{name}.MultiThreshold",
        QONNX,
        out_dtype=data_type(levels).name,
        data_layout="NHWC" if len(shape) == 3 else "NC",
        **spelling,
    )
    file.kinds[thresholds] = smallest(int(at.min()), int(at.max()))
    return file.made(Edge(output, shape, levels))
