"""Bitstreams with open tools: as large, as fast and as repeatable as said, and what they emit are the golden codes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from bitneck.export.graph import Conv, Graph, Levels, Pool, Scores
from bitneck.flow import silicon
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import design
from bitneck.flow.folder import RunFolder, synthesis_of
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.boards.board import board
from bitneck.hw.costs.search import budget, search
from bitneck.hw.folding import fold
from bitneck.hw.parts import PARTS, PartError
from bitneck.hw.synthesis import yowasp
from bitneck.hw.synthesis.bitstream import NETLIST_VERILOG, Synthesis, Used, summary, synthesise
from bitneck.hw.synthesis.fitting import complaint
from bitneck.hw.synthesis.gates import judge_bitstream, judge_netlist
from bitneck.hw.synthesis.read_back import read_back
from bitneck.hw.synthesis.shell import Shell
from bitneck.hw.synthesis.targets import TARGETS, SynthesisError, target_of
from bitneck.hw.synthesis.utilisation import PORT, StageUse
from bitneck.hw.verilog import verilog
from bitneck.models.datasets import load
from pins import UP5K
from random_nets import random_frames, random_graph

SAMPLES = 100

icarus = pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
READERS = ("iverilog", "icebox_vlog")
read_back_here = pytest.mark.skipif(not all(map(shutil.which, READERS)), reason="no Icarus, or no fpga-icestorm")


@pytest.fixture(scope="module")
def digits(bitneck, tmp_path_factory) -> RunFolder:
    """digits-small, hardly trained, as a bitstream for the UP5K with its pins chosen."""
    folder = tmp_path_factory.mktemp("runs") / "digits-small"
    pins = folder.with_name("pins.pcf")
    pins.write_text(UP5K)
    for words in (("train", folder, "--epochs", 3), ("export", folder), ("build", folder)):
        result = bitneck(*words)
        assert result.exit_code == 0, result.output
    result = bitneck("synth", folder, "--target", "up5k", "--pins", pins)
    assert result.exit_code == 0, result.output
    assert "frames/s" in result.output
    return RunFolder(folder)


@pytest.fixture(scope="module")
def synthesis(digits) -> Synthesis:
    return silicon.synth(digits, "up5k", UP5K)


def design_of(digits: RunFolder) -> tuple[Graph, Accelerator]:
    graph = graph_of(digits)
    return graph, design(digits.config(), graph)


def small(target_cycles: int = 6) -> tuple[Graph, Accelerator]:
    graph = random_graph([12, 6, 5, 3], 1, name="little")
    return graph, lower(graph, fold(graph, target_cycles))


def test_every_cell_of_the_netlist_is_counted_once_and_to_its_stage(digits, synthesis):
    netlist = json.loads((digits.synthesis("up5k").parent / "netlist.json").read_text())
    types = [cell["type"] for cell in netlist["modules"][synthesis.top]["cells"].values()]
    assert synthesis.total("luts") == types.count("SB_LUT4")
    assert synthesis.total("carries") == types.count("SB_CARRY")
    assert synthesis.total("ffs") == sum(name.startswith("SB_DFF") for name in types)
    assert synthesis.total("brams") == sum(name.startswith("SB_RAM40") for name in types)
    stages = {stage.name: stage for stage in synthesis.stages}
    assert set(stages) == {stage.name for stage in design_of(digits)[1].stages} | {PORT}
    assert stages["dense1"].luts > stages["dense2"].luts > stages["argmax"].luts > 0
    assert stages[PORT].luts < 100


def test_rates_follow_from_the_clock_of_the_placed_design(digits, synthesis):
    assert synthesis.fits
    assert synthesis.fmax_mhz is not None
    assert 30 < synthesis.fmax_mhz < 100
    assert synthesis.cycles == 32
    assert synthesis.port_cycles == 128, "a byte a pixel"
    assert synthesis.frames_per_second == pytest.approx(synthesis.fmax_mhz * 1e6 / 32)
    assert synthesis.port_frames_per_second == pytest.approx(synthesis.fmax_mhz * 1e6 / 128)


def test_synthesis_is_kept_while_its_inputs_stay_and_made_anew_when_they_change(bitneck, digits, monkeypatch):
    before = digits.synthesis("up5k").stat().st_mtime_ns
    silicon.synth(digits, "up5k", UP5K)
    assert digits.synthesis("up5k").stat().st_mtime_ns == before

    def started(*_: object, **__: object) -> str:
        raise SynthesisError("started")

    monkeypatch.setattr("bitneck.hw.synthesis.bitstream.run", started)
    with pytest.raises(SynthesisError, match="started"):
        silicon.synth(digits, "up5k", UP5K.replace("clk 35", "clk 37"))
    assert digits.synthesis("up5k").stat().st_mtime_ns == before, "what was finished stays"
    record = digits.synthesis("up5k").read_text()
    digits.synthesis("up5k").write_text("{}")
    with pytest.raises(SynthesisError, match="started"):
        silicon.synth(digits, "up5k", UP5K)
    digits.synthesis("up5k").write_text(record)


def test_same_inputs_give_the_same_bitstream(tmp_path):
    _, accelerator = small()
    made = [synthesise(accelerator, verilog(accelerator), "up5k", tmp_path / name) for name in ("one", "two")]
    assert made[0] == made[1]
    assert made[0].bitstream is not None
    assert (tmp_path / "one" / "design.bin").read_bytes() == (tmp_path / "two" / "design.bin").read_bytes()


@pytest.mark.parametrize("target", [pytest.param("ecp5-25k", marks=pytest.mark.long), "xc7"])
def test_other_families_are_counted_and_placed_where_there_is_a_placer(digits, target):
    done = silicon.synth(digits, target)
    assert done.fits
    assert done.total("luts") > 50
    assert done.total("ffs") > 50
    assert (done.bitstream is None) == (done.fmax_mhz is None) == (target == "xc7")


@pytest.mark.parametrize(
    ("target", "simulator", "samples"),
    [
        ("up5k", "verilator", SAMPLES),
        pytest.param("up5k", "icarus", 20, marks=icarus),  # a quarter of a second a sample, but it knows undefined bits
        ("ecp5-25k", "verilator", SAMPLES),
        ("xc7", "verilator", SAMPLES),
    ],
)
def test_the_netlist_emits_the_golden_codes_of_every_layer(digits, tmp_path, target, simulator, samples):
    silicon.synth(digits, target, UP5K if target == "up5k" else None)
    graph, accelerator = design_of(digits)
    x = load("digits-twice", None).test_x[:samples]
    folder = digits.synthesis(target).parent
    judged = judge_netlist(Shell(accelerator), target_of(target), folder, x, graph(x), tmp_path, simulator)
    assert judged.samples == samples
    assert judged.streams == ("binarize", "dense1", "dense2", "scores", "output_bytes")
    assert judged.complaint is None


def net_of_maps() -> Graph:
    """Pixels of 3 bits, a padded convolution of 2-bit weights to three levels, the largest of four, scores."""
    rng = np.random.default_rng(5)
    levels = Levels(-1, 1, 3)
    weight = rng.integers(-1, 2, (2, 3, 3, 1)).astype(np.int8)
    spans = 7 * np.abs(weight).reshape(2, -1).sum(axis=1)
    threshold = np.stack([spans * 0.45, spans * 0.6], axis=1).astype(np.int32)
    conv = Conv("conv1", weight, threshold, (4, 4, 1), (1, 1), (1, 1, 1, 1), pad=3, takes=8, emits=levels)
    pool = Pool("pool1", (4, 4, 2), ("max",), (2, 2), (2, 2), takes=3, emits=levels)
    return Graph("maps", 3, (conv, pool, Scores(rng.random((3, 8)) < 0.5, takes=3)), (4, 4, 1))


@pytest.fixture(scope="module")
def maps(tmp_path_factory) -> tuple[Graph, Accelerator, Path]:
    """A net of maps on the UP5K, and the folder where its bitstream lies."""
    graph, folder = net_of_maps(), tmp_path_factory.mktemp("maps") / "synth"
    accelerator = lower(graph, fold(graph, 288))
    synthesise(accelerator, verilog(accelerator), "up5k", folder, UP5K)
    return graph, accelerator, folder


def test_the_netlist_of_a_net_of_maps_emits_the_golden_codes_of_every_layer(maps, tmp_path):
    """Windows beside the map too, which yosys once read as windows elsewhere."""
    graph, accelerator, synthesised = maps
    x = random_frames(graph, SAMPLES)
    trace = graph(x)
    assert len(np.unique(trace.codes["conv1"].levels(2))) == 3
    judged = judge_netlist(Shell(accelerator), target_of("up5k"), synthesised, x, trace, tmp_path / "judged")
    assert judged.streams == ("conv1", "pool1", "scores", "output_bytes")
    assert judged.complaint is None


def test_a_netlist_of_cells_without_a_model_is_refused(tmp_path):
    graph, accelerator = small()
    (tmp_path / NETLIST_VERILOG).write_text("module little_shell; DP16KD memory (); endmodule")
    x = random_frames(graph, 1)
    with pytest.raises(SynthesisError, match=r"LFE5U-25F.* has DP16KD, which yosys has no simulation model of"):
        judge_netlist(Shell(accelerator), target_of("ecp5-25k"), tmp_path, x, graph(x), tmp_path / "judged")


@pytest.fixture(scope="module")
def chip_of_digits(digits, tmp_path_factory) -> str:
    """Its bitstream, as Verilog again."""
    shell = Shell(design_of(digits)[1])
    return read_back(shell, target_of("up5k"), digits.synthesis("up5k").parent, tmp_path_factory.mktemp("chip"))


@read_back_here
def test_the_bitstream_read_back_emits_the_golden_codes_of_every_layer(digits, chip_of_digits, tmp_path):
    graph, accelerator = design_of(digits)
    x, shell, up5k = load("digits-twice", None).test_x[:SAMPLES], Shell(accelerator), target_of("up5k")
    judged = judge_bitstream(shell, up5k, chip_of_digits, x, graph(x), tmp_path / "judged")
    assert judged.samples == SAMPLES
    assert judged.streams == ("binarize", "dense1", "dense2", "scores", "output_bytes")
    assert judged.complaint is None


@read_back_here
def test_verify_puts_every_sample_through_the_gates_and_names_the_layer_that_differs(
    bitneck, digits, chip_of_digits, tmp_path, monkeypatch
):
    monkeypatch.setattr("bitneck.flow.gates.read_back", lambda *_: chip_of_digits)
    copy = RunFolder(shutil.copytree(digits.path, tmp_path / "digits-small"))
    for target in (path.name for path in copy.synth.iterdir() if path.name != "up5k"):
        shutil.rmtree(copy.synth / target)
    assert bitneck("simulate", copy.path, "--workers", 1).exit_code == 0
    result = bitneck("verify", copy.path, "--netlist")
    assert result.exit_code == 0, result.output
    assert "rtl = netlist up5k = bitstream up5k, as recorded" in result.output
    recorded = json.loads(copy.verification.read_text())
    assert all(row["rtl"] == row["netlist up5k"] == row["bitstream up5k"] for row in recorded["digests"].values())
    assert bitneck("verify", copy.path).exit_code == 0, "the columns are held against the files"
    path = copy.synth / "up5k" / "netlist.json"
    netlist = json.loads(path.read_text())
    cells = netlist["modules"]["digits_small__shell"]["cells"]
    cell = next(cells[name] for name in cells if "dense2.accumulators" in name and cells[name]["type"] == "SB_LUT4")
    table = cell["parameters"]["LUT_INIT"]
    cell["parameters"]["LUT_INIT"] = "".join("10"[int(bit)] for bit in table)
    path.write_text(json.dumps(netlist))
    assert "`bitneck verify" in bitneck("verify", copy.path).output, "it is not the netlist that was verified"
    monkeypatch.setattr("bitneck.flow.gates.culprits", lambda *_: [])  # it takes half a minute and has its own test
    result = bitneck("verify", copy.path, "--netlist")
    assert result.exit_code == 1
    assert "netlist up5k: dense2: neuron" in result.output
    assert "no single bit of a LUT explains it" in result.output


@pytest.fixture(scope="module")
def chip_of_maps(maps, tmp_path_factory) -> str:
    """The bitstream of the net of maps, as Verilog again."""
    _, accelerator, synthesised = maps
    return read_back(Shell(accelerator), target_of("up5k"), synthesised, tmp_path_factory.mktemp("chip"))


@read_back_here
def test_the_bitstream_of_a_net_of_maps_read_back_emits_the_golden_codes_of_every_layer(maps, chip_of_maps, tmp_path):
    graph, accelerator, _ = maps
    x = random_frames(graph, SAMPLES)
    judged = judge_bitstream(Shell(accelerator), target_of("up5k"), chip_of_maps, x, graph(x), tmp_path)
    assert judged.samples == SAMPLES
    assert judged.streams == ("conv1", "pool1", "scores", "output_bytes")
    assert judged.complaint is None


@read_back_here
def test_another_wire_under_the_name_of_a_map_in_the_bitstream_is_a_difference_of_that_map(
    maps, chip_of_maps, tmp_path
):
    """Names come from the placer: a wire that carries anything else must not pass for the stream's."""
    graph, accelerator, _ = maps
    x, name = random_frames(graph, 4), "wire \\_core.pool1_tdata[0] = "
    other = chip_of_maps.replace(name, f"{name}~")
    assert other != chip_of_maps
    judged = judge_bitstream(Shell(accelerator), target_of("up5k"), other, x, graph(x), tmp_path)
    assert judged.complaint is not None
    assert "pool1" in judged.complaint


