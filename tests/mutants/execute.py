"""One mutant against the benches of `make test`: every case of `stage_cases` that its module is part of, on Icarus.

First the module's own cases, without back-pressure and then with it; then those of the modules around it. The first
complaint ends it.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from bitneck.hw.stages import Stage
from bitneck.hw.verilator import SimulationError
from bitneck.hw.verilog import library
from operators import Mutant
from stage_bench import FIXTURES, refused, run_bench
from stage_cases import REFUSED, stages

CPU_SECONDS = 60  # of one simulation: what takes longer loops without time passing
WITHOUT_BACK_PRESSURE = r"sink=0\.0|throughput"
WITH_BACK_PRESSURE = r"sink=0\.[1-9]|wait_for_ready"

State = Literal["killed", "survived", "does not compile"]


@dataclass(frozen=True)
class Fate:
    """back_pressure   whether the kill needed a sink that stalls; complaint   of the bench that killed it"""

    mutant: Mutant
    state: State
    back_pressure: bool = False
    complaint: str = ""


@cache
def modules_inside() -> dict[str, set[str]]:
    """By module, itself and all that it instantiates."""
    texts = {name.removesuffix(".sv"): text for name, text in {**library(), **FIXTURES}.items()}
    direct = {name: set(re.findall(r"^ *(\w+) #\(", text, re.MULTILINE)) & {*texts} for name, text in texts.items()}

    def reach(name: str) -> set[str]:
        return {name}.union(*(reach(inner) for inner in direct[name] - {name}))

    return {name: reach(name) for name in texts}


@cache
def cases_of(module: str) -> tuple[dict[str, Stage], ...]:
    """The cases that a module is part of: its own, then those of the modules around it."""
    found = [stage for stage in stages() if module in modules_inside()[stage.module]]
    own = {stage.name: stage for stage in found if stage.module == module}
    around = {stage.name: stage for stage in found if stage.module != module}
    return tuple(cases for cases in (own, around) if cases)


def execute(mutant: Mutant) -> Fate:
    with tempfile.TemporaryDirectory() as name:
        for place, cases in enumerate(cases_of(mutant.module)):
            for tests in (WITHOUT_BACK_PRESSURE, WITH_BACK_PRESSURE):
                folder = Path(name) / str(place)
                folder.mkdir(exist_ok=True)
                try:
                    complaint = _complaint(mutant, cases, folder, tests)
                except SimulationError as error:
                    if not (folder / "icarus" / "sim.vvp").exists():
                        return Fate(mutant, "does not compile", complaint=str(error))
                    complaint = "the simulation ended without results"
                if complaint:
                    return Fate(mutant, "killed", tests == WITH_BACK_PRESSURE, complaint)
        for parameters, message in REFUSED.get(mutant.module, []):
            folder = Path(name) / "refused"
            folder.mkdir(exist_ok=True)
            if message not in refused(mutant.module, parameters, folder, {f"{mutant.module}.sv": mutant.mutated}):
                return Fate(mutant, "killed", complaint=f"{parameters} is not refused")
    return Fate(mutant, "survived")


def _complaint(mutant: Mutant, cases: dict[str, Stage], folder: Path, tests: str) -> str | None:
    found = run_bench(
        "icarus",
        cases,
        folder,
        {f"{mutant.module}.sv": mutant.mutated},
        environment={"COCOTB_TEST_FILTER": tests, "COCOTB_MAX_FAILURES": "1"},
    )
    said = ((case, test, complaint) for case, by_test in found.items() for test, complaint in by_test.items())
    return next((f"{case}, {test.partition('/')[0]}: {complaint}" for case, test, complaint in said if complaint), None)


def execute_all(wanted: Sequence[Mutant], workers: int) -> Iterator[Fate]:
    """The fates in the order of `wanted`. Raises SimulationError without Icarus, or where an unharmed module fails."""
    if shutil.which("iverilog") is None:
        raise SimulationError("mutants need Icarus, which compiles one in a tenth of a second; install iverilog")
    texts = library()
    unharmed = [Mutant(module, "none", texts[f"{module}.sv"], 0, 0, "") for module in {each.module for each in wanted}]
    with ProcessPoolExecutor(workers, get_context("spawn"), _limit) as pool:
        for fate in pool.map(execute, unharmed):
            if fate.state != "survived":
                raise SimulationError(f"{fate.mutant.module} fails without a fault: {fate.complaint}")
        yield from pool.map(execute, wanted)


def _limit() -> None:
    """For the simulators that this process starts; and cocotb's runner is silenced."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # open as long as the process is
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, hard))
