"""Every module alone: any folding, stalls on both sides, reset in mid-frame, and the cycles it promises."""

from __future__ import annotations

import shutil

import pytest
from stage_bench import FASTEST, LARGE_PROMISES, PROMISES, refused, run_bench
from stage_cases import REFUSED, large_stages, stages

CASES = {stage.name: stage for stage in stages()}
LARGE = {stage.name: stage for stage in large_stages()}
SIMULATORS = [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")),
]

# Registers that start at random and another reader of the same text: what pace a stream has is shown with Icarus.
FEW_PACES = r"^(?!.*every_beat)|source=0\.0/sink=0\.[08]|source=0\.4/sink=0\.4|source=0\.8/sink=0\.0"
LEFT_OUT = 5 if shutil.which("iverilog") else 0  # paces of nine


@pytest.fixture(scope="module", params=SIMULATORS)
def complaints(request, tmp_path_factory) -> tuple[int, dict[str, dict[str, str | None]]]:
    """How many tests there are of each stage, and what they complain about."""
    few = request.param == "verilator" and LEFT_OUT > 0
    environment = {"COCOTB_TEST_FILTER": FEW_PACES} if few else {}
    found = run_bench(request.param, CASES, tmp_path_factory.mktemp(request.param), environment=environment)
    return PROMISES - (LEFT_OUT if few else 0), found


@pytest.mark.parametrize("name", CASES)
def test_stage_keeps_its_promises_in_simulation(complaints, name):
    promises, found = complaints
    assert len(found[name]) == promises
    assert not {test: complaint for test, complaint in found[name].items() if complaint}


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
