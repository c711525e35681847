"""Foldings by target and by hand: the published ones are found, the illegal ones refused with what would be legal."""

from __future__ import annotations

import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import Folding, complete, cycles_of, fold
from bitneck.hw.stages import FoldingError
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import random_graph

TFC = random_graph([784, 64, 64, 64, 10], 8, name="tfc")
SMALL = random_graph([12, 6, 4], 8, name="small")


def test_tfc_at_64_cycles_is_folded_as_finn_publishes_it():
    folding = fold(TFC, 64)
    assert folding["dense1"] == Folding(16, 49)
    assert folding["dense2"] == folding["dense3"] == Folding(8, 8)


@settings(deadline=None)
@given(st.lists(st.integers(1, 24), min_size=2, max_size=4), st.sampled_from([1, 8]), st.integers(1, 600))
def test_folding_for_a_target_is_fast_enough_and_none_with_fewer_lanes_is(widths, input_bits, target):
    graph = random_graph(widths, input_bits)
    chosen = fold(graph, target)
    assert lower(graph, chosen).cycles <= target
    for layer in graph.layers[input_bits > 1 :]:
        lanes = chosen[layer.name].pe * chosen[layer.name].simd
        cheaper = (
            Folding(pe, simd)
            for pe in range(1, layer.outputs + 1)
            for simd in range(1, layer.inputs + 1)
            if pe * simd < lanes and layer.outputs % pe == 0 and layer.inputs % simd == 0
        )
        assert all(cycles_of(layer, folding) > target for folding in cheaper)


def test_one_cycle_a_frame_covers_every_layer():
    covered = {layer.name: Folding(layer.outputs, layer.inputs) for layer in TFC.layers[1:]}
    assert fold(TFC, 1) == covered | {"binarize": Folding(TFC.inputs)}


@pytest.mark.parametrize(("pe", "simd", "complaint"), [
    (4, 12, r"dense1: PE=4 does not divide 6 rows; choose one of \[1, 2, 3, 6\]"),
    (3, 5, r"dense1: SIMD=5 does not divide 12 inputs; choose one of \[1, 2, 3, 4, 6, 12\]"),
    (0, 1, r"dense1: PE=0 does not divide 6 rows; choose one of \[1, 2, 3, 6\]"),
    (1, -1, r"dense1: SIMD=-1 does not divide 12 inputs"),
    (12, 1, r"dense1: PE=12 does not divide 6 rows"),
])  # fmt: skip
def test_illegal_folding_names_its_layer_and_the_legal_ones(pe, simd, complaint):
    with pytest.raises(FoldingError, match=complaint):
        lower(SMALL, {"dense1": Folding(pe, simd), "scores": Folding(1, 1)})


def test_illegal_pixel_lanes_name_the_legal_ones():
    with pytest.raises(FoldingError, match=r"binarize: PE=5 does not divide 12 pixels; choose one of \[1, 2, 3, 4, 6"):
        lower(SMALL, {"binarize": Folding(5), "dense1": Folding(1, 1), "scores": Folding(1, 1)})


def test_layer_without_folding_is_named():
    with pytest.raises(
        FoldingError, match=r"small: no folding for scores; give PE and SIMD for each of \['binarize', "
    ):
        complete(SMALL, {"dense1": Folding(1, 1)})


def test_folding_of_a_layer_that_is_not_there_is_named():
    foldings = {"dense1": Folding(1, 1), "scores": Folding(1, 1), "dense7": Folding(1, 1)}
    with pytest.raises(
        FoldingError, match="small has no layer dense7 to fold; its layers are binarize, dense1, scores"
    ):
        complete(SMALL, foldings)


def test_pixels_come_as_the_first_matrix_reads_them_unless_said_otherwise():
    assert complete(SMALL, {"dense1": Folding(2, 4), "scores": Folding(1, 1)})["binarize"] == Folding(4)
