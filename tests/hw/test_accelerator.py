"""The chain of stages as descriptors, over random shapes and foldings: what it answers is what the Graph answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.export.graph import Binarize, Graph, GraphError
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.folding import Folding, cycles_of
from bitneck.hw.names import NamingError
from bitneck.hw.stages import Dense, DenseScores, DwcDown, DwcUp, Fifo, FoldingError, divisors
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import random_frames, random_graph

FRAMES = 7


@st.composite
def accelerators(draw) -> tuple[Graph, dict[str, Folding], Accelerator]:
    widths = draw(st.lists(st.integers(1, 12), min_size=2, max_size=5))
    graph = random_graph(widths, draw(st.sampled_from([1, 2, 5, 8])), draw(st.integers(0, 99)))
    foldings = {
        layer.name: Folding(
            draw(st.sampled_from(divisors(layer.outputs))),
            1 if isinstance(layer, Binarize) else draw(st.sampled_from(divisors(layer.inputs))),
        )
        for layer in graph.layers
    }
    output, depth = draw(st.sampled_from(["class", "scores"])), draw(st.sampled_from([0, 2, 3]))
    return graph, foldings, lower(graph, foldings, output, depth)


@settings(deadline=None, max_examples=200)
@given(accelerators())
def test_chained_descriptors_answer_as_the_graph_at_every_shape_and_folding(drawn):
    graph, _, accelerator = drawn
    x = random_frames(graph, FRAMES)
    expected, streams = graph(x), accelerator(x)
    trace = accelerator.trace(streams)
    assert trace.source == "rtl"
    assert trace.layers() == expected.layers()
    assert np.array_equal(accelerator.classes(streams, trace), expected.predictions())


@settings(deadline=None)
@given(accelerators())
def test_streams_of_a_trace_are_the_streams_that_made_it(drawn):
    graph, _, accelerator = drawn
    x = random_frames(graph, FRAMES)
    streams = accelerator(x)
    back = accelerator.streams(accelerator.trace(streams))
    assert list(back) == list(accelerator.layers)
    assert all(np.array_equal(back[name], streams[name]) for name in back)


@settings(deadline=None)
@given(accelerators())
def test_frames_take_the_cycles_of_the_largest_fold(drawn):
    graph, foldings, accelerator = drawn
    assert accelerator.cycles == max(cycles_of(layer, foldings[layer.name]) for layer in graph.layers)
    assert accelerator[accelerator.bottleneck].cycles == accelerator.cycles


@settings(deadline=None)
@given(accelerators())
def test_every_stage_sends_the_beats_it_promises(drawn):
    graph, _, accelerator = drawn
    streams = accelerator(random_frames(graph, FRAMES))
    for stage in accelerator.stages:
        assert streams[stage.name].shape == (FRAMES * stage.out_beats, stage.out_width)


@settings(deadline=None)
@given(accelerators())
def test_converters_stand_only_where_widths_differ(drawn):
    graph, foldings, accelerator = drawn
    names = [stage.name for stage in accelerator.stages]
    for before, after in zip(graph.layers[:-1], graph.layers[1:], strict=True):
        pe, simd = foldings[before.name].pe, foldings[after.name].simd
        between = accelerator.stages[names.index(before.name) + 1 : names.index(after.name)]
        converters = [type(stage) for stage in between if not isinstance(stage, Fifo)]
        assert converters == [DwcUp] * (math.lcm(pe, simd) > pe) + [DwcDown] * (math.lcm(pe, simd) > simd)


@settings(deadline=None)
@given(accelerators())
def test_weights_are_constants_where_the_folding_covers_the_layer(drawn):
    graph, foldings, accelerator = drawn
    for layer in graph.layers:
        if not isinstance(layer, Binarize):
            covered = foldings[layer.name] == Folding(layer.outputs, layer.inputs)
            assert isinstance(accelerator[layer.name], Dense | DenseScores) == covered


def test_unrolled_stage_with_another_folding_is_refused():
    with pytest.raises(FoldingError, match="dense: PE=2, SIMD=4; unrolled they are 4 and 8"):
        Dense("dense", np.ones((4, 8), np.bool_), 2, 4, np.zeros(4, np.int32))


def test_fifo_of_one_beat_is_refused():
    graph = random_graph([4, 4, 2], 1)
    with pytest.raises(FoldingError, match="scores_fifo: depth=1; a Fifo needs 2"):
        lower(graph, {"dense1": Folding(1, 1), "scores": Folding(1, 1)}, fifo_depth=1)


@pytest.mark.parametrize("x", [np.zeros((3, 5), np.uint8), np.zeros((0, 4), np.uint8), np.zeros((3, 4), np.float32)])
def test_input_of_another_shape_or_type_is_refused(x):
    graph = random_graph([4, 2], 8)
    accelerator = lower(graph, {"scores": Folding(1, 1)})
    with pytest.raises(GraphError, match=r"net takes \(n, 4\) uint8, got "):
        accelerator.input_data(x)


@pytest.mark.parametrize(("name", "complaint"), [
    ("sink", "a design cannot be called sink: that is a module of bitneck's own bench"),
    ("bench", "that is a module of bitneck's own"),
    ("final", "a design cannot be called final: that is a SystemVerilog keyword"),
    ("my net", "'my net' is no name for hardware"),
    ("a__b", "'a__b' is no name for hardware"),
    ("7seg", "'7seg' is no name for hardware"),
    ("../tfc", "'../tfc' is no name for hardware"),
])  # fmt: skip
def test_design_that_cannot_have_its_name_says_why(name, complaint):
    with pytest.raises(NamingError, match=complaint):
        lower(random_graph([4, 2], 1, name=name), {"scores": Folding(1, 1)})
