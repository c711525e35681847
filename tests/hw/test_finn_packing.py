"""FINN's own packing reads our streams and memory files, and writes the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.judges import finn
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import fold
from bitneck.hw.packing import beat_bytes, integer_bits, memory_file, weight_words
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import random_frames, random_graph

pytestmark = pytest.mark.skipif(finn.available() is not None, reason=str(finn.available()))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.integers(1, 20), st.integers(1, 11), st.integers(0, 9))
def test_beats_of_integers_are_the_bytes_of_finns_driver_in_both_directions(beats, lanes, bits, seed):
    values = np.random.default_rng(seed).integers(0, 1 << bits, (beats, lanes))
    kind = "BINARY" if bits == 1 else f"UINT{bits}"
    ours = beat_bytes(integer_bits(values, bits))
    assert np.array_equal(finn.beat_bytes(values, kind), ours)
    assert np.array_equal(finn.beat_values(ours, kind, lanes), values)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4), st.integers(1, 5), st.integers(0, 9))
def test_weight_memories_are_the_words_of_finns_generator_in_both_directions(row_folds, pe, col_folds, simd, seed):
    weight = np.random.default_rng(seed).random((row_folds * pe, col_folds * simd)) < 0.5
    lines = memory_file(weight_words(weight, pe, simd)).split()
    assert finn.weight_memory(weight, pe, simd) == lines
    assert np.array_equal(finn.weight_read(lines, len(weight), pe, simd), weight)


@pytest.mark.parametrize("input_bits", [1, 3, 8])
def test_the_input_stream_holds_what_finns_driver_would_send(input_bits):
    graph = random_graph((24, 12, 4), input_bits)
    accelerator = lower(graph, fold(graph, 12))
    x = random_frames(graph, 20)
    values = accelerator.stages[0].in_width // (8 if input_bits > 1 else 1)
    kind = "BINARY" if input_bits == 1 else "UINT8"
    assert np.array_equal(finn.beat_bytes(x.reshape(-1, values), kind), accelerator.input_data(x))
