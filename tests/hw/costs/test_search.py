"""The folding search: no folding there is beats what it finds, and what it cannot find it says why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from bitneck.export.graph import BIPOLAR, Binarize, Conv, Cut, Dense, Graph, Levels, Pool, Scores
from bitneck.hw.accelerator import lower
from bitneck.hw.costs.resources import Resources, total
from bitneck.hw.costs.search import Budget, Search, budget, search
from bitneck.hw.costs.table import next_step, table
from bitneck.hw.folding import Folding
from bitneck.hw.parts import PARTS, part
from bitneck.hw.stages import FoldingError, divisors, lowering
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import random_graph

TFC = random_graph([784, 64, 64, 64, 10], 8, name="tfc")
DIGITS = random_graph([128, 64, 48, 10], 5, name="digits")
SMALL_NETS = st.tuples(
    st.lists(st.integers(1, 12), min_size=2, max_size=3),
    st.sampled_from([1, 8]),
    st.sampled_from(sorted(PARTS)),
    st.sampled_from(["class", "scores"]),
    st.sampled_from([0, 4]),
)


def every_design(graph: Graph, target: str, *options) -> list[tuple[int, Resources]]:
    """Cycles and cost of every legal folding, lowered one by one: no search, no sharing."""

    def legal(layer) -> Iterator[Folding]:
        simds = [1] if isinstance(layer, Binarize) else divisors(layer.inputs)
        styles = ["auto"] if isinstance(layer, Binarize) else ["auto", "block"]
        return (Folding(pe, simd, style) for pe in divisors(layer.outputs) for simd in simds for style in styles)

    names = [layer.name for layer in graph.layers]
    lowered = (
        lower(graph, dict(zip(names, foldings, strict=True)), *options)
        for foldings in product(*map(legal, graph.layers))
    )
    return [(accelerator.cycles, total(accelerator.stages, target)) for accelerator in lowered]


def small_conv_net() -> Graph:
    """A convolution, a pool, a table before and scores behind: 1,024 designs."""
    rng = np.random.default_rng(6)
    cut = Cut("cut1", np.arange(16, dtype=np.uint8)[None] // 4, (4, 4, 2), Levels(0, 1, 4))
    weight = rng.integers(-1, 2, (2, 3, 3, 2)).astype(np.int8)
    conv = Conv("conv1", weight, np.array([9, 11], np.int32), cut.shape, (1, 1), (1, 1, 1, 1), 2, 1, 4, BIPOLAR)
    pool = Pool("pool1", conv.out_shape, ("max",), (2, 2), (2, 2), (0, 0, 0, 0), 2, BIPOLAR)
    return Graph("maps", 4, (cut, conv, pool, Scores(rng.random((2, 8)) < 0.5, 2)))


@pytest.mark.parametrize("target", ["up5k", "xc7"])
def test_the_search_is_optimal_on_a_net_of_maps_too(target):
    graph = small_conv_net()
    names = [layer.name for layer in graph.layers]
    every = []
    for foldings in product(*(list(lowering(layer).foldings(layer)) for layer in graph.layers)):
        accelerator = lower(graph, dict(zip(names, foldings, strict=True)))
        every.append((accelerator.cycles, total(accelerator.stages, target)))
    searched = Search(graph, target)
    for cycles in searched.steps()[:: max(1, len(searched.steps()) // 4)]:
        possible = [share(cost, target) for needed, cost in every if needed <= cycles]
        found = searched.cheapest(cycles)
        assert (found is None) == (not possible)
        if found:
            assert found.resources == total(found.accelerator.stages, target)
            assert share(found.resources, target) == pytest.approx(min(possible))
    fewest = min(cost.cells for _, cost in every)
    within = Budget(target, fewest + 60, 3)
    fitting = [needed for needed, cost in every if cost.cells <= within.cells and cost.brams <= within.brams]
    fastest = searched.fastest(within)
    assert fastest is not None
    assert fastest.cycles == min(fitting)


FINN_CNV = [(16, 3), (32, 32), (16, 32), (16, 32), (4, 32), (1, 32), (1, 4), (1, 8), (5, 1)]


def cnv() -> Graph:
    """BNN-PYNQ's CNV, of random weights: kernels that are all alike would be coded."""
    rng = np.random.default_rng(0)
    shape, takes = (32, 32, 3), 256
    layers: list = []
    for index, channels in enumerate((64, 64, "pool", 128, 128, "pool", 256, 256)):
        if channels == "pool":
            layers.append(Pool(f"pool{index}", shape, ("max",), (2, 2), (2, 2), (0, 0, 0, 0), 2, BIPOLAR))
        else:
            weight, never = rng.random((channels, 3, 3, shape[2])) < 0.5, np.zeros(channels, np.int32)
            layers.append(Conv(f"conv{index}", weight, never, shape, (1, 1), (0, 0, 0, 0), 0, 1, takes, BIPOLAR))
        shape, takes = layers[-1].out_shape, 2
    for index, (rows, inputs) in enumerate([(512, 256), (512, 512)]):
        layers.append(Dense(f"dense{index}", np.zeros((rows, inputs), bool), np.zeros(rows, np.int32)))
    return Graph("cnv", 8, (*layers, Scores(np.zeros((10, 512), bool))))


