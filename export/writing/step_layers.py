"""A net of steps in the nodes of Brevitas: every step a copy of the net, which takes the states of the one before.

Sums are dot products here, so that v is twice what it is in agreeing bits: it fires from 2 · theta on, and loses that.
"""

from __future__ import annotations

import numpy as np

from ..graph import BIPOLAR, IntegrateDense, StepCuts
from .member_layers import branch, in_a_row, multiplied
from .nodes import QONNX, Edge
from .proof_nodes import Proof
from .tie_proof_layers import quantized, write


@write.register
def _(layer: StepCuts, file: Proof, edge: Edge, output: str) -> Edge:
    for number, at in enumerate(layer.threshold, 1):
        midpoint = file.constant(branch(f"{layer.name}.midpoint", number), np.full(layer.pixels, at - 0.5))
        _cut(file, layer.name, edge.name, midpoint, output, number, layer.pixels)
    return in_a_row(file, layer.steps, Edge(output, layer.out_shape, BIPOLAR))


@write.register
def _(layer: IntegrateDense, file: Proof, edge: Edge, output: str) -> Edge:
    name, signs = layer.name, quantized(file, layer, layer.integers().T)
    leak = file.constant(f"{name}.leak", 2 * layer.leak - layer.fan_in)
    theta = file.constant(f"{name}.theta", layer.theta)
    midpoint = file.constant(f"{name}.midpoint", 2 * layer.theta - 1)
    state = None
    for number, dot in enumerate(multiplied(file, layer, edge, signs, f"{name}.accumulator"), 1):
        v = file.add("Sub", [dot, leak], branch(f"{name}.entering", number))
        if state is not None:
            v = file.add("Add", [state, v], branch(f"{name}.v", number))
        code = _cut(file, name, v, midpoint, output, number, layer.rows)
        if number < layer.passes:
            half = file.add("Mul", [code, theta], branch(f"{name}.half", number))
            spent = file.add("Add", [half, theta], branch(f"{name}.spent", number))
            state = file.add("Sub", [v, spent], branch(f"{name}.state", number))
    return in_a_row(file, layer.passes, Edge(output, layer.out_shape, BIPOLAR))


def _cut(file: Proof, name: str, live: str, midpoint: str, output: str, number: int, width: int) -> str:
    norm = file.add("Sub", [live, midpoint], branch(f"{name}.norm", number), branch(f"{name}.Sub", number))
    code = branch(output, number)
    file.add("BipolarQuant", [norm, file.constant("one", 1)], code, branch(f"{name}.BipolarQuant", number), QONNX)
    file.made(Edge(code, (width,), BIPOLAR))
    return code
