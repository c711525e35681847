"""Every module alone: any folding, stalls on both sides, reset in mid-frame, and the cycles it promises."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache

import pytest
from bitneck.hw.simulation.runner import SimulatorName
from bitneck.hw.stages import Stage
from stage_bench import FASTEST, LARGE_PROMISES, PROMISES, refused, run_bench
from stage_cases import REFUSED, large_stages, stages

CASES = {stage.name: stage for stage in stages()}
LARGE = {stage.name: stage for stage in large_stages()}
ICARUS = shutil.which("iverilog") is not None


def few(cases: Mapping[str, Stage]) -> dict[str, Stage]:
    """Every other one of each module, the first among them."""
    modules = dict.fromkeys(stage.module for stage in cases.values())
    by_module = [[stage for stage in cases.values() if stage.module == module] for module in modules]
    return {stage.name: stage for row in by_module for stage in row[::2]}


# Where Icarus shows every case at every pace, Verilator shows another reading of the text and registers that start at
# random: with fewer cases, which take it long to compile, and four of nine paces.
BY: dict[SimulatorName, dict[str, Stage]] = (
    {"icarus": CASES, "verilator": few(CASES)} if ICARUS else {"verilator": CASES}
)
PACES = r"^(?!.*every_beat)|source=0\.0/sink=0\.[08]|source=0\.4/sink=0\.4|source=0\.8/sink=0\.0"
LEFT_OUT = 5  # of nine


@pytest.fixture(scope="module")
def complaints(tmp_path_factory) -> Callable[[SimulatorName], dict[str, dict[str, str | None]]]:
    @cache
    def of(simulator: SimulatorName) -> dict[str, dict[str, str | None]]:
        environment = {"COCOTB_TEST_FILTER": PACES} if ICARUS and simulator == "verilator" else {}
        return run_bench(simulator, BY[simulator], tmp_path_factory.mktemp(simulator), environment=environment)

    return of


@pytest.mark.parametrize(("simulator", "name"), [(simulator, name) for simulator in BY for name in BY[simulator]])
def test_stage_keeps_its_promises_in_simulation(complaints, simulator, name):
    found = complaints(simulator)[name]
    assert len(found) == PROMISES - (LEFT_OUT if ICARUS and simulator == "verilator" else 0)
    assert not {test: complaint for test, complaint in found.items() if complaint}


@pytest.fixture(scope="module")
def complaints_of_large(tmp_path_factory) -> dict[str, dict[str, str | None]]:
    return run_bench(FASTEST, LARGE, tmp_path_factory.mktemp("large"), large=LARGE)


@pytest.mark.parametrize("name", LARGE)
def test_stage_keeps_its_promises_at_every_size_that_is_shipped(complaints_of_large, name):
    assert len(complaints_of_large[name]) == LARGE_PROMISES
    assert not {test: complaint for test, complaint in complaints_of_large[name].items() if complaint}


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
@pytest.mark.parametrize(
    ("module", "parameters", "message"),
    [(module, parameters, message) for module, rows in REFUSED.items() for parameters, message in rows],
)
def test_parameters_that_cannot_be_stop_the_simulation_with_a_reason(tmp_path, module, parameters, message):
    assert message in refused(module, parameters, tmp_path)
