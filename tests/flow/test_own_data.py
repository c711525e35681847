"""A user's own data through every verb: from a file, and from Python, where the arrays stay in the run."""

from __future__ import annotations

import shutil
import tomllib

import numpy as np
import pytest
from bitneck import flow
from bitneck.flow import sweep
from bitneck.flow.config import from_toml
from bitneck.flow.data import ARRAYS, taken_of
from bitneck.flow.files import read_arrays
from bitneck.flow.folder import RunFolder
from bitneck.flow.run import training
from bitneck.models.datasets import load

RNG = np.random.default_rng(2)
KINDS = np.array(["oak", "elm", "ash"])
Y = np.arange(90) % 3
X = np.round(RNG.normal(size=(90, 4)) + Y[:, None], 3)
CONFIG = """
name = "trees"
dataset = "{dataset}"
[data]
label = "kind"
ignore = ["id"]
copies = 2
[network]
widths = [8, 6, 5, 3]
input_bits = 4
[training]
epochs = 3
batch_size = 32
[hardware]
target_cycles = 16
"""


@pytest.fixture(scope="module")
def trees(bitneck, tmp_path_factory):
    """A whole run on a CSV of four features and three named classes; the folder holds data/, my.toml and run/."""
    place = tmp_path_factory.mktemp("trees")
    (place / "data").mkdir()
    rows = [f"{n},{','.join(map(str, x))},{KINDS[y]}" for n, (x, y) in enumerate(zip(X, Y, strict=True))]
    (place / "data" / "trees.csv").write_text("\n".join(["id,height,girth,leaf,bark,kind", *rows]))
    (place / "my.toml").write_text(CONFIG.format(dataset="trees"))
    result = bitneck("run", place / "run", "--config", place / "my.toml", "--data-dir", place / "data")
    assert result.exit_code == 0, result.output
    (place / "said").write_text(result.output)
    return place


