"""The documentation's own commands, as they stand on its pages, lead where the pages say; the site builds strictly."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import waveforms

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```$', re.M | re.S)
WAYS = {
    "own-codes.md": ["plane/plane.json", "plane/plane.html"],
    "brevitas.md": ["runs/mine/rtl/mine.sv", "runs/mine/verify.json", "runs/mine/report.html"],
    "sweeps.md": [f"sweeps/{n}/{f}" for n in ("seeds", "random") for f in ("results.parquet", "sweep.html")],
    "extending.md": [
        "runs/mine/verify.json",
        "runs/mine/synth/hx4k/design.bin",
        "runs/steep/checkpoint/checkpoint.npz",
    ],
}


def follow(page: str, folder: Path) -> str:
    """As a reader does, block by block: files with a title are saved, `sh` and `python` run. What was printed."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}
    # What a page installs goes into the folder, by the setuptools that is here.
    installed = str(folder / "installed")
    environment |= {"PIP_TARGET": installed, "PYTHONPATH": installed, "PIP_NO_BUILD_ISOLATION": "false"}
    said = ""
    for language, title, text in BLOCK.findall((ROOT / "docs" / page).read_text()):
        if title:
            (folder / title).write_text(text)
            continue
        command = {"sh": ["bash", "-ec", text], "python": [sys.executable, "-c", text]}[language]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{page}: {text}\n{done.stdout}\n{done.stderr}"
        said += done.stdout
    return said


@pytest.mark.parametrize("page", WAYS)
def test_a_page_followed_from_top_to_bottom_leads_to_its_result(page, tmp_path):
    said = follow(page, tmp_path)
    assert [result for result in WAYS[page] if not (tmp_path / result).is_file()] == []
    if page == "own-codes.md":
        assert "layer1: 12 bits" in said
        assert said.count("Chao-Wang-Jost") == 2  # once by the command line, once from Python
    if page == "extending.md":
        assert re.search(r"^simulate .* samples, 3 layers: torch = qonnx = graph = rtl, ", said, re.M)
        assert re.search(r"^synth .* of 7,680, ", said, re.M)
    if page == "brevitas.md":
        assert re.search(r"^simulate .* samples, 3 layers: \S+ = \S.* = rtl, ", said, re.M)


def test_every_way_in_is_tried():
    ways = (ROOT / "mkdocs.yml").read_text().partition("Ways in:")[2].partition("- Notebooks:")[0]
    assert {*re.findall(r"[\w-]+\.md", ways), "extending.md"} == {*WAYS, "python.md"}  # tests/flow/test_python_page.py


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "run-toml" / "index.html").read_text()
    assert "passes over the training set" in page


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_shows_results(path, tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    where = {"metadata": {"path": str(tmp_path)}}
    done = nbclient.NotebookClient(nbformat.read(path, as_version=4), timeout=600, resources=where).execute()
    shown = [output for cell in done.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert any("text/html" in output.get("data", {}) for output in shown)


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
def test_the_waveforms_of_the_page_are_those_of_a_simulation():
    page = dict(waveforms.BLOCK.findall(waveforms.PAGE.read_text()))
    assert {name: text.strip() for name, text in page.items()} == waveforms.waveforms()
