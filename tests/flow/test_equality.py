"""Runs are proven equal, or shown to differ, with exit codes that a script can ask."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Dense, Graph, Scores
from bitneck.export.writing.tie_proof import tie_proof
from bitneck.flow.belonging import graph_of
from bitneck.flow.equality import equal, rising
from bitneck.flow.exact_record import exact_of
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import import_model

INPUTS = 14


@pytest.fixture(scope="module")
def runs(bitneck, tmp_path_factory):
    """net, its lossless folding, and one with another weight."""
    place, rng = tmp_path_factory.mktemp("equal"), np.random.default_rng(5)
    weight = rng.random((8, INPUTS)) < 0.5
    weight[1] = weight[0]
    heard = rng.random((3, 8)) < 0.5
    heard[:, 1] = ~heard[:, 0]
    dense, scores = Dense("dense1", weight, np.full(8, 7, np.int32)), Scores(heard)
    other = weight.copy()
    other[3, 4] ^= True
    for name, first in {"net": dense, "other": replace(dense, weight=other)}.items():
        import_model(tie_proof(Graph("net", 1, (first, scores))), place / name)
        assert bitneck("export", place / name).exit_code == 0
    assert bitneck("shrink", place / "net", "--lossless").exit_code == 0
    return place


def test_a_folded_run_is_proven_equal_on_every_input(bitneck, runs):
    said = bitneck("prove", runs / "net", runs / "net-lossless")
    assert said.exit_code == 0, said.output
    assert "equal on every input, by canonical form" in said.output


def test_another_weight_is_counted_over_the_region_and_exits_with_1(bitneck, runs):
    said = bitneck("prove", runs / "net", runs / "other", "--of", "layers", "--json")
    assert said.exit_code == 1, said.output
    graphs = [graph_of(RunFolder(runs / name)) for name in ("net", "other")]
    every = (np.arange(1 << INPUTS)[:, None] >> np.arange(INPUTS) & 1).astype(np.uint8)
    codes = [graph(every).codes["dense1"].packed for graph in graphs]
    verdict = json.loads(said.stdout)["verdicts"][0]
    assert (verdict["of"], verdict["kind"]) == ("dense1", "a count of every input")
    assert (verdict["differ"], verdict["inputs"]) == ((codes[0] != codes[1]).any(axis=1).sum(), len(every))
    less = json.loads(bitneck("prove", runs / "net", runs / "other", "--free", "0-3,2", "--json").stdout)["verdicts"][0]
    assert less["inputs"] == 16


def test_what_flips_and_what_gets_brighter_is_that_of_the_golden_model(bitneck, runs):
    graph = graph_of(RunFolder(runs / "net"))
    every = (np.arange(1 << INPUTS)[:, None] >> np.arange(INPUTS) & 1).astype(np.uint8)
    flipped = every ^ np.isin(np.arange(INPUTS), [2, 5]).astype(np.uint8)
    apart = (graph(every).predictions() != graph(flipped).predictions()).sum()
    said = bitneck("prove", runs / "net", "--flip", "2,5", "--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout)["verdicts"][0]["differ"] == apart
    dark, bright = every[every[:, 6] == 0], every[every[:, 6] == 1]
    pairs = np.stack([graph(dark).predictions(), graph(bright).predictions()], axis=1)
    said = bitneck("prove", runs / "net", "--pixel", 6, "--json")
    moved = json.loads(said.stdout)["moved"]
    assert moved == [[int((pairs == (i, j)).all(axis=1).sum()) for j in range(3)] for i in range(3)]


def test_a_pixel_that_two_elements_show_moves_both(finished_run):
    run = RunFolder(finished_run)
    graph = graph_of(run)
    pixel = next(each for each in range(64) if graph.layers[0].threshold[each] != graph.layers[0].threshold[each + 64])
    assert rising(run, pixel, [20, 21]).steps == 2


def test_a_count_that_was_interrupted_goes_on_where_it_was(runs, monkeypatch):
    monkeypatch.setattr("bitneck.hw.exact.region.SMALLEST", 256)
    net, other = RunFolder(runs / "net"), RunFolder(runs / "other")
    (whole,) = equal(net, other)
    assert not net.exact.exists()  # it took no time

    def cut(done, total, remark):
        if done == 2:  # of 4
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        equal(net, other, tell=cut)
    ((_, kept),) = exact_of(net, graph_of(net)).compared
    assert len(kept.done) == 2
    assert 0 < kept.counted < whole.inputs
    counted = []
    (again,) = equal(net, other, tell=lambda done, total, remark: counted.append(done))
    assert counted == [3, 4]
    assert (again.counted, again.differ, again.answer) == (whole.counted, whole.differ, whole.answer)
    assert [each.of for each, _ in exact_of(net, graph_of(net)).compared] == ["class"]
    assert equal(net, other, bits=range(9))[0].inputs == 512  # another question begins anew


def test_parts_of_another_cut_are_counted_anew(runs, monkeypatch):
    (runs / "net" / "exact.json").unlink(missing_ok=True)
    net, other = RunFolder(runs / "net"), RunFolder(runs / "other")
    (whole,) = equal(net, other)

    def cut(done, total, remark):
        raise KeyboardInterrupt

    monkeypatch.setattr("bitneck.hw.exact.region.SMALLEST", 1 << 13)
    with pytest.raises(KeyboardInterrupt):
        equal(net, other, tell=cut)
    ((_, kept),) = exact_of(net, graph_of(net)).compared
    assert (len(kept.done), kept.parts) == (1, 2)
    monkeypatch.setattr("bitneck.hw.exact.region.SMALLEST", 256)
    counted = []
    (again,) = equal(net, other, tell=lambda done, total, remark: counted.append((done, total)))
    assert counted == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (again.counted, again.differ) == (whole.counted, whole.differ)
