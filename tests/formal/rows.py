"""The table: a row is one property of one stage, with the faults that its proof must refute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bitneck.hw.verilog import library
from faults import FAULTS, Fault
from prover import Verdict, decide, lifted, unchained
from subjects import PROPERTIES, READY_PASSES, STAGES, STEPS, harness, shape

CLAIMS = {
    "stable": "valid holds and data is stable under a stall",
    "emptied": "after a reset nothing is offered and a beat is taken",
    "moving": "no deadlock: a beat leaves within a bound of smooth cycles",
    "paced": "cycles a frame are exactly those promised, after any stalls",
    "answered": "nothing lost or doubled, order kept, every answer golden",
    "unchained": "no path from ready to valid, or from valid to ready",
}


@dataclass(frozen=True)
class Row:
    stage: str
    property: str

    @property
    def shape(self) -> str:
        return shape(STAGES[self.stage])

    @property
    def faults(self) -> tuple[Fault, ...]:
        return FAULTS[self.property, self.stage]

    def prove(self, fault: Fault | None = None) -> Verdict:
        """The verdict on the stage as it is, or with a fault."""
        stage = STAGES[self.stage]
        rtl = lifted_library() if fault is None else fault.applied(lifted_library())
        if self.property == "unchained":
            return unchained({**rtl, "harness.sv": harness(stage, "")}, ready_passes=stage.module in READY_PASSES)
        files = {**rtl, **checkers(), "harness.sv": harness(stage, PROPERTIES[self.property](stage))}
        return decide(files, STEPS.get((self.property, self.stage)))


ROWS = [Row(stage, claim) for claim in CLAIMS for stage in STAGES if (claim, stage) in FAULTS]


@cache
def lifted_library() -> Mapping[str, str]:
    return {name: lifted(text) for name, text in library().items()}


@cache
def checkers() -> Mapping[str, str]:
    return {path.name: path.read_text() for path in Path(__file__).parent.glob("*.sv")}
