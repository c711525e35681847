"""A net of maps from training to its page: torch = QONNX = graph = RTL in every bit, and its maps over the epochs."""

from __future__ import annotations

import json

import pytest
from bitneck import flow
from bitneck.export.graph import Cut
from bitneck.flow.belonging import analysis_of, graph_of
from bitneck.flow.config import RunError, changed, design, from_preset
from bitneck.flow.files import read_trace
from bitneck.flow.folder import RunFolder
from bitneck.flow.map_shapes import map_shapes
from bitneck.flow.proof import prove
from bitneck.flow.shrink import Shrinking, Wish
from bitneck.flow.shrink_ladder import Costs
from bitneck.flow.shrunk import SURVIVING, net_name
from bitneck.flow.zoo import packed
from bitneck.hw.costs.resources import total
from bitneck.hw.costs.search import Search


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    """The preset of digits, trained for three epochs and proven on its test set."""
    folder = RunFolder(tmp_path_factory.mktemp("maps") / "run")
    flow.train(
        folder, changed(from_preset("digits-conv"), training__epochs=3, analysis__samples="test", analysis__brackets=0)
    )
    flow.export(folder)
    flow.build(folder)
    flow.simulate(folder)
    flow.analyze(folder)
    flow.report(folder)
    return folder


def test_four_sources_emit_the_same_codes_of_every_map_for_every_sample(run):
    verification = json.loads(run.verification.read_text())
    assert verification["equal"]
    assert verification["samples"] == 360
    assert list(verification["digests"]) == ["conv1", "conv2", "pool1", "scores"]
    for row in verification["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1
    assert verification["cycles_per_frame"] == verification["promised_cycles"] <= 1024


def test_every_spelling_of_the_file_is_written(run):
    assert all(path.exists() for path in (run.model, run.streamlined, run.standard))


def test_maps_are_measured_at_every_epoch_that_was_captured(run):
    assert {name: str(shape) for name, shape in map_shapes(run).items()} == {
        "conv1": "8 x 8 x 16",
        "conv2": "6 x 6 x 16",
        "pool1": "3 x 3 x 16",
    }
    analysis = analysis_of(run)
    assert [(point.epoch, point.layer) for point in analysis.over] == [
        (epoch, layer) for epoch in range(4) for layer in ("conv1", "conv2", "pool1")
    ]
    last = {each.layer: each.given for each in analysis.maps}
    assert {point.layer: point.given for point in analysis.over if point.epoch == 3} == last
    assert "Over the training" in run.report.read_text()


def test_a_map_is_captured_with_all_its_places(run):
    widths = {name: codes.width for name, codes in read_trace(run.epoch_codes(3)).codes.items()}
    assert widths == {"conv1": 1024, "conv2": 576, "pool1": 144}


def test_channels_are_left_out_and_the_narrower_net_is_proven(run, tmp_path):
    wish = Wish("xc7", luts=950, seeds=1, points=1, epochs=1)
    done = Shrinking(run, wish, tmp_path, None).run()
    assert done.whole.hidden == (16, 16)
    assert done.chosen.hidden < done.whole.hidden
    assert done.chosen.cost.cells <= 950 < done.whole.cost.cells
    assert {point.how for point in done.points if point.hidden == done.chosen.hidden} == {*SURVIVING, "scratch"}
    narrow = RunFolder(tmp_path / net_name(done.chosen.hidden, "information", 0))
    prove(narrow)
    assert list(json.loads(narrow.verification.read_text())["digests"]) == ["conv1", "conv2", "pool1", "scores"]
    built = design(narrow.config(), graph_of(narrow))
    assert total(built.stages, "xc7").cells == done.chosen.cost.cells


def test_pixels_of_maps_are_not_left_out(run, tmp_path):
    with pytest.raises(RunError, match="--inputs leaves out pixels of dense nets"):
        Shrinking(run, Wish("xc7", inputs=True), tmp_path, None)


@pytest.mark.parametrize("name", ["digits-conv", "mnist-small", "cnv-half"])
def test_a_net_of_maps_costs_what_any_net_of_its_shape_does(name):
    """Trained ones: inputs that are cut, whole inputs, and dense layers behind maps among them."""
    net = packed(name)
    network = net.made.network
    first = net.graph.layers[0]
    cuts = first.table.shape[1] - first.table.sum(axis=1) if isinstance(first, Cut) else None
    found = Costs(network, cuts, "xc7", 40_000, "class", 0).of(tuple(network.rows.values()))
    plan = Search(net.graph, "xc7", "class", 0).cheapest(40_000)
    assert (found.cells, found.brams, found.cycles) == (plan.resources.cells, plan.resources.brams, plan.cycles)
