"""Verbs around runs: a run.toml that explains itself, runs side by side, what this machine lacks."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tomllib

import pytest
from bitneck.flow import doctor
from bitneck.flow.config import RunConfig, from_preset, from_toml
from bitneck.flow.reference import commented, schema
from bitneck.models.config import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_commented_file_says_what_its_preset_says(name):
    assert from_toml(commented(from_preset(name)), "run.toml") == from_preset(name)


def test_a_commented_file_holds_every_field_with_its_meaning_and_what_is_set_is_what_is_no_default():
    text = commented(from_preset("twelve"))
    for section, of in schema()["$defs"].items():
        for field, what in of["properties"].items():
            assert f"{field} =" in text or f".{field}]" in text, (section, field)
            assert " ".join(what["description"].split()) in " ".join(text.replace("\n# ", " ").split()), field
    set_ = tomllib.loads(text)
    assert set_["training"] == {"epochs": 300, "batch_size": 256, "cosine": False}
    assert "# learning_rate = 0.01" in text
    assert "# at the start (number, above 0; default 0.01)" in text


def test_what_is_uncommented_is_taken():
    text = (
        commented(from_preset("digits")).replace("# seed = 0", "seed = 3").replace("# target =\n", 'target = "up5k"\n')
    )
    config = from_toml(text, "run.toml")
    assert (config.training.seed, config.hardware.target) == (3, "up5k")


def test_every_field_of_a_run_says_what_it_is():
    silent = [
        f"{section}.{field}"
        for section, of in [("", RunConfig.model_json_schema()), *RunConfig.model_json_schema()["$defs"].items()]
        for field, what in of["properties"].items()
        if "description" not in what and "$ref" not in what
    ]
    assert silent == []


def test_init_writes_a_run_that_can_be_trained_and_replaces_none(bitneck, tmp_path):
    folder = tmp_path / "my-run"
    done = bitneck("init", folder, "--preset", "twelve")
    assert done.exit_code == 0, done.output
    before = (folder / "run.toml").read_text()
    assert from_toml(before, "").name == "my_run"
    assert bitneck("init", folder).exit_code == 2
    assert (folder / "run.toml").read_text() == before
    edited = before.replace("epochs = 300", "epochs = 2")
    (folder / "run.toml").write_text(edited)
    trained = bitneck("train", folder)
    assert trained.exit_code == 0, trained.output
    assert (folder / "run.toml").read_text() == edited  # comments and all


def test_runs_stand_side_by_side_with_what_differs(bitneck, finished_run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished_run, other)
    text = (other / "run.toml").read_text()
    (other / "run.toml").write_text(text.replace('output = "class"', 'output = "scores"'))
    done = bitneck("compare", finished_run, other)
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith("hardware.output")]
    assert line.split() == ["hardware.output", "class", "scores"]
    said = json.loads(bitneck("compare", finished_run, other, "--json").output)
    assert [each["what"] for each in said["differences"]] == ["hardware.output"]
    assert said["runs"][0]["equal"] is True


def test_other_codes_are_told_by_layer(bitneck, finished_run, tmp_path):
    assert bitneck("run", tmp_path / "digits", "--epochs", 1, "--brackets", 1).exit_code == 0
    differ = json.loads(bitneck("compare", finished_run, tmp_path / "digits", "--json").output)["differences"]
    whats = [each["what"] for each in differ]
    assert whats[0] == "training.epochs"
    assert "codes of dense1, sha256" in whats


def test_a_table_of_runs_for_a_spreadsheet_and_for_a_program(bitneck, finished_run, tmp_path):
    assert bitneck("train", tmp_path / "twelve", "--epochs", 1).exit_code == 0
    runs = (finished_run, tmp_path / "twelve")
    read = list(csv.DictReader(io.StringIO(bitneck("table", *runs, "--csv").output)))
    said = json.loads(bitneck("table", *runs, "--json").output)["runs"]
    assert [each["run"] for each in read] == ["digits", "twelve"] == [each["run"] for each in said]
    assert read[0]["equal"] == "True"
    assert read[1]["equal"] == ""
    assert float(read[0]["test_accuracy"]) == said[0]["test_accuracy"]
    assert said[0]["scores_i_ty_bits"] > 0
    table = bitneck("table", *runs)
    assert table.exit_code == 0, table.output
    assert "digits" in table.output


def test_one_run_compares_with_nothing(bitneck, finished_run):
    done = bitneck("compare", finished_run)
    assert (done.exit_code, done.output) == (2, "bitneck: one run compares with nothing; name two or more\n")


def test_doctor_names_what_is_missing_and_how_to_get_it(bitneck, monkeypatch):
    done = bitneck("doctor")
    assert done.exit_code == 0, done.output
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor, "_version", lambda distribution: None)
    done = bitneck("doctor")
    assert done.exit_code == 1
    assert "simulation builds with it; install g++" in done.output
    assert "pip install 'bitneck[train]'" in done.output
    said = json.loads(bitneck("doctor", "--json").output)["found"]
    assert {each["what"] for each in said if each["needed"] and not each["found"]} == {"g++", "make", "perl"}
