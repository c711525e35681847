"""What is too big for a part: by how much, and how many cycles a frame it would need to fit."""

from __future__ import annotations

from ..export.graph import Graph
from .accelerator import Accelerator, lower
from .folding import fold
from .stages import Mvtu, Scores
from .synthesis import Synthesis
from .targets import Target, target_of

SLACK = 0.95  # of the part: nobody routes the last cells


def complaint(graph: Graph, accelerator: Accelerator, synthesis: Synthesis) -> str | None:
    """One line about a design that does not fit, and the way out where there is one; None where it fits."""
    if synthesis.fits:
        return None
    excess = ", ".join(
        f"{resource.used:,.0f} {resource.name} of {resource.available:,.0f} ({resource.excess:,.0f} too many)"
        for resource in synthesis.resources
        if resource.excess
    )
    cycles = fitting_cycles(graph, accelerator, synthesis)
    way_out = (
        "no folding of it would, by estimate; take a larger part"
        if cycles is None
        else f"by estimate it would with target_cycles = {cycles} under [hardware]"
    )
    return f"{accelerator.name} does not fit {target_of(synthesis.target).part}: {excess}; {way_out}"


def fitting_cycles(graph: Graph, accelerator: Accelerator, synthesis: Synthesis) -> int | None:
    """The first doubling of today's cycles that would fit, as a `target_cycles`; None where the fully folded net is
    too big.

    Estimated: the LUTs of a matrix stage go with its lanes PE · SIMD, its memory blocks with the shape of its weights,
    and everything else stays as large as it came out.
    """
    target = target_of(synthesis.target)
    fixed = {r.name for r in synthesis.resources if r.excess} - {target.logic, target.ram}
    resources = {resource.name: resource for resource in synthesis.resources}
    luts = {stage.name: stage.luts for stage in synthesis.stages}
    lanes = {stage.name: stage.pe * stage.simd for stage in _matrices(accelerator)}
    most = max(stage.weight.size for stage in _matrices(accelerator))
    cycles = accelerator.cycles
    while not fixed and cycles < most:
        cycles = min(2 * cycles, most)
        other = _matrices(lower(graph, fold(graph, cycles)))
        saved = sum(luts[stage.name] * (1 - stage.pe * stage.simd / lanes[stage.name]) for stage in other)
        needed = {
            target.logic: resources[target.logic].used * (1 - saved / sum(luts.values())),
            target.ram: sum(_blocks(stage, target) for stage in other),
        }
        if all(needed[name] <= SLACK * resources[name].available for name in needed):
            return cycles
    return None


def _matrices(accelerator: Accelerator) -> list[Mvtu | Scores]:
    return [stage for stage in accelerator.stages if isinstance(stage, Mvtu | Scores)]


def _blocks(stage: Mvtu | Scores, target: Target) -> int:
    """Memory blocks that the weights of a stage take, at the cheapest of the block's shapes."""
    (width, depth), shapes = target.ram_shape, range(5)
    return min(-(-stage.pe * stage.simd // max(1, width >> k)) * -(-stage.cycles // (depth << k)) for k in shapes)
