"""The keystone, whole: torch = QONNX = graph = RTL in every bit of every layer; and whatever is planted is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from bitneck.export.graph import Graph
from bitneck.flow.config import changed, from_preset
from bitneck.flow.files import read_arrays, read_trace, write_arrays
from bitneck.flow.folder import RunFolder
from bitneck.flow.run import analyze
from bitneck.ib_analysis.codes import Codes, Trace
from threadpoolctl import threadpool_limits


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    """A copy to do damage to."""
    shutil.copytree(finished_run, tmp_path / "digits")
    return RunFolder(tmp_path / "digits")


def test_four_sources_emit_the_same_codes_for_every_sample(finished_run):
    verification = json.loads(RunFolder(finished_run).verification.read_text())
    assert verification["equal"]
    assert verification["samples"] == 1797
    assert list(verification["digests"]) == ["binarize", "dense1", "dense2", "scores"]
    for row in verification["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1
    assert verification["cycles_per_frame"] == verification["promised_cycles"] == 32


def test_the_codes_that_were_measured_are_the_codes_that_the_chip_emitted(finished_run):
    run = RunFolder(finished_run)
    rtl, measured = read_trace(run.trace), read_trace(run.epoch_codes(run.captured_epochs()[-1]))
    assert (rtl.source, measured.source) == ("rtl", "torch")
    assert {name: codes.digest() for name, codes in rtl.layers().items()} == {
        name: codes.digest() for name, codes in measured.layers().items()
    }


def test_the_analysis_has_the_same_bytes_on_one_core_and_on_two(run):
    found = {}
    for threads in (1, 2):
        with threadpool_limits(threads):
            analyze(run)
        found[threads] = run.plane.read_bytes()
    assert found[1] == found[2]


def test_a_folding_by_hand_is_built_and_simulated(bitneck, run):
    text = run.config_file.read_text()
    lanes = {"dense1": [8, 8], "dense2": [4, 16], "scores": [1, 16]}
    folding = "".join(f"{name} = {pair}\n" for name, pair in lanes.items())
    by_hand = f"[hardware.folding]\n{folding}[hardware.rom_style]\ndense1 = 'block'\n"
    run.config_file.write_text(text.replace("[analysis]", f"{by_hand}[analysis]").replace("target_cycles = 32\n", ""))
    for verb in ("build", "simulate", "verify"):
        result = bitneck(verb, run.path)
        assert result.exit_code == 0, result.output
    verification = json.loads(run.verification.read_text())
    assert verification["cycles_per_frame"] == 8 * 16


def test_cocotb_proves_the_same_as_the_library(bitneck, run, monkeypatch):
    monkeypatch.chdir(run.path.parent)
    result = bitneck("simulate", run.path.name, "--tier", "cocotb")
    assert result.exit_code == 0, result.output
    by_cocotb = json.loads(run.verification.read_text())
    assert by_cocotb["equal"]
    assert by_cocotb["tier"] == "cocotb on verilator"
    assert by_cocotb["cycles_per_frame"] == 32


def flip_bit_of_first_word(path: Path) -> None:
    words = path.read_text().split("\n")
    words[0] = f"{int(words[0], 16) ^ 1:0{len(words[0])}x}"
    path.write_text("\n".join(words))


def flipped_weight(run: RunFolder) -> str:
    flip_bit_of_first_word(run.rtl / "digits__dense1_weights.mem")
    return "dense1: neuron 0, sample "


def flipped_threshold(run: RunFolder) -> str:
    flip_bit_of_first_word(run.rtl / "digits__dense2_thresholds.mem")
    return "dense2: neuron 0, sample "


def inverted_code_in_the_rtl(run: RunFolder) -> str:
    path = run.rtl / "digits__mvtu.sv"
    text = path.read_text()
    assert text.count("assign code[p] = !") == 1
    path.write_text(text.replace("assign code[p] = !", "assign code[p] = (p == 1) ^ !"))
    return "dense1: neuron 1, sample 0: "


def flipped_code(run: RunFolder) -> str:
    path = run.epoch_codes(run.captured_epochs()[-1])
    trace = Trace.from_arrays(read_arrays(path))
    packed = trace.codes["dense2"].packed.copy()
    packed[1234, 2] ^= 1 << 3
    codes = {**trace.codes, "dense2": Codes(packed, trace.codes["dense2"].width)}
    write_arrays(path, Trace("torch", codes, trace.scores, trace.fan_in).arrays())
    return "dense2: neuron 19, sample 1234: torch says "


def flipped_weight_of_the_graph(run: RunFolder) -> str:
    graph = Graph.from_arrays(read_arrays(run.graph))
    weight = graph["dense1"].weight
    weight[3] = ~weight[3]
    write_arrays(run.graph, graph.arrays())
    return "dense1: neuron 3, sample "


@pytest.mark.parametrize(
    "plant",
    [flipped_weight, flipped_threshold, inverted_code_in_the_rtl, flipped_code, flipped_weight_of_the_graph],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_fault_is_caught_and_named(bitneck, run, plant):
    where = plant(run)
    result = bitneck("simulate", run.path)
    assert result.exit_code == 1, result.output
    line = next(line for line in result.output.splitlines() if where in line)
    assert "accumulator" in line
    assert "threshold" in line
    assert not json.loads(run.verification.read_text())["equal"]


@pytest.mark.parametrize("tier", ["library", "cocotb"])
def test_a_file_that_is_gone_is_not_replaced_by_that_of_an_earlier_simulation(bitneck, run, tier):
    (run.rtl / "digits__dense1_weights.mem").unlink()
    before = run.verification.read_bytes()
    result = bitneck("simulate", run.path, "--tier", tier)
    assert result.exit_code == 2, result.output
    assert "rtl lacks digits__dense1_weights.mem; `bitneck build" in result.output
    assert run.verification.read_bytes() == before


def test_a_fault_in_the_argmax_is_seen_at_the_chips_own_output(bitneck, run):
    path = run.rtl / "digits__argmax.sv"
    text = path.read_text()
    assert text.count("|| lead[SCORE_WIDTH];") == 1
    path.write_text(text.replace("|| lead[SCORE_WIDTH];", "|| lead[SCORE_WIDTH] || lead == '0;"))
    result = bitneck("simulate", run.path)
    assert result.exit_code == 1, result.output
    assert "class: sample " in result.output


@pytest.mark.parametrize("sign", ["rsign", "swish-sign"])
def test_every_sign_of_the_paper_is_proven_and_learnt_thresholds_cost_the_hardware_nothing(bitneck, tmp_path, sign):
    config = tmp_path / "mine.toml"
    config.write_text(changed(from_preset("twelve"), network__activation=sign, training__epochs=8).toml())
    run = RunFolder(tmp_path / "twelve")
    result = bitneck("run", run.path, "--config", config)
    assert result.exit_code == 0, result.output
    assert json.loads(run.verification.read_text())["equal"]
    assert {path.stem for path in run.rtl.glob("*_thresholds.mem")} == {
        f"twelve__dense{i}_thresholds" for i in range(1, 6)
    }
    if sign == "rsign":
        learnt = [
            array for name, array in read_arrays(run.checkpoint).items() if "shift" in name or "threshold" in name
        ]
        assert any(np.abs(array).max() > 1e-3 for array in learnt if array.size)


@pytest.mark.parametrize("preset", ["tfc"])
def test_mnist_is_proven_the_same_way(bitneck, mnist_folder, tmp_path, preset):
    folder = RunFolder(tmp_path / preset)
    result = bitneck("run", folder.path, "--epochs", 1, "--brackets", 0, "--data-dir", mnist_folder)
    assert result.exit_code == 0, result.output
    verification = json.loads(folder.verification.read_text())
    assert verification["equal"]
    assert verification["samples"] == 10_000
    assert verification["cycles_per_frame"] == verification["promised_cycles"] == 64
    assert np.isclose(
        verification["accuracy"], json.loads(str(read_arrays(folder.checkpoint)["history"]))[-1]["test_accuracy"]
    )
