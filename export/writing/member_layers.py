"""Layers of several passes in the nodes of Brevitas: a branch for each pass, all of which take the same weights.

Beside every branch's tensors `L.code.1`, `L.code.2` … stands `L.code`, all of them in a row, which no node takes.
"""

from __future__ import annotations

from ..graph import BIPOLAR, Levels, PassScores, PassSum, SetDense
from ..graph.net import SPREAD
from ..graph.passes import Passed
from .nodes import QONNX, Edge
from .proof_nodes import Proof
from .tie_proof_layers import quantized, write


def branch(tensor: str, number: int) -> str:
    """What the tensor is called in one of the branches, of which the first is 1."""
    return f"{tensor}.{number}"


@write.register
def _(layer: SetDense, file: Proof, edge: Edge, output: str) -> Edge:
    name, signs = layer.name, quantized(file, layer, layer.integers().T)
    if layer.shared:
        sums = [file.add("MatMul", [edge.name, signs], f"{name}.accumulator", f"{name}.MatMul")] * layer.passes
    else:
        sums = multiplied(file, layer, edge, signs, f"{name}.accumulator")
    one = file.constant("one", 1)
    for number, (live, at) in enumerate(zip(sums, layer.threshold, strict=True), 1):
        midpoint = file.constant(branch(f"{name}.midpoint", number), 2 * at - 1 - layer.fan_in)
        norm = branch(f"{name}.norm", number)
        file.add("Sub", [live, midpoint], norm, branch(f"{name}.Sub", number))
        code = branch(output, number)
        file.add("BipolarQuant", [norm, one], code, branch(f"{name}.BipolarQuant", number), QONNX)
        file.made(Edge(code, (layer.rows,), BIPOLAR))
    return in_a_row(file, layer.passes, Edge(output, layer.out_shape, BIPOLAR))


@write.register
def _(layer: PassScores, file: Proof, edge: Edge, output: str) -> Edge:
    dots = multiplied(file, layer, edge, quantized(file, layer, layer.integers().T), f"{layer.name}.dot")
    fan_in, half = file.constant(f"{layer.name}.fan_in", layer.fan_in), file.constant("half", 0.5)
    for number, dot in enumerate(dots, 1):
        lifted = file.add("Add", [dot, fan_in], branch(f"{layer.name}.lifted", number))
        file.add("Mul", [lifted, half], branch(output, number))
    return in_a_row(file, layer.passes, Edge(output, layer.out_shape, layer.emits))


@write.register
def _(layer: PassSum, file: Proof, edge: Edge, output: str) -> Edge:
    members = _branches(edge, layer.passes)
    file.add("Sum", members, output, "scores.Sum")
    highest, lowest = (file.add(each, members, f"{SPREAD}.{each}") for each in ("Max", "Min"))
    apart = file.add("Sub", [highest, lowest], f"{SPREAD}.Sub")
    file.add("ReduceSum", [apart, file.places(f"{SPREAD}.axes", [1])], f"{SPREAD}.code", keepdims=1)
    file.shapes[output] = layer.out_shape
    return Edge(output, layer.out_shape, Levels(0, 1, layer.top + 1))


def _branches(edge: Edge, passes: int) -> list[str]:
    return [branch(edge.name, number) for number in range(1, passes + 1)]


def multiplied(file: Proof, layer: Passed, edge: Edge, signs: str, output: str) -> list[str]:
    return [
        file.add("MatMul", [live, signs], branch(output, number), branch(f"{layer.name}.MatMul", number))
        for number, live in enumerate(_branches(edge, layer.passes), 1)
    ]


def in_a_row(file: Proof, passes: int, edge: Edge) -> Edge:
    file.add("Concat", _branches(edge, passes), edge.name, f"{edge.name}.Concat", axis=1)
    return file.made(edge)
