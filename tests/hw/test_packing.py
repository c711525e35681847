"""Streams and memory files: the lowest index in bit 0, read back by a second reading of the same words."""

from __future__ import annotations

import numpy as np
from bitneck.hw.packing import beat_bytes, bytes_beats, fields, integer_bits, integers, memory_file, weight_words
from hypothesis import given, settings
from hypothesis import strategies as st

sizes = st.integers(1, 40)


def bits(rows: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, width)) < 0.5


def test_first_bit_of_a_beat_is_the_lowest_bit_of_the_first_byte():
    beat = np.zeros((1, 10), dtype=np.bool_)
    beat[0, [0, 9]] = True
    assert beat_bytes(beat).tolist() == [[1, 2]]


@settings(deadline=None)
@given(sizes, sizes, st.integers(0, 9))
def test_bytes_of_beats_are_read_back_and_padded_with_zeros(rows, width, seed):
    beats = bits(rows, width, seed)
    packed = beat_bytes(beats)
    assert packed.shape == (rows, -(-width // 8))
    assert np.array_equal(bytes_beats(packed, width), beats)
    assert not bytes_beats(packed, 8 * packed.shape[1])[:, width:].any()


@settings(deadline=None)
@given(sizes, st.integers(1, 5), st.integers(1, 12), st.integers(0, 9))
def test_integers_are_read_back_from_their_bits(rows, lanes, bits_each, seed):
    values = np.random.default_rng(seed).integers(0, 1 << bits_each, (rows, lanes))
    assert np.array_equal(integers(integer_bits(values, bits_each), bits_each), values)


@settings(deadline=None)
@given(sizes, st.integers(1, 12), st.integers(1, 40), st.integers(0, 9))
def test_fields_of_packed_bits_are_those_integers(rows, lanes, bits_each, seed):
    x = bits(rows, lanes * bits_each, seed)
    assert np.array_equal(fields(beat_bytes(x), bits_each)[:, :lanes], integers(x, bits_each))


def test_negative_integers_lie_in_twos_complement():
    assert integers(integer_bits(np.array([[-1, -8, 7]]), 4), 4).tolist() == [[15, 8, 7]]


@settings(deadline=None)
@given(sizes, sizes, st.integers(0, 9))
def test_memory_file_has_a_hexadecimal_word_a_line(rows, width, seed):
    words = bits(rows, width, seed)
    lines = memory_file(words).splitlines()
    assert {len(line) for line in lines} == {-(-width // 4)}
    assert [int(line, 16) for line in lines] == [sum(int(bit) << i for i, bit in enumerate(word)) for word in words]


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_weight_of_a_row_and_an_input_is_where_the_hardware_looks_for_it(row_folds, pe, col_folds, simd):
    weight = bits(row_folds * pe, col_folds * simd)
    words = [int(line, 16) for line in memory_file(weight_words(weight, pe, simd)).splitlines()]
    for row, inputs in enumerate(weight):
        for col, value in enumerate(inputs):
            word = words[row // pe * col_folds + col // simd]
            assert word >> (row % pe * simd + col % simd) & 1 == value
