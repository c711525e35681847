"""Which samples share a code: exact symbol tables of packed codes, of labels, and of pairs of symbols."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .codes import Codes, CodesError, numbers
from .compiled import compiled
from .entropy import Fingerprint, extremes, fingerprint
from .labels import label_numbers
from .row_hash import GLANCED, equal_rows, hash_rows, keys


@dataclass(frozen=True, eq=False)
class Tally:
    """The distinct values among samples, in order of first appearance: what the values are called cannot change it.

    counts   (k,) int64, samples of each value
    firsts   (k,) int64, the first sample of each value
    """

    counts: NDArray[np.int64]
    firsts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Of the counts, for the estimators of `entropy`."""
        return fingerprint(self.counts)


@dataclass(frozen=True, eq=False)
class Symbols(Tally):
    """The distinct values and what every sample is. Equal samples, and only they, share an id.

    ids      (n,) int32, 0 .. k - 1, in the order of `counts` and `firsts`
    """

    ids: NDArray[np.int32]

    @property
    def samples(self) -> int:
        return len(self.ids)


def symbols(codes: Codes) -> Symbols:
    """The distinct codes, exactly: each is compared byte for byte with its id's first sample, no hash is trusted.

    Reads the packed rows once and needs at most 80 bytes a sample beside them; where most samples are repeated, the
    first ones too, 4 bytes a sample and 240 a symbol.
    """
    return _table(np.ascontiguousarray(codes.packed))


def label_symbols(labels: ArrayLike) -> Symbols:
    """The distinct labels: whatever `label_numbers` takes, and CodesError for anything else."""
    values = label_numbers(labels)
    low, high = extremes(values) if len(values) else (0, 0)
    if high - low >= 2**62:
        return _table(_as_bytes(values))
    return _of_integers(values, low, high - low + 1)


def input_symbols(inputs: ArrayLike) -> Symbols:
    """The distinct inputs among (n, …) numbers, bit for bit."""
    array = numbers(inputs, "inputs need (n, …) numbers")
    rows = np.ascontiguousarray(array.reshape(len(array), -1) if array.ndim else array.reshape(0, 1))
    return _table(rows.view(np.uint8))


def pairs(x: Symbols, y: Symbols) -> Symbols:
    """The distinct pairs (x, y), sample by sample. `pairs(y, x)` is equal, to the last id."""
    return _alone(x, y) or _of_integers(_joined(x.ids, len(y), y.ids), 0, len(x) * len(y))


def pair_tally(x: Symbols, y: Symbols) -> Tally:
    """What `pairs` counts, in less time: the cells of the contingency table that are not empty."""
    if alone := _alone(x, y):
        return alone
    domain = len(x) * len(y)
    if not _small(domain, x.samples):
        return pairs(x, y)
    counts, firsts = np.empty((2, min(domain, x.samples)), np.int64)
    seen = _fill_cells(x.ids, len(y), y.ids, np.zeros(domain, np.int32), counts, firsts)
    return Tally(counts[:seen].copy(), firsts[:seen].copy())


def _alone(x: Symbols, y: Symbols) -> Symbols | None:
    """Of which every sample is a symbol of its own, whatever comes beside it."""
    same_samples(x.samples, y.samples)
    return next((each for each in (x, y) if len(each) == each.samples), None)


def of_ids(ids: NDArray[np.int32]) -> Symbols:
    """The distinct values of some of the ids of another table."""
    return _of_integers(ids.astype(np.int64), 0, int(ids.max()) + 1 if len(ids) else 0)


def same_samples(codes: int, labels: int) -> None:
    """Raises CodesError unless there are as many of both, and one at least."""
    if codes != labels or not codes:
        raise CodesError(f"{codes} samples of one variable against {labels} of the other; as many are needed, and one")


def _of_integers(values: NDArray[np.int64], low: int, domain: int) -> Symbols:
    """(n,) integers low .. low + domain - 1. A small domain is its own table; a large one goes the way of the codes."""
    if not _small(domain, len(values)):
        return _table(_as_bytes(values))
    counts, firsts = np.empty((2, min(domain, len(values))), np.int64)
    ids = np.empty(len(values), np.int32)
    seen = _fill_direct(values, low, ids, np.zeros(domain, np.int32), counts, firsts)
    return Symbols(counts[:seen].copy(), firsts[:seen].copy(), ids)


