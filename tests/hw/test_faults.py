"""Faults: sums over samples against nets that were changed and asked, and against accumulators kept beat by beat."""

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Dense, Graph, Scores
from bitneck.hw.accelerator import lower
from bitneck.hw.faults import Faults, FaultsError, Flip, Stuck, in_memory, units, with_bit_flipped
from bitneck.hw.stages import Folding
from bitneck.hw.verilog import OWN, verilog
from turned_cases import complex_weight


@pytest.fixture(scope="module")
def graph() -> Graph:
    rng = np.random.default_rng(3)

    def weight(rows: int, inputs: int) -> np.ndarray:
        return rng.random((rows, inputs)) < 0.5

    def threshold(rows: int, inputs: int) -> np.ndarray:
        return (inputs // 2 + rng.integers(-2, 3, rows)).astype(np.int32)

    first = Dense("dense1", weight(8, 12), threshold(8, 12))
    second = Dense("dense2", weight(6, 8), np.array([0, 9, 4, 5, 3, 4], np.int32))  # always and never among them
    return Graph("net", 1, (first, second, Scores(weight(4, 6))))


@pytest.fixture(scope="module")
def accelerator(graph):
    return lower(graph, {"dense1": Folding(4, 3), "dense2": Folding(2, 4), "scores": Folding(2, 2)})


@pytest.fixture(scope="module")
def net(graph, accelerator) -> Faults:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 2, (500, 12), np.uint8)
    y = np.where(rng.random(500) < 0.8, graph(x).predictions(), rng.integers(0, 4, 500))
    return Faults(units(graph, accelerator), np.where(x, np.float32(1), np.float32(-1)), y)


@pytest.fixture(scope="module")
def turned() -> tuple[Graph, Faults]:
    """Complex layers, of which half is stored; labels that the net is right about, so that pairs of neurons count."""
    rng = np.random.default_rng(5)
    middle = (rng.integers(4, 9, 8).astype(np.int32), rng.integers(2, 7, 8).astype(np.int32))
    weights = complex_weight(rng, 8, 12), complex_weight(rng, 8, 8)
    layers = [Dense(f"dense{at + 1}", weight, middle[at]) for at, weight in enumerate(weights)]
    graph = Graph("net", 1, (*layers, Scores(rng.random((4, 8)) < 0.5)))
    accelerator = lower(graph, {"dense1": Folding(2, 2), "dense2": Folding(1, 2), "scores": Folding(2, 2)})
    x = rng.integers(0, 2, (400, 12), np.uint8)
    return graph, Faults(units(graph, accelerator), np.where(x, np.float32(1), np.float32(-1)), graph(x).predictions())


def test_turned_it_answers_as_its_graph_and_every_stored_bit_is_two_weights(turned):
    graph, net = turned
    trace = graph((net.inputs > 0).astype(np.uint8))
    assert net.right.all()
    assert net.emitted() == {name: trace.codes[name] for name in ("dense1", "dense2")}
    assert sum(flip.part == "weights" for flip in net.stored()) == 4 * 12 + 4 * 8 + 4 * 8
    flip = net.bit("dense1", "weights", 3 * 12 + 7)
    assert str(flip) == "dense1, neuron 3, weight of input 7 and neuron 7, weight of input 1"
    changed = net.flipped([flip]).units[0].signs != net.units[0].signs
    assert np.argwhere(changed).tolist() == [[3, 7], [7, 1]]


def test_unharmed_it_answers_as_the_graph_does(graph, net):
    trace = graph((net.inputs > 0).astype(np.uint8))
    assert (net.right == (trace.predictions() == net.y)).all()
    assert (net.scores() == trace.scores).all()
    assert net.emitted() == {name: trace.codes[name] for name in ("dense1", "dense2")}


@pytest.mark.parametrize("which", ["plain", "turned"])
def test_every_flip_costs_what_the_net_with_that_bit_flipped_loses(net, turned, which):
    net = net if which == "plain" else turned[1]
    lost = {(unit.name, "weights"): net.weights(index) for index, unit in enumerate(net.units)}
    lost |= {(unit.name, "thresholds"): net.thresholds(index) for index, unit in enumerate(net.units[:-1])}
    stored = net.stored()
    assert len(stored) == sum(each.size for each in lost.values())
    for flip in stored:
        cost = int(net.right.sum()) - int(net.flipped([flip]).right.sum())
        assert lost[flip.layer, flip.part][flip.row, flip.bit] == cost, flip
    assert any(each.max() > 0 for each in lost.values())


def test_a_flipped_weight_is_the_net_with_that_weight(graph, net):
    flip = Flip("dense1", "weights", 5, 7)
    weight = graph["dense1"].weight.copy()
    weight[5, 7] ^= True
    other = replace(graph, layers=(replace(graph.layers[0], weight=weight), *graph.layers[1:]))
    assert (net.flipped([flip]).scores() == other((net.inputs > 0).astype(np.uint8)).scores).all()


def test_a_wire_that_is_stuck_spoils_every_row_of_its_lane_in_every_beat(net):
    costs = {str(fault): cost for fault, cost in net.stuck()}
    bits = {unit.name: unit.bits for unit in net.units}
    assert len(costs) == 2 * (4 * (bits["dense1"] + 1) + 2 * (bits["dense2"] + 1) + 2 * bits["scores"])
    for index, fault in (
        (0, Stuck("dense1", "accumulator", 1, 0, True)),
        (1, Stuck("dense2", "accumulator", 0, 2, False)),
    ):
        unit, entering = net.units[index], net.codes[index]
        codes = net.codes[index + 1].copy()
        for sample in range(len(net.y)):
            for row in range(fault.lane, len(unit.signs), unit.pe):
                held = int(unit.starts[row])
                for at in range(0, unit.signs.shape[1], unit.simd):
                    held += int((entering[sample, at : at + unit.simd] == unit.signs[row, at : at + unit.simd]).sum())
                    held = held | 1 << fault.bit if fault.value else held & ~(1 << fault.bit)
                codes[sample, row] = 1 if held >= 0 else -1
        for later in net.units[index + 1 : -1]:
            codes = later.codes(codes)
        right = net.units[-1].accumulators(codes).argmax(axis=1) == net.y
        assert costs[str(fault)] == int(net.right.sum()) - int(right.sum())


def test_a_bit_lies_where_its_memory_file_has_it(graph, accelerator, net):
    files = verilog(accelerator)
    for flip in (Flip("dense1", "weights", 6, 10), Flip("scores", "weights", 3, 1)):
        weight = graph[flip.layer].weight.copy()
        weight[flip.row, flip.bit] ^= True
        layers = [replace(layer, weight=weight) if layer.name == flip.layer else layer for layer in graph.layers]
        folding = {stage.name: Folding(stage.pe, stage.simd) for stage in accelerator.stages if hasattr(stage, "simd")}
        due = verilog(lower(replace(graph, layers=tuple(layers)), folding))
        memory, word, bit = in_memory(flip, next(unit for unit in net.units if unit.name == flip.layer))
        name = OWN.format(design=accelerator.name, name=memory)
        assert with_bit_flipped(files[name], word, bit) == due[name] != files[name]


def test_a_net_whose_weights_lie_in_no_memory_is_refused(graph):
    unrolled = lower(graph, {"dense1": Folding(8, 12), "dense2": Folding(6, 8), "scores": Folding(4, 6)})
    with pytest.raises(FaultsError, match="dense1 is unrolled"):
        units(graph, unrolled)