def test_what_cannot_be_read_back_is_a_line(maps, tmp_path, monkeypatch):
    _, accelerator, synthesised = maps
    shell = Shell(accelerator)
    with pytest.raises(SynthesisError, match="only bitstreams of iCE40 can be read back"):
        read_back(shell, target_of("ecp5-25k"), synthesised, tmp_path)
    with pytest.raises(SynthesisError, match=r"has no pins.pcf.*give --pins to synth"):
        read_back(shell, target_of("up5k"), tmp_path, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SynthesisError, match="install the package fpga-icestorm"):
        read_back(shell, target_of("up5k"), synthesised, tmp_path)


def test_a_net_too_big_for_the_part_is_said_with_the_excess_and_a_folding_that_fits():
    graph = random_graph([784, 64, 64, 64, 10], 1, name="tfc")
    accelerator = lower(graph, fold(graph, 32))
    stages = tuple(
        {"name": stage.name, "luts": getattr(stage, "pe", 0) * getattr(stage, "simd", 0) * 2.5 + 50, "carries": 0,
         "ffs": 0, "brams": 0} for stage in accelerator.stages
    )  # fmt: skip

    done = Synthesis(
        "up5k", "", "tfc_shell", accelerator.cycles, 98, tuple(StageUse(**stage) for stage in stages),
        (Used("ICESTORM_LC", 11_000, 5280), Used("ICESTORM_RAM", 10, 30)), None, (), None, {}, {},
    )  # fmt: skip
    assert not done.fits
    line = complaint(graph, done)
    assert line is not None
    assert "11,000 ICESTORM_LC of 5,280 (5,720 too many)" in line
    cycles = int(re.search(r"target_cycles = (\d+)", line)[1])
    fits = search(graph, budget("up5k"), cycles).resources
    assert fits.cells <= 0.95 * 5280
    assert fits.brams <= 30
    lfc = random_graph([784, 1024, 1024, 1024, 10], 1, name="lfc")
    assert "no folding of it would, by estimate; take a larger part" in str(complaint(lfc, done))


