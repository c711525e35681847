"""Sums that are looked up in tables against sums written out: any shape, any level, any weight, ties included."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from bitneck.export.graph import BIPOLAR, Binarize, Conv, Cut, Dense, Graph, Levels, Pool, Scores
from bitneck.export.graph.packed import Lookups
from bitneck.export.graph.pool import Of
from hypothesis import given, settings
from hypothesis import strategies as st

ANY = settings(deadline=None, derandomize=True, max_examples=80)
COUNTS = st.sampled_from([2, 2, 3, 4, 5, 16, 100, 256])
BITS = st.sampled_from([1, 1, 2, 3, 8])


def levels_of(count: int) -> Levels:
    return BIPOLAR if count == 2 else Levels(0, 1, count)


def random_weight(rng: np.random.Generator, shape: tuple[int, ...], bits: int) -> np.ndarray:
    """±1 of one bit; of two bits also −1 0 1 alone."""
    if bits == 1:
        return rng.random(shape) < 0.5
    low, high = (-1, 1) if bits == 2 and rng.random() < 0.5 else (-(1 << bits - 1), (1 << bits - 1) - 1)
    return rng.integers(low, high + 1, shape).astype(np.int8)


def tied(rng: np.random.Generator, layer: Dense | Conv, values: np.ndarray) -> Dense | Conv:
    """With thresholds half of which are sums that occur; the first row always fires, the last never."""
    spans, steps, places = layer.spans(), layer.emits.top, layer.outputs // layer.rows
    at = rng.integers(0, spans[:, None] + 2, (layer.rows, steps))
    for row in range(layer.rows):
        neuron = row + layer.rows * int(rng.integers(places)) if isinstance(layer, Conv) else row
        some = -(-steps // 2)
        at[row, :some] = rng.choice(layer.accumulated(values, neuron), some)
    if layer.rows > 2:
        at[0], at[-1] = 0, spans[-1] + 1
    at = np.sort(at, axis=1).astype(np.int32)
    return replace(layer, threshold=at[:, 0] if steps == 1 else at)


def unset(rows: int, emits: Levels) -> np.ndarray:
    return np.zeros(rows if emits.count == 2 else (rows, emits.top), np.int32)


def answers(layer, values: np.ndarray) -> np.ndarray:
    """(n, outputs) in the layer's own slow words."""
    found = []
    for neuron in range(layer.outputs):
        sums, thresholds = layer.accumulated(values, neuron), layer.thresholds_of(neuron)
        found.append(sums if thresholds is None else (sums[:, None] >= thresholds).sum(axis=1))
    return np.stack(found, axis=1)


def assert_follows_the_slow_way(graph: Graph, x: np.ndarray) -> None:
    trace, values = graph(x), x
    *hidden, last = graph.layers
    for layer in hidden:
        values = answers(layer, values)
        assert np.array_equal(trace.codes[layer.name].levels(layer.emits.bits), values), layer.name
    assert np.array_equal(trace.scores, answers(last, values))


@ANY
@given(
    widths=st.lists(st.integers(1, 150), min_size=2, max_size=4),
    counts=st.lists(COUNTS, min_size=4, max_size=4),
    bits=st.lists(BITS, min_size=4, max_size=4),
    samples=st.integers(1, 11),
    seed=st.integers(0, 999),
)
def test_dense_layers_of_any_levels_and_weights(widths, counts, bits, samples, seed):
    rng = np.random.default_rng(seed)
    x = values = rng.integers(0, counts[0], (samples, widths[0]), dtype=np.uint8)
    layers = []
    for index, (fan_in, rows) in enumerate(pairwise(widths)):
        emits = levels_of(counts[index + 1])
        weight = random_weight(rng, (rows, fan_in), bits[index])
        layers.append(tied(rng, Dense(f"d{index}", weight, unset(rows, emits), counts[index], emits), values))
        values = answers(layers[-1], values)
    layers.append(Scores(random_weight(rng, (3, widths[-1]), bits[-1]), counts[len(widths) - 1]))
    entering = levels_of(counts[0])
    assert_follows_the_slow_way(Graph("g", entering.bits, tuple(layers), (), entering), x)


