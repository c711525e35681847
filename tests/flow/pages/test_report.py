"""The page: self-contained, and every number on it is the artefact's own."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from html.parser import HTMLParser

import numpy as np
import pytest
from bitneck.flow import last_epochs
from bitneck.flow.belonging import analysis_of, graph_of
from bitneck.flow.files import write_record
from bitneck.flow.folder import RunFolder, history
from bitneck.flow.run import built
from bitneck.hw.synthesis.bitstream import design_digest
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.map_information import map_layer
from bitneck.ib_analysis.map_shape import MapShape
from bitneck.ib_analysis.symbols import label_symbols


class Page(HTMLParser):
    """Text, and whatever would be fetched from elsewhere."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.texts: list[str] = []
        self.feed(content)
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag in ("link", "iframe", "img"):
            self.fetched.append(tag)
        self.fetched += [values[key] for key in ("src", "srcset") if key in values]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def page(finished_run) -> Page:
    return Page((finished_run / "report.html").read_text())


def test_the_page_fetches_nothing(page):
    assert page.fetched == []


def test_the_page_shows_the_verification_as_it_is_in_the_file(page, finished_run):
    verification = json.loads((finished_run / "verify.json").read_text())
    for row in verification["digests"].values():
        assert page.text.count(row["rtl"][:12]) == 4
    assert "every layer, 1,797 samples, zero tolerance" in page.text
    assert verification["data_sha256"] in page.text


def test_the_page_names_the_slowest_stage_or_all_that_are_equally_slow(page, finished_run):
    run = RunFolder(finished_run)
    accelerator, _ = built(run, graph_of(run))
    slowest = [stage.name for stage in accelerator.stages if stage.cycles == accelerator.cycles]
    assert len(slowest) > 1
    assert (
        f"The pace is that of {len(slowest)} stages that take equally long, {' , '.join(slowest)} : frames" in page.text
    )
    assert "slowest stage" not in page.text


def test_the_page_says_beside_the_accuracy_how_the_last_epochs_moved(bitneck, finished_run, tmp_path, monkeypatch):
    monkeypatch.setattr(last_epochs, "LEAST", 2)
    monkeypatch.setattr(last_epochs, "UNSTEADY", 0)
    shutil.copytree(finished_run, tmp_path / "digits")
    run = RunFolder(tmp_path / "digits")
    assert bitneck("report", run.path).exit_code == 0
    accuracies = [row["test_accuracy"] for row in history(run)]
    said = str(last_epochs.ending(accuracies))
    assert said.startswith("unsteady: of the last 2 epochs")
    assert f"{accuracies[-1]:.2%} test accuracy, in torch, after epoch 6 {said}" in Page(run.report.read_text()).text


def test_the_page_shows_estimates_with_their_verdicts_and_no_refused_number(page, finished_run):
    rows = json.loads((finished_run / "plane.json").read_text())
    last = max(point["epoch"] for point in rows["points"])
    for point in rows["points"]:
        if point["epoch"] == last:
            assert f"{point['i_xt']['bits']:.3f}" in page.text
    assert "EXACT (saturated)" in page.text
    refused = [p["i_xt"]["bits"] for p in rows["population"] if p["i_xt"]["verdict"] in ("UNRELIABLE", "SATURATED")]
    assert refused
    assert not [bits for bits in refused if f"{bits:.3f}" in page.text]


def test_the_page_names_a_difference_in_plain_words(bitneck, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "digits")
    run = RunFolder(tmp_path / "digits")
    path = run.rtl / "digits__scores_weights.mem"
    words = path.read_text().split()
    path.write_text("\n".join([f"{int(words[0], 16) ^ 1:0{len(words[0])}x}", *words[1:]]) + "\n")
    assert bitneck("simulate", run.path).exit_code == 1
    assert bitneck("report", run.path).exit_code == 0
    page = Page(run.report.read_text())
    assert "✗ different" in page.text
    assert "scores: class 0, sample 0: torch says" in page.text


def test_the_page_shows_what_was_synthesised_by_part_and_stage(bitneck, finished_run, tmp_path, synthesis_record):
    shutil.copytree(finished_run, tmp_path / "digits")
    run = RunFolder(tmp_path / "digits")
    path = run.synthesis("up5k")
    design = design_digest({file.name: file.read_text() for file in run.rtl.iterdir()})
    row = synthesis_record | {"design": design}
    write_record(path, row)
    assert bitneck("report", run.path).exit_code == 0
    shown = Page(run.report.read_text())
    assert shown.fetched == []
    latency = json.loads(run.verification.read_text())["latency_cycles"] / 48
    assert f"iCE40 UP5K, SG48 3,299 5,280 3 30 48.0 1,500,000 375,000 {latency:.2f}" in shown.text
    assert "dense1 1,728 1,900 (+10%) 342 678 1" in shown.text
    assert "ab" * 32 in shown.text
    write_record(path, row | {"stages": [{"name": "dense1"}]})
    result = bitneck("report", run.path)
    assert result.exit_code == 2
    assert "is damaged" in result.output


def test_the_page_draws_feature_maps_where_there_are_some_and_only_there(bitneck, finished_run, tmp_path):
    assert "maps" not in json.loads((finished_run / "plane.json").read_text())
    assert "Feature maps" not in (finished_run / "report.html").read_text()
    shutil.copytree(finished_run, tmp_path / "digits")
    run, rng = RunFolder(tmp_path / "digits"), np.random.default_rng(0)
    narrow, wide = rng.random((300, 4 * 2)) < 0.5, rng.random((300, 4 * 60)) < 0.5
    narrow[:, 1::2] = True
    y = label_symbols(np.arange(300) % 3)
    maps = [
        map_layer(name, Codes.pack(bits), MapShape(2, 2, bits.shape[1] // 4), y, "dataset", rng)
        for name, bits in (("conv1", narrow), ("conv2", wide))
    ]
    row = json.loads(run.plane.read_text())
    del row["sha256"]
    write_record(run.plane, row | {"maps": [asdict(each) for each in maps]})
    assert analysis_of(run).maps == tuple(maps)
    assert bitneck("report", run.path).exit_code == 0
    page = Page(run.report.read_text())
    assert page.fetched == []
    assert f"conv1 2 x 2 x 2 300 4 population 2 {maps[0].population.i_xt} GUARANTEED" in page.text
    assert "dead: 1 (always 1)" in page.text
    refused = maps[1].population.i_xt
    assert refused.verdict.refused
    assert f"conv2 2 x 2 x 60 300 4 population 1,200 {maps[1].position} {refused.verdict}" in page.text
    assert f"{refused.bits:.3f} {refused.verdict}" not in page.text
