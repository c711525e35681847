"""What is too big for a part: by how much, and which folding of it would fit."""

from __future__ import annotations

from ...export.graph import Graph
from ..costs.search import Budget, Search, budget
from ..stages import Output
from .bitstream import Synthesis

SLACK = 0.95  # of the part: nobody routes the last cells


def complaint(graph: Graph, synthesis: Synthesis, output: Output = "class", fifo_depth: int = 0) -> str | None:
    """One line about a design that does not fit, and the way out where there is one; None where it fits."""
    if synthesis.fits:
        return None
    excess = ", ".join(
        f"{resource.used:,.0f} {resource.name} of {resource.available:,.0f} ({resource.excess:,.0f} too many)"
        for resource in synthesis.resources
        if resource.excess
    )
    whole = budget(synthesis.target)
    within = Budget(synthesis.target, int(SLACK * whole.cells), whole.brams)
    plan = Search(graph, synthesis.target, output, fifo_depth).fastest(within)
    way_out = (
        "no folding of it would, by estimate; take a larger part"
        if plan is None
        else f"by estimate {plan.cycles:,} cycles a frame would: target = {synthesis.target!r} and "
        f"target_cycles = {plan.cycles} under [hardware]"
    )
    return f"{graph.name} does not fit {synthesis.title}: {excess}; {way_out}"