def _small(domain: int, samples: int) -> bool:
    return domain <= 16 * samples + 1024


def _as_bytes(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    return values.view(np.uint8).reshape(len(values), 8)


_ONE = np.uint64(1)  # a signed one would make floats of what it is added to


_BLOCK = 512  # rows whose hashes are found before their slots: who guesses a slot wrongly has no hash to find again
_MISLED = 1024  # comparisons of rows of equal hash and other bytes that are borne, and one more for every fourth row


@compiled
def _guess(block, begin, end, ids, slots, hashes, counts, firsts, seen):
    """Give ids to the rows from `begin` to `end` by these hashes alone, until no further symbol has room.

    Answers where it stopped, and the symbols seen. Open addressing: a slot holds id + 1, 0 is free. Indices are
    unsigned, as numba asks of each signed one whether it counts from the end. That rows are compared in a loop of their
    own lets more of them be under way at a time.
    """
    mask = np.uint64(len(slots) - 1)
    for row in range(begin, end):
        hashed = block[row - begin]
        slot = hashed & mask
        found = np.uint64(slots[slot])
        while found and hashes[found - _ONE] != hashed:
            slot = (slot + _ONE) & mask
            found = np.uint64(slots[slot])
        if not found:
            if seen == np.uint64(len(counts)):
                return row, seen
            seen += _ONE
            found = seen
            slots[slot] = found
            hashes[found - _ONE], counts[found - _ONE], firsts[found - _ONE] = hashed, 0, row
        ids[row] = found - _ONE
    return end, seen


@compiled
def _confirm(rows, begin, end, ids, counts, firsts, some_new):
    """Count the rows from `begin` to `end` that equal the first of their symbol; answers which is the first not to."""
    for row in range(begin, end):
        symbol = np.uint64(ids[row])
        first = np.uint64(firsts[symbol])
        if not (some_new and first == row) and not equal_rows(rows, row, rows, first):
            return row
        counts[symbol] += 1
    return end


@compiled
def _forget(row, slots, hashes, firsts, seen):
    """Symbols first seen after this row, the last one first, so that no other's way to its slot is cut."""
    mask = np.uint64(len(slots) - 1)
    while seen and firsts[seen - _ONE] > row:
        slot = hashes[seen - _ONE] & mask
        while np.uint64(slots[slot]) != seen:
            slot = (slot + _ONE) & mask
        slots[slot] = 0
        seen -= _ONE
    return seen


@compiled
def _place(rows, block, begin, end, ids, slots, hashes, counts, firsts, seen):
    """Count and give ids to the rows from `begin` to `end`, of these hashes, until no further symbol has room.

    Answers where it stopped, the symbols seen, and how many rows had the hash of a symbol, but not its bytes: for them
    it looks on, where `_guess` would be wrong.
    """
    mask, misled = np.uint64(len(slots) - 1), np.uint64(0)
    for row in range(begin, end):
        hashed = block[row - begin]
        slot = hashed & mask
        found = np.uint64(slots[slot])
        while found:
            if hashes[found - _ONE] == hashed:
                if equal_rows(rows, row, rows, firsts[found - _ONE]):
                    break
                misled += _ONE
            slot = (slot + _ONE) & mask
            found = np.uint64(slots[slot])
        if not found:
            if seen == np.uint64(len(counts)):
                return row, seen, misled
            seen += _ONE
            found = seen
            slots[slot] = found
            hashes[found - _ONE], counts[found - _ONE], firsts[found - _ONE] = hashed, 0, row
        counts[found - _ONE] += 1
        ids[row] = found - _ONE
    return end, seen, misled


@compiled
def _fill(rows, key, glance, begin, ids, slots, hashes, counts, firsts, seen):
    """Give ids to the rows from `begin` on, until none is left, no symbol has room, or glances mislead.

    Answers where it stopped, and the symbols seen.
    """
    block = np.empty(_BLOCK, np.uint64)
    row, seen, misled, samples = np.uint64(begin), np.uint64(seen), np.uint64(0), np.uint64(len(rows))
    allowed = np.uint64(_MISLED)
    while row < samples and not (glance and misled > allowed):
        first, end, before = row, min(row + np.uint64(_BLOCK), samples), seen
        hash_rows(rows, first, end, key, glance, block)
        guessed, seen = _guess(block, first, end, ids, slots, hashes, counts, firsts, seen)
        row = _confirm(rows, first, guessed, ids, counts, firsts, seen > before)
        if row < guessed:
            seen = _forget(row, slots, hashes, firsts, seen)
            row, seen, more = _place(rows, block[row - first :], row, end, ids, slots, hashes, counts, firsts, seen)
            misled += more
        allowed += np.uint64(_BLOCK // 4)
        if row < end:
            break
    return row, seen


@compiled
def _fill_direct(values, low, ids, slots, counts, firsts):
    seen = np.uint64(0)
    for row in range(np.uint64(len(values))):
        value = np.uint64(values[row] - low)
        found = np.uint64(slots[value])
        if not found:
            seen += _ONE
            found = seen
            slots[value] = found
            counts[found - _ONE], firsts[found - _ONE] = 0, row
        counts[found - _ONE] += 1
        ids[row] = found - _ONE
    return seen


@compiled
def _joined(ids, many, others):
    joined = np.empty(len(ids), np.int64)
    for row in range(np.uint64(len(ids))):
        joined[row] = ids[row] * many + others[row]
    return joined


@compiled
def _fill_cells(ids, many, others, table, counts, firsts):
    seen, many = np.uint64(0), np.uint64(many)
    for row in range(np.uint64(len(ids))):
        cell = np.uint64(ids[row]) * many + np.uint64(others[row])
        times = table[cell]
        if not times:
            counts[seen], firsts[seen] = cell, row
            seen += _ONE
        table[cell] = times + 1
    for symbol in range(seen):
        counts[symbol] = table[np.uint64(counts[symbol])]
    return seen


@compiled
def _replace(slots, hashes):
    mask = np.uint64(len(slots) - 1)
    for symbol in range(len(hashes)):
        slot = hashes[symbol] & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = symbol + 1


class GrowingSymbols:
    """Of rows that come a few at a time. Its tables grow as symbols appear: few of them stay in the first cache."""

    def __init__(self, samples: int) -> None:
        """samples   to make room for at first; more may come"""
        self._ids = np.empty(samples, np.int32)
        self._hashes = np.empty(512, np.uint64)
        self._counts, self._firsts = np.empty(512, np.int64), np.empty(512, np.int64)
        self._slots = _slots_of(self._hashes, 0)
        self._glance, self._row, self._seen = True, 0, 0

    def upto(self, rows: NDArray[np.uint8]) -> Symbols:
        """Of all of (n, bytes) in C order, which begin with those of the calls before; valid until the next call."""
        if len(rows) > len(self._ids):
            self._ids = _grown(self._ids, 2 * len(rows))
        key, glance = keys(rows.shape[1]), rows.shape[1] > GLANCED
        while True:
            tables = self._ids, self._slots, self._hashes, self._counts, self._firsts
            self._row, self._seen = _fill(rows, key, glance and self._glance, self._row, *tables, self._seen)
            if self._row == len(rows):
                return Symbols(self._counts[: self._seen], self._firsts[: self._seen], self._ids[: self._row])
            if self._seen < len(self._counts):  # misled: from the beginning, so that all hashes are of whole rows
                self._glance, self._row, self._seen = False, 0, 0
            else:
                samples, room = len(self._ids), len(self._counts)
                room = samples if 2 * self._seen > self._row else min(4 * room, samples)
                self._hashes = _grown(self._hashes, room)
                self._counts, self._firsts = _grown(self._counts, room), _grown(self._firsts, room)
            self._slots = _slots_of(self._hashes, self._seen)


def _table(rows: NDArray[np.uint8]) -> Symbols:
    """Of (n, bytes) in C order."""
    found = GrowingSymbols(len(rows)).upto(rows)
    return Symbols(found.counts.copy(), found.firsts.copy(), found.ids)


def _slots_of(hashes: NDArray[np.uint64], seen: int) -> NDArray[np.int32]:
    """For as many symbols as there are hashes, which fill a quarter of them at most; so many are placed."""
    slots = np.zeros(4 * (1 << (len(hashes) - 1).bit_length()), np.int32)
    _replace(slots, hashes[:seen])
    return slots


def _grown(array: NDArray, room: int) -> NDArray:
    return np.concatenate((array, np.empty(room - len(array), array.dtype)))
