"""Verdicts on whether two nets are equal are those of looking at every input; each says by which proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bit_nets import all_inputs, classes, random_graph
from bitneck.export.graph import Binarize, Graph
from bitneck.export.graph.copies import lossless
from bitneck.export.reading.members import joined_graph
from bitneck.hw.exact import sat
from bitneck.hw.exact.compiled import ExactError
from bitneck.hw.exact.equality import Question, countable, equality
from bitneck.hw.exact.net import BitNet
from bitneck.hw.exact.rising import rising
from hypothesis import given, settings
from hypothesis import strategies as st
from random_conv_nets import random_conv_graph, random_levels


def planted(graph: Graph, layer: int, row: int, column: int) -> Graph:
    """With one weight that is the other."""
    layers = list(graph.layers)
    weight = layers[layer].weight.copy()
    weight[row, column] ^= True
    layers[layer] = replace(layers[layer], weight=weight)
    return replace(graph, layers=tuple(layers))


def permuted(graph: Graph, rng) -> Graph:
    """With the neurons of its first layer in another order."""
    first, second, *others = graph.layers
    order = rng.permutation(first.outputs)
    first = replace(first, weight=first.weight[order], threshold=first.threshold[order])
    return replace(graph, layers=(first, replace(second, weight=second.weight[:, order]), *others))


def region(inputs: int, seed: int):
    """An input, which of its elements are free, and all inputs that there then are."""
    rng = np.random.default_rng(seed)
    x, free = rng.integers(0, 2, inputs).astype(np.uint8), sorted(rng.permutation(inputs)[: seed % inputs + 1].tolist())
    every = np.repeat(x[None], 1 << len(free), axis=0)
    every[:, free] = all_inputs(len(free))
    return x, tuple(free), every


widths = st.lists(st.integers(1, 14), min_size=1, max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 10), widths, widths, st.integers(1, 4), st.integers(0, 999), st.sampled_from(["class", "scores"]))
def test_any_two_nets_are_equal_where_every_input_says_so(inputs, hidden, others, number, seed, of):
    a = random_graph((inputs, *hidden, number), seed, wild=seed % 2 == 1)
    b = [random_graph((inputs, *others, number), seed + 1, wild=seed % 3 == 1), planted(a, 0, 0, 0), lossless(a)][
        seed % 3
    ]
    x, free, every = region(inputs, seed)
    found = equality(Question(a, b, x, free), of, every[:0])
    apart = Question(a, b, x, free).apart(of, every)
    assert (found.answer == "equal") == (not apart.any())
    assert found.inputs == len(every)
    if found.kind == "canonical form":
        assert found.answer == "equal"
    else:
        assert (found.counted, found.differ) == (len(every), int(apart.sum()))
        assert (found.witness is None) == (not apart.any())


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 10), widths, st.integers(1, 4), st.integers(0, 999))
def test_folded_and_reordered_nets_are_one_canonical_form(inputs, hidden, number, seed):
    a = random_graph((inputs, *hidden, number), seed, wild=True)
    b = permuted(lossless(a), np.random.default_rng(seed))
    for of in ("class", "scores"):
        found = equality(Question(a, b, np.zeros(inputs, np.uint8)), of, np.zeros((0, inputs), np.uint8))
        assert (found.answer, found.kind) == ("equal", "canonical form")


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_one_weight_that_differs_is_found_and_counted_in_every_layer(layer):
    a = random_graph((16, 40, 70, 6), 3)
    b = planted(a, layer, 2, 5)
    x, every = np.zeros(16, np.uint8), all_inputs(16).astype(np.uint8)
    question = Question(a, b, x)
    for of in ("dense1", "dense2", "scores", "class"):
        found, apart = equality(question, of, every[:0]), question.apart(of, every)
        assert (found.answer == "different") == apart.any()
        assert found.differ == apart.sum()
        assert apart.any() == (of not in ("dense1", "dense2")[:layer])


@pytest.mark.parametrize("unary", [2, 128], ids=["full adders", "totalisers"])
def test_sat_finds_a_difference_or_proves_that_there_is_none(unary, monkeypatch):
    monkeypatch.setattr(sat, "UNARY", unary)
    answers = set()
    for seed in range(12):
        a = random_graph((9, 12, 7, 3), seed, wild=seed % 2 == 1)
        b = planted(a, 1 + seed % 2, 0, 0)
        x, free, every = region(9, seed)
        question = Question(a, b, x, free)
        found = equality(question, "class", every[:0], most_bits=-1)
        if found.kind != "canonical form":
            assert found.kind == "SAT"
            assert found.answer == ("different" if question.apart("class", every).any() else "equal")
            answers.add(found.answer)
    assert answers == {"equal", "different"}


def test_what_neither_a_form_nor_a_sample_nor_sat_decides_is_said_so(monkeypatch):
    a = random_graph((20, 16, 9, 3), 1)
    question = Question(a, planted(a, 0, 0, 0), np.zeros(20, np.uint8))
    few = np.zeros((0, 20), np.uint8)
    assert equality(question, "class", few, most_bits=10, seconds=0).answer in ("not decided", "different")
    monkeypatch.setattr(sat, "installed", lambda: False)
    found = equality(question, "class", few, most_bits=10)
    assert (found.answer, found.kind) == ("not decided", "nothing")
    every = all_inputs(20).astype(np.uint8)
    found = equality(question, "class", every, most_bits=10)
    assert (found.answer, found.kind) == ("different", "a sample")
    assert question.apart("class", np.array([found.witness], np.uint8)).all()


def test_runs_that_cut_pixels_elsewhere_are_compared_over_what_either_tells_apart():
    behind = random_graph((6, 12, 7, 3), 4).layers
    first = [Binarize("binarize", np.array(cuts, np.int32), 3) for cuts in ([1, 4, 0, 7, 2, 8], [1, 5, 2, 7, 2, 6])]
    a, b = (Graph("net", 3, (each, *behind)) for each in first)
    x = np.array([3, 1, 2, 7, 0, 5], np.uint8)
    every = np.stack(np.meshgrid(*[np.arange(8)] * 6, indexing="ij"), axis=-1).reshape(-1, 6).astype(np.uint8)
    question = Question(a, b, x)
    found, apart = equality(question, "class", every[:0]), question.apart("class", every)
    seen = np.unique(np.concatenate([every >= each.threshold for each in first], axis=1)[apart], axis=0)
    assert found.inputs == 2 * 3 * 2 * 2 * 2 * 2
    assert found.differ == len(seen) > 0
    assert question.apart("class", np.array([found.witness], np.uint8)).all()
    assert equality(Question(a, b, x, (0, 3)), "class", every[:0]).inputs == 4


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 9), widths, st.integers(1, 4), st.integers(0, 999))
def test_steps_of_a_pixel_move_the_classes_that_every_input_says(inputs, hidden, number, seed):
    graph = random_graph((inputs, *hidden, number), seed, wild=seed % 2 == 1)
    x, free, every = region(inputs, seed)
    pixel = next(each for each in range(inputs) if set(free) != {each})
    every[:, pixel] = 0
    every = np.unique(every, axis=0)
    found = rising(graph, [pixel], x, free)
    bright = every.copy()
    bright[:, pixel] = 1
    moved = np.zeros((number, number), int)
    np.add.at(moved, (classes(graph, every), classes(graph, bright)), 1)
    assert found.moved == tuple(map(tuple, moved.tolist()))
    assert found.inputs == len(every)
    for c in range(number):
        ways = {(True, True): "both", (True, False): "falls", (False, True): "rises", (False, False): "never changes"}
        assert found.way(c) == ways[moved[c].sum() > moved[c, c], moved[:, c].sum() > moved[c, c]]
    for (before, after), levels in found.witnesses.items():
        dark = np.array([levels], np.uint8)
        assert (classes(graph, dark)[0], dark[0, pixel]) == (before, 0)
        dark[0, pixel] = 1
        assert classes(graph, dark)[0] == after


def test_what_cannot_be_compared_is_said():
    a, x = random_graph((8, 5, 3), 0), np.zeros(8, np.uint8)
    with pytest.raises(ExactError, match="8 inputs of 2 levels and 9 inputs of 2 levels"):
        equality(Question(a, random_graph((9, 5, 3), 0), np.zeros(8, np.uint8)), "class", x[None])
    with pytest.raises(ExactError, match="3 and 4 classes"):
        Question(a, random_graph((8, 5, 4), 0), x)
    with pytest.raises(ExactError, match="hidden layers of 5 and 6 neurons"):
        equality(Question(a, random_graph((8, 6, 3), 0), x), "dense1", x[None])
    with pytest.raises(ExactError, match="bit 8 of 8 is none"):
        Question(a, a, x, (8,))
    twice = joined_graph([a, a])
    with pytest.raises(ExactError, match="a frame passes 2 times; nets that it passes once are compared"):
        Question(a, twice, x)
    with pytest.raises(ExactError, match="a frame passes 2 times; nets that it passes once are counted"):
        BitNet.of(twice)


def test_nets_of_maps_and_levels_are_asked_about_every_input_of_a_region():
    answers = set()
    for seed in range(40):
        a = random_conv_graph(seed)
        if a.ends_in_code:
            continue
        scores = a.layers[-1]
        weight = scores.weight.copy()
        weight[0, 0] = ~weight[0, 0] if weight.dtype == np.bool_ else -weight[0, 0] - 1
        b = replace(a, layers=(*a.layers[:-1], replace(scores, weight=weight)))
        rng, takes = np.random.default_rng(seed), a.layers[0].takes
        x = random_levels(a, 1, seed)[0]
        able = Question(a, b, x).changing
        if not able:
            continue
        free = tuple(sorted(rng.permutation(able)[: 2 if takes > 4 else 5].tolist()))
        question = Question(a, b, x, free)
        levels = np.stack(np.meshgrid(*[np.arange(takes)] * len(free), indexing="ij"), axis=-1).reshape(-1, len(free))
        every = np.repeat(x[None], len(levels), axis=0)
        every[:, free] = levels
        apart = question.apart("scores", every)
        found = equality(question, "scores", every[:0])
        assert (found.answer == "different") == apart.any()
        if found.kind == "a count of every input":
            assert found.counted == found.inputs <= len(every)
            if not isinstance(a.layers[0], Binarize):
                assert (found.inputs, found.differ) == (len(every), apart.sum())
        answers.add((found.answer, found.kind))
        if apart.any() and not countable(question):
            assert equality(question, "scores", every[:0], most_bits=0).kind == "too many inputs"
    assert {("different", "a count of every input"), ("equal", "a count of every input")} <= answers
