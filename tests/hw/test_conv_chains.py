"""Nets of maps as chains of stages: descriptors over random nets and foldings, and the RTL of a few, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Graph
from bitneck.export.judges.compare import Mismatch, first_mismatch
from bitneck.hw.accelerator import Accelerator
from bitneck.hw.simulation.library import Stalls, build
from bitneck.hw.stages import Window
from bitneck.hw.verilog import memory_file, verilog
from conv_nets import at_random, every_stage, random_conv_graph, random_levels

CHAINS = 120
STALLS = [Stalls(), Stalls(0.4, 0.0, 2), Stalls(0.0, 0.6, 3), Stalls(0.5, 0.5, 4)]
FRAMES = 24


def test_chained_descriptors_answer_as_the_graph_at_random_foldings():
    for seed in range(CHAINS):
        graph = random_conv_graph(seed, plain=False)
        accelerator = at_random(graph, seed, fifo_depth=3 * (seed % 2), output=["class", "scores"][seed // 2 % 2])
        x = random_levels(graph, 4)
        expected, streams = graph(x), accelerator(x)
        trace = accelerator.trace(streams)
        assert trace.layers() == expected.layers(), seed
        assert np.array_equal(accelerator.classes(streams, trace), expected.predictions()), seed
        for stage in accelerator.stages:
            assert streams[stage.name].shape == (len(x) * stage.out_beats, stage.out_width), (seed, stage.name)


def planted(memory: str, word: int, bit: int, tmp_path) -> tuple[Mismatch, Graph]:
    """The first difference where one bit of a memory file is the other; built once, for the design is the same."""
    graph, accelerator = every_stage(fifo_depth=3)
    design, name = dict(verilog(accelerator)), memory_file(accelerator.name, f"{memory}.mem")
    lines = design[name].splitlines()
    lines[word] = f"{int(lines[word], 16) ^ 1 << bit:0{len(lines[word])}x}"
    design[name] = "".join(f"{line}\n" for line in lines)
    x = random_levels(graph, 200)
    found = first_mismatch(graph, graph(x), build(accelerator, tmp_path, design=design)(x).trace, x)
    assert found is not None
    return found, graph


def net(name: str) -> tuple[Graph, Accelerator]:
    """every stage   in front of each layer a Fifo"""
    if name == "every stage":
        return every_stage(fifo_depth=3)
    graph = random_conv_graph(int(name), plain=False)
    return graph, at_random(graph, int(name))


@pytest.mark.parametrize("name", ["every stage", "69"])
def test_rtl_answers_as_the_graph_with_stalls_and_without_and_takes_the_cycles_it_promises(name, tmp_path):
    graph, accelerator = net(name)
    simulator, x = build(accelerator, tmp_path), random_levels(graph, FRAMES)
    expected = graph(x)
    for stalls in STALLS:
        simulation = simulator(x, stalls)
        assert simulation.trace.layers() == expected.layers()
        assert np.array_equal(simulation.classes, expected.predictions())
    assert simulator(x).cycles_per_frame == accelerator.cycles


def test_a_planted_bit_of_a_weight_is_named_by_layer_and_channel(tmp_path):
    found, _ = planted("conv1_weights", 2, 5, tmp_path)  # PE is 1: a word a channel
    assert found.place is not None
    assert (found.layer, found.place[2], found.other) == ("conv1", 2, "rtl")
    assert (found.accumulator >= found.threshold) == (found.expected > found.got)


def test_a_planted_bit_of_a_threshold_is_named_with_the_accumulator_between(tmp_path):
    found, graph = planted("conv1_thresholds", 3, 0, tmp_path)  # the lowest bit of channel 3's first
    assert found.place is not None
    assert (found.layer, found.place[2]) == ("conv1", 3)
    assert found.threshold == graph["conv1"].threshold[3, 0]
    assert abs(found.accumulator - found.threshold) <= 1


def test_a_planted_bit_of_the_padding_is_named_at_the_edge(tmp_path):
    found, graph = planted("conv1_window_pads", 0, 0, tmp_path)
    rows, _, _ = graph["conv1"].out_shape
    assert found.place is not None
    row, column, _ = found.place
    assert found.layer == "conv1"
    assert row in (0, rows - 1) or column == 0


def test_another_order_of_the_window_is_named_at_the_layer_behind_it():
    graph, accelerator = every_stage()
    stages = tuple(
        replace(stage, by_fold=False) if isinstance(stage, Window) and stage.name == "pool1_window" else stage
        for stage in accelerator.stages
    )
    x = random_levels(graph, 50)
    harmed = replace(accelerator, stages=stages)
    found = first_mismatch(graph, graph(x), harmed.trace(harmed(x)), x)
    assert found is not None
    assert found.layer == "pool1"
    assert found.place is not None
