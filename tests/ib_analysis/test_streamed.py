"""Codes that come in blocks are counted as those in memory are, in bounded memory, and what is not certain is said."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from bitneck.ib_analysis import row_hash
from bitneck.ib_analysis import streamed as module
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.plane import plane
from bitneck.ib_analysis.row_hash import digests
from bitneck.ib_analysis.streamed import streamed, verified
from bitneck.ib_analysis.symbols import symbols


def codes_of(width, samples=700, patterns=90, seed=0):
    rng = np.random.default_rng(seed)
    return Codes.pack((rng.random((patterns, width)) < 0.5)[rng.integers(0, patterns, samples)])


def blocks(codes, each=64):
    return (codes[start : start + each] for start in range(0, len(codes), each))


def assert_same(one, other):
    for name in ("ids", "counts", "firsts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("width", [1, 7, 64, 65, 130, 1000])
@pytest.mark.parametrize("kept", [1, 200, 1 << 20])
def test_blocks_give_the_symbols_of_the_whole(width, kept, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", kept)
    codes = codes_of(width)
    once = streamed(blocks(codes))
    assert_same(once.symbols, symbols(codes))
    assert once.verified == (len(once.symbols) <= max(1, kept // -(-width // 8)))
    sure = verified(once, lambda: blocks(codes, 50))
    assert_same(sure.symbols, symbols(codes))
    assert sure.verified


def test_a_second_time_with_other_samples_is_refused(monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 200)
    codes, other = codes_of(100), codes_of(100, seed=1)
    once = streamed(blocks(codes))
    with pytest.raises(CodesError, match=r"is not the code that sample \d+ was"):
        verified(once, lambda: blocks(other))
    with pytest.raises(CodesError, match="640 samples, 700 before"):
        verified(once, lambda: blocks(codes[:640]))
    with pytest.raises(CodesError, match="not as before"):
        verified(once, lambda: blocks(codes_of(100, 701)))


@pytest.mark.parametrize("kept", [1, 1 << 20])
def test_codes_that_share_a_digest_are_found_out(kept, monkeypatch):
    """Were products the same, so would be digests: the bytes tell, at once where the first is kept, else when asked."""
    codes = codes_of(128)
    monkeypatch.setattr(module, "KEPT_BYTES", kept)
    monkeypatch.setattr(module, "digests", lambda rows: rows[:, :1].astype(np.uint64) // 64 * np.ones(2, np.uint64))
    with pytest.raises(CodesError, match="share a digest"):
        verified(streamed(blocks(codes)), lambda: blocks(codes))


@pytest.fixture
def digested(monkeypatch):
    """How many rows were given a digest of their own, call by call."""
    calls = []
    monkeypatch.setattr(module, "digests", lambda rows: calls.append(len(rows)) or digests(rows))
    return calls


@pytest.mark.parametrize("patterns", [90, 2000])
def test_what_is_known_at_a_glance_needs_no_digest(patterns, digested):
    codes = codes_of(1000, 6000, patterns)
    due = symbols(codes)
    assert_same(streamed(blocks(codes)).symbols, due)
    assert sum(digested) == (due.firsts[due.ids] >= np.arange(6000) // 64 * 64).sum(), "of no block before"


@pytest.mark.parametrize("byte", [0, 60, 124])
def test_what_looks_alike_at_a_glance_is_not_taken_for_equal(byte, digested):
    """All but one byte are zero, and glances fall on zeros: after a thousand of them nobody glances any more."""
    rows = np.zeros((3000, 125), np.uint8)
    rows[:, byte] = np.random.default_rng(0).integers(0, 200, 3000)
    codes = Codes(rows, 1000)
    once = streamed(blocks(codes))
    assert_same(once.symbols, symbols(codes))
    assert once.verified
    assert digested[-20:] == [len(block) for block in blocks(codes)][-20:]
    assert sum(digested) < 3000


def test_more_distinct_samples_than_there_was_room_for_are_still_told_apart(monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 4000)
    codes = codes_of(64, samples=20_000, patterns=15_000)
    once = streamed(blocks(codes, 77))
    assert_same(once.symbols, symbols(codes))
    assert not once.verified
    assert once.compared == 500
    assert verified(once, lambda: blocks(codes)).verified


def test_what_is_all_distinct_needs_no_room_to_be_certain(monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 1)
    assert streamed(blocks(Codes.pack_integers(np.arange(300)[:, None], 9))).verified


@pytest.mark.parametrize("width", [8, 70, 333])
def test_a_digest_is_the_sum_that_it_is_said_to_be(width):
    rows = codes_of(width).packed
    key = row_hash.keys(rows.shape[1]).tolist()
    padded = np.pad(rows, ((0, 0), (0, 16)))
    whole = rows.shape[1] // 8
    for row, found in zip(padded, digests(rows).tolist(), strict=True):
        words = [int.from_bytes(row[8 * j : 8 * j + 8].tobytes(), "little") for j in range(whole)]
        words.append(int.from_bytes(row[8 * whole : rows.shape[1]].tobytes(), "big"))
        for shift in range(2):
            due = sum(
                (w + key[0][j + shift]) % 2**32 * (((w >> 32) + key[1][j + shift]) % 2**32) for j, w in enumerate(words)
            )
            assert found[shift] == due % 2**64


def test_digests_of_pieces_add_up_to_those_of_the_whole():
    rows = codes_of(512).packed
    parts = [digests(rows[:, begin : begin + 16], 64, begin) for begin in range(0, 64, 16)]
    groups = np.unique(sum(parts), axis=0, return_inverse=True)[1].ravel()
    due = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    assert (
        len({*zip(groups.tolist(), due.tolist(), strict=True)}) == len(set(groups.tolist())) == len(set(due.tolist()))
    )


def test_one_flipped_bit_anywhere_is_another_digest():
    base = np.zeros((1, 40), np.uint8)
    rows = np.vstack([base, *(base ^ np.eye(40, dtype=np.uint8) << bit for bit in range(8))])
    assert len(np.unique(digests(rows), axis=0)) == len(rows)


def test_a_stream_of_any_length_keeps_digests_and_a_few_samples(monkeypatch):
    """30 MB of codes in blocks of .5 MB: the peak is one block, what may be kept of first samples, and 16 bytes of each
    with what counting them takes.
    """
    monkeypatch.setattr(module, "KEPT_BYTES", 200_000)
    pattern = np.random.default_rng(0).integers(0, 256, (50, 7200), dtype=np.uint8)

    def made():
        for block in range(64):
            yield Codes(pattern[(np.arange(64) * 7 + block) % 50], 57_600)

    verified(streamed(made()), made)  # compiled before it is watched
    tracemalloc.start()
    sure = verified(streamed(made()), made)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(sure.symbols) == 50
    assert peak < 3 * 64 * 7200 + 200_000 + 60 * len(sure)


def test_a_plane_takes_what_was_streamed():
    codes, y = codes_of(100), np.random.default_rng(0).integers(0, 4, 700)
    (whole,) = plane({"map": codes}, y)
    (found,) = plane({"map": streamed(blocks(codes))}, y, brackets=True)
    assert found == whole


def test_blocks_of_two_widths_or_none_are_refused():
    with pytest.raises(CodesError, match="blocks of 7 and 9 bits"):
        streamed([codes_of(7), codes_of(9)])
    with pytest.raises(CodesError, match="no block"):
        streamed([])
