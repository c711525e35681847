"""Builds one top module of many stages and runs `bench_stream` on it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import cast

import numpy as np
from bitneck.hw.packing import Beats
from bitneck.hw.simulation.runner import SimulatorName, run_cocotb
from bitneck.hw.stages import Stage, Window
from bitneck.hw.synthesis.gates import RANDOM_START
from bitneck.hw.verilog import instance, library, module, stream_ports
from map_cases import held_by_window
from stimulus import directed_beats, random_beats

FRAMES, FEW_FRAMES = 6, 3
PROMISES = 9 + 1 + 1 + 1 + 2 + 1  # tests that `bench_stream` makes of every stage
LARGE_PROMISES = 2 + 1 + 1 + 1 + 1 + 1  # of a large one
FIXTURES = {"framed.sv": Path(__file__).with_name("framed.sv").read_text()}
FASTEST: SimulatorName = "icarus" if shutil.which("iverilog") else "verilator"  # for a few frames: nothing to compile

# Registers start with random bits, as they do on a chip: what a reset forgets is seen.
VERILATOR = ["-Wno-fatal", "--x-assign", "unique", "--x-initial", "unique"]


def numbers(beats: Beats) -> list[int]:
    """Each beat as an integer, bit 0 the lowest index."""
    return [int.from_bytes(np.packbits(beat, bitorder="little").tobytes(), "little") for beat in beats]


def holds(stage: Stage) -> int:
    """Beats that go in while none is taken out: what each register, bank and buffer is there for."""
    beats, times = stage.in_beats, stage.out_beats
    match stage.module:
        case "fifo":
            return int(stage.parameters()["DEPTH"]) + 1  # and the output register
        case "dwc_up":
            return stage.out_width // stage.in_width
        case "dwc_down":
            return 1
        case "argmax":
            return beats
        case "argmax_tree":
            return stage.out_width  # a frame in every round
        case "skid":
            return 2
        case "binarize":
            return 2 + (beats > 1)  # a skid behind a register row, which constants do without
        case "dense" | "dense_scores":
            return 3  # the register row too
        case "replay":
            return 2 * beats if times > beats else 0  # two banks
        case "mvtu" | "mvlu" | "scores" | "scaled_scores":
            # Two answers in the skid, and those in the rows in front of it; the pipeline has read three beats more.
            rows, cols, pe, simd = (int(stage.parameters()[name]) for name in ("ROWS", "COLS", "PE", "SIMD"))
            replayed = "OWN" not in stage.parameters()  # inputs of their own are those of one row fold
            rows_before = 3 + ("CODE_BITS" in stage.parameters())
            beats, times = cols // simd, rows // pe if replayed else 1
            answers = {"mvlu": 4, "scaled_scores": 4 + (beats == 1)}.get(stage.module, 3)
            if times == 1:
                return answers * beats + rows_before
            read = answers * beats + rows_before + 1  # and one in the register of the replay buffer
            return beats * (2 + read // (beats * times))  # banks that are read for the last time are filled again
        case "window":
            return held_by_window(cast(Window, stage))
        case "pool" | "pool_sum":
            return int(stage.parameters()["TAPS"])
        case "cut":
            return 1
        case "threshold_step" | "thresholding" | "integrate":
            return 3
        case "pass_sum":
            return stage.in_beats - stage.out_beats + 1
        case "argmax_spread":
            return beats
    return 0


def case_of(stage: Stage, large: bool, group: str | None) -> dict[str, object]:
    """What the bench knows of a stage: streams. A large one gets fewer random frames and fewer tests."""
    sent, directed = random_beats(stage, FEW_FRAMES if large else FRAMES), directed_beats(stage)
    return {
        "sent": numbers(sent),
        "expected": numbers(stage(sent)),
        "directed": numbers(directed),
        "answers": numbers(stage(directed)),
        "in_beats": stage.in_beats,
        "out_beats": stage.out_beats,
        "cycles": stage.cycles,
        "holds": holds(stage),
        "patience": 40 * stage.cycles + 200,
        "large": large,
        "group": group,
    }


def top_of_all(cases: Mapping[str, Stage], prefixes: Mapping[str, str]) -> str:
    """One module with every case as an instance: one build serves all. prefixes   of a case's module, by case

    Each has a clock of its own: what is not under test costs nothing.
    """
    ports, body = [], []
    for name, stage in cases.items():
        ports += [f"input  wire {name}_clk", f"input  wire {name}_rst"]
        ports += stream_ports(f"{name}_s_axis", stage.in_width, sends=False)
        ports += stream_ports(f"{name}_m_axis", stage.out_width, sends=True)
        source, target = (
            [f"{name}_{side}_{wire}" for wire in ("tdata", "tvalid", "tready")] for side in ("s_axis", "m_axis")
        )
        first, clocked, *rest = instance(stage, source, target)
        assert clocked.strip() == ".clk, .rst,"
        body += [prefixes.get(name, "") + first, f"  .clk({name}_clk), .rst({name}_rst),", *rest]
    return module("stages", ports, body, "Every case of the bench.")


def prefixed(files: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The library with other module names, so that it can live beside the original."""
    modules = "|".join(name.removesuffix(".sv") for name in files)
    return {f"{prefix}{name}": re.sub(rf"\b({modules})(?= #\()", rf"{prefix}\1", text) for name, text in files.items()}