def test_a_board_in_another_package_than_the_parts_is_said_to_be_in_it(digits, monkeypatch):
    def made(accelerator, files, target, folder, *_) -> Synthesis:
        folder.mkdir(parents=True)
        stages = (StageUse("dense1", 10, 0, 10, 0),)
        used = Used("TRELLIS_COMB", 10, 24_288), Used("DP16KD", 0, 56)
        return Synthesis("ecp5-25k", "0" * 64, "top", 8, 8, stages, used, 99.0, (), None, {}, {})

    monkeypatch.setattr(silicon, "synthesise", made)
    for name, package in (("icepi_zero", "CABGA256"), ("ulx3s_25f", "CABGA381")):
        done = silicon.synth(digits, board(name))
        assert summary(done).startswith(f"ECP5 LFE5U-25F, {package}: 10 logic cells")
        assert synthesis_of(digits, name) == done


def test_a_missing_wheel_and_an_unknown_part_are_a_line_each(bitneck, digits, monkeypatch):
    with pytest.raises(PartError, match="no target 'virtex'; choose one of up5k, hx8k"):
        target_of("virtex")
    assert tuple(PARTS) == tuple(TARGETS)
    monkeypatch.setattr(yowasp, "find_spec", lambda name: None)
    result = bitneck("synth", digits.path, "--target", "hx8k")
    assert result.exit_code == 2
    assert "pip install 'bitneck[synth]'" in result.output


def test_an_interrupt_ends_the_tool_and_leaves_nothing_half_written(digits, monkeypatch):
    processes = []
    real = subprocess.Popen

    def watched(*arguments, **options):
        processes.append(real(*arguments, **options))
        return processes[-1]

    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(yowasp.subprocess, "Popen", watched)
    with pytest.raises(KeyboardInterrupt):
        silicon.synth(digits, "ecp5-85k", tell=interrupt)
    assert processes
    assert all(process.poll() is not None for process in processes)
    assert not list(digits.synth.glob("ecp5-85k*"))


def test_a_design_that_yosys_refuses_is_a_line_with_its_first_error(tmp_path):
    _, accelerator = small()
    files = verilog(accelerator)
    with pytest.raises(SynthesisError, match=r"yosys failed .*nowhere"):
        synthesise(
            accelerator, files | {"little.sv": files["little.sv"].replace("mvtu #", "nowhere #")}, "xc7", tmp_path
        )


def test_sources_lie_beside_what_the_tools_said(digits):
    names = {path.name for path in Path(digits.synthesis("up5k").parent).iterdir()}
    assert {"yosys.log", "nextpnr-ice40.log", "icepack.log", "synth.json", "script.ys", "pins.pcf"} <= names
