"""verify computes again what verify.json says, and names both values where they differ."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from bitneck.flow import silicon
from bitneck.flow.files import read_arrays, read_record, read_row, write_arrays, write_record
from bitneck.flow.folder import RunFolder
from bitneck.hw.accelerator import Accelerator
from bitneck.hw.synthesis.bitstream import Synthesis, design_digest


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    """A copy to do damage to."""
    shutil.copytree(finished_run, tmp_path / "digits")
    return RunFolder(tmp_path / "digits")


def edit(run: RunFolder, change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Changes verify.json as whoever wrote it could; gives what it was."""
    was, values = read_row(run.verification), read_row(run.verification)
    values.pop("sha256")
    change(values)
    write_record(run.verification, values)
    return was


def test_every_number_that_can_be_computed_again_is_named_with_both_values(bitneck, run):
    wrong = {"accuracy": 0.9999, "cycles_per_frame": 3.0, "promised_cycles": 31, "samples": 1796, "layers": 5}
    wrong |= {"name": "other", "data_sha256": "00" * 32, "latency_cycles": 162, "equal": False}
    was = edit(run, lambda values: values.update(wrong))
    result = bitneck("verify", run.path)
    assert result.exit_code == 1, result.output
    lines = result.output.splitlines()
    for name, value in wrong.items():
        assert [line for line in lines if f"{name}: verify.json says {value}, " in line and str(was[name]) in line], (
            name
        )
    text = run.verification.read_text()
    run.verification.write_text(text.replace("0.9999", "0.9998"))
    assert "verify.json was changed after it was written" in bitneck("verify", run.path).output
    assert "verify.json is damaged (it was changed after" in bitneck("report", run.path).output


@pytest.mark.parametrize(
    ("name", "value", "truth"),
    [
        ("accuracy", 0.9999, "trace.npz by labels.npz says {}"),
        ("cycles_per_frame", 33.0, "the design promises {:g}"),
    ],
)
def test_a_page_is_not_made_of_a_record_that_the_files_contradict(bitneck, run, name, value, truth):
    was = edit(run, lambda values: values.update({name: value}))
    result = bitneck("report", run.path)
    assert result.exit_code == 2
    assert f"{name}: verify.json says {value}, {truth.format(was[name])}" in result.output


@pytest.mark.parametrize("source", ["qonnx", "graph", "rtl"])
def test_the_digests_of_every_source_are_computed_again(bitneck, run, source):
    edit(run, lambda values: values["digests"]["dense2"].update({source: "ab" * 32}))
    result = bitneck("verify", run.path)
    assert result.exit_code == 1
    assert f"dense2: {source} has sha256 " in result.output
    assert "verify.json says abababababab" in result.output
    assert "equal: verify.json says True, its digests, differences and judges say False" in result.output


def test_a_difference_that_is_not_there_and_one_that_was_taken_out_are_named(bitneck, run):
    was = edit(run, lambda values: values.update(mismatches=["dense1: neuron 0, sample 2: so it goes"]))
    result = bitneck("verify", run.path)
    assert result.exit_code == 1
    assert "verify.json has ['dense1: neuron 0, sample 2: so it goes'], the files give none" in result.output
    path = run.rtl / "digits__scores_weights.mem"
    words = path.read_text().split()
    path.write_text("\n".join([f"{int(words[0], 16) ^ 1:0{len(words[0])}x}", *words[1:]]) + "\n")
    assert bitneck("simulate", run.path).exit_code == 1
    edit(run, lambda values: values.update(mismatches=[], digests=was["digests"], equal=True))
    result = bitneck("verify", run.path)
    assert result.exit_code == 1
    assert "mismatches: verify.json has none, the files give ['scores: class 0, sample 0: torch says" in result.output


def judged(values: dict[str, Any], **changes: object) -> None:
    torch = {layer: {"torch": row["torch"], "a on b": row["torch"]} for layer, row in values["digests"].items()}
    values["judges"] = [{"tool": "a", "reads": "b", "samples": 1797, "digests": torch} | changes]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samples": 1798}, "a on b: verify.json says 1798 samples, the run has 1797"),
        ({"samples": 256}, "a on b, binarize: verify.json has torch's sha256 as "),
        ({"digests": {}}, "a on b, dense1: verify.json has torch's sha256 as None, its codes give "),
    ],
)
def test_what_a_judge_said_is_held_against_the_codes_of_torch(bitneck, run, changes, said):
    edit(run, judged)
    assert bitneck("verify", run.path).exit_code == 0
    edit(run, lambda values: judged(values, **changes))
    result = bitneck("verify", run.path)
    assert result.exit_code == 1
    assert said in result.output


def test_a_judge_that_differs_without_a_word_is_named(bitneck, run):
    def differs(values: dict[str, Any]) -> None:
        judged(values)
        values["judges"][0]["digests"]["dense1"]["a on b"] = "cd" * 32

    edit(run, differs)
    result = bitneck("verify", run.path)
    assert result.exit_code == 1
    assert "a on b: verify.json names no difference, its digests differ" in result.output


