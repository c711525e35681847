"""What is counted of all inputs lies in exact.json: it goes on where it was cut, and follows the net that is there."""

from __future__ import annotations

import json
import shutil
from itertools import product
from math import comb

import bitneck as bn
import numpy as np
import pytest
from bitneck.export.graph import Binarize
from bitneck.flow import exact, exact_regions
from bitneck.flow.belonging import graph_of
from bitneck.flow.cluster import connected
from bitneck.flow.config import RunError, chosen_samples
from bitneck.flow.exact_free import free
from bitneck.flow.exact_labels import labelled
from bitneck.flow.folder import RunFolder
from bitneck.flow.run import finished, trained_on
from bitneck.hw.exact.shards import TWO_THREADS


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    shutil.copytree(finished_run, tmp_path / "digits")
    return RunFolder(tmp_path / "digits")


def samples(run):
    return chosen_samples(finished(run), trained_on(run, finished(run), None))[0]


def test_a_ball_of_one_flip_is_what_the_golden_model_says_of_each(run):
    graph, x = graph_of(run), samples(run)
    found = exact.around(run, [5], 1)[0]
    free = exact.free_of(graph).tolist()
    images = np.stack([exact.flipped(graph, x[5], [element]) for element in free])
    other = graph(images).predictions() != graph(x[5:6]).predictions()
    assert (found.elements, found.changed) == (len(free), (0, int(other.sum())))
    assert found.certain == "exact"


def test_a_count_that_was_cut_says_what_is_certain_and_goes_on(run, monkeypatch):
    monkeypatch.setattr("bitneck.hw.exact.radius.SMALLEST", 5000)
    whole = exact.around(run, [3], 3)[0]
    run.exact.unlink()

    def cut(done, total, remark):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exact.around(run, [3], 3, tell=cut)
    kept = exact.exact_of(run, graph_of(run)).of(3, 3)
    assert len(kept.done) == 4
    assert kept.certain.startswith(f"not finished: 4 of {kept.parts} parts")
    counted = []
    again = exact.around(run, [3], 3, tell=lambda done, total, remark: counted.append(done))[0]
    assert counted[0] == 5
    assert (again.changed, again.seen) == (whole.changed, whole.seen)
    assert again.seen == tuple(comb(again.elements, distance) for distance in range(4))


def test_witnesses_are_replayed_in_the_rtl_that_is_built(run):
    found = next(each for each in exact.around(run, 12, 2) if each.first is not None)
    assert found.replayed == sum(witness is not None for witness in found.witnesses) > 0


def test_the_report_shows_distances_and_a_nearest_input(run, bitneck):
    assert "<h2>Exact</h2>" not in (run.path / "report.html").read_text()
    found = exact.around(run, 12, 2)
    assert bitneck("report", run.path).exit_code == 0
    page = run.report.read_text()
    kept = sum(each.first is None for each in found)
    assert f"{kept} keep their class within that distance" in page
    nearest = next(each for each in found if each.nearest is not None)
    assert f"sample {nearest.sample}, class {nearest.predicted}: {len(nearest.nearest)} flips" in page
    assert len(nearest.code) == 128 // 4


def test_images_within_epsilon_are_those_of_the_golden_model(run):
    graph, x = graph_of(run), samples(run)
    first = graph.layers[0]
    assert isinstance(first, Binarize)
    groups, beside = exact_regions.groups_of(first, x[0], 1, 16, 64)
    few = groups[:6]
    for group in few:  # pixels whose copies are two elements, moved together
        assert len({element % 64 for element in group.elements}) == 1
        assert len(group.elements) == 2
    ranges = [range(max(0, int(x[0][g.elements[0]]) - 1), min(16, int(x[0][g.elements[0]]) + 1) + 1) for g in few]
    images = np.repeat(x[:1], np.prod([len(each) for each in ranges]), axis=0)
    for image, values in zip(images, product(*ranges), strict=True):
        for group, value in zip(few, values, strict=True):
            image[list(group.elements)] = value
    right = int(graph(x[:1]).predictions()[0])
    from bitneck.hw.exact.net import BitNet
    from bitneck.hw.exact.region import Region

    region = Region(BitNet.of(graph), exact.code_of(graph, x[0]), few, right)
    same = sum(region.count(part).number[right] for part in region.shards())
    assert same == int((graph(images).predictions() == right).sum())
    assert region.inputs == len(images)
    assert beside >= 1


def test_a_witness_to_which_the_golden_model_gives_the_samples_class_is_an_error(run):
    graph, x = graph_of(run), samples(run)
    right = int(graph(x[:1]).predictions()[0])
    with pytest.raises(RunError, match="sample 0: the golden model sees no other class in a witness"):
        exact.checked_witnesses(graph, x[:1], 0, right)
    assert exact.checked_witnesses(graph, x[:1], 0, right + 1).predictions() == [right]


def test_a_run_says_what_every_layer_remembers_of_free_bits(run, bitneck):
    said = bitneck("exact", run.path, "--free", "0-9", "--base", 2, "--json")
    assert said.exit_code == 0, said.output
    facts = json.loads(said.stdout)
    assert sum(facts["number"]) == 1 << 10
    assert (
        facts["layers"][0]["entropy_bits"] >= facts["layers"][1]["entropy_bits"] >= facts["class_entropy_bits"] - 1e-9
    )


def test_what_was_counted_of_another_net_is_gone(run):
    exact.around(run, [0], 1)
    graph = graph_of(run)
    assert exact.exact_of(run, graph).around
    weight = graph.layers[1].weight
    weight[0, 0] ^= True
    assert not exact.exact_of(run, graph).around


def test_parts_that_a_cluster_counts_add_up_to_the_same(run, monkeypatch):
    monkeypatch.setattr("bitneck.hw.exact.radius.SMALLEST", 5000)
    monkeypatch.setattr("bitneck.hw.exact.region.SMALLEST", 1 << 12)
    bn.labels("two-pixels")(lambda x: x[:, 3] // 8 + x[:, 5] // 8)

    def counted(spread):
        run.exact.unlink(missing_ok=True)
        ball = exact.around(run, [3], 3, spread)[0]
        said = labelled(run, "two-pixels", range(16), spread=spread)
        region = free(run, range(16), spread=spread)
        images, _ = exact_regions.within(run, [3], 1, spread=spread)
        return ball.finished, ball.changed, ball.seen, said.i_ty_bits, said.number, region.number, region.layers, images

    here = counted(TWO_THREADS)
    with (
        connected(None, 2) as machines,  # stands for one that somebody else started
        exact.spread_over(1, machines.scheduler.address) as spread,
    ):
        there = counted(spread)
    assert here[0]
    assert there[:-1] == here[:-1]
    assert [each.changed for each in there[-1]] == [each.changed for each in here[-1]]