def test_the_foldings_that_finn_publishes_for_its_nets_are_taken_as_they_are():
    graph = cnv()
    weighted = [layer for layer in graph.layers if not lowering(layer).elementwise]
    foldings = {layer.name: Folding(*lanes) for layer, lanes in zip(weighted, FINN_CNV, strict=True)}
    assert all(foldings[layer.name] in lowering(layer).foldings(layer) for layer in weighted)
    assert lower(graph, foldings).cycles == 32_768
    tfc = random_graph([784, 64, 64, 64, 10], 1)
    lanes = [(16, 49), (8, 8), (8, 8), (10, 8)]
    foldings = {layer.name: Folding(*each) for layer, each in zip(tfc.layers, lanes, strict=True)}
    assert lower(tfc, foldings).cycles == 64


def share(cost: Resources, target: str) -> float:
    return cost.cells / part(target).cells + cost.brams / part(target).brams


@settings(deadline=None, max_examples=25)
@given(SMALL_NETS, st.data())
def test_no_folding_is_cheaper_than_the_cheapest_or_faster_than_the_fastest(net, data):
    widths, input_bits, target, *options = net
    graph = random_graph(widths, input_bits)
    every = every_design(graph, target, *options)
    if len(every) > 20_000:
        return
    cycles = data.draw(st.sampled_from(sorted({cycles for cycles, _ in every})))
    cells = data.draw(st.sampled_from(sorted({cost.cells for _, cost in every})))
    brams = data.draw(st.sampled_from(sorted({cost.brams for _, cost in every})))
    within = Budget(target, cells, brams)
    searched = Search(graph, target, *options)

    cheapest = searched.cheapest(cycles)
    assert cheapest.cycles <= cycles
    assert cheapest.resources == total(cheapest.accelerator.stages, target)
    assert share(cheapest.resources, target) == pytest.approx(
        min(share(cost, target) for needed, cost in every if needed <= cycles)
    )

    fitting = [(needed, cost) for needed, cost in every if cost.cells <= cells and cost.brams <= brams]
    fastest = searched.fastest(within)
    if not fitting:
        assert fastest is None
        return
    assert fastest.cycles == min(needed for needed, _ in fitting)
    assert fastest.resources.cells <= cells
    assert fastest.resources.brams <= brams
    assert share(fastest.resources, target) == pytest.approx(
        min(share(cost, target) for needed, cost in fitting if needed == fastest.cycles)
    )


