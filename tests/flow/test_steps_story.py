"""A net of steps, whole: torch = QONNX = graph = RTL in every bit of every step, and what each step says."""

from __future__ import annotations

import json
import shutil

import pytest
from bitneck import flow
from bitneck.export.graph import GraphError
from bitneck.flow.attack import attack
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import changed, design, from_preset
from bitneck.flow.folder import RunFolder
from bitneck.flow.lossless import fold_lossless
from bitneck.flow.members import steps_of
from bitneck.flow.run import RunError
from bitneck.flow.shrink import Shrinking, Wish
from bitneck.hw.faults import FaultsError, units

STEPS = 4


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("steps") / "run")
    asked = {"training__epochs": 3, "analysis__samples": "test", "analysis__brackets": 0}
    flow.train(folder, changed(from_preset("digits-tiny"), network__steps=STEPS, **asked))
    flow.export(folder)
    flow.build(folder)
    flow.simulate(folder)
    return folder


def test_four_sources_emit_the_same_codes_at_every_step_for_every_sample(finished):
    verification = json.loads(finished.verification.read_text())
    assert verification["equal"], verification["mismatches"]
    assert list(verification["digests"]) == ["binarize", "dense1", "dense2", "steps", "spread", "scores"]
    for row in verification["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1
    assert verification["cycles_per_frame"] == verification["promised_cycles"] == 32


def test_cycles_are_steps_times_the_fold(finished):
    accelerator = design(finished.config(), graph_of(finished))
    for name in ("dense1", "dense2"):
        sums = accelerator[f"{name}_sums"]
        rows, cols = sums.weight.shape
        assert sums.cycles == STEPS * rows * cols // (sums.pe * sums.simd)
        assert accelerator[name].cycles == STEPS * rows // sums.pe


def test_a_theta_in_the_rtl_is_caught_and_named(bitneck, finished, tmp_path):
    run = RunFolder(shutil.copytree(finished.path, tmp_path / "run"))
    path = run.rtl / "digits_tiny__dense2_thetas.mem"
    words = path.read_text().split()
    words[-1] = f"{int(words[-1], 16) ^ 3:0{len(words[-1])}x}"
    path.write_text("\n".join(words) + "\n")
    result = bitneck("simulate", run.path)
    assert result.exit_code == 1, result.output
    assert "dense2: neuron " in result.output


def test_each_steps_codes_are_measured_and_the_report_says_how_often_it_is_right(finished):
    flow.analyze(finished)
    page = flow.report(finished).read_text()
    assert "<h2>Steps</h2>" in page
    for name in ("dense1.1", "dense1.4", "dense1", "dense2.4"):
        assert f"<td>{name}<" in page
    steps = steps_of(finished)
    assert len(steps) == STEPS
    assert steps[0].alone == steps[0].until
    assert steps[-1].until == json.loads(finished.verification.read_text())["accuracy"]


def test_what_cannot_have_steps_says_so(finished, tmp_path):
    graph = graph_of(finished)
    with pytest.raises(RunError, match="nets that a frame passes once alone are narrowed"):
        Shrinking(finished, Wish("up5k"), tmp_path / "shrunk", None)
    with pytest.raises(RunError, match="passes 4 times; nets that it passes once alone are folded"):
        fold_lossless(finished, RunFolder(tmp_path / "folded"))
    with pytest.raises(GraphError, match="is no dense layer of ±1 and bits, which attacks need"):
        attack(finished)
    with pytest.raises(FaultsError, match="dense1 is no dense layer"):
        units(graph, design(finished.config(), graph))