def run_bench(
    simulator: SimulatorName,
    cases: Mapping[str, Stage],
    folder: Path,
    others: Mapping[str, str] | None = None,
    prefixes: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
    large: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[str, dict[str, str | None]]:
    """The complaint of every test of `bench_stream` about every case, None where it passed.

    others        files to compile beside the library, or in place of its own
    prefixes      by case: whose modules it is built from, where not the library's
    groups        by case: the name of those that are not tested on when a test has complained about one of them
    large         cases of many cycles or many wires: fewer frames, and fewer tests with stalls
    environment   more of it, for cocotb
    """
    memories = {name: text for stage in cases.values() for name, text in stage.memories().items()}
    top = {"stages.sv": top_of_all(cases, prefixes or {})}
    rows = {name: case_of(stage, name in large, (groups or {}).get(name)) for name, stage in cases.items()}
    data = {"cases.json": json.dumps(rows)}
    for name, text in {**library(), **FIXTURES, **(others or {}), **memories, **top, **data}.items():
        if not (folder / name).exists() or (folder / name).read_text() != text:  # what is built, stays built
            (folder / name).write_text(text)
    here = {"PYTHONPATH": str(Path(__file__).parent), **(environment or {})}
    words = RANDOM_START if simulator == "verilator" else []
    found = run_cocotb(
        simulator, sorted(folder.glob("*.sv")), "stages", "bench_stream", folder, VERILATOR, words, environment=here
    )
    return {
        case: {test: complaint for test, complaint in found.items() if f"/case={case}/" in f"{test}/"} for case in cases
    }


def refused(module: str, parameters: Mapping[str, int], folder: Path, others: Mapping[str, str] | None = None) -> str:
    """What Icarus says of a module with parameters that it cannot have, at time zero."""
    for name, text in {**library(), **(others or {})}.items():
        (folder / name).write_text(text)
    values = ", ".join(f".{name}({value})" for name, value in parameters.items())
    (folder / "wrong.sv").write_text(f"module wrong; {module} #({values}) harmed (); endmodule\n")
    sources = sorted(path.name for path in folder.glob("*.sv"))
    built = subprocess.run(
        ["iverilog", "-g2012", "-s", "wrong", "-o", "wrong", *sources], cwd=folder, capture_output=True
    )
    if built.returncode:
        return built.stderr.decode()
    done = subprocess.run(["vvp", "-n", "wrong"], cwd=folder, capture_output=True, text=True)
    return done.stdout if done.returncode else ""
