"""A wheel built from the tree and installed elsewhere does what the editable install does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import bitneck as bn
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with nothing but our wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".*", "runs", "build", "dist", "*.egg-info", "__pycache__")
    )
    before = sorted(source.rglob("*"))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]  # by way of sdist
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert sorted(source.rglob("*")) == before
    (wheel,) = folder.glob("*.whl")
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *folder.glob("bitneck-*.*")],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_the_wheel_gives_the_same_bytes_as_the_editable_install(bitneck, finished_run, installed, tmp_path):
    run = tmp_path / "digits"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = subprocess.run(
        [sys.executable, "-c", "import bitneck; print(bitneck.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed)
    command = [sys.executable, "-m", "bitneck", "run", str(run), "--epochs", "6", "--brackets", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made = [path.relative_to(finished_run) for path in finished_run.rglob("*") if path.is_file()]
    timed = {Path("verify.json"), Path("report.html")}
    assert [
        name for name in made if name not in timed and (run / name).read_bytes() != (finished_run / name).read_bytes()
    ] == []
    assert (run / "report.html").exists()


def test_the_wheel_holds_the_product_and_nothing_else(installed):
    names = {path.relative_to(installed).parts[0] for path in installed.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"bitneck"}
    assert not list(installed.rglob("test_*"))


def test_the_version_is_said_in_one_place(installed):
    (said,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert [path.name for path in installed.glob("*.dist-info")] == [f"bitneck-{said}.dist-info"]
    assert bn.__version__ == said
    assert "version:" not in (ROOT / "CITATION.cff").read_text().replace("cff-version:", "")
