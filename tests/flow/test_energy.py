"""Energy: what was measured is kept, shown as it is, and nothing else is said of it."""

from __future__ import annotations

import json
import shutil

import pytest
from bitneck.flow.config import RunError
from bitneck.flow.energy import Measured, energy, energy_of
from bitneck.flow.folder import RunFolder
from bitneck.flow.run import report

ONE = Measured("icebreaker", "USB", "UM25C", 0.2, 0.25, 4478.0)


def test_frames_a_joule_are_of_all_that_is_drawn_and_of_what_is_more_than_idle():
    assert ONE.frames_per_joule == pytest.approx(4478 / 0.25)
    assert ONE.frames_per_joule_more == pytest.approx(4478 / 0.05)
    assert Measured("b", "wall", "meter", 1.0, 1.0, 10.0).frames_per_joule_more is None


def test_measurements_are_kept_in_order_and_stand_on_the_report(bitneck, finished_run, tmp_path):
    folder = RunFolder(tmp_path / "digits")
    shutil.copytree(finished_run, folder.path)
    assert "Energy" not in report(folder).read_text()
    words = ("--board", "icebreaker", "--watts", "0.2,0.25", "--fps", "4478", "--instrument", "UM25C")
    done = bitneck("energy", folder.path, *words, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["measured"][0]["frames_per_joule"] == pytest.approx(17912)
    other = Measured("icebreaker", "wall", "meter <b>", 1.5, 1.5, 4000.0)
    assert energy(folder, other) == energy_of(folder) == (ONE, other)
    page = report(folder).read_text()
    assert "<h2>Energy, measured</h2>" in page
    assert "17,912" in page
    assert "89,560" in page
    assert "meter &lt;b&gt;" in page
    shown = bitneck("energy", folder.path)
    assert "17,912" in shown.output
    folder.energy.write_text("{}")
    with pytest.raises(RunError, match=r"energy.json"):
        energy_of(folder)