@ANY
@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    channels=st.sampled_from([1, 2, 3, 4, 6, 8, 16]),
    groups=st.sampled_from([1, 1, 1, 2, 3]),
    rows=st.sampled_from([1, 2, 4, 8, 23, 40]),
    counts=st.tuples(COUNTS, COUNTS),
    bits=st.tuples(BITS, BITS),
    pool=st.sampled_from([None, *get_args(Of)]),
    seed=st.integers(0, 999),
)
def test_convolutions_and_pools_of_any_shape(size, kernel, stride, channels, groups, rows, counts, bits, pool, seed):
    rng = np.random.default_rng(seed)
    shape = (*(max(each, least) for each, least in zip(size, kernel, strict=True)), channels * groups)
    padding = tuple(int(rng.integers(0, each)) for each in (*kernel, *kernel))
    x = values = rng.integers(0, counts[0], (int(rng.integers(1, 4)), int(np.prod(shape))), dtype=np.uint8)
    emits, pad = levels_of(counts[1]), int(rng.integers(counts[0]))
    weight = random_weight(rng, (rows * groups, *kernel, channels), bits[0])
    threshold = unset(rows * groups, emits)
    conv = Conv("conv", weight, threshold, shape, stride, padding, pad, groups, counts[0], emits)
    layers = [tied(rng, conv, values)]
    values = answers(layers[0], values)
    if pool:
        of = (pool,) if pool == "sum" else tuple(rng.choice(["max", "min"], conv.rows).tolist())
        window = tuple(min(2, each) for each in conv.places)
        after = levels_of((emits.count - 1) * window[0] * window[1] + 1) if pool == "sum" else emits
        around = tuple(int(rng.integers(each)) for each in (*window, *window))
        layers.append(Pool("pool", conv.out_shape, of, window, (1, 2), around, emits.count, after))
    layers.append(Scores(random_weight(rng, (5, layers[-1].outputs), bits[1]), layers[-1].emits.count))
    entering = levels_of(counts[0])
    assert_follows_the_slow_way(Graph("g", entering.bits, tuple(layers), shape, entering), x)