def copied(trees, tmp_path) -> RunFolder:
    shutil.copytree(trees / "run", tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_a_table_of_floats_is_trained_built_simulated_and_proven(bitneck, trees):
    said = (trees / "said").read_text()
    assert (
        "72 samples to train with, 18 to test with, drawn 80/20 by class; 4 inputs, 3 classes (ash, elm, oak)" in said
    )
    assert "cut by quantiles into 4 bits, each shown 2 times: 16 of 16 levels used" in said
    assert "90 samples, 4 layers: torch = qonnx = graph = rtl" in said
    result = bitneck("verify", trees / "run", "--data-dir", trees / "data")
    assert result.exit_code == 0, result.output
    assert "quantiles into 4 bits" in (trees / "run" / "report.html").read_text()


def test_the_run_keeps_what_was_lost_and_the_cuts_that_make_inputs_of_other_samples(trees):
    folder = RunFolder(trees / "run")
    data = load("trees", trees / "data", folder.config().data, 4)
    assert taken_of(folder) == data.taken
    cuts = read_arrays(folder.cuts)["cuts"]
    raw = np.array([X[n] for n in range(90)])
    levels = (raw[:, :, None] >= cuts).sum(axis=2)
    assert sorted(map(tuple, levels)) == sorted(map(tuple, data.all()[0][:, :4].astype(int)))


def test_other_data_under_the_name_is_refused_by_every_verb_that_reads_it(bitneck, trees, tmp_path):
    folder, text = copied(trees, tmp_path), (trees / "data" / "trees.csv").read_text()
    (tmp_path / "trees.csv").write_text(text.replace("oak", "fir", 1))
    for verb in ("train", "simulate", "verify"):
        result = bitneck(verb, folder.path, "--data-dir", tmp_path)
        assert result.exit_code == 2, result.output
        assert "class fir has 1 of 90 samples" in result.output
    (tmp_path / "trees.csv").write_text(text.replace("elm", "oak", 1))
    for verb in ("train", "simulate", "verify"):
        result = bitneck(verb, folder.path, "--data-dir", tmp_path)
        assert result.exit_code == 2, result.output
        assert "trained on data of sha256" in result.output


def test_another_rule_than_that_of_the_training_is_named(bitneck, trees, tmp_path):
    folder = copied(trees, tmp_path)
    folder.config_file.write_text(folder.config_file.read_text().replace("copies = 2", 'copies = 2\nrule = "range"'))
    result = bitneck("report", folder.path)
    assert result.exit_code == 2, result.output
    assert 'data.rule is "range", trained with not set' in result.output


def test_wrong_options_and_wrong_columns_are_one_line_and_leave_no_folder(bitneck, trees, tmp_path):
    for old, new, said in (
        ('label = "kind"', 'lable = "kind"', "data: unknown key 'lable'; did you mean 'label'?"),
        ("copies = 2", "copies = 0", "data.copies: Input should be greater than or equal to 1"),
        ("copies = 2", 'rule = "log"', "data.rule: Input should be 'quantiles' or 'range'"),
        ('label = "kind"', 'label = "kin"', "no column 'kin' among 6; did you mean 'kind'?"),
        ('ignore = ["id"]', 'ignore = ["idd"]', "no column 'idd' among 6; did you mean 'id'?; `ignore` in [data]"),
        ("copies = 2", "copies = 3", "trees has 12 inputs of 4 bits and 3 classes, but the network 8-6-5-3"),
    ):
        (tmp_path / "my.toml").write_text(CONFIG.format(dataset="trees").replace(old, new))
        words = ("--config", tmp_path / "my.toml", "--data-dir", trees / "data")
        result = bitneck("train", tmp_path / "run", *words)
        assert result.exit_code == 2, result.output
        assert said in result.output
        assert len(result.output.strip().splitlines()) == 1
        assert not (tmp_path / "run").exists()


def test_a_set_without_a_preset_gets_a_net_that_suits_it(bitneck, trees, tmp_path):
    words = ("--dataset", trees / "data" / "trees.csv", "--label", "kind", "--epochs", 1)
    result = bitneck("train", tmp_path / "Trees-2", *words)
    assert result.exit_code == 0, result.output
    said = tomllib.loads((tmp_path / "Trees-2" / "run.toml").read_text())
    assert said["name"] == "trees_2"
    assert said["data"] == {"label": "kind", "copies": 8}
    assert said["network"]["widths"] == [40, 64, 48, 3]
    assert bitneck("train", tmp_path / "Trees-2", "--epochs", 2).exit_code == 0


def test_rows_of_a_table_are_not_moved_as_if_they_were_images(trees, tmp_path):
    text = CONFIG.format(dataset="data").replace('label = "kind"\nignore = ["id"]\n', "")
    config = from_toml(text.replace("epochs = 3", "epochs = 3\nshift = 1"), "here")
    with pytest.raises(ValueError, match="shift moves square images, but there are 4 pixels in samples of 4"):
        next(training(RunFolder(tmp_path / "rows"), config, data=(X, Y)))
    assert next(training(RunFolder(tmp_path / "images"), config, data=(X.reshape(-1, 2, 2), Y)))
    assert not (tmp_path / "rows").exists()


def test_a_sweep_may_vary_how_data_is_cut(trees):
    text = """
preset = "digits"
[set]
"dataset" = "trees"
"data.label" = "kind"
"network.widths" = [5, 4, 3]
[grid]
"network.input_bits" = [3, 4]
"data.rule" = ["quantiles", "range"]
"""
    tasks = sweep.tasks(text, "here", trees / "data")
    assert len({task.data_sha256 for task in tasks}) == len({task.key for task in tasks}) == 4


def test_arrays_from_python_stay_in_the_run_where_later_verbs_find_them(bitneck, tmp_path):
    folder = RunFolder(tmp_path / "run")
    config = from_toml(CONFIG.format(dataset="whatever").replace('label = "kind"\nignore = ["id"]\n', ""), "here")
    given = (X.astype(np.float32), KINDS[Y])
    epochs = list(training(folder, config, data=given))
    assert [epoch.epoch for epoch, _ in epochs] == [0, 1, 2, 3]
    assert folder.config().dataset == ARRAYS
    assert taken_of(folder).classes == ("ash", "elm", "oak")
    flow.export(folder)
    assert flow.trained_on(folder, folder.config(), None).sha256 == folder.origin().data_sha256
    assert bitneck("train", folder.path, "--epochs", 4).exit_code == 0
    assert list(training(folder, data=given)) == []
    folder.data.unlink()
    result = bitneck("train", folder.path)
    assert result.exit_code == 2
    assert "data.npz is missing: the arrays that this run was given in Python" in result.output


def test_arrays_alone_are_enough(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    images = RNG.integers(0, 256, (90, 2, 2)).astype(np.uint8)
    epoch, epochs = next(iter(training(folder, data=(images, Y))))
    assert (epoch.epoch, epochs) == (0, 200)
    config = folder.config()
    assert (config.network.widths, config.network.input_bits) == ((32, 64, 48, 3), 8)
