"""Which samples share a code: exact symbol tables of packed codes, of labels, and of pairs of symbols."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .codes import Codes, CodesError, numbers
from .compiled import compiled
from .labels import label_numbers
from .row_hash import equal_rows, keys, row_sum


@dataclass(frozen=True, eq=False)
class Symbols:
    """The distinct values among n samples. Equal samples, and only they, share an id.

    ids      (n,) int32, 0 .. k - 1 in order of first appearance: what the values are called cannot change it
    counts   (k,) int64, samples of each id
    firsts   (k,) int64, the first sample of each id
    """

    ids: NDArray[np.int32]
    counts: NDArray[np.int64]
    firsts: NDArray[np.int64]

    @property
    def samples(self) -> int:
        return len(self.ids)

    def __len__(self) -> int:
        return len(self.counts)


def symbols(codes: Codes) -> Symbols:
    """The distinct codes, exactly: each is compared byte for byte with its id's first sample, no hash is trusted.

    Reads the packed rows once and needs 4 bytes a sample beside them, and at most 240 bytes a symbol or 70 a sample.
    """
    return Symbols(*_table(np.ascontiguousarray(codes.packed)))


def label_symbols(labels: ArrayLike) -> Symbols:
    """The distinct labels: whatever `label_numbers` takes, and CodesError for anything else."""
    values = label_numbers(labels)
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if high - low >= 2**62:
        return Symbols(*_table(_as_bytes(values)))
    return _of_integers(values - low, high - low + 1)


def input_symbols(inputs: ArrayLike) -> Symbols:
    """The distinct inputs among (n, …) numbers, bit for bit."""
    array = numbers(inputs, "inputs need (n, …) numbers")
    rows = np.ascontiguousarray(array.reshape(len(array), -1) if array.ndim else array.reshape(0, 1))
    return Symbols(*_table(rows.view(np.uint8)))


def pairs(x: Symbols, y: Symbols) -> Symbols:
    """The distinct pairs (x, y), sample by sample. `pairs(y, x)` is equal, to the last id."""
    same_samples(x.samples, y.samples)
    return _of_integers(x.ids.astype(np.int64) * len(y) + y.ids, len(x) * len(y))


def of_ids(ids: NDArray[np.int32]) -> Symbols:
    """The distinct values of some of the ids of another table."""
    return _of_integers(ids.astype(np.int64), int(ids.max()) + 1 if len(ids) else 0)


def same_samples(codes: int, labels: int) -> None:
    """Raises CodesError unless there are as many of both, and one at least."""
    if codes != labels or not codes:
        raise CodesError(f"{codes} samples of one variable against {labels} of the other; as many are needed, and one")


def _of_integers(values: NDArray[np.int64], domain: int) -> Symbols:
    """(n,) integers 0 .. domain - 1. A small domain is its own table; a large one goes the way of the codes."""
    if domain > 16 * len(values) + 1024:
        return Symbols(*_table(_as_bytes(values)))
    counts, firsts = np.empty((2, min(domain, len(values))), np.int64)
    ids = np.empty(len(values), np.int32)
    seen = _fill_direct(values, ids, np.zeros(domain, np.int32), counts, firsts)
    return Symbols(ids, counts[:seen].copy(), firsts[:seen].copy())


def _as_bytes(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    return values.view(np.uint8).reshape(len(values), 8)


# The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every bit of a sum reaches every bit that finds a slot.
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


@njit(inline="always")
def _mixed(word):
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    return word ^ (word >> np.uint64(31))


_BLOCK = 128  # rows whose hashes are found before their slots: who guesses a slot wrongly has no hash to find again


@compiled
def _fill(rows, key, row, ids, slots, hashes, counts, firsts, seen):
    """Give ids to the rows from `row` on, until none is left or no symbol has room; answers where it stopped.

    Open addressing: a slot holds id + 1, 0 is free. The arrays are arguments because numba counts references, with
    atomic instructions and for each row, on arrays that a loop may replace.
    """
    mask = np.uint64(len(slots) - 1)
    block = np.empty(_BLOCK, np.uint64)
    begin = end = row
    while row < len(rows) and seen < len(counts):
        if row == end:
            begin, end = row, min(row + _BLOCK, len(rows))
            for place in range(end - begin):
                block[place] = _mixed(row_sum(rows, begin + place, key))
        hashed = block[row - begin]
        slot = hashed & mask
        symbol = slots[slot] - 1
        while symbol >= 0 and not (hashes[symbol] == hashed and equal_rows(rows, row, rows, firsts[symbol])):
            slot = (slot + np.uint64(1)) & mask
            symbol = slots[slot] - 1
        if symbol < 0:
            symbol = seen
            seen += 1
            slots[slot] = seen
            hashes[symbol], counts[symbol], firsts[symbol] = hashed, 0, row
        counts[symbol] += 1
        ids[row] = symbol
        row += 1
    return row, seen


@compiled
def _fill_direct(values, ids, slots, counts, firsts):
    seen = 0
    for row in range(len(values)):
        symbol = slots[values[row]] - 1
        if symbol < 0:
            symbol = seen
            seen += 1
            slots[values[row]] = seen
            counts[symbol], firsts[symbol] = 0, row
        counts[symbol] += 1
        ids[row] = symbol
    return seen


@compiled
def _replace(slots, hashes):
    mask = np.uint64(len(slots) - 1)
    for symbol in range(len(hashes)):
        slot = hashes[symbol] & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = symbol + 1


def _table(rows: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """(n, bytes) in C order -> ids, counts, firsts. Grows as symbols appear: few of them stay in the first cache."""
    ids = np.empty(len(rows), np.int32)
    hashes, counts, firsts = np.empty(512, np.uint64), np.empty(512, np.int64), np.empty(512, np.int64)
    row = seen = 0
    while True:
        slots = np.zeros(4 * (1 << (len(counts) - 1).bit_length()), np.int32)  # a quarter of them in use at most
        _replace(slots, hashes[:seen])
        row, seen = _fill(rows, keys(rows.shape[1]), row, ids, slots, hashes, counts, firsts, seen)
        if row == len(rows):
            return ids, counts[:seen].copy(), firsts[:seen].copy()
        room = min(4 * len(counts), len(rows))
        hashes, counts, firsts = (_grown(each, room) for each in (hashes, counts, firsts))


def _grown(array: NDArray, room: int) -> NDArray:
    return np.concatenate((array, np.empty(room - len(array), array.dtype)))
