"""`bitneck attack` on a run: what it writes, what the report shows, and that RTL that answers otherwise is seen."""

import json
import shutil

import pytest
from bitneck.hw.simulation import library


@pytest.fixture(scope="module")
def found(bitneck, finished_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attack") / "digits"
    shutil.copytree(finished_run, folder)
    said = bitneck("attack", folder, "--flips", 6, "--limit", 100, "--candidates", 8)
    assert said.exit_code == 0, said.output
    return folder, said.output


def test_the_more_is_flipped_and_the_better_it_is_chosen_the_fewer_are_right(found):
    folder, said = found
    report = json.loads((folder / "attack.json").read_text())
    curves = {curve["by"]: curve for curve in report["curves"]}
    best = curves["best of 8, slope 3"]
    assert best["flips"] == [0, 1, 2, 4, 6]
    assert best["right"] == sorted(best["right"], reverse=True)
    assert len({curve["right"][0] for curve in curves.values()}) == 1
    assert best["right"][-1] <= curves["random"]["right"][-1]
    assert report["broken"] == best["right"][0] - min(curve["right"][-1] for curve in report["curves"][-2:])
    assert "100 attacked samples replayed, every layer equal" in said


def test_the_report_has_a_section(found, bitneck):
    folder, _ = found
    assert bitneck("report", folder).exit_code == 0
    assert "<h2>Attacks</h2>" in (folder / "report.html").read_text()


def test_rtl_that_answers_otherwise_is_a_difference(found, bitneck, monkeypatch):
    """Were the samples sent in another order."""
    build = library.build

    def reversing(*arguments):
        built = build(*arguments)
        return lambda x: built(x[::-1])

    monkeypatch.setattr(library, "build", reversing)
    said = bitneck("attack", found[0], "--flips", 1, "--limit", 20)
    assert said.exit_code == 1
    assert "of attacked sample 0 differs in bit" in said.output
