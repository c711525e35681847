"""Of a complex matrix hardware stores half, where the folding permits it: its real rows."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.graph import Dense, Graph, Levels, Scores
from bitneck.hw.accelerator import lower
from bitneck.hw.costs.search import Search
from bitneck.hw.folding import fold
from bitneck.hw.stages import Folding, FoldingError, Mvtu, lowering
from bitneck.hw.stages.turned import mirrored, turned
from turned_cases import complex_weight, turned_mvtu

RNG = np.random.default_rng(3)


def dense(rows: int = 16, cols: int = 32) -> Dense:
    threshold = RNG.normal(cols / 2, cols**0.5 / 2, rows).round().astype(np.int32)
    return Dense("dense1", complex_weight(RNG, rows, cols), threshold)


def unit(layer: Dense, folding: Folding) -> Mvtu:
    (made,) = lowering(layer).stages(layer, folding, 1)
    assert isinstance(made, Mvtu)
    return made


def test_turned_is_i_times_as_much():
    a, b, x, y = (np.where(RNG.random(shape) < 0.5, 1, -1) for shape in ((3, 4), (3, 4), 4, 4))
    real = np.hstack([a, -b]) > 0
    product = np.where(np.vstack([real, turned(real)]), 1, -1) @ np.append(x, y)
    expected = (a + 1j * b) @ (x + 1j * y)
    assert np.array_equal(product, np.append(expected.real, expected.imag))


def test_rows_that_fall_are_found_and_a_single_other_weight_makes_it_no_complex_matrix():
    weight = complex_weight(RNG, 8, 6)
    found = mirrored(weight)
    assert found is not None
    assert found.tolist() == [False, True, False, True]
    for row, col in np.ndindex(4, 6):
        other = weight.copy()
        other[4 + row, col] ^= True
        assert mirrored(other) is None
    assert mirrored(weight[:-1]) is None
    assert mirrored(weight[:, :-1]) is None


@pytest.mark.parametrize("takes", [2, 3, 4])
def test_what_is_stored_says_every_code(takes):
    """A memory of half, read from the middle on for an imaginary row and inverted there, and thresholds as they lie."""
    stage = turned_mvtu(RNG, 8, 12, 2, 3, takes)
    x = RNG.integers(0, takes, (50, 12))
    words = [int(word, 16) for word in stage.memories()[f"{stage.name}_weights.mem"].split()]
    assert len(words) == 8
    highest = (1 << stage.element_bits) - 1
    for row in range(8):
        imaginary, lane = row >= 4, row % 2
        total = stage.begin[row]
        for col_fold in range(4):
            half, column = divmod(col_fold, 2)
            word = words[((row % 4 // 2) * 2 + column) * 2 + (half ^ imaginary)]
            for at in range(3):
                level = x[:, 3 * col_fold + at]
                against = highest - level if imaginary and not half else level
                total = total + np.where(word >> (3 * lane + at) & 1, against, highest - against)
        code = (total >> (stage.acc_bits - 1) & 1) == 0
        due = x @ stage.integers()[row] + stage.lifts()[row] >= stage.threshold[row]
        assert np.array_equal(code, due)


@pytest.mark.parametrize(
    ("folding", "half"),
    [
        (Folding(2, 4), True),
        (Folding(4, 8), False),  # 16 words: a LUT each, as 8 would be
        (Folding(4, 4), True),
        (Folding(16, 1), False),  # all rows at once
        (Folding(1, 32), False),  # all inputs at once
        (Folding(2, 4, turned=False), False),
    ],
    ids=str,
)
def test_foldings_of_two_even_numbers_of_folds_store_half(folding, half):
    layer = dense()
    made = unit(layer, folding)
    assert made.turned is half
    assert made.stored().size == layer.weight.size // (2 if half else 1)
    lanes = made.stored().reshape(-1, 16 // folding.pe >> half, 32 // folding.simd, folding.pe, folding.simd)
    assert np.array_equal(made.read(lanes.transpose(0, 1, 3, 2, 4).reshape(-1, 32)), layer.weight)


def test_by_hand_a_folding_without_halves_or_another_matrix_is_refused():
    weight = complex_weight(RNG, 6, 8)
    threshold = np.zeros(6, np.int32)
    with pytest.raises(FoldingError, match=r"PE=2, SIMD=2 make 3 x 4 folds; half of the rows .* both numbers are even"):
        Mvtu("dense1", weight, 2, 2, threshold, turned=True)
    with pytest.raises(FoldingError, match=r"not \[\[A, -B\], \[B, A\]\]"):
        Mvtu("dense1", RNG.random((6, 8)) < 0.5, 1, 2, threshold, turned=True)


def test_weights_of_several_bits_levels_and_scores_stay_whole():
    weight = complex_weight(RNG, 8, 8)
    at = np.sort(RNG.integers(0, 9, (8, 3)), axis=1).astype(np.int32)
    levels = Dense("dense1", weight, at, emits=Levels(0, 1, 4))
    (made,) = lowering(levels).stages(levels, Folding(1, 1), 1)
    assert len(made.memories()["dense1_weights.mem"].split()) == 64
    scores = Scores(weight)
    (made,) = lowering(scores).stages(scores, Folding(1, 1), 1)
    assert len(made.memories()["scores_weights.mem"].split()) == 64


def test_a_net_answers_as_its_graph_and_a_search_weighs_both():
    layer = dense(16, 64)
    graph = Graph("net", 1, (layer, Scores(RNG.random((4, 16)) < 0.5)), (64,))
    foldings = fold(graph, 64)
    assert foldings["dense1"].turned
    x = RNG.integers(0, 2, (40, 64)).astype(np.uint8)
    accelerator = lower(graph, foldings, output="scores")
    assert accelerator.trace(accelerator(x)).layers() == graph(x).layers()
    options = Search(graph, "up5k").layers[0]
    assert {option.folding.turned for option in options} == {True, False}
    assert {option.stages[-1].parameters().get("TURNED", 0) for option in options if not option.folding.turned} == {0}
