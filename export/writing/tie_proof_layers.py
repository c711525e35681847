"""Each kind of layer in the nodes of Brevitas: maps are (channels, height, width), decisions lie midway."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
from numpy.typing import NDArray
from qonnx.core.datatype import DataType

from ..graph import Binarize, Conv, Cut, Dense, GraphError, Layer, Levels, Pool, Scores
from ..graph.passes import Passed
from .nodes import QONNX, Edge
from .proof_nodes import Proof
from .whole_sums import LARGEST, decisions, ends, score_constants, smallest, table_decisions, whole


@singledispatch
def write(layer: Layer, file: Proof, edge: Edge, output: str) -> Edge:
    """Writes a layer; the edge that leaves it is called `output`."""
    raise GraphError(f"{layer.name}: no QONNX nodes are known for a {type(layer).__name__}")


@write.register
def _(layer: Binarize, file: Proof, edge: Edge, output: str) -> Edge:
    low, step = whole(edge.levels)
    row = file.row(edge)
    at = file.in_order(low + step * (layer.threshold[:, None] - 0.5))
    return file.decided(layer, row.name, at, output, layer.out_shape)


@write.register
def _(layer: Cut, file: Proof, edge: Edge, output: str) -> Edge:
    is_map = len(layer.shape) == 3
    if is_map and len(layer.table) not in (1, layer.shape[-1]):
        raise GraphError(f"{layer.name}: a table for every place of a map; QONNX has thresholds for every channel")
    shape = layer.shape if is_map else (layer.inputs,)
    at, signs = table_decisions(layer, edge.levels, shape[-1])
    live = edge if is_map else file.row(edge)
    if not is_map and len(layer.table) > 1:
        at, signs = file.in_order(at), file.in_order(signs)
    rising = file.signed(live.name, signs, f"{layer.name}.rising", shape)
    return file.decided(layer, rising, at, output, shape)


@write.register
def _(layer: Dense, file: Proof, edge: Edge, output: str) -> Edge:
    row = file.row(edge)
    sums, signs = _matrix(file, layer, row, f"{layer.name}.accumulator")
    file.order = None
    sums = file.signed(sums, signs, f"{layer.name}.rising", layer.out_shape)
    return file.decided(layer, sums, decisions(layer, row.levels), output, layer.out_shape)


@write.register
def _(layer: Scores, file: Proof, edge: Edge, output: str) -> Edge:
    row, signs = file.row(edge), _signs(layer)
    gains = signs if layer.multiplier is None else signs * layer.multiplier
    constants = score_constants(layer, row.levels)
    after = {}
    if (gains != 1).any():
        after["Mul"] = file.constant("scores.gain", gains)
    if (constants != constants[0]).any():
        after["Add"] = file.constant("scores.constant", constants)
    if after and int(np.abs(gains).max()) * max(map(abs, ends(layer, row.levels))) + np.abs(constants).max() >= LARGEST:
        raise GraphError("scores: with offsets and multipliers beyond the 2^24 to which float32 holds integers")
    live, _ = _matrix(file, layer, row, "scores.dot" if after else output)
    for operator, constant in after.items():
        last = operator == list(after)[-1]
        live = file.add(operator, [live, constant], output if last else "scores.multiplied", f"scores.{operator}")
    file.shapes[output] = layer.out_shape
    return Edge(live, layer.out_shape, row.levels)


@write.register
def _(layer: Conv, file: Proof, edge: Edge, output: str) -> Edge:
    signs = _signs(layer)
    sums = _convolved(file, layer, edge, signs)
    sums = file.signed(sums, signs, f"{layer.name}.rising", layer.out_shape)
    return file.decided(layer, sums, decisions(layer, edge.levels), output, layer.out_shape)


@write.register
def _(layer: Pool, file: Proof, edge: Edge, output: str) -> Edge:
    name = layer.name
    low, step = whole(edge.levels)
    if layer.of[0] == "sum":
        if any(layer.padding):
            raise GraphError(f"{name}: sums with padding {layer.padding}; QONNX averages within the map")
        mean = _pooled(file, layer, "AveragePool", edge.name, f"{name}.mean")
        size = file.constant(f"{name}.size", layer.fan_in)
        file.add("Mul", [mean, size], output, f"{name}.Mul")
        return file.made(Edge(output, layer.out_shape, Levels(low * layer.fan_in, step, layer.emits.count)))
    if len(set(layer.of)) > 1:
        raise GraphError(
            f"{name}: the largest of some channels and the least of others, of codes that no convolution makes; "
            "`standard` writes it"
        )
    signs = np.where(np.array(layer.of) == "min", -1, 1)[:1]
    live = file.signed(edge.name, signs, f"{name}.mirrored", layer.shape)
    mirrored = live != edge.name
    live = _pooled(file, layer, "MaxPool", live, f"{name}.largest" if mirrored else output)
    if mirrored:
        file.signed(live, signs, output, layer.out_shape)
    return file.made(Edge(output, layer.out_shape, edge.levels))


def pooled_sums(conv: Conv, pool: Pool, file: Proof, edge: Edge, output: str) -> Edge:
    """A convolution and a pool of the largest or the least by channel, as the largest of sums that rise or fall."""
    least = np.array(pool.of) == "min"
    signs = np.where(least, -1, 1)
    if (~least & (_signs(conv) < 0)).any() or conv.integers()[least].min() < -127:
        raise GraphError(f"{conv.name}: a weight of 128 or -128 whose inverse Quant does not have, before {pool.name}")
    sums = _convolved(file, conv, edge, signs)
    sums = _pooled(file, pool, "MaxPool", sums, f"{pool.name}.largest")
    sums = file.signed(sums, signs, f"{pool.name}.rising", pool.out_shape)
    return file.decided(conv, sums, decisions(conv, edge.levels), output, pool.out_shape)


def _signs(layer: Dense | Conv | Scores) -> NDArray[np.int64]:
    """(rows,) −1 of rows to be written inverted: INT8 has no +128."""
    weight = layer.integers()
    inverted = weight.max(axis=1) > 127
    if (inverted & (weight.min(axis=1) < -127)).any():
        raise GraphError(f"{layer.name}: a row with weights of -128 and +128; INT8 holds neither it nor its inverse")
    return np.where(inverted, -1, 1)


def _matrix(file: Proof, layer: Dense | Scores, row: Edge, output: str) -> tuple[str, NDArray[np.int64]]:
    signs = _signs(layer)
    ends(layer, row.levels)
    weight = file.in_order((layer.integers() * signs[:, None]).T)
    taken = quantized(file, layer, weight)
    file.add("MatMul", [row.name, taken], output, f"{layer.name}.MatMul")
    return output, signs


def _convolved(file: Proof, layer: Conv, edge: Edge, signs: NDArray[np.int64]) -> str:
    ends(layer, edge.levels)
    name, live = layer.name, edge.name
    if any(layer.padding):
        top, left, bottom, right = layer.padding
        low, step = whole(edge.levels)
        around = file.places(f"{name}.padding", [0, 0, top, left, 0, 0, bottom, right])
        level = file.constant(f"{name}.pad", low + step * layer.pad)
        live = file.add("Pad", [live, around, level], f"{name}.padded", f"{name}.Pad", mode="constant")
    kernels = (layer.integers() * signs[:, None]).reshape(layer.weight.shape)
    taken = quantized(file, layer, np.moveaxis(kernels, -1, 1))
    return file.add(
        "Conv",
        [live, taken],
        f"{name}.accumulator",
        f"{name}.Conv",
        kernel_shape=layer.kernel,
        strides=layer.stride,
        pads=(0, 0, 0, 0),  # and dilations: qonnx's lowering to MatMul looks for them
        dilations=(1, 1),
        group=layer.groups,
    )


def quantized(file: Proof, layer: Dense | Conv | Scores | Passed, weight: NDArray[np.int64]) -> str:
    name = layer.name
    taken = [file.constant(f"{name}.weight", weight), file.constant(f"{name}.weight_scale", 1)]
    if layer.weight.dtype == np.bool_:
        file.kinds[f"{name}.weight"] = DataType["BIPOLAR"]
        return file.add("BipolarQuant", taken, f"{name}.signs", f"{name}.weight.BipolarQuant", QONNX)
    bits = max(2, smallest(min(-1, int(weight.min())), int(weight.max())).bitwidth())  # of one bit, Quant means ±1
    file.kinds[f"{name}.weight"] = DataType[f"INT{bits}"]
    taken += [file.constant("zero", 0), file.constant(f"{name}.weight_bits", bits)]
    return file.add(
        "Quant",
        taken,
        f"{name}.integers",
        f"{name}.weight.Quant",
        QONNX,
        signed=1,
        narrow=0,
        rounding_mode="ROUND",
    )


def _pooled(file: Proof, layer: Pool, operator: str, taken: str, output: str) -> str:
    return file.add(
        operator,
        [taken],
        output,
        f"{layer.name}.{operator}",
        kernel_shape=layer.kernel,
        strides=layer.stride,
        pads=layer.padding,
    )
