"""What a netlist and a placer's report say, as numbers by stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from ..parts import Family, counted
from .targets import SynthesisError

PORT = "byte port"  # whatever belongs to no stage: the shell around the core


@dataclass(frozen=True)
class StageUse:
    """Cells of one stage in yosys' netlist. `estimated` LUTs, where somebody estimated."""

    name: Annotated[str, Field(min_length=1)]
    luts: Annotated[int, Field(ge=0)]
    carries: Annotated[int, Field(ge=0)]
    ffs: Annotated[int, Field(ge=0)]
    brams: Annotated[int, Field(ge=0)]
    estimated: FiniteFloat | None = None

    @property
    def error(self) -> float | None:
        """Of the estimate, as a fraction of what it is; None without an estimate or without a LUT."""
        return None if self.estimated is None or not self.luts else self.estimated / self.luts - 1


def by_stage(
    netlist: Mapping[str, Any],
    top: str,
    instances: Mapping[str, str],
    family: Family,
    estimated: Mapping[str, float] | None = None,
) -> tuple[StageUse, ...]:
    """Cells of a flattened netlist, given to the stage under whose instance path they lie.

    instances   path of a stage's instance below `top` → name of the stage, in order
    """
    types: dict[str, list[str]] = {name: [] for name in (*instances.values(), PORT)}
    for name, cell in netlist["modules"][top]["cells"].items():
        types[stage_of(name, instances)].append(cell["type"])
    estimates = estimated or {}
    uses = (StageUse(name, **counted(of, family), estimated=estimates.get(name)) for name, of in types.items())
    return tuple(use for use in uses if use.name != PORT or any((use.luts, use.carries, use.ffs, use.brams)))


def stage_of(cell: str, instances: Mapping[str, str]) -> str:
    """The stage that a cell belongs to, PORT where it is none's. Tools put words of theirs in front of the path."""
    path = cell.replace("\\", "")
    return next((stage for prefix, stage in instances.items() if f"{prefix}." in path), PORT)


def placed(log: str) -> dict[str, tuple[int, int]]:
    """nextpnr's own count: resource → used, available."""
    found = re.findall(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", log, re.MULTILINE)
    return {name: (int(used), int(available)) for name, used, available in found}


SYSTEM_CLOCK = "system_clk"  # what a top calls the clock of its core, where it has another at its pins too


def timing(report: Mapping[str, Any], instances: Mapping[str, str]) -> tuple[float, list[str]]:
    """MHz of the core's clock, and the stages along its longest path.

    Raises SynthesisError where another clock, of Ethernet, is slower than its pins.
    """
    clocks = list(report["fmax"])
    if len(clocks) > 1:
        clocks = [clock for clock in clocks if SYSTEM_CLOCK in clock]
    assert len(clocks) == 1, f"one clock of the core expected, there are {list(report['fmax'])}"
    clock = clocks[0]
    for name, mhz in report["fmax"].items():
        if name != clock and mhz["achieved"] < mhz["constraint"]:
            raise SynthesisError(
                f"{name}: placed, with the best seed, it takes {mhz['achieved']:.1f} MHz, and its pins want "
                f"{mhz['constraint']:g}; a smaller design leaves the placer more room"
            )
    longest = [path["path"] for path in report["critical_paths"] if clock in path["from"] and clock in path["to"]]
    cells = [step[end]["cell"] for step in (longest[0] if longest else []) for end in ("from", "to")]
    return float(report["fmax"][clock]["achieved"]), list(dict.fromkeys(stage_of(cell, instances) for cell in cells))
