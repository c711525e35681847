"""How many lanes each layer gets: PE rows and SIMD inputs at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..export.graph import Graph
from .stages import Folding, FoldingError, lowering, stage_of


def fold(graph: Graph, target_cycles: int) -> dict[str, Folding]:
    """The cheapest folding of every layer that needs at most `target_cycles` a frame.

    Cheapest is fewest lanes, then the smallest PE + SIMD: accumulators grow with PE, stream registers with SIMD. For
    TFC at 64 cycles that is FINN's published 16/49, 8/8, 8/8. An elementwise layer takes the PE that suits what the
    next one reads.
    """
    chosen: dict[str, Folding] = {}
    for layer, following in zip(reversed(graph.layers), [None, *reversed(graph.layers)], strict=False):
        legal = [folding for folding in lowering(layer).foldings(layer) if folding.rom_style == "auto"]
        fast = [folding for folding in legal if stage_of(layer, folding).cycles <= target_cycles]
        if lowering(layer).elementwise and following is not None:
            read = chosen[following.name].simd
            chosen[layer.name] = min(fast, key=lambda f: (math.lcm(f.pe, read), f.pe))
        else:
            chosen[layer.name] = min(fast, key=lambda f: (f.pe * f.simd, f.pe + f.simd, f.pe))
    return {layer.name: chosen[layer.name] for layer in graph.layers}


def complete(graph: Graph, foldings: Mapping[str, Folding]) -> dict[str, Folding]:
    """Foldings given by hand, checked for missing and unknown layers; elementwise ones may be left out.

    Whether the numbers divide is checked by the stages themselves.
    """
    foldings = dict(foldings)
    for layer, following in zip(graph.layers, graph.layers[1:], strict=False):
        if lowering(layer).elementwise and layer.name not in foldings and following.name in foldings:
            # Where that SIMD is illegal the greatest divisor stands in, and the layer it was given for complains.
            foldings[layer.name] = Folding(math.gcd(foldings[following.name].simd, layer.outputs))
    names = [layer.name for layer in graph.layers]
    if missing := [name for name in names if name not in foldings]:
        raise FoldingError(f"{graph.name}: no folding for {', '.join(missing)}; give PE and SIMD for each of {names}")
    if unknown := [name for name in foldings if name not in names]:
        raise FoldingError(f"{graph.name}: folding for {', '.join(unknown)}, but the layers are {names}")
    return foldings
