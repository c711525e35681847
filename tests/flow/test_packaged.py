"""The package for Vivado of a run: what lies in the folder, and that it is of the run's design."""

from __future__ import annotations

import json
import shutil


def test_a_run_is_packaged_for_vivado_and_the_docs_and_scripts_say_that_nobody_has_run_them(
    bitneck, finished_run, tmp_path
):
    run = shutil.copytree(finished_run, tmp_path / "digits")
    done = bitneck("package", run, "--vivado")
    assert done.exit_code == 0, done.output
    assert "never run in Vivado" in done.output
    folder = run / "vivado"
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"ip/component.xml", "ip/digits__dma.v", "package.tcl", "build.tcl", "driver.py", "design.json"} <= names
    assert json.loads((folder / "design.json").read_text())["inputs"] == 128
    assert "Never run in Vivado" in (folder / "build.tcl").read_text()
    before = (folder / "build.tcl").read_bytes()
    assert bitneck("package", run, "--vivado").exit_code == 0
    assert (folder / "build.tcl").read_bytes() == before
