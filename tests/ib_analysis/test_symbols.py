"""The symbol table is exact at every width, whatever the hash does, and knows the samples apart by value alone."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from bitneck.ib_analysis import compiled
from bitneck.ib_analysis import symbols as module
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.row_hash import digests, keys
from bitneck.ib_analysis.symbols import label_symbols, pair_tally, pairs, symbols
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def same_partition(ids, keys):
    """The ids are those of the keys, up to names: np.unique on the keys, renamed in order of first appearance."""
    _, first, inverse, counts = np.unique(keys, axis=0, return_index=True, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(first))
    order = np.argsort(first)
    return rank[inverse.ravel()], counts[order], first[order]


def assert_exact(got, keys):
    ids, counts, firsts = same_partition(got.ids, keys)
    np.testing.assert_array_equal(got.ids, ids)
    np.testing.assert_array_equal(got.counts, counts)
    np.testing.assert_array_equal(got.firsts, firsts)


@pytest.mark.parametrize("width", range(1, 131))
def test_agrees_with_np_unique_at_every_padding(width):
    rng = np.random.default_rng(width)
    patterns = rng.random((20, width)) < 0.5
    patterns[1] = patterns[0]
    patterns[1, -1] ^= True  # apart in the very last bit, next to the padding
    bits = patterns[rng.integers(0, 20, 150)]
    assert_exact(symbols(Codes.pack(bits)), bits)


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 20)), elements=st.booleans()))
def test_agrees_with_np_unique_on_any_bits(bits):
    assert_exact(symbols(Codes.pack(bits)), bits)


@pytest.mark.parametrize("samples", [511, 512, 513, 1025, 5000])
def test_table_that_has_to_grow_loses_nothing(samples):
    values = np.random.default_rng(0).integers(0, 4 * samples, samples)
    assert_exact(symbols(Codes.pack_integers(values[:, None], 15)), values)


def test_codes_that_cancel_in_a_sum_of_odd_multiples_stay_apart():
    """Flipping the top bits of two words adds 2^63 twice: nothing, in any sum of odd multiples."""
    top = 1 << 63
    base = np.arange(64, dtype=np.uint64).reshape(4, 16)
    words = np.concatenate([base] * 121)
    flips = [(i, j) for i in range(16) for j in range(i)]
    for row, (i, j) in enumerate(flips):
        words[4 * row : 4 * row + 4, [i, j]] ^= np.uint64(top)
    odd = np.arange(16, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    assert len(np.unique(words @ odd)) == 4, "the trap is set"
    codes = Codes(words.view(np.uint8), 1024)
    assert_exact(symbols(codes), codes.packed)
    assert len(np.unique(digests(codes.packed)[:, 0])) == 4 * len(flips) + 4, "which the hash does not fall into"


def test_codes_of_equal_hash_stay_apart():
    """With both halves of a word swapped behind their keys the product is the same; the bytes decide."""
    low, high = keys(8)[:, 0].tolist()
    a, b = 0x01234567, 0xFEDCBA98

    def row(one, other):
        return (one - low) % 2**32 | (other - high) % 2**32 << 32

    packed = np.array([[row(a, b)], [row(b, a)], [row(a, b)]], dtype="<u8").view(np.uint8)
    assert digests(packed)[0, 0] == digests(packed)[1, 0]
    assert symbols(Codes(packed, 64)).ids.tolist() == [0, 1, 0]


@pytest.mark.parametrize("word", range(16))
@pytest.mark.parametrize(("ordinary", "alike"), [(0, 900), (0, 5000), (9000, 5000), (300, 5000)])
def test_rows_that_differ_in_one_word_alone_stay_apart_wherever_it_is(word, ordinary, alike):
    """Most of these are equal in whatever few words are looked at first; some come behind rows that are not."""
    rng = np.random.default_rng(word)
    words = rng.integers(0, 2**64, (ordinary + alike, 16), np.uint64)
    words[ordinary:] = words[0]
    words[ordinary:, word] ^= rng.integers(0, max(1, alike // 2), alike).astype(np.uint64)
    codes = Codes(words.view(np.uint8), 1024)
    assert_exact(symbols(codes), words[:, word] if not ordinary else words)


def test_what_looks_alike_among_ever_new_rows_stays_apart():
    """A row that is not what a glance says ends what was guessed of the rows behind it, new ones among them, too."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 2**64, (9000, 16), np.uint64)
    patterns[:3, 1:] = patterns[0, 1:]
    which = np.minimum(rng.integers(0, 9000, 40_000), rng.integers(1, np.arange(2, 40_002)))
    which[rng.random(40_000) < 0.03] %= 3
    assert_exact(symbols(Codes(patterns[which].view(np.uint8), 1024)), which)


