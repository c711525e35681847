"""Feature maps of an imported net are analysed position by position, with labels and without."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bitneck import flow
from bitneck.flow import importing
from bitneck.flow.belonging import analysis_of
from bitneck.flow.files import read_trace
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import import_model
from bitneck.flow.map_shapes import map_shapes
from bitneck.ib_analysis.entropy import plug_in
from bitneck.models.datasets import Dataset

torch = pytest.importorskip("torch")
from brevitas_nets import random_net  # noqa: E402 - it needs torch


@pytest.fixture(scope="module")
def net():
    """4 × 7 × 6 in, maps of 7 × 6 × 2 and 7 × 6 × 4."""
    made = random_net(4)
    return made.module, torch.zeros(1, *made.shape)


def imported(net, path, **options) -> RunFolder:
    run = RunFolder(path)
    import_model(net, run, prove=5, **options)
    flow.export(run)
    return run


def test_random_inputs_have_no_labels_and_positions_are_those_of_the_graph(bitneck, monkeypatch, net, tmp_path):
    monkeypatch.setattr(importing, "SAMPLES", 60)
    run = imported(net, tmp_path / "run")
    shapes = map_shapes(run)
    assert {name: str(shape) for name, shape in shapes.items()} == {"conv1": "7 x 6 x 2", "conv2": "7 x 6 x 4"}
    result = bitneck("analyze", run.path)
    assert result.exit_code == 0, result.output
    assert "no labels" in result.output
    assert "I(T;Y) is absent" in result.output
    maps = analysis_of(run).maps
    assert [each.layer for each in maps] == ["conv1", "conv2"]
    assert {each.given.i_ty for each in maps} == {None}
    levels = read_trace(run.epoch_codes(0)).codes["conv2"].bits().reshape(60 * 42, 4)
    counts = np.unique(levels, axis=0, return_counts=True)[1]
    assert maps[1].given.i_xt.bits == pytest.approx(plug_in(counts))
    assert [point["layer"] for point in json.loads(run.plane.read_text())["maps"]] == ["conv1", "conv2"]


def test_samples_of_a_data_set_bring_their_labels(monkeypatch, net, tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = rng.integers(0, 2, (120, 168))
    x[y == 1] |= rng.integers(0, 2, (120, 168))[y == 1]
    data = Dataset("ours", x[:20].astype(np.uint8), y[:20], x[20:].astype(np.uint8), y[20:], 2, 8)
    monkeypatch.setattr(importing, "load", lambda name, folder, *given, **options: data)
    run = imported(net, tmp_path / "run", dataset="ours")
    given = flow.analyze(run).maps[0].given
    assert given.i_ty is not None
    assert 0 < given.i_ty.bits < 1
    assert given.i_xt.samples == 100 * 42
