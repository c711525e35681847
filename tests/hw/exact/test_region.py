"""Classes and codes over whole regions equal those of looking at every input, and of decision diagrams."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from bit_nets import all_inputs, classes, random_graph
from bitneck.hw.exact import region as counting
from bitneck.hw.exact.behind import behind
from bitneck.hw.exact.compiled import ExactError, forms
from bitneck.hw.exact.net import BitNet
from bitneck.hw.exact.region import Found, Group, Histogram, Region
from bitneck.hw.exact.side_by_side import SideBySide
from dd.autoref import BDD
from hypothesis import given, settings
from hypothesis import strategies as st


def whole(region: Region) -> Found:
    return sum((region.count(part) for part in region.shards()), region.nothing())


def over(net: BitNet, x, bits, **options) -> Found:
    return whole(Region(net, x, tuple(Group.bit(bit) for bit in bits), **options))


def the_slow_way(graph, x, bits):
    """Inputs over the bits, and how many of each class."""
    inputs = np.repeat(x[None], 1 << len(bits), axis=0)
    inputs[:, bits] = all_inputs(len(bits))
    return inputs, tuple(np.bincount(classes(graph, inputs), minlength=graph.classes).tolist())


@pytest.mark.parametrize("form", forms())
@pytest.mark.parametrize("widths", [(40, 20, 12, 5), (20, 70, 9, 3), (16, 64, 64, 10), (14, 6, 1)])
def test_classes_of_all_inputs_over_free_bits(widths, form):
    graph = random_graph(widths, 7)
    x = np.random.default_rng(7).random(widths[0]) < 0.5
    bits = list(range(widths[0] - 14, widths[0]))
    found = over(BitNet.of(graph), x, bits, form=form)
    assert found.number == the_slow_way(graph, x, bits)[1]
    assert sum(found.number) == 1 << 14
    for c, levels in enumerate(found.witnesses):
        assert (levels is None) == (found.number[c] == 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.lists(st.integers(1, 18), min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 999))
def test_any_small_net_over_its_whole_space(inputs, hidden, classes_, seed):
    graph = random_graph((inputs, *hidden, classes_), seed, wild=seed % 2 == 1)
    x = np.zeros(inputs, bool)
    assert over(BitNet.of(graph), x, range(inputs)).number == the_slow_way(graph, x, range(inputs))[1]


@pytest.mark.parametrize("layer", [0, 1])
def test_hashed_codes_are_those_of_sorting_and_all_behind_follows(layer):
    graph = random_graph((18, 15, 11, 4), 9)
    net, x = BitNet.of(graph), np.zeros(18, bool)
    bits = list(range(15))
    inputs, number = the_slow_way(graph, x, bits)
    (codes,) = over(net, x, bits, layer=layer).codes
    emitted = [each.levels(1) for each in graph(inputs.astype(np.uint8)).codes.values()]
    summed = [(each.astype(np.uint64) << np.arange(each.shape[1], dtype=np.uint64)).sum(axis=1) for each in emitted]
    expected = [np.unique(each, return_counts=True) for each in summed]
    later, answers = behind(net, layer, codes)
    for found, due in zip([codes, *later], expected[layer:], strict=True):
        assert np.array_equal(found[0], due[0])
        assert np.array_equal(found[1], due[1])
    assert answers == number


@pytest.mark.parametrize("form", forms())
def test_codes_of_parts_add_up_to_those_of_the_whole_or_are_too_many(form, monkeypatch):
    net, groups = BitNet.of(random_graph((18, 40, 11, 4), 9)), tuple(Group.bit(bit) for bit in range(18))
    whole_region = Region(net, np.zeros(18, bool), groups, layer=0, form=form)
    (part,) = whole_region.shards()
    due = {int(code): int(times) for code, times in zip(*whole_region.count(part).codes[0], strict=True)}
    monkeypatch.setattr(counting, "SMALLEST", 1 << 12)
    region, seen = Region(net, np.zeros(18, bool), groups, layer=0, form=form), Histogram(form)
    assert len(region.shards()) == 64
    for part in region.shards():
        seen.add(*region.count(part).codes)
    codes, times = seen.codes
    assert (np.diff(codes.astype(np.int64)) > 0).all()
    assert dict(zip(codes.tolist(), times.tolist(), strict=True)) == due
    monkeypatch.setattr(counting, "MOST_CODES", len(due) - 1)
    few = Histogram(form)
    few.add((codes, times))
    assert few.codes is None


@pytest.mark.parametrize("form", forms())
def test_codes_of_one_net_are_told_by_the_class_of_another(form):
    a, b = random_graph((14, 60, 9, 3), 5), random_graph((14, 30, 12, 8, 4), 6)
    by = BitNet.of(b)
    both = SideBySide.of(BitNet.of(a).hidden, by.hidden).of_second(by)
    x = all_inputs(14)
    emitted = a(x.astype(np.uint8)).codes["dense1"].levels(1).astype(np.uint64) << np.arange(60, dtype=np.uint64)
    groups = tuple(map(Group.bit, range(14)))
    apart = whole(Region(both, np.zeros(14, bool), groups, layer=0, bits=60, form=form, apart=True)).codes
    for c, found in zip(range(4), apart, strict=True):
        due = np.unique(emitted.sum(axis=1, dtype=np.uint64)[classes(b, x) == c], return_counts=True)
        assert all(map(np.array_equal, found, due))


@pytest.mark.parametrize("form", forms())
@pytest.mark.parametrize("layer", [0, 1])
def test_codes_are_told_by_labels_of_the_inputs(form, layer, monkeypatch):
    monkeypatch.setattr(counting, "SMALLEST", 1 << 13)
    graph = random_graph((17, 64, 9, 3), 5)
    three = Group((0, 16), np.array([[False, False], [True, False], [True, True]]), (1, 1, 1))
    groups = (three, *map(Group.bit, range(1, 15)))  # no power of two in a leaf, and several shards
    combinations = 3 << 14
    labels = np.random.default_rng(8).integers(0, 3, combinations).astype(np.uint8)
    labels[: 3 << 13] *= 2  # whole leaves without a 1
    x = np.zeros((combinations, 17), bool)
    x[:, [0, 16]] = three.values[np.arange(combinations) % 3]
    x[:, 1:15] = np.arange(combinations)[:, None] // 3 >> np.arange(14) & 1
    emitted = graph(x.astype(np.uint8)).codes[f"dense{layer + 1}"].levels(1).astype(np.uint64)
    emitted = (emitted << np.arange(emitted.shape[1], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    region = Region(BitNet.of(graph), np.zeros(17, bool), groups, layer=layer, form=form, labels=labels)
    assert len(region.shards()) > 2
    for label, found in zip(range(5), whole(region).codes, strict=True):
        due = np.unique(emitted[labels == label], return_counts=True)
        assert all(map(np.array_equal, found, due))


def test_labels_of_other_inputs_are_refused():
    net, groups = BitNet.of(random_graph((10, 6, 3), 1)), tuple(map(Group.bit, range(10)))
    with pytest.raises(ExactError, match=r"labels are \(1000,\) uint8; \(1024,\) uint8 are due"):
        Region(net, np.zeros(10, bool), groups, layer=0, labels=np.zeros(1000, np.uint8))
    labels = np.zeros(1024, np.uint8)
    with pytest.raises(ExactError, match="apart by labels are codes; name a hidden layer"):
        Region(net, np.zeros(10, bool), groups, labels=labels)
    with pytest.raises(ExactError, match="name a hidden layer, and give no labels"):
        Region(net, np.zeros(10, bool), groups, layer=0, apart=True, labels=labels)
    with pytest.raises(ExactError, match="name a hidden layer or one class"):
        Region(net, np.zeros(10, bool), groups, only=0, layer=0)


def test_too_many_codes_are_none_and_not_some(monkeypatch):
    monkeypatch.setattr(counting, "MOST_CODES", 100)
    net = BitNet.of(random_graph((16, 20, 8, 3), 2))
    assert over(net, np.zeros(16, bool), range(16), layer=0).codes == (None,)


def test_codes_apart_are_too_many_together(monkeypatch):
    net, labels = BitNet.of(random_graph((16, 20, 8, 3), 2)), np.arange(1 << 16).astype(np.uint8)
    groups = tuple(map(Group.bit, range(16)))
    for most, too_many in ((5000, True), (1 << 16, False)):
        monkeypatch.setattr(counting, "MOST_CODES", most)
        found = Region(net, np.zeros(16, bool), groups, layer=0, labels=labels).count(())
        assert (found.codes[0] is None) == too_many
        assert max(len(codes[0]) for codes in found.codes[1:]) < 5000


def test_levels_weigh_as_many_inputs_as_look_alike():
    graph = random_graph((10, 12, 6, 3), 11)
    x, rng = np.random.default_rng(3).random(10) < 0.5, np.random.default_rng(5)
    groups = tuple(
        Group(
            (at, at + 5), np.array([[False, False], [True, False], [True, True]]), tuple(rng.integers(1, 6, 3).tolist())
        )
        for at in range(5)
    )
    region = Region(BitNet.of(graph), x, groups)
    number = np.zeros(3, np.int64)
    for path in np.ndindex(*(3,) * 5):
        weight = prod(group.weights[level] for group, level in zip(groups, path, strict=True))
        number[classes(graph, region.input_of(path)[None])] += weight
    found = whole(region)
    assert found.number == tuple(number.tolist())
    assert sum(found.number) == region.inputs
    right = int(classes(graph, x[None])[0])
    assert whole(Region(region.net, x, groups, right)).number[right] == number[right]


def test_shards_hold_each_input_once(monkeypatch):
    monkeypatch.setattr(counting, "SMALLEST", 1 << 12)
    graph = random_graph((16, 20, 8, 3), 2)
    net, x = BitNet.of(graph), np.zeros(16, bool)
    region = Region(net, x, tuple(Group.bit(bit) for bit in range(16)))
    assert len(region.shards()) > 4
    assert sum(region.inputs_in(part) for part in region.shards()) == 1 << 16
    assert whole(region).number == the_slow_way(graph, x, list(range(16)))[1]


def test_decision_diagrams_count_the_same():
    """Each neuron as a diagram of its sum, built element by element; classes as who goes before whom."""
    graph = random_graph((14, 8, 6, 3), 21)
    net, manager = BitNet.of(graph), BDD()
    manager.declare(*(f"x{bit}" for bit in range(14)))
    edge = [manager.var(f"x{bit}") for bit in range(14)]

    def holds(rows, row, elements):
        at_least = [manager.true] + [manager.false] * max(int(rows.threshold[row]), 0)
        for element, weight, counts in zip(elements, rows.weight[row], rows.among[row], strict=True):
            agrees = element if weight else ~element
            for number in range(len(at_least) - 1, 0, -1) if counts else ():
                at_least[number] |= agrees & at_least[number - 1]
        return at_least[-1]

    for rows in net.hidden:
        edge = [holds(rows, row, edge) for row in range(len(rows.weight))]
    number = []
    for rows in net.versus:
        first = manager.true
        for row in range(len(rows.weight)):
            first &= ~holds(rows, row, edge)
        number.append(int(manager.count(first, nvars=14)))
    assert over(net, np.zeros(14, bool), range(14)).number == tuple(number)


def test_what_cannot_be_counted_is_said():
    net = BitNet.of(random_graph((12, 10, 3), 0))
    with pytest.raises(ExactError, match="each is of one group"):
        Region(net, np.zeros(12, bool), (Group.bit(3), Group.bit(3)))
    with pytest.raises(ExactError, match="codes of up to 64 neurons"):
        Region(BitNet.of(random_graph((12, 70, 3), 0)), np.zeros(12, bool), (Group.bit(3),), layer=0)
