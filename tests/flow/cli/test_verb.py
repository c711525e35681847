"""What every verb has: JSON for programs, silence, steps, a log, examples that are commands; and a run that is done."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from bitneck.flow import reference
from bitneck.flow.cli.verbs import app
from bitneck.flow.reference import schema
from typer.main import get_command

VERBS = get_command(app).commands
EXAMPLE = re.compile(r"^- `bitneck (.*)`$", re.M)


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_two_commands_that_are_understood(verb):
    examples = EXAMPLE.findall(VERBS[verb].help)
    assert len(examples) >= 2
    for example in examples:
        name, *words = example.partition(" > ")[0].split()
        assert name == verb
        VERBS[verb].make_context(verb, words)  # refuses options and values that it does not have


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_speaks_to_programs_is_silent_explains_and_keeps_a_log(verb):
    options = {option for parameter in VERBS[verb].params for option in parameter.opts}
    assert {"--json", "--quiet", "-q", "--verbose", "-v", "--log"} <= options


def test_json_is_all_of_standard_output_and_says_what_the_lines_say(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    said = json.loads(bitneck("build", tmp_path / "digits", "--json").stdout)
    assert said["cycles"] == 32
    assert [stage["stage"] for stage in said["stages"]][-1] == "argmax"
    proof = json.loads(bitneck("simulate", tmp_path / "digits", "--json").stdout)
    assert (proof["equal"], proof["samples"], proof["cycles_per_frame"]) == (True, 1797, 32)
    assert set(proof["digests"]["dense1"]) == {"torch", "qonnx", "graph", "rtl"}
    measured = json.loads(bitneck("analyze", tmp_path / "digits", "--json").stdout)
    assert [row["layer"] for row in measured["layers"]] == ["binarize", "dense1", "dense2", "scores"]


def test_json_holds_the_error_too_and_the_exit_code_stays(bitneck, tmp_path):
    done = bitneck("simulate", tmp_path / "no", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"] == done.stderr.removeprefix("bitneck: ").strip()


def test_json_of_a_difference_is_whole_and_exits_with_1(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    (tmp_path / "digits" / "standard.onnx").write_bytes(b"")
    done = bitneck("verify", tmp_path / "digits", "--json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert said["equal"] is False
    assert "standard.onnx" in said["stale"][0]


def test_quiet_says_nothing_but_errors(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    assert bitneck("build", tmp_path / "digits", "-q").output == ""
    assert bitneck("build", tmp_path / "no", "-q").output.startswith("bitneck: ")
    assert bitneck("build", tmp_path / "digits").stdout.startswith("build ")  # it does not last


def test_verbose_tells_steps_on_standard_error(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    done = bitneck("simulate", tmp_path / "digits", "-v")
    assert re.search(r"^ +[\d.]+ s  simulate: 1,797 of 1,797 frames simulated", done.stderr, re.M)
    assert "1,797 of 1,797" not in done.stdout


def test_a_log_grows_by_every_command_with_steps_results_and_errors(bitneck, finished_run, tmp_path):
    log = tmp_path / "bitneck.log"
    shutil.copytree(finished_run, tmp_path / "digits")
    bitneck("build", tmp_path / "digits", "-q", "--log", log)
    bitneck("build", tmp_path / "no", "--log", log)
    bitneck("table", tmp_path / "digits", "--log", log)
    text = log.read_text()
    assert re.search(r"^\d{4}-\S+ \S+ DEBUG build: folding$", text, re.M)
    assert re.search(r"INFO  build: \d+ stages, 32 cycles a frame", text)
    assert re.search(r"ERROR bitneck: .*run.toml is missing", text)
    assert "test_accuracy" in text
    lost = bitneck("table", tmp_path / "digits", "--log", tmp_path / "no" / "log")
    assert (lost.exit_code, lost.output.count("\n")) == (2, 1)


def test_a_run_that_is_done_says_so_and_touches_nothing(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")  # with the times of its files
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "digits").rglob("*")}
    done = bitneck("run", tmp_path / "digits")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("done ")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "digits").rglob("*")} == before


@pytest.mark.parametrize("artefact", ["verify.json", "rtl/digits.sv", "plane.json", "plane.html", "graph.npz"])
def test_a_run_that_lacks_anything_is_not_done(bitneck, finished_run, tmp_path, artefact):
    shutil.copytree(finished_run, tmp_path / "digits")
    (tmp_path / "digits" / artefact).unlink()
    done = bitneck("run", tmp_path / "digits", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["done"] is False
    assert (tmp_path / "digits" / artefact).exists()


def test_a_page_older_than_what_it_shows_is_drawn_anew(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    page = tmp_path / "digits" / "report.html"
    os.utime(page, (1, 1))
    assert json.loads(bitneck("run", tmp_path / "digits", "--json").stdout)["done"] is False
    assert page.stat().st_mtime > 1


def test_the_schema_that_is_printed_and_shipped_is_that_of_a_run(bitneck):
    printed = bitneck("schema").output
    assert json.loads(printed) == schema()
    assert Path(reference.__file__).with_name("run.schema.json").read_text() == printed  # bitneck schema > that file
