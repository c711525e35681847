"""How often neurons fire, alone, by two and jointly, in closed form and from codes, is what every input says."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from bit_nets import all_inputs, random_graph
from bitneck.hw.exact.compiled import ExactError
from bitneck.hw.exact.net import BitNet, Rows
from bitneck.hw.exact.pairs import (
    implications,
    jointly_of_codes,
    jointly_of_first_layer,
    of_codes,
    of_first_layer,
)
from bitneck.hw.exact.region import histogram
from hypothesis import given, settings
from hypothesis import strategies as st

layers = given(st.integers(2, 10), st.integers(4, 12), st.integers(0, 999))


def every(inputs: int, neurons: int, seed: int):
    """A layer, some of whose neurons never change, and what it says of each input."""
    graph = random_graph((inputs, neurons, 2), seed, wild=seed % 2 == 1)
    rows = BitNet.of(graph).hidden[0]
    return rows, rows(all_inputs(inputs))


def codes_of(said):
    packed = (said.astype(np.uint64) << np.arange(said.shape[1], dtype=np.uint64)).sum(axis=1)
    return histogram(packed, np.ones(len(packed), np.int64))


@settings(max_examples=30, deadline=None)
@layers
def test_all_pairs_of_a_layer(inputs, neurons, seed):
    rows, said = every(inputs, neurons, seed)
    counted = tuple(map(tuple, (said.astype(int).T @ said.astype(int)).tolist()))
    assert of_first_layer(rows).both == of_codes(codes_of(said), neurons).both == counted


@settings(max_examples=30, deadline=None)
@layers
def test_up_to_four_neurons_jointly(inputs, neurons, seed):
    rows, said = every(inputs, neurons, seed)
    for chosen in ([2], [3, 0], [1, 3, 2], [0, 1, 2, 3]):
        counted = np.bincount((said[:, chosen] << np.arange(len(chosen))).sum(axis=1), minlength=1 << len(chosen))
        assert jointly_of_first_layer(rows, chosen) == tuple(counted.tolist())
        assert jointly_of_codes(codes_of(said), chosen) == tuple(counted.tolist())


@settings(max_examples=30, deadline=None)
@layers
def test_what_pairs_say_of_entropy_is_at_least_the_entropy(inputs, neurons, seed):
    rows, said = every(inputs, neurons, seed)
    times = codes_of(said)[1] / len(said)
    pairs = of_first_layer(rows)
    assert pairs.entropy_bound_bits() >= -(times * np.log2(times)).sum() - 1e-9
    alone = np.array(pairs.ones) / pairs.inputs
    free = sum(-p * np.log2(p) - (1 - p) * np.log2(1 - p) for p in alone if 0 < p < 1)
    assert pairs.entropy_bound_bits() <= free + 1e-9


@settings(max_examples=40, deadline=None)
@layers
def test_implications_are_those_without_an_exception(inputs, neurons, seed):
    rows, said = every(inputs, neurons, seed)
    few = said[: len(said) // 2 + 1]  # where one bit stays
    for part, whole in ((said, True), (few, False)):
        found = list(implications(of_codes(codes_of(part), neurons), rows))
        named = {(each.of, each.says, each.then, each.so) for each in found}
        changing = [n for n in range(neurons) if 0 < part[:, n].sum() < len(part)]
        for i, j in product(changing, repeat=2):
            for says, so in product((False, True), repeat=2):
                if i < j:
                    assert ((i, says, j, so) in named) == bool((part[part[:, i] == says, j] == so).all())
        for each in found:
            always = bool((said[said[:, each.of] == each.says, each.then] == each.so).all())
            assert (each.proof == "whatever enters the layer") == always
            assert always or not whole


def test_hundreds_of_free_bits_are_counted_in_whole_numbers():
    rng = np.random.default_rng(0)
    weight = rng.random((3, 300)) < 0.5
    weight[1], weight[2] = weight[0], ~weight[0]
    rows = Rows(weight, np.ones_like(weight), np.array([150, 150, 151], np.int32))
    pairs = of_first_layer(rows)
    assert pairs.ones[0] + pairs.ones[2] == 1 << 300  # the opposite of the first
    assert pairs.both[0][1] == pairs.ones[0]
    assert pairs.both[0][2] == 0
    (one, other), rest = pairs.table(0, 2)
    assert jointly_of_first_layer(rows, [0, 2]) == (one, rest[0], other, rest[1])
    assert jointly_of_first_layer(rows, [1]) == (pairs.inputs - pairs.ones[1], pairs.ones[1])
    with pytest.raises(ExactError, match="up to 62 bits"):
        jointly_of_first_layer(rows, [0, 1, 2])
