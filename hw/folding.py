"""How many lanes each layer gets: PE rows and SIMD inputs at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..export.graph import Graph, Layer
from .stages import Folding, FoldingError, lowering, stages_of


def cycles_of(layer: Layer, folding: Folding) -> int:
    """A frame, for all stages of the layer."""
    return max(stage.cycles for stage in stages_of(layer, folding))


def fastest(graph: Graph) -> int:
    """Cycles a frame that no folding is below."""
    return max(min(cycles_of(layer, each) for each in lowering(layer).foldings(layer)) for layer in graph.layers)


def fold(graph: Graph, target_cycles: int) -> dict[str, Folding]:
    """The cheapest folding of every layer that needs at most `target_cycles` a frame.

    Cheapest is fewest lanes, then the smallest PE + SIMD: accumulators grow with PE, stream registers with SIMD. For
    TFC at 64 cycles that is FINN's published 16/49, 8/8, 8/8. Kernels that repeat are coded and
    complex weights turned. An elementwise layer takes the PE that suits what the next one reads. Raises FoldingError
    where a layer cannot be as fast.
    """
    chosen: dict[str, Folding] = {}
    for layer, following in zip(reversed(graph.layers), [None, *reversed(graph.layers)], strict=False):
        every = lowering(layer).foldings(layer)
        legal = [each for each in every if each.rom_style == "auto" and each.coded and each.turned]
        fast = [folding for folding in legal if cycles_of(layer, folding) <= target_cycles]
        if not fast:
            least = min(cycles_of(layer, folding) for folding in legal)
            raise FoldingError(f"{layer.name} takes {least:,} cycles a frame at the least, {target_cycles:,} asked for")
        if lowering(layer).elementwise and following is not None:
            read = _read(following, chosen[following.name])
            chosen[layer.name] = min(fast, key=lambda f: (math.lcm(f.pe, read), f.pe))
        else:
            chosen[layer.name] = min(fast, key=lambda f: (f.pe * f.simd, f.pe + f.simd, f.pe))
    return {layer.name: chosen[layer.name] for layer in graph.layers}


def _read(layer: Layer, folding: Folding) -> int:
    """Elements of a beat that the layer takes."""
    return folding.pe if lowering(layer).elementwise else folding.simd


def complete(graph: Graph, foldings: Mapping[str, Folding]) -> dict[str, Folding]:
    """Foldings given by hand, checked for missing and unknown layers; elementwise ones may be left out.

    Those take lanes that suit the next layer, as many as keep them from being the slowest. Whether the numbers divide
    is checked by the stages themselves.
    """
    foldings = dict(foldings)
    names = [layer.name for layer in graph.layers]
    if unknown := [name for name in foldings if name not in names]:
        raise FoldingError(f"{graph.name} has no layer {', '.join(unknown)} to fold; its layers are {', '.join(names)}")
    slowest = max(
        (cycles_of(layer, foldings[layer.name]) for layer in graph.layers if layer.name in foldings), default=0
    )
    for layer, following in zip(reversed(graph.layers), [None, *reversed(graph.layers)], strict=False):
        if not lowering(layer).elementwise or layer.name in foldings:
            continue
        if following is not None and following.name not in foldings:
            continue
        read = 1 if following is None else _read(following, foldings[following.name])
        # As many as the next layer reads, or more where that would be the slowest. Where that SIMD is illegal the layer
        # it was given for complains.
        suits = Folding(math.gcd(read, layer.out_shape[-1]))
        faster = (f for f in lowering(layer).foldings(layer) if cycles_of(layer, f) <= slowest)
        foldings[layer.name] = suits if cycles_of(layer, suits) <= slowest else next(faster, suits)
    if missing := [name for name in names if name not in foldings]:
        raise FoldingError(f"{graph.name}: no folding for {', '.join(missing)}; give PE and SIMD for each of {names}")
    return foldings