def test_the_chain_is_searched_and_not_its_layers_one_by_one():
    """Layers chosen each for itself, blind to the converters between them, are never cheaper and sometimes dearer."""
    graph = random_graph([60, 35, 22, 10], 8)
    searched = Search(graph, "ecp5-25k")
    ratios = []
    for cycles in searched.steps():
        greedy = {
            layer.name: min(
                (option for option in options if option.cycles <= cycles),
                key=lambda option: share(option.cost, "ecp5-25k"),
            ).folding
            for layer, options in zip(graph.layers, searched.layers, strict=True)
        }
        alone = share(total(lower(graph, greedy).stages, "ecp5-25k"), "ecp5-25k")
        ratios.append(alone / share(searched.cheapest(cycles).resources, "ecp5-25k"))
    assert min(ratios) >= 1 - 1e-12
    assert max(ratios) > 1.005


@pytest.mark.parametrize("target", PARTS)
def test_a_wish_is_met_within_the_part_and_the_next_step_is_faster_and_dearer(target):
    plan = search(DIGITS, budget(target), 64)
    assert plan.cycles <= 64
    assert plan.resources.cells <= part(target).cells
    faster = Search(DIGITS, target).faster(plan)
    assert faster.cycles < plan.cycles
    assert share(faster.resources, target) > share(plan.resources, target)
    said = next_step(plan, faster, target)
    assert f"the next step, {faster.cycles}, takes " in said
    assert f"{abs(faster.resources.cells - plan.resources.cells):,} " in said


def test_without_a_rate_the_whole_part_is_used_for_speed():
    fastest = search(TFC, budget("up5k"))
    assert fastest.resources.cells <= 5_280
    assert fastest.resources.brams <= 30
    with pytest.raises(FoldingError, match=f"the fastest that fits takes {fastest.cycles} cycles a frame"):
        search(TFC, budget("up5k"), fastest.cycles - 1)


def test_an_impossible_rate_names_what_binds_and_the_way_out():
    with pytest.raises(FoldingError, match=r"64 cycles a frame takes at least [0-9,]+ logic cells of 1,000 allowed; "):
        search(TFC, budget("up5k", cells=1_000), 64)
    with pytest.raises(FoldingError, match=r"takes .* memory blocks of 3 allowed.*; allow .* larger part"):
        search(TFC, budget("up5k", brams=3), 784)
    with pytest.raises(FoldingError, match=r"the slowest folding, 50,176 cycles a frame, takes at least .* of 10 "):
        search(TFC, budget("up5k", cells=10))


def test_a_budget_beyond_the_part_is_refused():
    with pytest.raises(FoldingError, match=r"a budget of 31 memory blocks on up5k, which has 30"):
        budget("up5k", brams=31)


def test_nothing_is_faster_than_a_frame_a_cycle():
    graph = random_graph([6, 4, 3], 1)
    searched = Search(graph, "xc7")
    plan = searched.cheapest(1)
    assert plan.cycles == 1
    assert {stage.module for stage in plan.accelerator.stages} == {"dense", "dense_scores", "argmax_tree"}
    assert searched.faster(plan) is None
    assert next_step(plan, None, "xc7").endswith("no folding is faster")


def test_the_table_has_a_line_a_stage_marks_the_slowest_and_adds_up():
    plan = search(DIGITS, budget("hx8k"), 32)
    lines = table(plan.accelerator, "hx8k").splitlines()
    stages = plan.accelerator.stages
    assert [line.split()[0] for line in lines[1 : len(stages) + 1]] == [stage.name for stage in stages]
    marked = [line.split()[0] for line in lines if line.endswith("slowest")]
    assert marked == [stage.name for stage in stages if stage.cycles == plan.cycles]
    assert lines[-2].split() == ["all", str(plan.cycles), *(
        f"{number:,}" for number in (plan.resources.cells, plan.resources.ffs, plan.resources.brams)
    )]  # fmt: skip
