"""`import bitneck as bn`: what a person guesses in a notebook does its work when called, or says what is missing."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bitneck as bn
import numpy as np
import pytest
from bitneck import flow
from bitneck.flow import sweep as sweeping
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import RunError, changed, from_preset
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import Executed, Report, Row
from bitneck.flow.notebook.design import Pages, Synthesised
from bitneck.flow.notebook.history import History
from bitneck.flow.notebook.progress import progress_of
from bitneck.flow.notebook.proof import Proof
from bitneck.flow.pages import planes_of_runs
from bitneck.hw.synthesis.bitstream import Synthesis, Used
from bitneck.hw.synthesis.utilisation import StageUse
from bitneck.ib_analysis.plane import Plane
from bitneck.models.history import Epoch


@pytest.fixture
def copied(finished_run, tmp_path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "digits"))


def test_importing_it_is_cheap_and_loads_nothing():
    program = """
import sys, time
begun = time.process_time()
import bitneck
assert time.process_time() - begun < 0.3
assert not {"numpy", "torch", "matplotlib", "bitneck.flow"} & set(sys.modules)
assert {"open", "plane", "plots", "sweep", "flow"} <= set(dir(bitneck))
bitneck.plane({"layer1": [[0], [1]]}, ["a", "b"])
bitneck.plots.information_plane
assert "bitneck.flow" not in sys.modules
assert "torch" not in sys.modules
try:
    bitneck.opne
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "module 'bitneck' has no attribute 'opne'; it has Codes, Run, activation, board, dataset, import_model, labels,"
    )


def test_nothing_that_is_called_is_a_generator_that_waits():
    faces = [getattr(flow, name) for name in flow.__all__] + [getattr(bn, name) for name in bn.__all__]
    methods = [method for _, method in inspect.getmembers(bn.Run, inspect.isfunction)]
    for function in (*faces, *methods, sweeping.run, sweeping.collect, planes_of_runs.page, planes_of_runs.figure):
        assert not inspect.isgeneratorfunction(inspect.unwrap(function)), function


def test_a_run_that_lies_there_says_what_it_is_and_gives_what_it_holds(finished_run):
    run = bn.open(str(finished_run))
    assert run == bn.open(finished_run)
    done = "done: train, export, build, simulate, analyze, report"
    assert repr(run) == f"Run({str(finished_run)!r}: digits-twice, 128-64-48-10, seed 0; {done})"
    assert run._repr_html_().count("<td") == 18
    history, proof, plane = run.history, run.proof, run.plane
    assert re.fullmatch(r"History\(6 of 6 epochs, loss \d\.\d{3}, test accuracy \d\d\.\d\d%\)", repr(history))
    assert history.done
    assert len(history) == len(history.rows()) == len(history.to_pandas()) == 7
    assert repr(plane) == "Plane(4 layers, 7 epochs: dataset, N = 1,797)"
    assert plane == run.analysis.points
    assert "torch = qonnx = graph = rtl; " in repr(proof)
    assert proof
    assert proof.differences == ()


def test_the_proof_is_a_table_of_layers_and_sources_and_a_difference_stands_in_it(finished_run):
    proof = bn.open(finished_run).proof
    rows = proof.rows()
    assert [row["layer"] for row in rows] == ["binarize", "dense1", "dense2", "scores"]
    assert {len({row[source] for source in proof.sources}) for row in rows} == {1}
    assert list(proof.to_pandas().columns) == ["layer", "torch", "qonnx", "graph", "rtl", "equal"]
    page = proof._repr_html_()
    assert page.count("<tr>") == 5
    assert "DIFFERENT" not in page
    assert rows[0]["torch"][:12] in page

    of = proof.verification
    digests = of.digests | {"dense1": of.digests["dense1"] | {"rtl": "0" * 64}}
    line = "dense1: neuron 0, sample 2: torch says 0, rtl says 1 <b>"
    wrong = Proof(replace(of, digests=digests, mismatches=[line]))
    assert not wrong
    assert wrong.differences == (line,)
    assert repr(wrong).endswith(f"DIFFERENT in 1 places, first {line})")
    assert [row["equal"] for row in wrong.rows()] == [True, False, True, True]
    assert "DIFFERENT" in wrong._repr_html_()
    assert "&lt;b&gt;" in wrong._repr_html_()
    assert not Proof(of, ("model.onnx has sha256 1",))


