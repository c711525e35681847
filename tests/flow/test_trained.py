"""A run is of the net that was trained: run.toml, options and files that say otherwise are named."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from bitneck.flow.config import changed, from_preset
from bitneck.flow.files import read_arrays, write_arrays
from bitneck.flow.folder import RunFolder

VERBS = ["train", "run", "export", "build", "simulate", "verify", "analyze", "report"]
SMALL = {"network__widths": (12, 6, 4, 2), "training__epochs": 2, "training__batch_size": 512}


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    """A copy to do damage to: six epochs on digits-twice."""
    shutil.copytree(finished_run, tmp_path / "digits")
    return RunFolder(tmp_path / "digits")


@pytest.fixture
def small(bitneck, tmp_path):
    """Trains a small net on the 12-bit set into the folder of this name, after changes; gives the folder."""

    def train(name: str, *words: str, **changes: object) -> RunFolder:
        folder = RunFolder(tmp_path / name)
        config = tmp_path / f"{name}.toml"
        config.write_text(changed(from_preset("twelve"), **(SMALL | changes)).toml())
        result = bitneck("train", folder.path, "--config", config, *words)
        assert result.exit_code == 0, result.output
        return folder

    return train


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, text
    path.write_text(text.replace(old, new))


def files(folder: RunFolder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.path.rglob("*")) if path.is_file()}


def refused(result, *said: str) -> None:
    assert result.exit_code == 2, result.output
    assert len(result.output.strip().splitlines()) == 1, result.output
    assert not [words for words in said if words not in result.output], result.output


EDITS = [
    ("    64,\n", "    32,\n", "network.widths is [128, 32, 48, 10], trained with [128, 64, 48, 10]"),
    ('"approx-sign"', '"ste-clipped"', 'network.activation is "ste-clipped", trained with "approx-sign"'),
    ("seed = 0", "seed = 7", "training.seed is 7, trained with 0"),
    ("learning_rate = 0.003", "learning_rate = 0.03", "training.learning_rate is 0.03, trained with 0.003"),
    ("epochs = 6", "epochs = 5", "training.epochs is 5, trained with 6 (epochs can be raised, never lowered)"),
    ('dataset = "digits-twice"', 'dataset = "digits"', 'dataset is "digits", trained with "digits-twice"'),
    ('samples = "all"', 'samples = "test"', 'analysis.samples is "test", trained with "all"'),
    ('samples = "all"', 'samples = "all"\nat_most = 50', "analysis.at_most is 50, trained with not set"),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("old", "new", "said"), [EDITS[0], EDITS[4]], ids=["widths", "epochs"])
def test_every_verb_refuses_a_configuration_that_is_not_that_of_the_net(bitneck, run, verb, old, new, said):
    edit(run.config_file, old, new)
    before = files(run)
    refused(bitneck(verb, run.path), "run.toml", said, f"train anew with `bitneck train {run.path}`", "another folder")
    assert files(run) == before


@pytest.mark.parametrize(("old", "new", "said"), EDITS, ids=[said.split(" ")[0] for *_, said in EDITS])
def test_whatever_decided_the_net_or_its_codes_is_held_against_the_checkpoint(bitneck, run, old, new, said):
    edit(run.config_file, old, new)
    refused(bitneck("report", run.path), said)
    edit(run.config_file, new, old)
    assert bitneck("build", run.path).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", 7], "training.seed is 0 there, 7 asked"),
        (["--epochs", 5], "training.epochs is 6 there, 5 asked"),
        (["--samples", "test"], 'analysis.samples is "all" there, "test" asked'),
        (["--cycles", 64], "hardware.target_cycles is 32 there, 64 asked"),
        (["--preset", "digits-tiny"], "network.widths is [128, 64, 48, 10] there, [64, 32, 32, 10] asked"),
    ],
)
def test_options_that_the_folder_was_not_made_with_are_named_with_both_values(bitneck, run, words, said):
    before = files(run)
    refused(bitneck("run", run.path, *words), "run.toml says otherwise about", said)
    assert files(run) == before


def test_a_lost_run_toml_is_not_made_anew_for_another_net(bitneck, run):
    run.config_file.unlink()
    refused(bitneck("train", run.path, "--preset", "digits", "--seed", 7), "training.seed is 7, trained with 0")
    assert not run.config_file.exists()


def test_more_epochs_go_on_whether_asked_by_option_or_in_run_toml(bitneck, small):
    by_option, by_file = small("option"), small("file")
    edit(by_file.config_file, "epochs = 2", "epochs = 5 # more")
    refused(bitneck("export", by_file.path), "trained 2 of 5 epochs; `bitneck train")
    assert bitneck("train", by_option.path, "--epochs", 5).exit_code == 0
    assert bitneck("train", by_file.path).exit_code == 0
    assert tomllib.loads(by_option.config_file.read_text()) == tomllib.loads(by_file.config_file.read_text())
    assert "epochs = 5 # more" in by_file.config_file.read_text()
    assert by_option.checkpoint.read_bytes() == by_file.checkpoint.read_bytes()
    assert by_option.captured_epochs() == [0, 1, 2, 3, 4, 5]
    assert by_option.origin().earlier == ((2, 2),)
    assert by_option.origin().epochs == by_option.origin().training.epochs == 5
    refused(bitneck("train", by_option.path, "--epochs", 2), "training.epochs is 5 there, 2 asked")


def nets(folder: RunFolder) -> dict[str, bytes]:
    return {k: v.tobytes() for k, v in read_arrays(folder.checkpoint).items() if k.startswith(("net/", "optimizer/"))}


@pytest.mark.parametrize("cosine", [False, True])
def test_going_on_is_one_training_only_where_nothing_follows_the_plan_and_the_checkpoint_tells(bitneck, small, cosine):
    whole = small("whole", training__epochs=4, training__cosine=cosine)
    ways = [small(name, training__cosine=cosine) for name in ("one", "two")]
    for way in ways:
        assert bitneck("train", way.path, "--epochs", 4).exit_code == 0
    assert ways[0].checkpoint.read_bytes() == ways[1].checkpoint.read_bytes()
    assert (nets(whole) == nets(ways[0])) == (not cosine)
    assert (whole.origin().earlier, ways[0].origin().earlier) == ((), ((2, 2),))


def test_what_was_made_from_the_net_before_it_went_on_is_made_anew_or_refused(bitneck, run):
    assert bitneck("train", run.path, "--epochs", 7).exit_code == 0
    another = "was made from another checkpoint than"
    for verb in ("build", "simulate", "report"):
        refused(bitneck(verb, run.path), f"graph.npz {another}", "`bitneck export")
    refused(bitneck("plane", run.path), f"plane.json {another}", "`bitneck analyze")
    assert bitneck("export", run.path).exit_code == 0
    refused(bitneck("simulate", run.path), "rtl was built of another net", "`bitneck build")
    stale = bitneck("verify", run.path)
    assert (stale.exit_code, "model.onnx has sha256" in stale.output) == (1, True), stale.output
    assert bitneck("run", run.path).exit_code == 0
    assert bitneck("verify", run.path).exit_code == 0
    assert json.loads(run.plane.read_text())["points"][-1]["epoch"] == 7
    assert "train runs/digits --config run.toml --epochs 6\n" in run.report.read_text()


def test_after_the_way_out_of_training_anew_nothing_of_the_old_net_is_left(bitneck, small):
    folder = small("anew")
    shutil.rmtree(folder.checkpoint.parent)
    edit(folder.config_file, "epochs = 2", "epochs = 1")
    edit(folder.config_file, "seed = 0", "seed = 3")
    assert bitneck("train", folder.path).exit_code == 0
    fresh = small("fresh", training__epochs=1, training__seed=3)
    assert {p.name: p.read_bytes() for p in folder.codes.iterdir()} == {
        p.name: p.read_bytes() for p in fresh.codes.iterdir()
    }
    assert folder.checkpoint.read_bytes() == fresh.checkpoint.read_bytes()


def test_another_name_needs_an_export_and_a_build_and_another_target_an_analysis(bitneck, run):
    edit(run.config_file, 'name = "digits"', 'name = "numbers"')
    for verb in ("build", "simulate", "report"):
        refused(bitneck(verb, run.path), "graph.npz is of the name 'digits'", "says 'numbers'", "`bitneck export")
    assert bitneck("export", run.path).exit_code == 0
    refused(bitneck("simulate", run.path), "rtl lacks numbers.core and 22 more files; `bitneck build")
    assert bitneck("build", run.path).exit_code == 0
    assert bitneck("verify", run.path).exit_code == 1
    edit(run.config_file, 'target = "dataset"', 'target = "population"')
    refused(bitneck("report", run.path), "was measured for target dataset", "says population", "`bitneck analyze")
    for verb in ("analyze", "simulate", "report"):
        assert bitneck(verb, run.path).exit_code == 0


@pytest.mark.parametrize("name", ["epoch-00003.npz", "labels.npz"])
def test_codes_that_the_training_did_not_capture_are_not_measured(bitneck, run, name):
    path, before = run.codes / name, run.plane.read_bytes()
    arrays = read_arrays(path)
    key = "labels" if name == "labels.npz" else "codes/dense2"
    write_arrays(path, arrays | {key: arrays[key][::-1].copy()})
    refused(bitneck("analyze", run.path), f"{name} is not what the training captured", "train anew")
    assert run.plane.read_bytes() == before


@pytest.mark.parametrize("verb", [("build",), ("fold", "--target", "up5k"), ("report",)])
def test_a_graph_that_was_changed_after_the_export_becomes_no_hardware(bitneck, run, verb):
    arrays = read_arrays(run.graph)
    (key,) = (key for key in arrays if key.endswith("dense2/threshold"))
    arrays[key][0] += 1
    write_arrays(run.graph, arrays)
    before = files(run)
    refused(bitneck(verb[0], run.path, *verb[1:]), "graph.npz is damaged (it was changed after it was written)")
    assert files(run) == before


def test_a_graph_that_was_changed_after_the_export_is_a_difference_to_the_proof(bitneck, run):
    arrays = read_arrays(run.graph)
    (key,) = (key for key in arrays if key.endswith("scores/weight"))
    arrays[key][0] ^= True
    write_arrays(run.graph, arrays)
    result = bitneck("simulate", run.path)
    assert result.exit_code == 1, result.output
    assert "scores: class 0, sample 0: torch says" in result.output


def test_codes_of_an_epoch_that_was_not_captured_are_no_part_of_the_plane(bitneck, run):
    before = run.plane.read_bytes()
    shutil.copy(run.epoch_codes(3), run.epoch_codes(9))
    assert bitneck("analyze", run.path).exit_code == 0
    assert run.plane.read_bytes() == before


@pytest.mark.parametrize(
    "arrays",
    [
        {"history": np.array("[]")},
        {"history": np.array('[{"epoch": 0}]')},
        {"network": np.array("{}")},
        {"training": np.array("no json")},
        {"earlier": np.array('{"a": 1}')},
        {"run": np.array('{"dataset": "digits", "samples": "all", "codes": {"../x": "00"}}')},
    ],
    ids=lambda arrays: next(iter(arrays)),
)
def test_a_checkpoint_of_wrong_content_is_one_line(bitneck, run, arrays):
    write_arrays(run.checkpoint, read_arrays(run.checkpoint) | arrays)
    for verb in ("train", "report"):
        refused(bitneck(verb, run.path), "checkpoint.npz is damaged", next(iter(arrays)) if len(arrays) > 1 else "")
