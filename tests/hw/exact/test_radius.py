"""Counts around an input equal those of looking at every input, in every form of the vectors."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from bit_nets import ball, classes, random_graph
from bitneck.hw.exact import radius as counting
from bitneck.hw.exact.compiled import ExactError, forms
from bitneck.hw.exact.net import BitNet
from bitneck.hw.exact.radius import Ball, Counted, Shard, shards, within
from hypothesis import given, settings
from hypothesis import strategies as st

NETS = {
    "narrow": (12, 10, 7, 3),
    "wide behind": (14, 20, 70, 5),
    "one hidden layer": (13, 9, 4),
    "more neurons than a word": (12, 130, 9, 3),
    "many inputs": (90, 40, 12, 10),
    "one class": (10, 6, 1),
    "few neurons that change": (120, 7, 9, 4),
    "more of them than a word of combinations": (60, 18, 12, 4),
}


def counted(graph, x, radius, form=None) -> Counted:
    net = BitNet.of(graph)
    question = Ball(net, x, radius, form)
    return sum((question.count(part) for part in shards(net.inputs, radius)), Counted.nothing(radius))


def one_by_one(graph, x, radius) -> list[int]:
    right = classes(graph, x[None])[0]
    return [int((classes(graph, ball(x, distance)) != right).sum()) for distance in range(radius + 1)]


@pytest.mark.parametrize("widths", NETS.values(), ids=NETS)
@pytest.mark.parametrize("wild", [False, True], ids=["plain", "with ties and dead neurons"])
def test_every_input_is_counted_once_and_by_its_class(widths, wild):
    graph, radius = random_graph(widths, 3, wild), 3 if widths[0] > 20 else min(widths[0], 12)
    x = np.random.default_rng(1).random(widths[0]) < 0.5
    found = counted(graph, x, radius)
    assert found.changed == tuple(one_by_one(graph, x, radius))
    assert found.seen == tuple(comb(widths[0], distance) for distance in range(radius + 1))


def test_a_witness_lies_at_its_distance_and_has_another_class():
    graph = random_graph((14, 12, 8, 4), 5)
    x = np.random.default_rng(2).random(14) < 0.5
    found = counted(graph, x, 14)
    assert any(found.changed)
    for distance, flips in enumerate(found.witnesses):
        assert (flips is None) == (found.changed[distance] == 0)
        if flips is not None:
            other = x.copy()
            other[list(flips)] ^= True
            assert len(flips) == distance
            assert classes(graph, other[None]) != classes(graph, x[None])


@pytest.mark.parametrize("form", forms())
def test_every_form_counts_the_same(form):
    for seed, widths in enumerate([(40, 33, 20, 6), (30, 64, 64, 10), (24, 17, 9, 3)]):
        graph = random_graph(widths, seed)
        x = np.random.default_rng(seed).random(widths[0]) < 0.5
        assert counted(graph, x, 4, form) == counted(graph, x, 4, forms()[-1])


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 11), st.lists(st.integers(1, 20), min_size=1, max_size=3), st.integers(1, 5), st.integers(0, 999))
def test_any_small_net(inputs, hidden, classes_, seed):
    graph = random_graph((inputs, *hidden, classes_), seed, wild=seed % 2 == 1)
    x = np.random.default_rng(seed).random(inputs) < 0.5
    assert list(counted(graph, x, inputs).changed) == one_by_one(graph, x, inputs)


def test_subtrees_of_one_class_are_counted_without_looking():
    graph = random_graph((200, 6, 5, 3), 8)
    x = np.random.default_rng(0).random(200) < 0.5
    net = BitNet.of(graph)
    for rows in net.hidden[:1]:
        rows.threshold[:] = 40  # no flips come near: nothing behind can change
    found = Ball(net, x, 40).count(Shard((), 200))
    assert found.changed == (0,) * 41
    assert sum(found.seen) > 1 << 60


def test_shards_hold_each_input_once(monkeypatch):
    monkeypatch.setattr(counting, "SMALLEST", 50)
    graph = random_graph((20, 14, 9, 4), 4)
    x = np.random.default_rng(4).random(20) < 0.5
    cut = shards(20, 5)
    assert len(cut) > 20
    assert sum(within(part.positions, 5 - len(part.flips)) for part in cut) == within(20, 5)
    question = Ball(BitNet.of(graph), x, 5)
    whole = question.count(Shard((), 20))
    parts = sum((question.count(part) for part in cut), Counted.nothing(5))
    assert (parts.changed, parts.seen) == (whole.changed, whole.seen)


def test_what_cannot_be_counted_is_said():
    net = BitNet.of(random_graph((12, 10, 3), 0))
    with pytest.raises(ExactError, match=r"a radius of 13 flips; 1 \.\. 12 are possible"):
        Ball(net, np.zeros(12, bool), 13)
    with pytest.raises(ExactError, match=r"an input is \(12,\) bool, got \(11,\)"):
        Ball(net, np.zeros(11, bool), 2)
