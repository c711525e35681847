"""The command line: goes on after an interruption, loses nothing, and says what is wrong in one line."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import pytest
from bitneck.flow.config import changed, from_preset
from bitneck.flow.folder import RunFolder


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_interrupted_training_goes_on_to_the_same_bytes(bitneck, tmp_path):
    command = [sys.executable, "-m", "bitneck", "train", str(tmp_path / "broken"), "--preset", "digits"]
    process = subprocess.Popen([*command, "--epochs", "60"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not RunFolder(tmp_path / "broken").checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130, message
    assert message.splitlines()[-1].startswith("interrupted; ")
    assert 0 < len(flow_history(tmp_path / "broken")) <= 60
    assert bitneck("train", tmp_path / "broken").exit_code == 0
    assert bitneck("train", tmp_path / "whole", "--preset", "digits", "--epochs", 60).exit_code == 0
    assert files(tmp_path / "broken") == files(tmp_path / "whole")


def test_an_interrupt_between_loading_and_the_verb_is_one_line_too():
    late = "import os, signal, bitneck.__main__, bitneck.flow.cli.verbs as verbs"
    strike = "verbs.app = lambda: os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run(
        [sys.executable, "-c", f"{late}; {strike}; bitneck.__main__.main()"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def flow_history(folder):
    from bitneck.flow.folder import history

    return history(RunFolder(folder))


def test_the_same_run_gives_the_same_bytes(bitneck, finished_run, tmp_path):
    """Into another folder; but for the measured speed of the simulation."""
    again = tmp_path / "digits"
    assert bitneck("run", again, "--epochs", 6, "--brackets", 1).exit_code == 0
    first, second = files(finished_run), files(again)
    timed = {"verify.json", "report.html"}
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name] and name not in timed] == []


def test_generated_files_name_no_folder_of_this_machine(finished_run):
    here = str(finished_run.parent).encode()
    kept = files(finished_run)
    assert [name for name, content in kept.items() if here in content] == []


@pytest.mark.parametrize(
    ("verb", "lost", "way_out"),
    [
        ("export", "run.toml", "bitneck train"),
        ("export", "checkpoint", "bitneck train"),
        ("build", "graph.npz", "bitneck export"),
        ("simulate", "rtl", "bitneck build"),
        ("analyze", "codes", "bitneck train"),
        ("report", "verify.json", "bitneck simulate"),
        ("report", "plane.json", "bitneck analyze"),
    ],
)
def test_a_verb_says_what_it_lacks_and_which_verb_makes_it(bitneck, finished_run, tmp_path, verb, lost, way_out):
    shutil.copytree(finished_run, tmp_path / "digits")
    path = tmp_path / "digits" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = bitneck(verb, tmp_path / "digits")
    assert result.exit_code == 2
    assert way_out in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "x", "--preset", "digit"], "did you mean 'digits'?"),
        (["train", "x", "--preset", "tfc", "--data-dir", "nowhere"], "nowhere: no such folder"),
        (["train", "digits", "--epochs", "0"], "training.epochs: Input should be greater than or equal to 1"),
        (["train", "x", "--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_bad_options_get_one_line_with_the_way_out(bitneck, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    result = bitneck(*words)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_configuration_with_an_unknown_key_names_the_nearest(bitneck, finished_run, tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text((finished_run / "run.toml").read_text().replace("target_cycles", "target_cycle"))
    result = bitneck("train", tmp_path / "x", "--config", config)
    assert result.exit_code == 2
    assert "did you mean 'target_cycles'?" in result.output


def test_a_float_net_is_refused_where_codes_and_hardware_are_meant(bitneck, finished_run, tmp_path):
    config = tmp_path / "float.toml"
    config.write_text(
        (finished_run / "run.toml").read_text().replace('activation = "approx-sign"', 'activation = "tanh"')
    )
    result = bitneck("train", tmp_path / "x", "--config", config)
    assert result.exit_code == 2
    assert "a net of tanh has no codes" in result.output
    assert not (tmp_path / "x").exists()


def test_a_folder_made_for_something_else_is_left_alone(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    before = files(tmp_path / "digits")
    result = bitneck("train", tmp_path / "digits", "--seed", 7)
    assert result.exit_code == 2
    assert "says otherwise about training" in result.output
    assert files(tmp_path / "digits") == before


def test_an_impossible_folding_is_refused_with_the_legal_ones(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    config = tmp_path / "digits" / "run.toml"
    config.write_text(
        config.read_text()
        + "\n[hardware.folding]\nbinarize = [2, 1]\ndense1 = [7, 8]\ndense2 = [8, 5]\nscores = [5, 2]\n"
    )
    result = bitneck("build", tmp_path / "digits")
    assert result.exit_code == 2
    assert "dense1: PE=7 does not divide" in result.output
    assert "choose one of [1, 2," in result.output
    assert (tmp_path / "digits" / "rtl" / "digits.sv").exists()


def test_rtl_built_for_another_folding_is_not_simulated_as_if_it_were_this_one(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    config = tmp_path / "digits" / "run.toml"
    config.write_text(config.read_text().replace("target_cycles = 32", "target_cycles = 64"))
    result = bitneck("simulate", tmp_path / "digits")
    assert result.exit_code == 2
    assert "was built for other [hardware]" in result.output
    assert bitneck("build", tmp_path / "digits").exit_code == 0
    assert bitneck("simulate", tmp_path / "digits").exit_code == 0


def test_a_folding_that_does_not_divide_is_refused_with_those_that_do(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    with (tmp_path / "digits" / "run.toml").open("a") as config:
        config.write("\n[hardware.folding]\ndense1 = [5, 16]\ndense2 = [12, 8]\nscores = [5, 3]\n")
    result = bitneck("build", tmp_path / "digits")
    assert result.exit_code == 2
    assert "dense1: PE=5 does not divide 64 rows" in result.output


@pytest.mark.parametrize(
    ("folding", "said"),
    [
        ({"dens1": [8, 8]}, "digits has no layer dens1 to fold; its layers are binarize, dense1, dense2, scores"),
        ({"dense1": [8, 8], "scores": [5, 3]}, "no folding for dense2; give PE and SIMD for each of"),
        (
            {"dense1": [1, 16], "dense2": [12, 8], "scores": [5, 3]},
            "the folding by hand takes 512 cycles a frame in dense1, and 32 are asked for; give more PE or SIMD there",
        ),
    ],
)
def test_a_folding_by_hand_that_is_not_what_was_meant_is_one_line(bitneck, finished_run, tmp_path, folding, said):
    shutil.copytree(finished_run, tmp_path / "digits")
    with (tmp_path / "digits" / "run.toml").open("a") as config:
        config.write("\n[hardware.folding]\n" + "".join(f"{layer} = {of}\n" for layer, of in folding.items()))
    result = bitneck("build", tmp_path / "digits")
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_folding_is_tried_on_a_part_and_nothing_is_written(bitneck, finished_run):
    before = files(finished_run)
    result = bitneck("fold", finished_run, "--target", "ecp5-25k", "--fps", 1e6, "--clock", 100)
    assert result.exit_code == 0, result.output
    assert files(finished_run) == before
    assert "of ecp5-25k" in result.output
    assert " cycles a frame for " in result.output
    assert "the next step, " in result.output
    asked = tomllib.loads(result.output[result.output.index("[hardware]") :])["hardware"]
    assert asked == {"target": "ecp5-25k", "target_fps": 1e6, "clock_mhz": 100, "output": "class", "fifo_depth": 0}


def test_what_is_asked_of_a_part_is_built_and_its_table_is_shown(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    config = tmp_path / "digits" / "run.toml"
    config.write_text(config.read_text().replace("target_cycles = 32", 'target_cycles = 48\ntarget = "hx8k"'))
    result = bitneck("build", tmp_path / "digits")
    assert result.exit_code == 0, result.output
    assert "of hx8k" in result.output
    simulated = bitneck("simulate", tmp_path / "digits")
    assert simulated.exit_code == 0, simulated.output
    config.write_text(config.read_text().replace("[hardware]", "[hardware]\nluts = 100"))
    result = bitneck("build", tmp_path / "digits")
    assert result.exit_code == 2
    assert "logic cells of 100 allowed" in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "for which part? [hardware] names no target; choose one of up5k"),
        (["--target", "up5k", "--fps", 1000], "--fps 1000 is no number of cycles without a clock; give --clock"),
        (["--target", "up5k", "--fps", 1e8, "--clock", 48], "more than one frame a cycle at 48 MHz"),
        (
            ["--target", "up5k", "--fps", 1000, "--clock", 48, "--cycles", 64],
            "--fps 1000 and --cycles 64 both say how fast; give one",
        ),
        (["--target", "up5k", "--fps", "inf", "--clock", "inf"], "target_fps: Input should be a finite number"),
        (["--target", "up5k", "--fastest", "--cycles", 64], "--fastest asks for no rate; leave --fps and --cycles out"),
        (["--target", "up5k", "--cycles", 1], "1 cycles a frame takes at least"),
        (["--target", "up5k", "--fastest", "--brams", 31], "a budget of 31 memory blocks on up5k, which has 30"),
    ],
)
def test_an_impossible_wish_is_one_line_with_the_way_out(bitneck, finished_run, words, said):
    result = bitneck("fold", finished_run, *words)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "artefact", ["checkpoint/checkpoint.npz", "graph.npz", "model.onnx", "plane.json", "verify.json"]
)
def test_a_damaged_artefact_is_named_in_one_line(bitneck, finished_run, tmp_path, artefact):
    verbs = {"checkpoint/checkpoint.npz": "export", "graph.npz": "build", "model.onnx": "simulate"}
    shutil.copytree(finished_run, tmp_path / "digits")
    path = tmp_path / "digits" / artefact
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = bitneck(verbs.get(artefact, "report"), tmp_path / "digits")
    assert result.exit_code == 2, result.output
    assert path.name in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("artefact", "words"),
    [
        ("run.toml", ["build"]),
        ("rtl/digits__dense1_weights.mem", ["simulate"]),
        ("rtl/digits.sv", ["synth", "--target", "up5k"]),
        ("run.toml", ["train", "--config", "run.toml"]),
        ("pins.pcf", ["synth", "--target", "up5k", "--pins", "pins.pcf"]),
    ],
)
def test_bytes_that_are_no_text_are_named_in_one_line(bitneck, finished_run, tmp_path, monkeypatch, artefact, words):
    shutil.copytree(finished_run, tmp_path / "digits")
    monkeypatch.chdir(tmp_path / "digits")
    (tmp_path / "digits" / artefact).write_bytes(b"\x80\xff")
    result = bitneck(*words, tmp_path / "digits")
    assert result.exit_code == 2, result.output
    assert f"{artefact} is no text in UTF-8" in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize("options", [["--device", "abacus"], ["--config", "thirteen.toml"]])
def test_what_cannot_be_trained_is_one_line_and_leaves_no_folder(bitneck, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    wrong = changed(from_preset("twelve"), network__widths=(13, 3, 2))
    (tmp_path / "thirteen.toml").write_text(wrong.toml())
    result = bitneck("train", tmp_path / "twelve", *options)
    assert result.exit_code == 2, result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "twelve").exists()


def test_an_empty_model_is_damaged_although_onnx_reads_it(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    (tmp_path / "digits" / "model.onnx").write_bytes(b"")
    for verb in ("simulate", "report"):
        result = bitneck(verb, tmp_path / "digits")
        assert result.exit_code == 2, result.output
        assert "model.onnx is damaged" in result.output


def test_what_help_says_of_a_section_is_not_taken_for_a_style(bitneck):
    assert "Options stand in for those of [hardware] in run.toml" in bitneck("fold", "--help").output


def test_a_full_disk_costs_nothing_that_was_there(bitneck, finished_run, tmp_path, monkeypatch):
    shutil.copytree(finished_run, tmp_path / "digits")
    before = files(tmp_path / "digits")

    class Full:
        def __init__(self, handle, _mode):
            os.close(handle)

        def __enter__(self):
            raise OSError(errno.ENOSPC, "No space left on device")

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("bitneck.flow.files.os.fdopen", Full)
    for words in (["export"], ["build"], ["analyze"], ["report"], ["export", "--vectors"]):
        result = bitneck(*words, tmp_path / "digits")
        assert result.exit_code == 2
        assert re.search(r"^bitneck: .*/digits/.*: no space left on device$", result.output, re.M), result.output
    assert files(tmp_path / "digits") == before


def test_vectors_of_all_samples_carry_the_digests_that_were_verified(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    result = bitneck("export", tmp_path / "digits", "--vectors", tmp_path / "golden", "--frames", 1797)
    assert result.exit_code == 0, result.output
    streams = json.loads((tmp_path / "golden" / "vectors.json").read_text())["streams"]
    digests = json.loads((finished_run / "verify.json").read_text())["digests"]
    assert {row["stream"]: row["codes_sha256"] for row in streams if "codes_sha256" in row} == {
        layer: by_source["rtl"] for layer, by_source in digests.items()
    }
    assert files(tmp_path / "digits") == files(finished_run)


def test_vectors_are_written_anew_but_nothing_else_is_replaced(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    place = tmp_path / "digits" / "vectors"
    for frames in (9, 4):
        assert bitneck("export", tmp_path / "digits", "--vectors", "--frames", frames).exit_code == 0
        assert len((place / "m_axis.hex").read_text().splitlines()) == frames
    (place / "mine.v").write_text("")
    before = files(place)
    result = bitneck("export", tmp_path / "digits", "--vectors")
    assert result.exit_code == 2
    assert "holds mine.v" in result.output
    assert files(place) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vectors", "--frames", "1798"], "1798 frames are wanted"),
        (["somewhere"], "--vectors is missing"),
    ],
)
def test_vectors_that_cannot_be_are_refused_in_one_line(bitneck, finished_run, words, said):
    result = bitneck("export", finished_run, *words)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (finished_run / "vectors").exists()
