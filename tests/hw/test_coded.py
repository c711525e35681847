"""Convs whose 3 x 3 kernels repeat become a codebook and numbers of its words, where that is fewer bits."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.graph import Conv, Graph, Scores
from bitneck.hw.accelerator import lower
from bitneck.hw.costs.search import Search
from bitneck.hw.folding import fold
from bitneck.hw.stages import Folding, FoldingError, Mvtu, lowering


def conv(words: int, rows: int = 8, channels: int = 8, side: int = 5, seed: int = 0) -> Conv:
    """Its kernels are any of so many."""
    rng = np.random.default_rng(seed)
    book = (rng.permutation(1 << 9)[:words, None] >> np.arange(9) & 1) == 1
    number = rng.permutation(np.arange(rows * channels) % words).reshape(rows, channels)
    weight = book[number].transpose(0, 2, 1).reshape(rows, 3, 3, channels)
    at = rng.normal(channels * 4.5, channels**0.5, rows).round().astype(np.int32)
    return Conv("conv1", weight, at, (side, side, channels))


def net(layer: Conv) -> Graph:
    weight = np.random.default_rng(1).random((4, layer.outputs)) < 0.5
    return Graph("net", 1, (layer, Scores(weight)), layer.shape)


def unit(layer: Conv, folding: Folding) -> Mvtu:
    *_, made = lowering(layer).stages(layer, folding, 1)
    assert isinstance(made, Mvtu)
    return made


def test_a_codebook_is_of_the_kernels_that_there_are_and_numbers_find_each():
    layer = conv(12)
    kernels = unit(layer, Folding(2, 36)).kernels
    assert (len(kernels.words), kernels.bits) == (12, 4)
    assert kernels.memory_bits == 64 * 4 + 12 * 9
    # A beat of four channels: the first four kernels of a row, then the other four.
    assert np.array_equal(kernels.words[kernels.numbers], layer.weight.reshape(8, 9, 8).transpose(0, 2, 1))


@pytest.mark.parametrize(
    "folding", [Folding(1, 9), Folding(4, 18), Folding(2, 72), Folding(4, 4, coded=False)], ids=str
)
def test_every_folding_answers_as_the_graph(folding):
    graph = net(conv(12))
    x = np.random.default_rng(2).integers(0, 2, (20, 200)).astype(np.uint8)
    accelerator = lower(graph, {"conv1": folding, "scores": Folding(1, 8)}, output="scores")
    assert accelerator.trace(accelerator(x)).layers() == graph(x).layers()


def test_kernels_that_hardly_repeat_or_of_other_sizes_stay_plain_weights():
    layer = conv(60)
    assert not unit(layer, Folding(1, 8)).coded
    other = Conv("conv1", layer.weight[:, :, :2], layer.threshold, layer.shape)
    assert not unit(other, Folding(1, 8)).coded


def test_by_hand_simd_says_whether_kernels_are_coded_and_others_are_refused():
    assert unit(conv(12), Folding(1, 36)).coded
    assert not unit(conv(12), Folding(1, 8)).coded
    with pytest.raises(FoldingError, match=r"SIMD=7 .* choose one of \[1, 2, 4, 8, 9, 18, 24, 36, 72\]"):
        unit(conv(12), Folding(1, 7))


def test_without_a_target_kernels_are_coded_and_a_search_weighs_both():
    graph = net(conv(12, rows=16, channels=16, side=6))
    assert fold(graph, 5000)["conv1"].coded
    options = Search(graph, "up5k").layers[0]
    assert {option.folding.coded for option in options} == {True, False}
    numbers, plain = (
        min(each.cost.brams for each in options if each.folding.coded is coded and each.folding.rom_style == "block")
        for coded in (True, False)
    )
    assert numbers < plain