def test_every_verb_takes_a_text_and_does_its_work_at_once(copied):
    run = bn.open(str(copied))
    shutil.rmtree(run.folder.rtl)
    run.folder.plane.unlink()
    assert repr(run.build()) == f"Built(digits, 9 stages, 32 cycles a frame: {run.folder.rtl})"
    assert run.folder.rtl.is_dir()
    assert isinstance(run.analyze(), Plane)
    assert flow.export(str(copied)).name == "digits"
    assert flow.build(str(copied)).cycles == 32
    assert flow.too_big(str(copied), _of_a_part()) is None
    assert planes_of_runs.figure([str(copied)], f"{copied}/plane.svg").is_file()
    assert flow.export_vectors(str(copied), f"{copied}/golden", 2) == copied / "golden"
    assert flow.analyze_captured(str(copied), str(run.folder.epoch_codes(6)))[0].first_difference is None
    assert RunFolder(str(copied)) == RunFolder(copied)


def _of_a_part():
    stage = StageUse("dense1", 1, 1, 1, 1)
    used = (Used("ICESTORM_LC", 1, 5280), Used("ICESTORM_RAM", 0, 30))
    return Synthesis("up5k", "0" * 64, "digits", 32, 32, (stage,), used, 50.0, (), None, {}, {"yosys": 1.0})


def test_what_was_imported_is_a_line_and_a_table(finished_run):
    graph = graph_of(RunFolder(finished_run))
    row = Row("dense1", "dense", "64", "±1", "2", "1", "", "")
    executed = Executed("qonnx", 100, 0, 0), Executed("onnxruntime", 0, 0, 0, skipped="no such operator")
    report = Report(graph, (row,), (), 10, 10, "random", None, executed, ("half of it",))
    assert repr(report) == "Report(digits, 4 layers; 10 of random: qonnx = integers)"
    assert "beware: half of it" in report._repr_html_()
    assert report._repr_html_().count("<tr>") == 2
    wrong = replace(report, executed=(replace(executed[0], mismatch="dense1: neuron 3"),))
    assert repr(wrong).endswith("DIFFERENT: dense1: neuron 3)")


def test_pages_are_links_and_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages = Pages(tmp_path / "a<b" / "report.html", tmp_path / "a<b" / "plane.html")
    assert Path(pages) == pages.report
    assert pages._repr_html_().startswith('<a href="a&lt;b/report.html"')


def test_what_a_part_takes_is_a_line_and_a_table():
    shown = Synthesised(_of_a_part(), None)
    assert repr(shown).startswith("Synthesised(")
    assert "1 logic cells of 5,280" in repr(shown)
    assert shown.rows()[0] == {"resource": "ICESTORM_LC", "used": 1, "available": 5280}
    over = replace(_of_a_part(), resources=(Used("ICESTORM_LC", 6000, 5280), Used("ICESTORM_RAM", 0, 30)))
    assert "TOO BIG" in repr(Synthesised(over, "6,000 of 5,280"))
    assert "6,000 of 5,280" in Synthesised(over, "6,000 of 5,280")._repr_html_()


def test_training_trains_when_it_is_called_goes_on_and_refuses_another_net(tmp_path, capsys):
    config = changed(from_preset("twelve"), network__widths=[12, 4, 2], training__epochs=1)
    run = bn.open(tmp_path / "small", config=config)
    assert repr(run).endswith("nothing done yet, .train() begins)")
    assert not run.path.exists()
    assert repr(run.history) == "History(no epoch trained)"
    assert run.history._repr_html_() == "History(no epoch trained)"
    assert len(run.train()) == 2
    assert not capsys.readouterr().out
    assert len(run.train(epochs=3, progress=True)) == 4
    assert capsys.readouterr().out.splitlines()[-1].startswith("train: 3 of 3, test accuracy ")
    assert len(flow.train(str(run.path), run.config)) == 4
    assert [row["epoch"] for row in bn.open(run.path).history.rows()] == [0, 1, 2, 3]
    assert "<img" in run.history._repr_html_()
    assert bn.open(run.path, config=str(run.folder.config_file)).train().done
    with pytest.raises(
        RunError, match=r"holds another run: network.widths is \[12, 4, 2\] there, .* asked; open it with"
    ):
        bn.open(run.path, preset="twelve")
    with pytest.raises(RunError, match=r"training\.seed is 0 there, 7 asked"):
        run.train(seed=7)
    with pytest.raises(RunError, match=r"small/graph\.npz is missing; `bitneck export"):
        run.build()


