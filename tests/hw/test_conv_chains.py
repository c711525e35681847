"""Nets of maps as chains of stages: descriptors over random nets and foldings, and the RTL of a few, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.graph import Graph
from bitneck.hw.accelerator import Accelerator
from bitneck.hw.simulation.library import Stalls, build
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
