"""Searching: budgets are kept, what is found is an ordinary run that is proven, and what is done stays; so of maps."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import small_conv_nets
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export
from bitneck.flow.config import RunError, changed, from_preset
from bitneck.flow.evolution import Candidate, best, evolve
from bitneck.flow.search_file import search_wish
from bitneck.flow.searched import Net, Searched, Signals
from bitneck.flow.shrink_ladder import Cost, Costs
from bitneck.flow.trained import trained
from bitneck.hw.costs.search import budget
from bitneck.hw.costs.search import search as folded

CHOICES = ((4, 8, 16, 32), (4, 8, 16, 32))


def candidate(hidden, cells=None):
    """Right more often the wider, the second layer above all; dear by the first."""
    cells = 10 * hidden[0] + hidden[1] if cells is None else cells
    return Candidate(hidden, Cost(cells, 0, 1), (hidden[0] + 4 * hidden[1]) / 200)


def evolved(seed=0, budgets=(200,), generations=4):
    asked = []

    def judge(nets):
        asked.extend(nets)
        return {hidden: candidate(hidden) for hidden in nets}

    *_, found = evolve(CHOICES, budgets, judge, 3, generations, 3, 1, np.random.default_rng(seed))
    return asked, found


def test_the_evolution_finds_the_best_under_a_budget_and_asks_of_each_net_once():
    asked, found = evolved()
    assert len(asked) == len(set(asked)) == len(found)
    assert len(asked) <= 3 + 4 * (3 + 1)
    assert best(found, 200, 1)[0].hidden == (16, 32)
    assert asked[0] == (4, 4)  # the narrowest is always among the first
    assert evolved()[0] == asked != evolved(seed=1)[0]


def test_the_best_fit_the_budget_and_of_equals_the_cheaper_is_taken():
    some = [candidate((32, 32)), candidate((8, 16), 90), candidate((8, 16), 80), Candidate((4, 4), None, 1.0)]
    assert [each.cost.cells for each in best(some, 100, 3)] == [80, 90]
    assert best(some, 10, 3) == []


def test_a_net_of_no_fast_enough_folding_ends_the_evolution():
    asked, found = [], {}

    def judge(nets):
        asked.extend(nets)
        return {hidden: Candidate(hidden, None, 0.5) for hidden in nets}

    *_, found = evolve(CHOICES, (200,), judge, 3, 9, 3, 1, np.random.default_rng(0))
    assert len(found) == len(asked) == 3


def test_rankings_are_kendalls_over_nets_with_signals_and_know_what_seeds_allow():
    def net(number, right, signal):
        signals = Signals((number, 4), signal, 1.0, 1 - signal, signal)
        return Net("drawn", (number, 4), Cost(number, 0, 1), 5, right, signals)

    nets = (net(1, (0.1, 0.2), 0.1), net(2, (0.2, 0.1), 0.2), net(3, (0.9, 0.9), 0.3))
    even = Net("even widths", (2, 2), Cost(9, 0, 1), 9, (0.0, 0.0), None)
    found = Searched("digits", "xc7", 32, (9,), 3, 1, 4, 0.5, (*nets, even)).rankings()
    taus = {each.signal: each.tau for each in found}
    assert taus["bits in the supernet"] is None  # all the same
    assert taus["accuracy after a few epochs"] == -taus["accuracy in the supernet"] < 0
    assert taus["one seed for another"] == pytest.approx(1 / 3)
    assert {each.nets for each in found} == {3}
    assert Searched("digits", "xc7", 32, (9,), 3, 1, 4, 0.5, (*nets[:2], even)).rankings() == []


def test_widths_are_of_all_layers_or_of_each_and_the_rate_is_the_runs_unless_given():
    every = search_wish(FILE, "here")
    assert every.choices == ((8, 12, 16), (8, 12, 16))
    assert every.base.hardware.cycles == 32
    each = search_wish(FILE.replace("[16, 8, 12, 8]", "[[8, 4], [6, 9]]") + "fps = 1e6\nclock_mhz = 100.0", "here")
    assert (each.narrowest, each.widest, each.base.hardware.cycles) == ((4, 6), (8, 9), 100)
    run = every.config((8, 16), 7, 3)
    assert (run.network.widths, run.training.seed, run.training.epochs) == ((128, 8, 16, 10), 7, 3)


def test_widths_of_maps_are_those_of_convolutions_and_dense_layers_by_name_and_others_stay(tmp_path):
    network = from_preset("digits-conv").network.model_dump() | {"layers": [*CONVS, {"dense": 12}, {"dense": 10}]}
    (tmp_path / "run.toml").write_text(changed(from_preset("digits-conv"), network=network).toml())
    text = MAPS.replace('preset = "digits-conv"', f'config = "{tmp_path / "run.toml"}"')
    named = search_wish(text.replace("conv1", "dense1"), "here")
    assert named.choices == ((16,), (4, 8), (3, 4))
    assert str(named.config((16, 4, 3), 0, 1).network) == "8x8x1-16c+1-4c-2p-3-10"
    each = search_wish(text.replace(BY_NAME, "[[2, 3], [4, 5], [6, 7]]"), "here")
    assert (each.narrowest, each.widest) == ((2, 4, 6), (3, 5, 7))
    assert search_wish(text.replace(BY_NAME, "[8, 9]"), "here").choices == ((8, 9),) * 3


def test_the_files_of_the_page_are_read_as_it_says():
    page = (Path(__file__).resolve().parents[2] / "docs" / "search.md").read_text()
    dense, maps = (search_wish(text, "docs") for text in re.findall(r"(?s)```toml [^\n]*\n(.*?)```", page))
    assert (len(dense.choices), dense.widest) == (2, (96, 96))
    assert (len(maps.choices), maps.widest, maps.base.hardware.cycles) == (2, (24, 32), 1024)


CONVS = [{"conv": 16, "padding": 1}, {"conv": 16}, {"pool": 2}]
BY_NAME = "{ conv1 = [4, 3, 4], conv2 = [4, 8] }"
MAPS = f"""
preset = "digits-conv"
target = "xc7"
luts = [640]
widths = {BY_NAME}
supernet_epochs = 2
population = 4
generations = 0
drawn = 1
epochs = 2
early_epochs = 1
seeds = 1
"""


@pytest.mark.parametrize("target", ["xc7", "up5k"])
@pytest.mark.parametrize("config", small_conv_nets.KINDS[:3], ids=str)
def test_maps_cost_what_the_design_of_the_exported_net_does(config, target):
    network = config.of_rows((6, 8, 10))
    net = small_conv_nets.odd(network).eval()
    cuts = None if net.binarize is None else np.ceil(net.binarize.threshold.flatten().numpy()).astype(np.int32)
    plan = folded(streamline(export(net, "narrow")).graph, budget(target), 300)
    cost = Cost(plan.resources.cells, plan.resources.brams, plan.cycles)
    assert Costs(config, cuts, target, 300, "class", 0).of((6, 8, 10)) == cost


@pytest.fixture(scope="module")
def searched_maps(bitneck, tmp_path_factory):
    """The folder, and what was said."""
    place = tmp_path_factory.mktemp("maps")
    (place / "maps.toml").write_text(MAPS)
    result = bitneck("search", place / "maps.toml", "-o", place / "found", "--workers", 1, "--json")
    assert result.exit_code == 0, result.output
    return place / "found", json.loads(result.output)


def test_of_maps_too_what_is_found_is_proven_in_every_bit_of_every_layer(searched_maps):
    folder, said = searched_maps
    (net,) = of(said, "found")
    assert net["cost"]["cells"] <= 640
    assert net["hidden"][0] in (3, 4)
    assert net["hidden"][1] in (4, 8)
    verified = json.loads((run_of(folder, net) / "verify.json").read_text())
    assert (verified["equal"], verified["samples"]) == (True, 1797)
    assert list(verified["digests"]) == ["conv1", "conv2", "pool1", "scores"]
    for row in verified["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1
    assert verified["promised_cycles"] == net["cost"]["cycles"] <= 1024
    assert net["signals"]["supernet_bits"] <= np.log2(10)


def test_of_maps_too_a_net_costs_what_its_run_is_folded_to(bitneck, searched_maps):
    folder, said = searched_maps
    (net,) = of(said, "found")
    told = json.loads(bitneck("fold", run_of(folder, net), "--target", "xc7", "--cycles", 1024, "--json").output)
    assert net["cost"]["cells"] == sum(row["cells"] for row in told["stages"])


def run_of(folder, net):
    return folder / f"{'-'.join(map(str, net['hidden']))}-epochs{net['epochs']}-seed0"


FILE = """
preset = "digits"
target = "xc7"
luts = [420, 600]
widths = [16, 8, 12, 8]
supernet_epochs = 4
population = 4
generations = 1
mutations = 2
crossovers = 1
drawn = 1
epochs = 3
early_epochs = 1
seeds = 2
"""


@pytest.fixture(scope="module")
def searched(bitneck, tmp_path_factory):
    """The file, the folder, and what was said."""
    place = tmp_path_factory.mktemp("search")
    (place / "small.toml").write_text(FILE)
    result = bitneck("search", place / "small.toml", "-o", place / "found", "--workers", 1, "--json")
    assert result.exit_code == 0, result.output
    return place / "small.toml", place / "found", json.loads(result.output)


def of(said, what):
    return [net for net in said["nets"] if net["what"] == what]


def test_what_is_found_keeps_its_budget_and_is_a_run_that_is_proven(searched):
    _, folder, said = searched
    found = of(said, "found")
    assert min(net["cost"]["cells"] for net in found) <= 420
    assert max(net["cost"]["cells"] for net in said["nets"]) <= 600
    for net in found:
        name = f"{'-'.join(map(str, net['hidden']))}-epochs3-seed"
        assert json.loads((folder / f"{name}0" / "verify.json").read_text())["equal"]
        runs = [trained(folder / f"{name}{seed}" / "checkpoint" / "checkpoint.npz") for seed in (0, 1)]
        assert [run.history[-1].test_accuracy for run in runs] == net["accuracies"]
        assert net["accuracy"] == mean(net["accuracies"])


def test_even_widths_train_for_as_long_in_all_as_supernet_and_finds(searched):
    said = searched[2]
    found, even = of(said, "found"), of(said, "even widths")
    due = 4 * 4 + len(found) * 2 * 3
    assert due <= sum(2 * net["epochs"] for net in even) < due + 2 * len(even)
    assert {net["hidden"][0] == net["hidden"][1] for net in even} == {True}


def test_a_net_costs_what_its_run_is_folded_to(bitneck, searched):
    _, folder, said = searched
    net = of(said, "found")[0]
    run = folder / f"{'-'.join(map(str, net['hidden']))}-epochs3-seed0"
    told = json.loads(bitneck("fold", run, "--target", "xc7", "--cycles", 32, "--json").output)
    assert net["cost"]["cells"] == sum(row["cells"] for row in told["stages"])


def test_what_is_done_stays_and_what_is_lost_comes_again_the_same(bitneck, searched):
    file, folder, said = searched
    page, supernet = (folder / "search.html").read_text(), (folder / "supernet.npz").stat().st_mtime_ns
    lost = next(folder.glob("*-epochs3-seed1"))
    shutil.rmtree(lost)
    partly = json.loads(bitneck("search", file, "-o", folder, "--so-far", "--json").output)
    assert {len(net["accuracies"]) for net in partly["nets"]} == {1, 2}
    assert not lost.exists()
    again = bitneck("search", file, "-o", folder, "--workers", 1, "--json")
    assert json.loads(again.output) == said
    assert (folder / "search.html").read_text() == page
    assert (folder / "supernet.npz").stat().st_mtime_ns == supernet
    assert "even widths" in page
    assert "<svg" in page


def test_a_cluster_gives_the_same_answers(bitneck, searched, tmp_path):
    file, _, said = searched
    found = bitneck("search", file, "-o", tmp_path / "found", "--workers", 2, "--no-prove", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["nets"] == said["nets"]


def test_another_search_does_not_take_the_folder(bitneck, searched, tmp_path):
    (tmp_path / "other.toml").write_text(FILE.replace("supernet_epochs = 4", "supernet_epochs = 5"))
    refused = bitneck("search", tmp_path / "other.toml", "-o", searched[1], "--workers", 1)
    assert refused.exit_code == 2
    assert "supernet of another search: its training differ" in " ".join(refused.output.split())


def test_a_budget_that_no_net_fits_says_what_the_cheapest_takes(bitneck, searched, tmp_path):
    _, folder, _ = searched
    shutil.copytree(folder, tmp_path / "found", ignore=shutil.ignore_patterns("*-seed*"))
    (tmp_path / "small.toml").write_text(FILE.replace("[420, 600]", "[90]"))
    refused = bitneck("search", tmp_path / "small.toml", "-o", tmp_path / "found", "--workers", 1)
    assert refused.exit_code == 2
    assert "fits luts=90: the cheapest takes" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ('target = "xc7"\n', "", "target: Field required"),
        ("[16, 8, 12, 8]", "[[8, 4]]", "widths of 1 hidden layers, and digits has 2, dense1, dense2; give one list, 2"),
        ("[16, 8, 12, 8]", "{ dense3 = [8, 4] }", "widths of dense3, and digits has none .*; did you mean"),
        ("[420, 600]", "[999999]", "luts=999,999 on xc7, which has"),
        ("seeds = 2", "fps = 9.0", "target_fps says nothing without clock_mhz"),
        ('preset = "digits"', 'preset = "digits"\nconfig = "run.toml"', "both preset and config"),
    ],
)
def test_a_mistake_in_the_file_says_the_place_and_the_way_out(was, now, said):
    with pytest.raises(RunError, match=f"^here.*{said}"):
        search_wish(FILE.replace(was, now), "here")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"network__threshold_sets": 8}, "threshold_sets: a supernet has one set"),
        ({"network__steps": 4}, "steps: a supernet has no states; search without"),
        ({"network__complex": True, "network__widths": (128, 64, 48, 10)}, "complex: neurons .* are pairs, .*without"),
        ({"training__bilinear": 0.1}, "bilinear: RBONN pulls weights to their signs, .*; leave it out"),
        ({"network__activation_bits": 2}, "a net of 2 bits is not searched"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_a_supernet_cannot_be_is_refused_by_name(tmp_path, asked, said):
    (tmp_path / "run.toml").write_text(changed(from_preset("digits"), **asked).toml())
    with pytest.raises(RunError, match=said):
        search_wish(FILE.replace('preset = "digits"', f'config = "{tmp_path / "run.toml"}"'), "here")


@pytest.mark.parametrize("asked", [{"training__teacher_epochs": 3}, {"training__float_weights": 0.5}])
def test_a_supernet_takes_no_other_teacher(tmp_path, asked):
    (tmp_path / "run.toml").write_text(changed(from_preset("digits"), **asked).toml())
    text = FILE.replace('preset = "digits"', f'config = "{tmp_path / "run.toml"}"')
    with pytest.raises(RunError, match="a supernet teaches itself"):
        search_wish(text, "here")


def test_of_maps_too_what_a_supernet_cannot_be_is_refused_by_name(tmp_path):
    with pytest.raises(RunError, match="teacher and float_weights: a supernet teaches itself"):
        search_wish(MAPS.replace("digits-conv", "cnv-tiny"), "here")
    for asked, said in (
        ({"network__weight_bits": 2}, "a net of 2 bits is not searched; search 1-bit nets"),
        ({"network__codebook_bits": 4}, "codebook_bits: kernels of a supernet are free"),
    ):
        (tmp_path / "run.toml").write_text(changed(from_preset("digits-conv"), **asked).toml())
        with pytest.raises(RunError, match=said):
            search_wish(MAPS.replace('preset = "digits-conv"', f'config = "{tmp_path / "run.toml"}"'), "here")
    with pytest.raises(RunError, match=r"widths of pool1, and digits_conv has none of that name"):
        search_wish(MAPS.replace("conv2", "pool1"), "here")
