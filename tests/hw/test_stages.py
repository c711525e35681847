"""Every module alone: any folding, stalls on both sides, reset in mid-frame, and the cycles it promises."""

from __future__ import annotations

import shutil

import pytest
from stage_bench import PROMISES, refused, run_bench
from stage_cases import REFUSED, stages

CASES = {stage.name: stage for stage in stages()}
SIMULATORS = [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")),
]


@pytest.fixture(scope="module", params=SIMULATORS)
def complaints(request, tmp_path_factory) -> dict[str, dict[str, str | None]]:
    return run_bench(request.param, CASES, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("name", CASES)
def test_stage_keeps_its_promises_in_simulation(complaints, name):
    assert len(complaints[name]) == PROMISES
    assert not {test: complaint for test, complaint in complaints[name].items() if complaint}


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
@pytest.mark.parametrize(
    ("module", "parameters", "message"),
    [(module, parameters, message) for module, rows in REFUSED.items() for parameters, message in rows],
)
def test_parameters_that_cannot_be_stop_the_simulation_with_a_reason(tmp_path, module, parameters, message):
    assert message in refused(module, parameters, tmp_path)
