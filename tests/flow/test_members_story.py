"""A net of threshold sets, whole: torch = QONNX = graph = RTL in every bit of every member, and how sure they are."""

from __future__ import annotations

import json
import shutil

import pytest
from bitneck import flow
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import changed, design, from_preset
from bitneck.flow.folder import RunFolder
from bitneck.flow.members import members_of
from bitneck.flow.run import RunError
from bitneck.flow.shrink import Shrinking, Wish
from bitneck.hw.faults import FaultsError, units
from bitneck.hw.vivado.package import package
from bitneck.hw.vivado.wrapper import VivadoError

SETS = 4


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("members") / "run")
    asked = {"training__epochs": 3, "analysis__samples": "test", "analysis__brackets": 0}
    flow.train(folder, changed(from_preset("digits-tiny"), network__threshold_sets=SETS, **asked))
    flow.export(folder)
    flow.build(folder)
    flow.simulate(folder)
    return folder


def test_four_sources_emit_the_same_codes_of_every_member_for_every_sample(finished):
    verification = json.loads(finished.verification.read_text())
    assert verification["equal"], verification["mismatches"]
    assert list(verification["digests"]) == ["binarize", "dense1", "dense2", "members", "spread", "scores"]
    for row in verification["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1
    assert verification["cycles_per_frame"] == verification["promised_cycles"] == 32


def test_judges_run_its_files_or_say_why_not(finished):
    agreement, lines = flow.verify(finished, judges=True)
    assert agreement.equal
    assert not lines
    said = {(judge.tool, judge.reads): judge.skipped for judge in agreement.judges}
    assert [key for key, why in said.items() if why is None] == [
        ("onnxruntime", "model.onnx"),
        ("onnxruntime", "standard.onnx"),
        ("finn-base", "model.onnx"),
    ]
    assert said["finn-plus", "model.onnx"] == "FINN+ streamlines no branches of passes"


def test_a_threshold_of_one_member_in_the_rtl_is_caught_and_named(bitneck, finished, tmp_path):
    run = RunFolder(shutil.copytree(finished.path, tmp_path / "run"))
    path = run.rtl / "digits_tiny__dense2_thresholds.mem"
    words = path.read_text().split()
    last = len(words) - 1  # of the last member's last rows
    words[last] = f"{int(words[last], 16) ^ 3:0{len(words[last])}x}"
    path.write_text("\n".join(words) + "\n")
    result = bitneck("simulate", run.path)
    assert result.exit_code == 1, result.output
    assert any(f"dense2: neuron {32 * SETS - 1 - row}, sample" in result.output for row in range(8))


def test_a_spread_added_wrongly_is_seen_at_the_chips_own_output(bitneck, finished, tmp_path):
    run = RunFolder(shutil.copytree(finished.path, tmp_path / "run"))
    path = run.rtl / "digits_tiny__argmax_spread.sv"
    text = path.read_text()
    assert text.count("(first ? '0 : total)") == 1
    path.write_text(text.replace("(first ? '0 : total)", "(index == 1 ? '0 : total)"))
    result = bitneck("simulate", run.path)
    assert result.exit_code == 1, result.output
    assert "spread: neuron 0, sample " in result.output


def test_the_report_says_how_often_it_is_right_where_it_says_so(finished):
    flow.analyze(finished)
    page = flow.report(finished).read_text()
    assert "<h2>Members</h2>" in page
    found = members_of(finished)
    assert found is not None
    assert len(found.alone) == SETS
    assert found.together.accuracy == json.loads(finished.verification.read_text())["accuracy"]
    assert sum(each.samples for each in found.together.bins) == 360
    assert [point.layer for point in found.points[: SETS + 1]] == [
        *(f"dense1.{member}" for member in range(1, SETS + 1)),
        "dense2.1",
    ]


def test_what_cannot_have_members_says_so(finished, tmp_path):
    graph = graph_of(finished)
    accelerator = design(finished.config(), graph)
    with pytest.raises(RunError, match="nets that a frame passes once alone are narrowed"):
        Shrinking(finished, Wish("up5k"), tmp_path / "shrunk", None)
    with pytest.raises(FaultsError, match="dense1 is no dense layer"):
        units(graph, accelerator)
    with pytest.raises(VivadoError, match="the driver reads no spread"):
        package(accelerator, {})
