"""The nets that travel with the package are what they say they are, and can be built."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import public_models
import pytest
from bitneck.flow import proof, zoo
from bitneck.flow import run as flow
from bitneck.flow.config import HardwareConfig, RunError, from_preset, loaded
from bitneck.flow.folder import RunFolder
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import fold
from bitneck.hw.verilog import verilog
from bitneck.models.datasets import EMBEDDED, DataError

ROOT = Path(__file__).parents[2]
MOST = 2_000_000  # bytes that all of them may add to the package


def test_they_are_small_and_every_kind_of_net_is_among_them():
    assert {"cnv", "cnv-half", "digits-conv"} <= set(zoo.names())
    assert sum(path.stat().st_size for path in zoo.PLACE.glob("*.npz")) < MOST


@pytest.mark.parametrize("name", zoo.names())
def test_every_net_has_the_codes_and_the_accuracy_that_it_was_packed_with(name):
    net = zoo.packed(name)
    made = net.made
    if made.dataset == "cifar10":
        if not (public_models.folder().parent / "cifar10" / "test.npz").exists():
            pytest.skip("BITNECK_DATA says nothing of CIFAR-10's test images as JPEG")
        x, y = public_models.cifar10_images(made.samples), public_models.cifar10_labels(made.samples)
    elif made.dataset in EMBEDDED or "BITNECK_DATA" in os.environ:
        data = loaded(from_preset(made.preset), os.environ.get("BITNECK_DATA"))
        assert data.sha256 == made.data_sha256
        x, y = data.test_x, data.test_y
    else:
        pytest.skip(f"BITNECK_DATA says nothing of {made.dataset}")
    assert len(x) == made.samples
    digests, classes = zoo.spoken(net.graph, x)
    assert digests == made.digests
    assert (classes == y).mean() == pytest.approx(made.accuracy)
    assert from_preset(made.preset).network == made.network


@pytest.mark.parametrize("name", zoo.names())
def test_every_net_can_be_built_at_the_pace_of_its_preset(name):
    net = zoo.packed(name)
    cycles = from_preset(net.made.preset).hardware.target_cycles
    accelerator = lower(net.graph, fold(net.graph, cycles))
    assert accelerator.cycles <= cycles
    assert f"{net.graph.name}.sv" in verilog(accelerator)


def test_a_run_of_one_is_proven_and_simulated(tmp_path):
    report = zoo.unpack("digits-conv", RunFolder(tmp_path / "mine"))
    assert report.equal
    assert report.dataset == "digits"
    assert report.accuracy == pytest.approx(zoo.packed("digits-conv").made.accuracy)
    folder = RunFolder(tmp_path / "mine")
    flow.export(folder)
    flow.build(folder)
    assert proof.simulate(folder).equal


def test_without_its_data_a_net_is_proven_on_random_inputs(tmp_path, monkeypatch):
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    told: list[str] = []
    report = zoo.unpack("cnv-half", RunFolder(tmp_path / "mine"), tell=told.append)
    assert report.equal
    assert report.dataset == "random"
    assert any("on random inputs, for" in line and "cifar10" in line for line in told)


def test_a_folder_that_is_given_and_does_not_hold_the_data_is_a_mistake(tmp_path):
    with pytest.raises(DataError, match="put the four IDX files"):
        zoo.unpack("cnv-half", RunFolder(tmp_path / "mine"), tmp_path)
    assert not (tmp_path / "mine").exists()


def test_codes_that_changed_are_refused(tmp_path, monkeypatch):
    good = zoo.packed("digits-conv")
    digests = {**good.made.digests, "conv1": "0" * 64}
    bad = replace(good, made=good.made.model_copy(update={"digests": digests}))
    monkeypatch.setattr(zoo, "packed", lambda name: bad)
    with pytest.raises(RunError, match="its codes are not those that it was packed with"):
        zoo.unpack("digits-conv", RunFolder(tmp_path / "mine"))
    assert not (tmp_path / "mine").exists()


def test_a_net_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(RunError, match="no net 'cnv-hlf' in the zoo; did you mean 'cnv-half'"):
        zoo.packed("cnv-hlf")


def test_readme_has_the_table_that_the_verb_prints():
    text = (ROOT / "README.md").read_text()
    for row in zoo.rows():
        assert f"| {' | '.join(row)} |" in text


def test_a_trained_run_packs_to_what_it_is(tmp_path):
    folder = RunFolder(tmp_path / "digits-conv")
    config = from_preset("digits-conv")
    config = config.model_copy(
        update={
            "training": config.training.model_copy(update={"epochs": 1}),
            "hardware": HardwareConfig(target_cycles=1024),
        }
    )
    flow.train(folder, config)
    (tmp_path / "mine.npz").write_bytes(zoo.pack(folder, "digits-conv"))
    zoo_there = pytest.MonkeyPatch()
    with zoo_there.context() as patched:
        patched.setattr(zoo, "PLACE", tmp_path)
        net = zoo.packed("mine")
    assert net.made.epochs == 1
    assert net.made.accuracy == pytest.approx(folder.origin().history[-1].test_accuracy)
    assert net.made.command == "bitneck run runs/digits-conv --preset digits-conv --seed 0"
