"""What leaves the house: every stage of every preset, as it is folded by default, at 64 cycles, by FINN and by the
search on each part, with the class or the scores as output.

Sizes alone matter here, so the nets have random weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from bitneck.export.graph import Graph
from bitneck.flow.config import CYCLES, DEFAULT_CYCLES
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.costs.search import Search, budget
from bitneck.hw.folding import Folding, fold
from bitneck.hw.parts import PARTS
from bitneck.hw.stages import Stage
from bitneck.models.config import PRESETS
from random_nets import random_graph

FINN = {"tfc": {"dense1": (16, 49), "dense2": (8, 8), "dense3": (8, 8), "scores": (10, 8)}}
"""PE and SIMD that FINN publishes, by preset and layer."""


def foldings(preset: str, graph: Graph) -> Iterator[Mapping[str, Folding]]:
    for cycles in (CYCLES[preset], DEFAULT_CYCLES):
        yield fold(graph, cycles)
    if preset in FINN:
        yield {name: Folding(*lanes) for name, lanes in FINN[preset].items()}
    for part in PARTS:
        search, within = Search(graph, part), budget(part)
        for plan in (search.fastest(within), search.cheapest(CYCLES[preset], within)):
            if plan is not None:
                yield plan.foldings


@cache
def accelerators() -> tuple[Accelerator, ...]:
    found = []
    for name, preset in PRESETS.items():
        if preset.network.of_maps:
            continue
        graph = random_graph(preset.network.widths, preset.network.input_bits, name=name.replace("-", "_"))
        for folding in foldings(name, graph):
            found += [lower(graph, folding, "class"), lower(graph, folding, "scores")]
    return tuple(found)


def shipped() -> list[Stage]:
    return [stage for accelerator in accelerators() for stage in accelerator.stages]


def frames_out() -> set[int]:
    """Beats of the output's frames, which TLAST counts."""
    return {accelerator.stages[-1].out_beats for accelerator in accelerators()}
