"""Mutants against the benches of `make test`: every case of `stage_cases` that their module is part of, on Icarus.

First the module's own cases, without back-pressure and then with it; then those of the modules around it; then the
large ones. The first complaint ends it. A simulation holds many mutants of one module, each with its own clocks: most
of the time of one alone would be Python's start. The modules of links are in no stage: their benches, `link_benches`,
are Verilog alone, so each mutant has its own simulation.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from bitneck.hw.simulation.verilator import SimulationError
from bitneck.hw.stages import Stage
from bitneck.hw.verilog import library
from link_benches import UNBUILT
from link_benches import cases as link_cases
from operators import Mutant, mutants
from sized import Largest
from sizes import instances, largest, ranges
from stage_bench import FIXTURES, prefixed, refused, run_bench, top_of_all
from stage_cases import REFUSED, large_stages, stages

BATCH, FEW = 24, 4  # mutants in one simulation, of small stages and of large ones
STILLBORN = "does not compile at its largest, or not within the limits"
ENDED = "expected it would shut down the simulation"  # cocotb, of a $fatal or $finish
CPU_SECONDS = 120  # of one simulation: what takes longer loops without time passing
MEMORY_BYTES = 4 << 30  # of one: what takes more generates without end, and would take the machine with it
WITHOUT_BACK_PRESSURE = r"sink=0\.0|throughput|extremes"
WITH_BACK_PRESSURE = r"sink=0\.[1-9]|wait_for_ready|full_stage"

State = Literal["killed", "survived", "does not compile"]


@dataclass(frozen=True)
class Fate:
    """back_pressure   whether the kill needed a sink that stalls; complaint   of the bench that killed it"""

    mutant: Mutant
    state: State
    back_pressure: bool = False
    complaint: str = ""


@cache
def cases_of(module: str, large: bool = False) -> tuple[tuple[Stage, ...], ...]:
    """The cases that a module is part of: its own, then those of the modules around it.

    Of the large ones, which take long, those around it where it has none of its own, and in which it is itself larger
    than in any other.
    """
    found = [stage for stage in stages() if module in dict(instances(stage))]
    if large:
        most = ranges(found)
        found = [
            stage
            for stage in large_stages()
            if any(
                inner == module and any(number not in most[module, name] for name, number in numbers.items())
                for inner, numbers in instances(stage)
            )
        ]
    own = tuple(stage for stage in found if stage.module == module)
    around = () if large and own else tuple(stage for stage in found if stage.module != module)
    return tuple(cases for cases in (own, around) if cases)


def benched() -> list[str]:
    return [file.removesuffix(".sv") for file in library()]


@cache
def every_mutant(module: str) -> tuple[Mutant, ...]:
    """Of a module, those that only the largest bench shows included."""
    return tuple(mutants(module, library()[f"{module}.sv"], _largest()(module)))


@cache
def _largest() -> Callable[[str], Largest]:
    return largest([*stages(), *large_stages(), *(size for case in link_cases() for size in case.sizes)])


def execute(some: Sequence[Mutant]) -> list[Fate]:
    """The fates of some of one module, in their order."""
    fates: dict[Mutant, Fate] = {}
    if any(some[0].module in case.modules for case in link_cases()):
        return [_in_a_link(mutant) for mutant in some]
    with tempfile.TemporaryDirectory() as name:
        for mutant in some:
            if (fate := _stillborn(mutant, Path(name))) is not None:
                fates[mutant] = fate
    for large in (False, True):
        for cases in cases_of(some[0].module, large):
            for tests in (WITHOUT_BACK_PRESSURE, WITH_BACK_PRESSURE):
                alive = [mutant for mutant in some if mutant not in fates]
                step = FEW if large else BATCH
                for start in range(0, len(alive), step):
                    found = _complaints(alive[start : start + step], cases, tests, large)
                    for mutant, complaint in found.items():
                        state: State = "does not compile" if complaint == STILLBORN else "killed"
                        fates[mutant] = Fate(mutant, state, tests == WITH_BACK_PRESSURE, complaint)
    for mutant in some:
        if mutant not in fates and (complaint := _not_refused(mutant)):
            fates[mutant] = Fate(mutant, "killed", complaint=complaint)
    return [fates.get(mutant, Fate(mutant, "survived")) for mutant in some]


def _in_a_link(mutant: Mutant) -> Fate:
    """The fate of one of a module of links."""
    texts = {**library(), f"{mutant.module}.sv": mutant.mutated}
    for case in link_cases():
        if mutant.module in case.modules:
            with tempfile.TemporaryDirectory() as name:
                complaint = case.complaint(texts, Path(name))
            if complaint is not None:
                state: State = "does not compile" if complaint.startswith(UNBUILT) else "killed"
                return Fate(mutant, state, complaint=f"{case.name}: {complaint}")
    complaint = _not_refused(mutant)
    return Fate(mutant, "killed" if complaint else "survived", complaint=complaint or "")


def _stillborn(mutant: Mutant, folder: Path) -> Fate | None:
    """The fate of one that does not compile in all of its cases, or that refuses the parameters of one."""
    cases = {stage.name: stage for some in cases_of(mutant.module) for stage in some}
    files = {**library(), **FIXTURES, f"{mutant.module}.sv": mutant.mutated, "stages.sv": top_of_all(cases, {})}
    memories = {name: text for stage in cases.values() for name, text in stage.memories().items()}
    for name, text in {**files, **memories}.items():
        (folder / name).write_text(text)
    command = ["iverilog", "-g2012", "-s", "stages", "-o", "stages", *files]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if built.returncode:
        return Fate(mutant, "does not compile", complaint=built.stderr.strip().partition("\n")[0])
    started = subprocess.run(["vvp", "-n", "stages"], cwd=folder, capture_output=True, text=True)
    return Fate(mutant, "killed", complaint="stops at time zero") if started.returncode else None


def _complaints(some: Sequence[Mutant], cases: Sequence[Stage], tests: str, large: bool) -> dict[Mutant, str]:
    """The first complaint about each that has one. What brings the whole simulation to an end is looked for."""
    if not some:
        return {}
    with tempfile.TemporaryDirectory() as name:
        try:
            return _simulated(some, cases, tests, large, Path(name))
        except SimulationError:
            started = (Path(name) / "at").exists()
            if len(some) == 1:
                return {some[0]: "the simulation does not come to its end" if started else STILLBORN}
            at = (Path(name) / "at").read_text() if started else "m0_"
    suspect = int(at.partition("_")[0][1:])
    rest = [mutant for index, mutant in enumerate(some) if index != suspect]
    half = len(rest) // 2
    parts = [some[suspect : suspect + 1], rest[:half], rest[half:]]
    found = [_complaints(part, cases, tests, large) for part in parts]
    return {mutant: complaint for each in found for mutant, complaint in each.items()}


def _simulated(
    some: Sequence[Mutant], cases: Sequence[Stage], tests: str, large: bool, folder: Path
) -> dict[Mutant, str]:
    copies: dict[str, Stage] = {}
    files: dict[str, str] = {}
    prefixes, groups = {}, {}
    for index, mutant in enumerate(some):
        files |= prefixed({**library(), **FIXTURES, f"{mutant.module}.sv": mutant.mutated}, f"m{index}_")
        for stage in cases:
            name = f"m{index}_{stage.name}"
            copies[name] = replace(stage, name=name)  # type: ignore[type-var]
            prefixes[name] = groups[name] = f"m{index}_"
    environment = {"COCOTB_TEST_FILTER": tests}
    sizes = copies if large else ()
    found = run_bench("icarus", copies, folder, files, prefixes, groups, sizes, environment)
    if any(ENDED in complaint for row in found.values() for complaint in row.values() if complaint):
        raise SimulationError("a mutant ended the simulation")
    complaints = {}
    for index, mutant in enumerate(some):
        for stage in cases:
            for test, complaint in found[f"m{index}_{stage.name}"].items():
                if complaint:
                    complaints.setdefault(mutant, f"{stage.name}, {test.partition('/')[0]}: {complaint}")
    return complaints


def _not_refused(mutant: Mutant) -> str | None:
    for parameters, message in REFUSED.get(mutant.module, []):
        with tempfile.TemporaryDirectory() as name:
            files = {f"{mutant.module}.sv": mutant.mutated}
            if message not in refused(mutant.module, parameters, Path(name), files):
                return f"{parameters} is not refused"
    return None


def execute_all(wanted: Sequence[Mutant], workers: int) -> Iterator[Fate]:
    """The fates as they are known. Raises SimulationError without Icarus, or where an unharmed module fails.

    With the mutants of a module goes the module without a fault: what kills that is no proof of anything.
    """
    if shutil.which("iverilog") is None:
        raise SimulationError("mutants need Icarus, which compiles one in a tenth of a second; install iverilog")
    texts = library()
    batches = []
    for module in dict.fromkeys(mutant.module for mutant in wanted):
        row = [mutant for mutant in wanted if mutant.module == module]
        row.insert(0, Mutant(module, "none", texts[f"{module}.sv"], 0, 0, ""))
        batches += [row[start : start + BATCH] for start in range(0, len(row), BATCH)]
    with ProcessPoolExecutor(workers, get_context("spawn"), limit, max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(execute, batch) for batch in batches]):
            for fate in done.result():
                if fate.mutant.operator != "none":
                    yield fate
                elif fate.state != "survived":
                    raise SimulationError(f"{fate.mutant.module} fails without a fault: {fate.complaint}")


def limit() -> None:
    """For the simulators that this process starts; and cocotb's runner is silenced.

    The limit of CPU time holds for this process, too, which outlives many of them: it goes on where it is told of it,
    while they, to whom a handler is not handed down, end.
    """
    signal.signal(signal.SIGXCPU, lambda *_: None)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # open as long as the process is
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, hard))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))