def test_where_glances_mislead_whole_rows_are_hashed(monkeypatch):
    """Were they not, each row would be compared with all the symbols before it that look like it."""
    rows = np.zeros((9000, 128), np.uint8)
    rows[:, :2] = np.arange(9000, dtype="<u2")[:, None].view(np.uint8)
    at_a_glance, fill = [], module._fill
    monkeypatch.setattr(
        module,
        "_fill",
        lambda rows, key, glance, *rest: (at_a_glance.append(glance), fill(rows, key, glance, *rest))[1],
    )
    assert_exact(symbols(Codes(rows, 1024)), rows)
    assert at_a_glance[0]
    assert not at_a_glance[-1]


def test_rows_with_gaps_between_them_are_read_as_rows():
    packed = np.random.default_rng(0).integers(0, 4, (100, 24), dtype=np.uint8)
    assert_exact(symbols(Codes(packed[::3, 4:9], 40)), packed[::3, 4:9])


@pytest.mark.parametrize(
    "labels",
    [
        [3, -1, 3, 7],
        [True, False, True],
        np.array([-128, 127, 0, -128], np.int8),
        np.array([2**64 - 1, 0, 2**63, 2**64 - 1], np.uint64),
        np.array([-(2**63), 2**63 - 1, -(2**63)]),
        [10**15, -(10**15), 10**15],
        np.array([5, 9, -(2**62), 9, 2**62, 9])[::2],
        np.array([[3, 0], [7, 0], [3, 0]])[:, 0],
    ],
)
def test_labels_may_be_any_integers(labels):
    assert_exact(label_symbols(labels), np.asarray(labels))


@pytest.mark.parametrize("labels", [[0.5, 1.0], [[1], [2]], [b"a", None]])
def test_what_is_no_label_is_refused(labels):
    with pytest.raises(CodesError, match="labels need"):
        label_symbols(labels)


@pytest.mark.parametrize("many", [7, 3000])
def test_pairs_are_the_joint_symbols_and_do_not_care_for_order(many):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, many, 3000), rng.integers(0, many, 3000)
    both = pairs(label_symbols(x), label_symbols(y))
    assert_exact(both, np.column_stack((x, y)))
    other = pairs(label_symbols(y), label_symbols(x))
    np.testing.assert_array_equal(both.ids, other.ids)
    tally = pair_tally(label_symbols(x), label_symbols(y))
    np.testing.assert_array_equal((tally.counts, tally.firsts), (both.counts, both.firsts))
    with pytest.raises(CodesError, match=r"3000 samples .* against 5"):
        pairs(label_symbols(x), label_symbols(y[:5]))


def test_pairs_of_what_is_all_distinct_are_as_distinct():
    alone, y = label_symbols(np.arange(40)[::-1]), label_symbols(np.arange(40) % 3)
    assert_exact(pairs(alone, y), np.arange(40))
    assert_exact(pairs(y, alone), np.arange(40))
    assert len(pair_tally(y, alone)) == 40


def test_no_samples_have_no_symbols():
    assert len(symbols(Codes(np.empty((0, 3), np.uint8), 20))) == 0
    assert len(label_symbols(np.empty(0, np.int64))) == 0


@pytest.mark.parametrize("distinct", [False, True])
def test_extra_memory_is_below_twice_the_packed_codes(distinct):
    rng = np.random.default_rng(0)
    packed = rng.integers(0, 256, (20_000, 128), dtype=np.uint8)
    codes = Codes(packed if distinct else packed[rng.integers(0, 600, 20_000)], 1024)
    y = label_symbols(rng.integers(0, 10, 20_000))
    pairs(symbols(codes), y)  # compiled before it is watched
    tracemalloc.start()
    pairs(symbols(codes), y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * codes.packed.nbytes


def test_works_where_nothing_can_be_written(monkeypatch):
    """A read-only install without a home: numba refuses to cache, the table is compiled all the same."""

    def refusing(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compiled, "njit", refusing)
    assert compiled.compiled(len) is len


def test_the_whole_room_imports_without_torch():
    script = "import sys; sys.modules['torch'] = None; import bitneck.ib_analysis.pictures.plots"
    subprocess.run([sys.executable, "-c", script], check=True)