@ANY
@given(width=st.integers(1, 100), bits=st.integers(2, 8), samples=st.integers(1, 5), seed=st.integers(0, 999))
def test_pixels_are_cut_at_their_thresholds(width, bits, samples, seed):
    rng = np.random.default_rng(seed)
    top = 1 << bits
    binarize = Binarize("binarize", rng.choice([0, 1, top // 2, top - 1, top], width).astype(np.int32), bits)
    x = rng.choice([0, 1, top // 2 - 1, top // 2, top - 1], (samples, width)).astype(np.uint8)
    assert_follows_the_slow_way(Graph("g", bits, (binarize, Scores(rng.random((3, width)) < 0.5))), x)


@pytest.mark.parametrize("rows", [1, 3, 12])
@pytest.mark.parametrize("count", [2, 3, 5, 256])
def test_tables_of_one_of_each_channel_and_of_each_element(rows, count):
    rng = np.random.default_rng(count)
    cut = Cut(
        "cut",
        np.sort(rng.integers(0, count, (rows, 32)), axis=1).astype(levels_of(count).dtype),
        (2, 2, 3),
        levels_of(count),
    )
    x = rng.integers(0, 32, (9, 12), dtype=np.uint8)
    assert_follows_the_slow_way(Graph("g", 5, (cut, Scores(rng.random((3, 12)) < 0.5, count)), (2, 2, 3)), x)


@pytest.mark.parametrize("fan_in", [62, 63, 64, 127, 128, 252, 254, 255, 256, 65533, 65534, 65535, 65536])
def test_full_sums_where_a_byte_and_where_two_bytes_end(fan_in):
    weight = np.random.default_rng(fan_in).random((3, fan_in)) < 0.5
    x = np.stack([weight[0], ~weight[0], weight[1], weight[2]]).astype(np.uint8)
    for short in range(3):
        dense = Dense("dense", weight, np.array([fan_in + 1 - short, fan_in, fan_in - short], np.int32))
        assert_follows_the_slow_way(Graph("g", 1, (dense, Scores(weight[:, :3]))), x)
    assert_follows_the_slow_way(Graph("g", 1, (Scores(weight),)), x)
    ternary = weight.astype(np.int8) - (~weight & (np.arange(fan_in) % 5 > 0))
    assert_follows_the_slow_way(Graph("g", 2, (Scores(ternary, 3),), (), levels_of(3)), 2 * x)


@pytest.mark.parametrize("rows", [1, 10, 63, 64, 65, 130])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_what_a_block_says_beyond_its_rows_is_nobodys_answer(rows, count):
    rng = np.random.default_rng(rows)
    x = rng.integers(0, 2, (600, 20), dtype=np.uint8)
    dense = Dense("dense", rng.random((rows, 20)) < 0.5, unset(rows, levels_of(count)), 2, levels_of(count))
    scores = Scores(rng.random((rows, rows)) < 0.5, count)
    assert_follows_the_slow_way(Graph("g", 1, (tied(rng, dense, x), scores)), x)


def test_a_net_that_saw_few_samples_answers_many_and_few_again():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (9, 75), dtype=np.uint8)
    conv = Conv("conv", rng.random((4, 2, 2, 3)) < 0.5, np.full(4, 6, np.int32), (5, 5, 3))
    graph = Graph("g", 1, (conv, Scores(rng.random((3, conv.outputs)) < 0.5)), conv.shape)
    for samples in (2, 9, 3):
        assert_follows_the_slow_way(graph, x[:samples])


@pytest.mark.parametrize("bits", [1, 2, 8])
@pytest.mark.parametrize("odd", [0, 1])
def test_sums_beyond_float32_are_exact(bits, odd):
    """Odd sums above 2^24, which float32 would round to even ones, on both sides of a threshold."""
    fan_in = 70_001
    rng = np.random.default_rng(bits)
    weight = random_weight(rng, (4, fan_in), bits)
    weight[0] = True if bits == 1 else 1
    x = np.full((3, fan_in), 255, np.uint8)
    x[1, 0], x[2] = 254, rng.integers(0, 256, fan_in)
    top = int(Scores(weight, 256).spans()[0])
    assert top > 1 << 24
    dense = Dense("dense", weight, np.array([top - odd, *Scores(weight, 256).spans()[1:]], np.int32), 256)
    assert_follows_the_slow_way(Graph("g", 8, (dense, Scores(weight[:, :4]))), x)


def test_few_bits_are_looked_up_and_many_are_multiplied():
    weight = np.random.default_rng(0).integers(-128, 128, (50, 1, 40))
    one = np.zeros(1, np.int64)
    assert Lookups.of(np.sign(weight), 2, one, one)
    assert Lookups.of(np.where(weight < 0, -1, 1), 256, one, one)
    assert Lookups.of(weight // 16, 4, one, one)
    assert Lookups.of(weight, 2, one, one) is None
    assert Lookups.of(weight // 16, 256, one, one) is None
    assert Lookups.of(np.where(weight < 0, -1, 1)[:10], 256, one, one) is None


ON_ANY_PROCESSOR = """
import sys
import numpy as np
from bitneck.export.graph import Binarize, Conv, Cut, Dense, Graph, Levels, Pool, Scores
assert "numba" not in sys.modules, "who builds no graph need not wait for numba"
rng = np.random.default_rng(0)
few, many, shape = Levels(-1, 1, 3), Levels(0, 1, 256), (9, 8, 3)
steps = np.sort(rng.integers(20, 45, (70, 2)), axis=1).astype(np.int32)
dense = Graph("dense", 8, (
    Binarize("binarize", rng.integers(0, 257, 300).astype(np.int32), 8),
    Dense("one", rng.random((90, 300)) < 0.5, rng.integers(140, 160, 90).astype(np.int32)),
    Dense("two", rng.integers(-1, 2, (70, 90)).astype(np.int8), steps, 2, few),
    Dense("three", rng.random((70, 70)) < 0.5, steps + 30, 3, few),
    Dense("four", rng.integers(-1, 2, (49, 70)).astype(np.int8), rng.integers(30, 50, 49).astype(np.int32), 3),
    Scores(rng.integers(-8, 8, (10, 49)).astype(np.int8)),
))
maps = Graph("maps", 8, (
    Cut("cut", np.arange(256, dtype=np.uint8)[None], shape, many),
    Conv("conv", rng.random((70, 3, 3, 3)) < 0.5, steps * 80, shape, (1, 2), (1, 1, 1, 1), 7, 1, 256, few),
    Pool("pool", (9, 4, 70), ("max",), (2, 2), (2, 2), (0, 0, 0, 0), 3, few),
    Scores(rng.integers(-128, 128, (10, 560)).astype(np.int8), 3),
), shape)
for graph in (dense, maps):
    trace = graph(rng.integers(0, 256, (37, graph.inputs), dtype=np.uint8))
    print({name: codes.digest() for name, codes in trace.codes.items()}, trace.scores.sum(axis=0))
"""


@pytest.mark.parametrize("features", ["", "+ssse3"])
def test_every_processor_gives_the_same_bits(features):
    """One that has nothing beyond its baseline, and one that asks tables in sixteen places at once."""

    def printed(**variables: str) -> str:
        run = [sys.executable, "-c", ON_ANY_PROCESSOR]
        return subprocess.run(run, env=os.environ | variables, check=True, capture_output=True, text=True).stdout

    assert printed(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES=features) == printed()
