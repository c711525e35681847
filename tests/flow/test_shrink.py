"""Shrinking: widths by cost and bits, every net an ordinary run that is proven, what is done stays."""

from __future__ import annotations

import itertools
import json
import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Dense, Graph, Scores
from bitneck.export.writing.tie_proof import tie_proof
from bitneck.flow import import_model
from bitneck.flow.folder import RunFolder
from bitneck.flow.shrink import Shrinking, Wish
from bitneck.flow.shrink_ladder import Cost, Costs, evenly, ladder, sixteenths, spread
from bitneck.flow.trained import trained
from bitneck.models.config import preset


def cost_of(hidden):
    return Cost(100 * hidden[0] + 10 * hidden[1] + (500 if hidden[1] % 2 else 0), 0, 1)  # odd widths fold badly


def test_the_layer_that_loses_fewest_bits_for_what_it_saves_is_narrowed_first():
    rungs = list(ladder((16, 16), cost_of, lambda layer, width: (0.1 * width * (layer == 0), 1e-6), 1200))
    assert [rung.hidden for rung in rungs[:3]] == [(16, 16), (16, 14), (16, 12)]  # the second layer loses nothing
    assert rungs[-1].cost.cells <= 1200 < rungs[-2].cost.cells
    assert all(after.cost.cells < before.cost.cells for before, after in itertools.pairwise(rungs))
    dear = list(ladder((16, 16), cost_of, lambda layer, width: (0.1 * width * (layer == 1), 1e-6), 1200))
    assert dear[1].hidden == (15, 16)
    neither = list(ladder((16, 16), cost_of, lambda layer, width: (3.0, 0.01), 1200))
    assert neither[1].hidden == (15, 16)  # nothing is lost in either, and the first saves more


def test_points_are_spread_over_the_cost_and_end_with_the_last():
    rungs = list(ladder((16, 16), cost_of, lambda layer, width: (0.0, 0.01), 400))
    chosen = spread(rungs, 3)
    assert len(chosen) == 3
    assert chosen[-1] == rungs[-1]
    assert rungs[0] not in chosen


def test_layers_keep_a_neuron_and_even_widths_share_their_share():
    assert sixteenths(3) == [3, 2, 1]
    assert sixteenths(64)[:3] == [64, 60, 56]
    assert evenly((16, 32), lambda hidden: Cost(sum(hidden), 0, 1), 25).hidden == (8, 16)


def test_a_net_costs_what_its_run_is_folded_to(bitneck, finished_run):
    network, arrays = preset("digits").network, np.load(finished_run / "checkpoint" / "checkpoint.npz")
    thresholds = np.ceil(arrays["net/binarize.threshold"]).astype(np.int32)
    cost = Costs(network, thresholds, "xc7", 32, "class", 0).of(network.hidden)
    told = json.loads(bitneck("fold", finished_run, "--target", "xc7", "--cycles", 32, "--json").output)
    assert cost.cells == sum(row["cells"] for row in told["stages"])


WISH = "--luts", 1100, "--seeds", 1, "--points", 1, "--epochs", 2


@pytest.fixture(scope="module")
def shrunk(bitneck, finished_run, tmp_path_factory):
    """The run, the folder, and what was said."""
    run = tmp_path_factory.mktemp("shrink") / "digits"
    shutil.copytree(finished_run, run)
    result = bitneck("shrink", run, *WISH, "--json")
    assert result.exit_code == 0, result.output
    return run, run.with_name("digits-shrunk"), json.loads(result.output)


def test_every_way_is_measured_on_the_same_widths_and_for_equal_time(shrunk):
    _, folder, said = shrunk
    rows = {row["what"]: row for row in said["rows"] if row["hidden"] == said["chosen"]["hidden"]}
    assert rows.keys() == {"information", "gains", "random", "trained anew"}
    assert {row["epochs"] for row in rows.values()} == {6 + 2}
    assert said["chosen"]["cost"]["cells"] <= 1100
    name = f"{'-'.join(map(str, said['chosen']['hidden']))}-scratch-seed0"
    assert trained(folder / name / "checkpoint" / "checkpoint.npz").epochs == 8


def test_a_narrowed_net_is_a_run_that_is_proven_like_any_other(bitneck, shrunk):
    _, folder, said = shrunk
    net = folder / f"{'-'.join(map(str, said['chosen']['hidden']))}-information-seed0"
    for verb in ("export", "build", "simulate", "analyze"):
        assert bitneck(verb, net).exit_code == 0, verb
    assert json.loads((net / "verify.json").read_text())["equal"]


