"""`bitneck faults` on a run: what it writes, what the report shows of it, and that a fault foretold wrongly is seen."""

import json
import shutil

import pytest
from bitneck.flow import faults as flow_faults
from bitneck.flow.files import write_record


@pytest.fixture(scope="module")
def found(bitneck, finished_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults") / "digits"
    shutil.copytree(finished_run, folder)
    said = bitneck("faults", folder)
    assert said.exit_code == 0, said.output
    return folder, said.output


def test_every_stored_bit_is_flipped_and_some_in_rtl(found):
    folder, said = found
    report = json.loads((folder / "faults.json").read_text())
    assert (
        report["single"]
        == sum(row["bits"] for row in report["memories"])
        == 128 * 64 + 64 * 48 + 48 * 10 + 64 * 9 + 48 * 8
    )
    assert report["differences"] == []
    assert report["replayed"] == 15
    assert "15 flips replayed over" in said
    costs = [row["mean"] for row in report["memories"] if row["part"] == "thresholds"]
    assert max(costs) > 0


def test_the_report_has_a_section_until_the_design_is_another(found, bitneck, tmp_path):
    folder = tmp_path / "digits"
    shutil.copytree(found[0], folder)
    assert bitneck("report", folder).exit_code == 0
    assert "<h2>Faults</h2>" in (folder / "report.html").read_text()
    row = json.loads((folder / "faults.json").read_text())
    del row["sha256"]
    write_record(folder / "faults.json", {**row, "design": "0" * 64})
    assert bitneck("report", folder).exit_code == 0
    assert "<h2>Faults</h2>" not in (folder / "report.html").read_text()


def test_rtl_that_answers_otherwise_is_a_difference(found, bitneck, monkeypatch):
    monkeypatch.setattr(flow_faults, "with_bit_flipped", lambda memory, word, bit: memory)
    said = bitneck("faults", found[0])
    assert said.exit_code == 1
    assert "dense1" in said.output
