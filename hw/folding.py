"""How many lanes each layer gets: PE rows and SIMD inputs at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..export.graph import Binarize, Dense, Graph, Scores
from .stages import FoldingError, RomStyle, divisors


@dataclass(frozen=True)
class Folding:
    """PE × SIMD lanes: rows/PE · inputs/SIMD cycles a frame. For `Binarize` only PE counts.

    rom_style   where the weights lie; all in one fold they are constants and lie nowhere
    """

    pe: int
    simd: int = 1
    rom_style: RomStyle = "auto"


def cycles(layer: Binarize | Dense | Scores, folding: Folding) -> int:
    """Cycles a frame."""
    if isinstance(layer, Binarize):
        return layer.outputs // folding.pe
    return layer.outputs // folding.pe * (layer.inputs // folding.simd)


def fold(graph: Graph, target_cycles: int) -> dict[str, Folding]:
    """The cheapest folding of every layer that needs at most `target_cycles` a frame.

    Cheapest is fewest lanes, then the smallest PE + SIMD: accumulators grow with PE, stream registers with SIMD. For
    TFC at 64 cycles that is FINN's published 16/49, 8/8, 8/8. `Binarize` takes the PE that its successor reads at.
    """
    chosen: dict[str, Folding] = {}
    for layer in graph.layers[1:] if isinstance(graph.layers[0], Binarize) else graph.layers:
        assert not isinstance(layer, Binarize)
        legal = [Folding(pe, simd) for pe in divisors(layer.outputs) for simd in divisors(layer.inputs)]
        fast = [folding for folding in legal if cycles(layer, folding) <= target_cycles]
        chosen[layer.name] = min(fast, key=lambda f: (f.pe * f.simd, f.pe + f.simd, f.pe))
    head = graph.layers[0]
    if isinstance(head, Binarize):
        simd = chosen[graph.layers[1].name].simd
        fast = [Folding(pe) for pe in divisors(head.outputs) if head.outputs // pe <= target_cycles]
        chosen[head.name] = min(fast, key=lambda f: (math.lcm(f.pe, simd), f.pe))
    return chosen


def complete(graph: Graph, foldings: Mapping[str, Folding]) -> dict[str, Folding]:
    """Foldings given by hand, checked for missing and unknown layers; `Binarize` may be left out.

    Whether the numbers divide is checked by the stages themselves.
    """
    head = graph.layers[0]
    foldings = dict(foldings)
    if isinstance(head, Binarize) and head.name not in foldings and graph.layers[1].name in foldings:
        # Where that SIMD is illegal the greatest divisor stands in, and the layer that it was given for complains.
        foldings[head.name] = Folding(math.gcd(foldings[graph.layers[1].name].simd, head.outputs))
    names = [layer.name for layer in graph.layers]
    if missing := [name for name in names if name not in foldings]:
        raise FoldingError(f"{graph.name}: no folding for {', '.join(missing)}; give PE and SIMD for each of {names}")
    if unknown := [name for name in foldings if name not in names]:
        raise FoldingError(f"{graph.name}: folding for {', '.join(unknown)}, but the layers are {names}")
    return foldings
