"""Every module alone: any folding, stalls on both sides, reset in mid-frame, and the cycles it promises."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from bitneck.hw.packing import Beats
from bitneck.hw.runner import run_cocotb
from bitneck.hw.stages import Stage
from bitneck.hw.verilog import instance, library, module, stream_ports

from stage_cases import stages

FRAMES = 6
CASES = {stage.name: stage for stage in stages()}
SIMULATORS = ["verilator", pytest.param("icarus", marks=pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus"))]


def numbers(beats: Beats) -> list[int]:
    """Each beat as an integer, bit 0 the lowest index."""
    return [int.from_bytes(np.packbits(beat, bitorder="little").tobytes(), "little") for beat in beats]


def stimulus(stage: Stage) -> dict[str, object]:
    sent = np.random.default_rng(2).random((FRAMES * stage.in_beats, stage.in_width)) < 0.5
    return {
        "sent": numbers(sent),
        "expected": numbers(stage(sent)),
        "in_beats": stage.in_beats,
        "out_beats": stage.out_beats,
        "cycles": stage.cycles,
        "patience": 40 * stage.cycles + 200,
    }


def top_of_all() -> str:
    """One module with every case as an instance: one build serves the whole grid."""
    ports, body = ["input  wire clk", "input  wire rst"], []
    for name, stage in CASES.items():
        ports += stream_ports(f"{name}_s_axis", stage.in_width, sends=False)
        ports += stream_ports(f"{name}_m_axis", stage.out_width, sends=True)
        source, target = ([f"{name}_{side}_{wire}" for wire in ("tdata", "tvalid", "tready")] for side in ("s_axis", "m_axis"))
        body += instance(stage, source, target)
    return module("stages", ports, body, "Every stage of the grid.")


@pytest.fixture(scope="module", params=SIMULATORS)
def complaints(request, tmp_path_factory) -> dict[str, str | None]:
    """Of every cocotb test, by its name."""
    folder = tmp_path_factory.mktemp(request.param)
    memories = {name: text for stage in CASES.values() for name, text in stage.memories().items()}
    for name, text in {**library(), **memories, "stages.sv": top_of_all()}.items():
        (folder / name).write_text(text)
    (folder / "cases.json").write_text(json.dumps({name: stimulus(stage) for name, stage in CASES.items()}))
    sources = sorted(folder.glob("*.sv"))
    here = str(Path(__file__).parent)
    options = ["-Wno-fatal", "--x-assign", "unique", "--x-initial", "unique"]
    return run_cocotb(
        request.param, sources, "stages", "bench_stream", folder, options, environment={"PYTHONPATH": here}
    )


@pytest.mark.parametrize("name", CASES)
def test_stage_keeps_its_promises_in_simulation(complaints, name):
    case = f"/case={list(CASES).index(name)}/"  # cocotb names a string parameter by its place
    mine = {test: complaint for test, complaint in complaints.items() if case in f"{test}/"}
    assert len(mine) == 9 + 1 + 1
    assert not {test: complaint for test, complaint in mine.items() if complaint}
