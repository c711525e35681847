"""Pages on a telephone, on a dark screen and on paper; what `fits_every_screen` asserts, of each kind of page."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from bitneck.flow.files import write_record
from bitneck.flow.folder import RunFolder
from bitneck.hw.synthesis.bitstream import design_digest


@pytest.mark.parametrize("name", ["report.html", "plane.html"])
def test_pages_of_a_trained_run(fits_every_screen, finished_run, name):
    fits_every_screen(finished_run / name)


def test_a_report_with_silicon(fits_every_screen, bitneck, finished_run, tmp_path, synthesis_record):
    shutil.copytree(finished_run, tmp_path / "digits")
    run = RunFolder(tmp_path / "digits")
    design = design_digest({file.name: file.read_text() for file in run.rtl.iterdir()})
    stages = [{**synthesis_record["stages"][0], "name": f"dense{number}", "luts": 250} for number in range(6)]
    write_record(run.synthesis("up5k"), synthesis_record | {"design": design, "stages": stages})
    assert bitneck("report", run.path).exit_code == 0
    fits_every_screen(run.report)


def test_a_report_of_a_file_whose_name_and_digest_are_long(fits_every_screen, bitneck, finished_run, tmp_path):
    file, run = tmp_path / f"{'a_net_of_somebody_else_' * 4}.onnx", tmp_path / "mine"
    shutil.copy(finished_run / "model.onnx", file)
    for words in (("import", file, run), ("build", run), ("simulate", run), ("analyze", run), ("report", run)):
        done = bitneck(*words)
        assert done.exit_code == 0, done.output
    fits_every_screen(run / "report.html")
    fits_every_screen(run / "plane.html")


def test_the_page_of_own_codes(fits_every_screen, bitneck, tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "codes.npz"
    np.savez(
        file, **{f"a_layer_of_somebody_else_{n}": rng.random((200, 6)) < 0.5 for n in range(9)}, y=np.arange(200) % 3
    )
    done = bitneck("analyze", file, "--labels", "y", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    fits_every_screen(tmp_path / "out" / "plane.html")
