"""Codes that come block after block and are never all in memory: their digests are kept, and some of the codes.

The first time, 4 bytes of each sample stay, 36 of each symbol, and the codes that came first, at most CACHED_BYTES of
them. Codes of different digests differ, that is certain; of n samples some that differ share a digest with a chance of
at most n² / 2^65 (`row_hash`): 10^-10 of 60,000 samples, whatever they are. A sample whose code is kept is compared
with it at once, byte for byte, while both are in the cache.
A second time, where the codes can be had again: every other sample that is not the first of its symbol is compared with
the first. Then all is certain, and the same as `symbols` says of codes in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .codes import Codes, CodesError
from .compiled import compiled
from .row_hash import DIGEST_WORDS, digest, equal_rows, equal_to, keys
from .symbols import Symbols, doubled, mixed

CACHED_BYTES = 1 << 23  # of first samples, the first time: where more are kept, memory is what takes the time
KEPT_BYTES = 1 << 26  # of them at a time, the second: each further so many cost a pass


@dataclass(frozen=True, eq=False)
class Streamed:
    """Codes of which only the symbols are left; a plane takes it for Codes where nothing else is asked of them.

    unsure   symbols, ascending, of several samples that were not compared with the first
    """

    symbols: Symbols
    width: int
    unsure: NDArray[np.int64]

    def __len__(self) -> int:
        return self.symbols.samples

    @property
    def verified(self) -> bool:
        """Every sample was compared with the first of its symbol."""
        return not len(self.unsure)


def streamed(blocks: Iterable[Codes]) -> Streamed:
    """Of blocks of one width in the order of their samples; each is read once, and let go.

    Raises CodesError of no block, of blocks of two widths, and where two codes share a digest.
    """
    table, widths = None, set()
    for block in blocks:
        widths.add(block.width)
        if len(widths) > 1:
            break
        table = table or _Table(block.packed.shape[1])
        table.add(np.ascontiguousarray(block.packed))
    if table is None or len(widths) > 1:
        raise CodesError(f"blocks of {sorted(widths)} bits; a stream is of one or more blocks of one width")
    t = table.symbols()
    repeated = np.flatnonzero(t.counts > 1)
    return Streamed(t, widths.pop(), repeated[repeated >= len(table.kept)])


class _Table:
    """The symbols of rows of so many bytes, as they come: open addressing by digest, as `symbols` does it by row."""

    def __init__(self, row_bytes: int) -> None:
        self.key, self.kept = keys(row_bytes), np.empty((CACHED_BYTES // row_bytes, row_bytes), np.uint8)
        self.digests = np.empty((512, DIGEST_WORDS), np.uint64)
        self.counts, self.firsts = np.empty(512, np.int64), np.empty(512, np.int64)
        self.slots = np.zeros(1024, np.int32)
        self.ids: list[NDArray[np.int32]] = []
        self.seen = self.samples = 0

    def add(self, rows: NDArray[np.uint8]) -> None:
        ids, row = np.empty(len(rows), np.int32), 0
        while row < len(rows):
            table = self.slots, self.digests, self.counts, self.firsts, self.kept
            row, self.seen, shared = _add(rows, self.key, row, self.samples, ids, *table, self.seen)
            if shared >= 0:
                raise _shared(self.samples + row, int(self.firsts[shared]))
            if row < len(rows):
                self.digests, self.counts, self.firsts = map(doubled, (self.digests, self.counts, self.firsts))
                self.slots = np.zeros(2 * len(self.counts), np.int32)
                _replace(self.slots, self.digests[: self.seen])
        self.ids.append(ids)
        self.samples += len(rows)

    def symbols(self) -> Symbols:
        return Symbols(np.concatenate(self.ids), self.counts[: self.seen].copy(), self.firsts[: self.seen].copy())


@compiled
def _add(rows, key, row, before, ids, slots, digests, counts, firsts, kept, seen):
    """From `row` on, until none is left or no symbol has room: where it stopped, the symbols seen, and −1, or the
    symbol whose digest that row shares, and not its code.
    """
    mask = np.uint64(len(slots) - 1)
    while row < len(rows) and seen < len(counts):
        one, other = digest(rows, row, key)
        slot = mixed(one) & mask
        symbol = slots[slot] - 1
        while symbol >= 0 and not (digests[symbol, 0] == one and digests[symbol, 1] == other):
            slot = (slot + np.uint64(1)) & mask
            symbol = slots[slot] - 1
        if symbol < 0:
            symbol = seen
            seen += 1
            slots[slot] = seen
            digests[symbol, 0], digests[symbol, 1] = one, other
            counts[symbol], firsts[symbol] = 0, before + row
            if symbol < len(kept):
                kept[symbol] = rows[row]
        elif symbol < len(kept) and not equal_rows(rows, row, kept, symbol):
            return row, seen, symbol
        counts[symbol] += 1
        ids[row] = symbol
        row += 1
    return row, seen, -1


@compiled
def _replace(slots, digests):
    mask = np.uint64(len(slots) - 1)
    for symbol in range(len(digests)):
        slot = mixed(digests[symbol, 0]) & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = symbol + 1


def verified(once: Streamed, again: Callable[[], Iterable[Codes]]) -> Streamed:
    """The same, certain: `again` gives the same samples, in blocks of whatever size, as often as it is asked.

    Keeps at most KEPT_BYTES of first samples, and one of them at least: that many symbols are verified in a pass.
    Raises CodesError where two codes share a digest, or where the samples are others than before.
    """
    t, row_bytes = once.symbols, -(-once.width // 8)
    each = max(1, KEPT_BYTES // row_bytes)
    for start in range(0, len(once.unsure), each):
        some = once.unsure[start : start + each]
        place = np.full(len(t), -1, np.int64)
        place[some] = np.arange(len(some))
        kept = np.empty((len(some), row_bytes), np.uint8)
        done = 0
        for block in again():
            rows, ids = np.ascontiguousarray(block.packed), t.ids[done : done + len(block)]
            if block.width != once.width or len(ids) != len(block):
                raise CodesError(f"a block of {len(block)} codes of {block.width} bits at sample {done}: not as before")
            first = np.searchsorted(t.firsts[some], [done, done + len(block)])
            kept[slice(*first)] = rows[t.firsts[some[slice(*first)]] - done]
            if (wrong := equal_to(rows, kept, place[ids])) < len(rows):
                raise _shared(done + wrong, int(t.firsts[ids[wrong]]))
            done += len(block)
        if done != t.samples:
            raise CodesError(f"{done} samples, {t.samples} before")
    return Streamed(t, once.width, once.unsure[:0])


def _shared(sample: int, first: int) -> CodesError:
    return CodesError(
        f"sample {sample} is not the code that sample {first} was: the samples are others than before, or two codes "
        "share a digest of 128 bits; count them in memory"
    )
