"""Inputs/s of counting on one core, beside the golden model, numpy and decision diagrams; and beside the operations
on vectors, vpternlog or what the machine has, that the core does at most: "ours / this" is inputs an operation. Seconds
are of processor time.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import resources
from itertools import pairwise
from math import comb

import numpy as np
from bitneck.export.graph import Dense, Graph, Scores
from bitneck.hw.exact.compiled import compiled, forms
from bitneck.hw.exact.net import BitNet, Rows
from bitneck.hw.exact.radius import Ball, shards
from bitneck.hw.exact.region import Group, Region
from bitneck.hw.exact.side_by_side import SideBySide
from dd.autoref import BDD
from timing import Row, Timing, timing

PEAK = """
#include "bits.h"
extern "C" int64_t peak(int64_t times) {
  Bits a[12];
  for (int k = 0; k < 12; k++) a[k] = all(k % 3);
  for (int64_t i = 0; i < times; i++)
    for (int k = 0; k < 12; k++) a[k] = lut<0x2B>(a[k], a[(k + 1) % 12], a[(k + 5) % 12]);
  int64_t found = 0;
  for (auto& each : a) found += count(&each, 1);
  return found;
}
"""
OPERATIONS = 12 * 50_000_000
FREE, DIAGRAM = 24, 8  # bits; a diagram of more takes minutes


def rows() -> Iterator[Row]:
    for widths, radius in (((64, 32, 32, 10), 6), ((128, 64, 48, 10), 4)):
        graph, name = random_net(widths), "-".join(map(str, widths))
        net, x = BitNet.of(graph), np.random.default_rng(1).random(widths[0]) < 0.5
        ball, inputs = Ball(net, x, radius), sum(comb(widths[0], flips) for flips in range(radius + 1))
        peers = [golden(graph), by_numpy(net), by_diagrams(net), peak()]
        group = f"{name}, every input within radius {radius}, classes"
        yield Row(group, "exact", spent(partial(whole, ball, shards(widths[0], radius))), inputs, "inputs")
        yield from (replace(peer, group=group) for peer in peers)
        bits = tuple(map(Group.bit, range(FREE)))
        other = BitNet.of(random_net(widths, changed=True))
        both = SideBySide.of(net.hidden, other.hidden).same_class(net, other)
        regions = {
            "classes": Region(net, x, bits),
            "codes of the first layer": Region(net, x, bits, layer=0),
            "whether a net of another weight agrees": Region(both, x, bits),
        }
        for what, region in regions.items():
            group = f"{name}, every input over {FREE} bits, {what}"
            yield Row(group, "exact", spent(partial(whole, region, region.shards())), 1 << FREE, "inputs")
            yield from (replace(peer, group=group) for peer in peers)


def random_net(widths: tuple[int, ...], changed: bool = False) -> Graph:
    """Thresholds where sums lie. changed: one weight of the first matrix is the other."""
    rng, layers = np.random.default_rng(0), list[Dense]()
    for number, (fan_in, neurons) in enumerate(pairwise(widths[:-1]), 1):
        around = fan_in // 2 + rng.integers(-2, 3, neurons)
        layers.append(Dense(f"dense{number}", rng.random((neurons, fan_in)) < 0.5, around.astype(np.int32)))
    if changed:
        layers[0].weight[3, 5] ^= True
    return Graph("net", 1, (*layers, Scores(rng.random((widths[-1], widths[-2])) < 0.5)))


def whole(question: Ball | Region, parts: list) -> None:
    for part in parts:
        question.count(part)


def golden(graph: Graph) -> Row:
    x = np.random.default_rng(0).integers(0, 2, (1 << 17, graph.inputs), dtype=np.uint8)
    return Row("", "golden model, all layers", spent(lambda: graph(x).predictions()), len(x), "inputs")


def by_numpy(net: BitNet) -> Row:
    x = np.random.default_rng(0).random((1 << 15, net.inputs)) < 0.5
    return Row("", "numpy, matrix products", spent(partial(net.classes, x)), len(x), "inputs")


def by_diagrams(net: BitNet) -> Row:
    """Over the first bits, all others 0: neurons as diagrams of their sums, classes as who goes before whom."""

    def count() -> None:
        manager = BDD()
        manager.declare(*(f"x{bit}" for bit in range(DIAGRAM)))
        edge = [manager.var(f"x{bit}") for bit in range(DIAGRAM)]
        edge += [manager.false] * (net.inputs - DIAGRAM)
        for layer in net.hidden:
            edge = [diagram(manager, layer, row, edge) for row in range(len(layer.weight))]
        for layer in net.versus:
            first = manager.true
            for row in range(len(layer.weight)):
                first &= ~diagram(manager, layer, row, edge)
            manager.count(first, nvars=DIAGRAM)

    return Row("", f"decision diagrams (dd), {DIAGRAM} bits", spent(count, runs=1), 1 << DIAGRAM, "inputs")


def diagram(manager: BDD, layer: Rows, row: int, elements: list):  # dd says no type
    """Whether at least as many elements agree as the row's threshold says, counted one by one."""
    at_least = [manager.true] + [manager.false] * max(int(layer.threshold[row]), 0)
    for element, weight, counts in zip(elements, layer.weight[row], layer.among[row], strict=True):
        agrees = element if weight else ~element
        for number in range(len(at_least) - 1, 0, -1) if counts else ():
            at_least[number] |= agrees & at_least[number - 1]
    return at_least[-1]


def peak() -> Row:
    header = resources.files("bitneck.hw.exact").joinpath("bits.h").read_text()
    library = compiled("peak.cpp", (("bits.h", header), ("peak.cpp", PEAK)), forms()[0])
    call = partial(library.peak, ctypes.c_int64(OPERATIONS // 12))
    return Row("", f"vector operations, {forms()[0]}, at most", spent(call), OPERATIONS, "operations")


def spent(call: Callable[[], object], runs: int = 3) -> Timing:
    """Of this process, after one call that compiles."""
    seconds = []
    for _ in range(runs + (runs > 1)):
        began = time.process_time()
        call()
        seconds.append(time.process_time() - began)
    return timing(seconds[-runs:])
