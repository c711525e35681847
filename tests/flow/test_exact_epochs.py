"""What is counted of the nets of a training is what its captured codes say, and goes on where it was cut."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from bitneck.flow.belonging import analysis_of, graph_of
from bitneck.flow.config import RunError
from bitneck.flow.epoch_nets import graph_at, is_kept
from bitneck.flow.exact_epochs import over_epochs, points
from bitneck.flow.exact_labels import by_rule
from bitneck.flow.exact_teacher import by_teacher
from bitneck.flow.folder import RunFolder
from bitneck.models.config import preset
from bitneck.models.networks import untrained


def silent(*_):
    pass


@pytest.fixture(scope="module")
def trained(bitneck, tmp_path_factory) -> RunFolder:
    """On the 12-bit set, of which the training captures the codes of all inputs there are."""
    place = tmp_path_factory.mktemp("trained") / "twelve"
    for verb, *options in (["train", "--preset", "twelve", "--epochs", 3], ["export"], ["analyze"]):
        assert bitneck(verb, place, *options).exit_code == 0
    return RunFolder(place)


@pytest.fixture
def run(trained, tmp_path) -> RunFolder:
    shutil.copytree(trained.path, tmp_path / "twelve")
    return RunFolder(tmp_path / "twelve")


def test_the_plane_is_that_of_the_captured_codes(bitneck, run):
    told = bitneck("exact", run.path, "--free", "all", "--epochs", "all", "--labels", "twelve", "--json")
    assert told.exit_code == 0, told.output
    counted = over_epochs(run, None, None, lambda region: by_rule("twelve", region, silent))
    assert json.loads(told.stdout)["epochs"][3]["free"]["seconds"] == counted[3].free.seconds
    due = [point for point in analysis_of(run).points if point.layer != "scores"]
    assert len(due) == 4 * 5
    for found, point in zip(points(counted), due, strict=True):
        assert (found.layer, found.epoch, found.width) == (point.layer, point.epoch, point.width)
        for ours, theirs in ((found.i_xt, point.i_xt), (found.i_ty, point.i_ty)):
            assert ours.bits == pytest.approx(theirs.bits, abs=1e-12)
            assert (ours.symbols, ours.samples, ours.target) == (theirs.symbols, theirs.samples, theirs.target)
    page = run.exact_plane.read_text()
    assert "all 2^12 inputs, none of them sampled; Y is the label by twelve" in page
    assert "<svg" in run.exact_plane.with_suffix(".svg").read_text()


def test_the_net_of_the_last_epoch_is_the_runs_and_that_of_another_is_not(run):
    last, own = graph_at(run, 3).arrays(), graph_of(run).arrays()
    assert all(np.array_equal(last[name], own[name]) for name in own)
    assert any(not np.array_equal(each, own[name]) for name, each in graph_at(run, 0).arrays().items())


def test_of_the_finished_net_every_layer_says_its_class_and_of_the_untrained_one_less(run):
    first, last = over_epochs(run, range(10), [3, 0], lambda region: by_teacher(run, region))
    assert (first.epoch, last.epoch) == (0, 3)
    assert last.said.i_ty_bits == pytest.approx([last.free.class_entropy_bits] * 5)
    assert all(bits < last.free.class_entropy_bits for bits in first.said.i_ty_bits)


def test_epochs_with_too_many_codes_are_left_out_of_the_plane_and_not_counted_again(bitneck, run, monkeypatch):
    asked = ("exact", run.path, "--free", "0-9", "--epochs", "0,3", "--teacher", run.path)
    monkeypatch.setattr("bitneck.hw.exact.region.MOST_CODES", 1)
    monkeypatch.setattr("bitneck.flow.exact_codes.MOST_CODES", 1)
    assert "every layer has too many codes over this region; fewer free bits, or later epochs" in bitneck(*asked).output
    monkeypatch.undo()
    run.exact_at(3).unlink()
    told = bitneck(*asked)
    assert told.exit_code == 0, told.output
    assert told.output.count("too many") == 5
    assert run.exact_plane.exists()


def test_epochs_that_are_counted_stay_where_the_next_one_was_cut(run):
    def cut(done, total, remark):
        if remark.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        over_epochs(run, None, tell=cut)
    assert [path.name for path in sorted(run.exact_at(0).parent.iterdir())] == ["epoch-00000.json", "epoch-00001.json"]
    began = []
    over_epochs(run, None, tell=lambda done, total, remark: began.append((remark, total)))
    assert {remark[:7] for remark, _ in began} == {"epoch 2", "epoch 3"}
    assert {total for _, total in began} == {4000}


def test_an_epoch_without_its_net_is_refused_before_anything_is_counted(run):
    with pytest.raises(RunError, match="epoch 7 was not captured; there are 0, 1, 2, 3"):
        over_epochs(run, None, [0, 7])
    run.epoch_net(1).write_bytes(run.epoch_net(0).read_bytes())
    with pytest.raises(RunError, match=r"net-00001.npz is not what the training captured"):
        over_epochs(run, None)
    assert not run.exact_at(0).exists()


def test_a_net_that_was_imported_keeps_none(bitneck, tmp_path, run):
    assert bitneck("import", run.model, tmp_path / "other", "--dataset", "twelve").exit_code == 0
    assert bitneck("export", tmp_path / "other").exit_code == 0
    with pytest.raises(RunError, match="keeps no net of epoch 0: a training does of dense 1-bit nets of at most 1 MB"):
        over_epochs(RunFolder(tmp_path / "other"), None)


@pytest.mark.parametrize(("name", "kept"), [("tfc", True), ("digits-tiny", True), ("sfc", False), ("cnv-tiny", False)])
def test_small_dense_nets_are_kept(name, kept):
    assert is_kept(untrained(preset(name).network)) == kept