def test_a_folder_that_says_nothing_is_refused_with_what_to_give(tmp_path):
    with pytest.raises(
        RunError, match=r"holds no run, and 'mine' is no preset; give preset=…, one of digits, .*config=…"
    ):
        bn.open(tmp_path / "mine")
    with pytest.raises(RunError, match="both say what to train"):
        bn.open(tmp_path / "mine", preset="digits", config=from_preset("digits"))
    assert bn.open(tmp_path / "digits").config.name == "digits"
    assert not (tmp_path / "digits").exists()


def test_without_torch_a_line_says_how_to_get_it(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("torch", "bitneck.models.training"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delattr("bitneck.models.training", raising=False)
    with pytest.raises(RunError, match=r"torch is not installed here; `pip install 'bitneck\[train\]'` brings it"):
        bn.open(tmp_path / "twelve").train()


def test_a_sweep_is_done_when_the_call_returns_and_names_what_failed(tmp_path, capsys):
    networks = {
        "preset": "twelve",
        "set": {"training.epochs": 1, "network.widths": [12, 4, 2]},
        "grid": {"network.input_bits": [1, 2]},
    }
    swept = bn.sweep(networks, tmp_path / "out", workers=0, progress=True)
    assert capsys.readouterr().out.splitlines()[-1].rstrip().endswith("sweep: 2 of 2, network.input_bits=2")
    (failed,) = swept.failed
    assert failed.startswith("network.input_bits=2: TrainingError: twelve has 12 inputs")
    assert repr(swept) == f"Swept(1 of 2 networks: {tmp_path / 'out'}; FAILED {failed})"
    assert {(row["network.input_bits"], row["epoch"], row["layer"]) for row in swept.rows()} == {
        (1, epoch, layer) for epoch in (0, 1) for layer in ("dense1", "scores")
    }
    assert swept.to_pandas().shape == (4, len(swept.rows()[0]))
    page = swept._repr_html_()
    assert page.count("<tr>") == 2
    assert failed.partition(":")[0] in page
    file = tmp_path / "sweep.toml"
    file.write_text(
        'preset = "twelve"\n[set]\n"training.epochs" = 1\n"network.widths" = [12, 4, 2]\n[grid]\n'
        '"training.seed" = [0]\n'
    )
    again = bn.sweep(str(file), str(tmp_path / "out"), workers=0)
    assert again.failed == ()
    with pytest.raises(RunError, match="needs a folder for its results; give folder=…"):
        bn.sweep(networks)
    with pytest.raises(RunError, match="workers=-1"):
        bn.sweep(networks, tmp_path / "out", workers=-1)


def test_progress_ends_with_the_last_thing_said_and_is_silent_where_it_is_not_wanted(capsys):
    with progress_of("train", True) as line:
        for epoch in range(1000):
            line.step(epoch + 1, 1000)
    said = capsys.readouterr().out
    assert said.endswith("\rtrain: 1,000 of 1,000\n")
    assert said.count("\r") < 20
    with progress_of("train", False) as line:
        line.say("nothing")
    assert not capsys.readouterr().out


def test_a_history_shows_few_epochs_of_many_with_the_first_and_the_last():
    history = History(tuple(Epoch(epoch, 1.0, 0.5, 0.25, 0.0) for epoch in range(601)), 600)
    page = history._repr_html_()
    assert page.count("<tr>") == 9
    assert ">600<" in page
    assert ">0<" in page
    assert not replace(history, planned=900).done


def test_arrays_become_a_run_that_suits_them(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = rng.normal(size=(300, 6)) + y[:, None]
    run = bn.open(tmp_path / "mine", data=(x, y))
    assert run.train(epochs=2).done
    assert len(run.train(epochs=3)) == 4
    run.export()
    assert bn.open(run.path).config.dataset == "arrays"
