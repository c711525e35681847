"""The cheapest folding for a wish on a part, or the fastest that fits it.

A layer's stage costs by its PE, its SIMD and where its weights lie, and between two layers stand width converters whose
cost hangs on the PE of one and the SIMD of the next. So the search goes along the chain and keeps, for every width of
the stream so far, the designs that no other beats in both cells and memory blocks. That is exact: costs add up, and
nothing later sees more of a design than that width.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import cast

from ...export import graph as g
from ..accelerator import Accelerator, input_lane, lower
from ..parts import Part, part
from ..stages import Fifo, Folding, FoldingError, LayerStage, Output, Stage, converters, lowering, stages_of, tail
from .resources import NOTHING, Resources, total


@dataclass(frozen=True)
class Budget:
    """What a design may take of a part: cells (logic cells or LUTs) and memory blocks, as in `Resources`."""

    target: str
    cells: int
    brams: int


def budget(target: str, cells: int | None = None, brams: int | None = None) -> Budget:
    """The whole part, or less of it. Raises FoldingError for more than there is."""
    of = part(target)
    for what, asked, there in (("LUTs", cells, of.cells), ("memory blocks", brams, of.brams)):
        if asked is not None and asked > there:
            raise FoldingError(f"a budget of {asked:,} {what} on {target}, which has {there:,}; ask for fewer")
    return Budget(target, of.cells if cells is None else cells, of.brams if brams is None else brams)


@dataclass(frozen=True)
class Plan:
    """A folding of every layer, the accelerator that it gives, and what that is estimated to take."""

    foldings: dict[str, Folding]
    accelerator: Accelerator
    resources: Resources

    @property
    def cycles(self) -> int:
        """A frame."""
        return self.accelerator.cycles


@dataclass(frozen=True)
class _Option:
    folding: Folding
    stages: tuple[Stage, ...]
    cost: Resources

    @property
    def cycles(self) -> int:
        return max(stage.cycles for stage in self.stages)


@dataclass(frozen=True)
class _Design:
    """A chain so far: its last stage, the foldings from the input on, what they cost together."""

    last: Stage | None
    foldings: tuple[Folding, ...]
    cost: Resources


class Search:
    """The foldings of one graph on one family of parts.

    output, fifo_depth   as in `lower`
    """

    def __init__(self, graph: g.Graph, target: str, output: Output = "class", fifo_depth: int = 0) -> None:
        self.graph, self.target, self.output, self.fifo_depth = graph, target, output, fifo_depth
        self.layers = [self._options(layer) for layer in graph.layers]
        self._converted = cache(self._converter_cost)

    def _options(self, layer: g.Layer) -> list[_Option]:
        """Every legal folding of a layer as the stages that the lowering makes of it, its weights in blocks or not.

        What stands around them whatever their neighbours are, a Fifo or what follows the last layer, is in the cost.
        """
        first, last = layer is self.graph.layers[0], layer is self.graph.layers[-1]
        found: list[_Option] = []
        for folding in lowering(layer).foldings(layer):
            stages = stages_of(layer, folding, input_lane(self.graph) if first else None)
            around = list(tail(cast(LayerStage, stages[-1]), layer.outputs, self.output)) if last else []
            if self.fifo_depth and not first:
                around.append(Fifo("fifo", stages[0].in_width, self.fifo_depth, stages[0].in_beats))
            cost = total([*stages, *around], self.target)
            if folding.rom_style == "auto" or cost != found[-1].cost:
                found.append(_Option(folding, tuple(stages), cost))
        return found

    def _converter_cost(self, out_width: int, out_beats: int, in_width: int) -> Resources:
        before = Fifo("before", out_width, 2, out_beats)
        return total(converters(before, in_width, "converter"), self.target)

    def steps(self) -> list[int]:
        """Every number of cycles that a frame can take, ascending."""
        return sorted({option.cycles for layer in self.layers for option in layer})

    def designs(self, cycles: int, within: Budget | None = None) -> list[_Design]:
        """The designs of at most `cycles` a frame and within the budget that no other beats; ascending in cells."""
        front = [_Design(None, (), NOTHING)]
        for layer in self.layers:
            fast = [option for option in layer if option.cycles <= cycles]
            by_input: dict[int, list[_Option]] = defaultdict(list)
            for option in fast:
                by_input[option.stages[0].in_width].append(option)
            reached: dict[int, list[_Design]] = defaultdict(list)
            for in_width, options in by_input.items():
                fed = _unbeaten((self._fed(design, in_width) for design in front), within)
                for option in options:
                    reached[option.stages[-1].out_width] += [
                        _Design(option.stages[-1], (*design.foldings, option.folding), design.cost + option.cost)
                        for design in fed
                    ]
            front = [design for designs in reached.values() for design in _unbeaten(designs, within)]
        return _unbeaten(front, within)

    def _fed(self, design: _Design, in_width: int) -> _Design:
        """With the converters to a stage that reads `in_width` bits a beat."""
        if design.last is None:
            return design
        cost = self._converted(design.last.out_width, design.last.out_beats, in_width)
        return _Design(design.last, design.foldings, design.cost + cost)

    def plan(self, design: _Design) -> Plan:
        names = (layer.name for layer in self.graph.layers)
        foldings = dict(zip(names, design.foldings, strict=True))
        accelerator = lower(self.graph, foldings, self.output, self.fifo_depth)
        return Plan(foldings, accelerator, design.cost)

    def cheapest(self, cycles: int, within: Budget | None = None) -> Plan | None:
        """Of the designs of at most `cycles` a frame the one that takes least of the part; None where there is none.

        The least is the smallest sum of two shares: cells of the part's cells and blocks of its blocks.
        """
        of = part(self.target)
        found = self.designs(cycles, within)
        return self.plan(min(found, key=lambda design: _share(design.cost, of))) if found else None

    def fastest(self, within: Budget) -> Plan | None:
        """The cheapest of the fastest designs within the budget; None where not even the slowest fits."""
        steps = self.steps()
        low, high = 0, len(steps)  # the first step that fits; more cycles allow every design that fewer do
        while low < high:
            middle = (low + high) // 2
            if self.designs(steps[middle], within):
                high = middle
            else:
                low = middle + 1
        return self.cheapest(steps[low], within) if low < len(steps) else None

    def faster(self, plan: Plan) -> Plan | None:
        """The cheapest design that is faster than `plan`, whether it fits or not; None where there is none."""
        return self.cheapest(plan.cycles - 1)


def _share(cost: Resources, of: Part) -> tuple[float, int, int]:
    return cost.cells / of.cells + cost.brams / of.brams, cost.cells, cost.ffs


def _unbeaten(designs: Iterable[_Design], within: Budget | None) -> list[_Design]:
    """Those within the budget that no other equals or beats in both cells and blocks; ascending in cells."""
    kept: list[_Design] = []
    for design in sorted(designs, key=lambda each: (each.cost.cells, each.cost.brams, each.cost.ffs)):
        if within is not None and (design.cost.cells > within.cells or design.cost.brams > within.brams):
            continue
        if not kept or design.cost.brams < kept[-1].cost.brams:
            kept.append(design)
    return kept


def search(
    graph: g.Graph,
    within: Budget,
    cycles: int | None = None,
    output: Output = "class",
    fifo_depth: int = 0,
) -> Plan:
    """The cheapest design of at most `cycles` a frame, or without `cycles` the fastest, that fits the budget.

    Raises FoldingError where there is none: what binds, by how much, and what would be possible.
    """
    searched = Search(graph, within.target, output, fifo_depth)
    found = searched.fastest(within) if cycles is None else searched.cheapest(cycles, within)
    if found is None:
        raise FoldingError(_refusal(searched, within, cycles))
    return found


def _refusal(searched: Search, within: Budget, cycles: int | None) -> str:
    """What binds, by how much, and the way out."""
    slowest = searched.steps()[-1]
    wish = slowest if cycles is None else cycles
    every = searched.designs(wish)
    cells, brams = min(d.cost.cells for d in every), min(d.cost.brams for d in every)
    if cells > within.cells:
        binds = f"takes at least {cells:,} {cell_name(within.target)} of {within.cells:,} allowed"
    elif brams > within.brams:
        binds = f"takes at least {brams:,} memory blocks of {within.brams:,} allowed"
    else:
        one = min((d.cost for d in every if d.cost.cells <= within.cells), key=lambda cost: cost.brams)
        binds = (
            f"takes {one.brams:,} memory blocks of {within.brams:,} allowed where it keeps within "
            f"{within.cells:,} {cell_name(within.target)}"
        )
    ways = []
    if cycles is not None and (fits := searched.fastest(within)) is not None:
        ways.append(f"the fastest that fits takes {fits.cycles:,} cycles a frame")
    cheapest = searched.cheapest(wish)
    assert cheapest is not None
    ways.append(
        f"allow {cheapest.resources.cells:,} {cell_name(within.target)} and {cheapest.resources.brams:,} memory blocks"
    )
    speed = f"{wish:,} cycles a frame" if cycles is not None else f"the slowest folding, {slowest:,} cycles a frame,"
    return f"{searched.graph.name} on {within.target}: {speed} {binds}; {'; '.join(ways)}; or take a larger part"


def cell_name(target: str) -> str:
    return "logic cells" if part(target).family == "ice40" else "LUTs"