@pytest.mark.parametrize("name", ["model.onnx", "streamlined.onnx", "standard.onnx", "graph.npz", "trace.npz"])
def test_every_file_that_was_exported_or_simulated_is_that_of_the_record(bitneck, run, name):
    path = run.path / name
    path.write_bytes(path.read_bytes() + b"\x00")
    result = bitneck("verify", run.path)
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1
    assert f"{name} has sha256 " in result.output
    assert "`bitneck simulate" in result.output


def test_classes_that_left_the_chip_are_part_of_the_trace_and_of_the_accuracy(run, finished_run):
    arrays, record = read_arrays(run.trace), json.loads(run.verification.read_text())
    labels = read_arrays(run.codes / "labels.npz")["labels"]
    assert record["accuracy"] == (arrays["classes"] == labels).mean() == (arrays["scores"].argmax(1) == labels).mean()


def test_frames_that_take_other_cycles_than_promised_are_a_difference(bitneck, run, monkeypatch):
    monkeypatch.setattr(Accelerator, "cycles", property(lambda self: 31))
    result = bitneck("simulate", run.path)
    assert result.exit_code == 1
    assert "different cycles: 32 a frame measured, 31 promised" in result.output
    assert json.loads(run.verification.read_text())["equal"] is False


def test_a_page_is_not_made_of_other_files_than_those_that_were_proven(bitneck, run):
    run.config_file.write_text(run.config_file.read_text().replace("target_cycles = 32", "target_cycles = 64"))
    assert bitneck("build", run.path).exit_code == 0
    result = bitneck("report", run.path)
    assert result.exit_code == 2
    assert re.search(r"rtl/\S+ has sha256 ", result.output)


def test_what_cannot_be_simulated_again_is_held_against_what_the_design_allows(bitneck, run, monkeypatch):
    monkeypatch.setattr("bitneck.flow.proof.measured_again", lambda *_: None)
    assert bitneck("verify", run.path).exit_code == 0
    for latency in (31, 9999):
        edit(run, lambda values, latency=latency: values.update(latency_cycles=latency))
        result = bitneck("verify", run.path)
        assert result.exit_code == 1
        assert f"latency_cycles: verify.json says {latency}, the design allows 32 to " in result.output


def test_other_labels_than_those_captured_confirm_no_accuracy(bitneck, run):
    path = run.codes / "labels.npz"
    write_arrays(path, {"labels": np.roll(read_arrays(path)["labels"], 1)})
    for verb in ("verify", "report"):
        result = bitneck(verb, run.path)
        assert result.exit_code == 2
        assert "labels.npz is not what the training captured" in result.output


RESULT = {
    "target": "up5k",
    "inputs": "12" * 32,
    "top": "digits__shell",
    "cycles": 32,
    "port_cycles": 128,
    "slowest": [],
}
RESULT |= {"resources": [{"name": f"ICESTORM_{kind}", "used": 1, "available": 30} for kind in ("LC", "RAM")]}
RESULT |= {"stages": [{"name": "dense1", "luts": 7, "carries": 3, "ffs": 6, "brams": 1, "estimated": None}]}
RESULT |= {"fmax_mhz": 48.0, "bitstream": ["design.bin", sha256(b"bits").hexdigest()], "tools": {}, "seconds": {}}


@pytest.fixture
def synthesised(run):
    """A copy for which something was synthesised, as the tools leave it."""
    folder = run.synthesis("up5k").parent
    shutil.copytree(run.rtl, folder)
    (folder / "design.bin").write_bytes(b"bits")
    design = design_digest({path.name: path.read_text() for path in run.rtl.iterdir()})
    write_record(run.synthesis("up5k"), RESULT | {"design": design})
    return run


def test_a_page_says_where_something_else_was_synthesised_than_lies_there(bitneck, synthesised):
    said = "up5k: synthesised from other files than lie in rtl/ now"
    assert bitneck("report", synthesised.path).exit_code == 0
    assert said not in synthesised.report.read_text()
    assert bitneck("build", synthesised.path).exit_code == 0
    values = read_row(synthesised.synthesis("up5k"))
    values.pop("sha256")
    write_record(synthesised.synthesis("up5k"), values | {"design": "ab" * 32})
    assert bitneck("report", synthesised.path).exit_code == 0
    assert said in synthesised.report.read_text()


def test_a_bitstream_that_is_not_the_one_that_was_made_is_made_again(synthesised, monkeypatch):
    asked, made = [], read_record(synthesised.synthesis("up5k"), Synthesis)
    monkeypatch.setattr(silicon, "digest", lambda *_: made.inputs)
    monkeypatch.setattr(silicon, "synthesise", lambda *_: asked.append(1) or made)
    assert silicon.synth(synthesised, "up5k") == made
    assert not asked
    (synthesised.synthesis("up5k").parent / "design.bin").write_bytes(b"bots")
    assert silicon.synth(synthesised, "up5k") == made
    assert asked