def test_what_is_done_stays_and_what_is_lost_comes_again_the_same(bitneck, shrunk):
    run, folder, said = shrunk
    page, checkpoints = (folder / "shrink.html").read_text(), sorted(folder.glob("*/checkpoint/checkpoint.npz"))
    before = [path.stat().st_mtime_ns for path in checkpoints]
    again = bitneck("shrink", run, *WISH, "--json")
    assert json.loads(again.output) == said
    assert [path.stat().st_mtime_ns for path in checkpoints] == before
    lost = next(folder.glob("*-information-seed0"))
    shutil.rmtree(lost)
    partly = json.loads(bitneck("shrink", run, *WISH, "--so-far", "--json").output)
    assert partly["chosen"] is None
    assert not lost.exists()
    assert json.loads(bitneck("shrink", run, *WISH, "--json").output) == said
    assert (folder / "shrink.html").read_text() == page
    assert "trained anew" in page
    assert "<svg" in page


def test_a_floor_that_no_narrower_net_keeps_chooses_none(bitneck, shrunk):
    run, folder, _ = shrunk
    found = bitneck("shrink", run, "--floor", 0.999, *WISH[2:], "-o", folder.with_name("floor"), "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["chosen"] is None


def test_wishes_that_are_none_say_what_to_ask_for(bitneck, shrunk, tmp_path):
    run, *_ = shrunk
    assert "as it is; ask for fewer" in " ".join(bitneck("shrink", run, "--luts", 9000).output.split())
    assert "one of them" in " ".join(bitneck("shrink", run, "--luts", 900, "--floor", 0.5).output.split())
    assert bitneck("shrink", tmp_path / "nothing").exit_code == 2


def test_lossless_folds_proven_copies_into_a_run_of_the_same_answers(bitneck, tmp_path):
    rng = np.random.default_rng(1)
    weight = rng.random((6, 16)) < 0.5
    weight[1], threshold = weight[0], np.array([8, 8, 7, 9, 0, 8], np.int32)  # 1 copies 0, 4 fires always
    heard = rng.random((3, 6)) < 0.5
    heard[:, 1] = ~heard[:, 0]
    import_model(tie_proof(Graph("copied", 1, (Dense("dense1", weight, threshold), Scores(heard)))), tmp_path / "net")
    assert bitneck("export", tmp_path / "net").exit_code == 0
    found = bitneck("shrink", tmp_path / "net", "--lossless", "--json")
    assert found.exit_code == 0, found.output
    said = json.loads(found.output)
    assert (said["before"], said["after"], said["folded"]) == ({"dense1": 6}, {"dense1": 3}, 3)
    assert said["proofs"] == [
        "equal on every input, by canonical form",
        "equal on all 65,536 inputs, by a count of every input",
    ]
    for verb in ("build", "simulate"):
        assert bitneck(verb, tmp_path / "net-lossless").exit_code == 0
    assert "nothing to fold" in bitneck("shrink", tmp_path / "net-lossless", "--lossless").output


def test_pixels_may_go_too_and_what_is_left_is_proven_on_the_pixels_that_stay(bitneck, shrunk, monkeypatch):
    """Were the cells of pixels all that costs, they would go first."""
    run, folder, _ = shrunk
    of = Costs._of
    monkeypatch.setattr(Costs, "_of", lambda self, hidden: replace(of(self, hidden), cells=10 * hidden[0]))
    place = folder.with_name("fewer")
    wish = Wish("xc7", 32, 480, None, 1, 1, 1, True)
    done = Shrinking(RunFolder(run), wish, place, None).run(synthesise=False)
    assert done.chosen is not None
    assert done.chosen.hidden == (48, 64, 48)
    folders = {how: place / f"48-64-48-{how}-seed0" for how in ("information", "gains", "random", "scratch")}
    taken = {how: tomllib.loads((at / "run.toml").read_text())["data"]["inputs"] for how, at in folders.items()}
    assert {len(inputs) for inputs in taken.values()} == {48}
    assert taken["scratch"] == taken["information"] != taken["random"]
    constant = {0, 24, 32, 39}  # pixels of digits that never change
    assert not constant & set(taken["information"])
    for verb in ("export", "build", "simulate"):
        assert bitneck(verb, folders["information"]).exit_code == 0, verb
    assert json.loads((folders["information"] / "verify.json").read_text())["equal"]
