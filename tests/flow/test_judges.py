"""Other people's tools judge a run's files; whatever is planted in a file is named by those that read it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from bitneck.export.judges import finn
from bitneck.flow import judges as judging
from bitneck.flow.files import read_arrays, write_arrays
from bitneck.flow.folder import RunFolder
from onnx import numpy_helper

pytestmark = pytest.mark.filterwarnings("ignore:.*mapping.TENSOR_TYPE:DeprecationWarning")  # finn-base's own
with_finn = pytest.mark.skipif(finn.available() is not None, reason=str(finn.available()))
HERE = [f"{judge.tool} on {judge.reads}" for judge in judging.JUDGES if judge.missing() is None]


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    """A copy to do damage to."""
    shutil.copytree(finished_run, tmp_path / "digits")
    return RunFolder(tmp_path / "digits")


def recorded(run: RunFolder) -> dict[str, dict]:
    return {f"{row['tool']} on {row['reads']}": row for row in json.loads(run.verification.read_text())["judges"]}


@with_finn
def test_every_judge_agrees_in_every_layer_and_is_recorded_and_shown(bitneck, run):
    four = json.loads(run.verification.read_text())["digests"]
    result = bitneck("verify", run.path, "--judges")
    assert result.exit_code == 0, result.output
    rows = recorded(run)
    assert [name for name, row in rows.items() if not row["skipped"]] == HERE
    assert len(rows) == len(judging.JUDGES)
    for name, row in ((name, rows[name]) for name in HERE):
        assert row["mismatch"] is None
        assert row["version"]
        assert list(row["digests"]) == ["binarize", "dense1", "dense2", "scores"]
        whole = row["samples"] == 1797
        assert whole or name == "finn-base on streams and memories"
        for layer, said in row["digests"].items():
            assert list(said) == ["torch", name]
            assert said["torch"] == said[name]
            assert (said[name] == four[layer]["torch"]) == whole
    again = bitneck("verify", run.path)
    assert again.exit_code == 0
    assert again.output.count("every layer equal") == len(HERE)
    assert bitneck("report", run.path).exit_code == 0
    page = run.report.read_text()
    assert page.count(">✓<") == 4 * len(HERE)
    assert page.count('<td class="good">equal') == len(HERE)


def change(path, tensor: str, edit: Callable[[np.ndarray], None]) -> None:
    model = onnx.load(str(path))
    (found,) = (entry for entry in model.graph.initializer if entry.name == tensor)
    values = numpy_helper.to_array(found).copy()
    edit(values)
    found.CopyFrom(numpy_helper.from_array(values, tensor))
    onnx.save(model, str(path))


def raise_threshold(values: np.ndarray) -> None:
    values[5] += 4


def planted_in_streamlined(run: RunFolder) -> tuple[str, set[str]]:
    change(run.streamlined, "dense2.thresholds", raise_threshold)
    return "dense2: neuron 5, sample ", {"qonnx on streamlined.onnx", "finn-base on streamlined.onnx"}


def planted_in_standard(run: RunFolder) -> tuple[str, set[str]]:
    change(run.standard, "dense1.threshold", raise_threshold)
    return "dense1: neuron 5, sample ", {"onnxruntime on standard.onnx"}


def planted_in_model(run: RunFolder) -> tuple[str, set[str]]:
    change(run.model, "dense1.midpoint", raise_threshold)
    return "dense1: neuron 5, sample ", {name for name in HERE if name.endswith(" on model.onnx")}


def planted_in_a_memory(run: RunFolder) -> tuple[str, set[str]]:
    path = run.rtl / "digits__scores_weights.mem"
    words = path.read_text().split("\n")
    words[0] = f"{int(words[0], 16) ^ 1:0{len(words[0])}x}"
    path.write_text("\n".join(words))
    return "scores: class 0, sample 0: ", {"finn-base on streams and memories"}


@with_finn
@pytest.mark.parametrize(
    "plant",
    [planted_in_streamlined, planted_in_standard, planted_in_model, planted_in_a_memory],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_fault_is_named_by_exactly_those_who_read_the_file(bitneck, run, plant):
    where, who = plant(run)
    result = bitneck("verify", run.path, "--judges")
    assert result.exit_code == 1, result.output
    rows = recorded(run)
    assert {name for name, row in rows.items() if row["mismatch"]} == who
    for name in who:
        assert rows[name]["mismatch"].startswith(where)
        assert f"torch says {1 if 'dense' in where else ''}" in rows[name]["mismatch"]
        assert f"{name} says " in rows[name]["mismatch"]
        assert "accumulator" in rows[name]["mismatch"]
        assert rows[name]["mismatch"] in result.output
    assert not json.loads(run.verification.read_text())["equal"]
    assert bitneck("verify", run.path).exit_code == 1, "the record still says so"
    assert bitneck("report", run.path).exit_code == 0
    assert "different" in run.report.read_text()


def test_a_missing_judge_is_skipped_in_one_sentence_and_the_others_go_on(bitneck, run, monkeypatch):
    absent = tuple(
        replace(judge, missing=lambda: "finn is not installed here") if judge.tool.startswith("finn") else judge
        for judge in judging.JUDGES
    )
    monkeypatch.setattr(judging, "JUDGES", absent)
    result = bitneck("verify", run.path, "--judges")
    assert result.exit_code == 0, result.output
    assert result.output.count("skipped: finn is not installed here") == len(absent) - 3
    assert [name for name, row in recorded(run).items() if not row["skipped"]] == [
        "qonnx on streamlined.onnx",
        "onnxruntime on model.onnx",
        "onnxruntime on standard.onnx",
    ]
    assert bitneck("report", run.path).exit_code == 0
    assert "finn is not installed here" in run.report.read_text()


def test_a_record_of_other_codes_is_not_confirmed(bitneck, run):
    assert bitneck("verify", run.path).exit_code == 0
    path = run.epoch_codes(run.captured_epochs()[-1])
    arrays = read_arrays(path)
    arrays["codes/dense2"][1234, 0] ^= 1
    write_arrays(path, arrays)
    before = run.verification.read_text()
    for words in ((), ("--judges",)):
        result = bitneck("verify", run.path, *words)
        assert result.exit_code == 1
        assert "different dense2: torch has sha256 " in result.output
        assert "bitneck simulate" in result.output
        assert run.verification.read_text() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda run: (run.rtl / "digits__mvu.sv").write_text("// nothing"),
        lambda run: (run.rtl / "digits__dense1_weights.mem").unlink(),
        lambda run: (run.rtl / "other.sv").write_text(""),
        lambda run: run.model.write_bytes(run.model.read_bytes() + b"\n\x00"),
        lambda run: run.model.unlink(),
    ],
    ids=["another module", "no memory", "one more file", "another model", "no model"],
)
def test_a_record_of_other_files_is_not_confirmed(bitneck, run, change):
    change(run)
    before = run.verification.read_text()
    result = bitneck("verify", run.path)
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1
    assert "verify.json says" in result.output
    assert run.verification.read_text() == before


@with_finn
@pytest.mark.parametrize("text", ["", "zz\n", "00\n"])
def test_a_memory_that_nobody_can_read_is_named_in_one_line(bitneck, run, text):
    (run.rtl / "digits__dense1_weights.mem").write_text(text)
    result = bitneck("verify", run.path, "--judges")
    assert result.exit_code == 2, result.output
    assert "digits__dense1_weights.mem in rtl/ is damaged" in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("lost", "way_out"),
    [("verify.json", "bitneck simulate"), ("standard.onnx", "bitneck export"), ("streamlined.onnx", "bitneck export")],
)
def test_what_is_missing_is_named_with_the_verb_that_makes_it(bitneck, run, lost, way_out):
    (run.path / lost).unlink()
    result = bitneck("verify", run.path, "--judges")
    assert result.exit_code == 2
    assert way_out in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize("file", ["streamlined.onnx", "standard.onnx", "model.onnx"])
def test_a_damaged_file_is_named_in_one_line_and_the_record_stays_as_it_was(bitneck, run, file):
    path, before = run.path / file, run.verification.read_text()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = bitneck("verify", run.path, "--judges")
    assert result.exit_code == 2, result.output
    assert file in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert run.verification.read_text() == before
