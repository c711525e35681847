"""Codes that come block after block and are never all in memory: 16 bytes of each sample are kept, its digest.

Codes of different digests differ, that is certain. Those of equal digest are compared byte for byte with the first of
their symbol as they come, while there is room to keep first samples. Then all is certain, and the same as `symbols`
says of codes in memory. Of n samples beyond it some that differ share a digest with a chance of at most n² / 2^65
(`row_hash`), 10^-10 of 60,000, whatever they are; where the codes can be had again, these are compared then.
What equals a kept sample is mostly found at a glance before it has a digest, and takes over the one of that sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .codes import Codes, CodesError
from .kept_rows import KeptRows
from .row_hash import DIGEST_WORDS, digests, equal_to
from .symbols import GrowingSymbols, Symbols

KEPT_BYTES = 1 << 24  # of first samples at a time: 2,330 of the widest map of CNV; each further so many cost a pass
_AT_FIRST = 1024  # samples that there is room for


@dataclass(frozen=True, eq=False)
class Streamed:
    """Codes of which only the symbols are left; a plane takes it for Codes where nothing else is asked of them.

    compared   of so many symbols, the first ones, every sample was compared with the first
    """

    symbols: Symbols
    width: int
    compared: int

    @property
    def verified(self) -> bool:
        """Every sample was compared with the first of its symbol, or is alone."""
        return not (self.symbols.counts[self.compared :] > 1).any()

    def __len__(self) -> int:
        return self.symbols.samples


def streamed(blocks: Iterable[Codes]) -> Streamed:
    """Of blocks of one width in the order of their samples; each is read once, and let go.

    Keeps at most KEPT_BYTES of first samples, and one of them at least. Raises CodesError of no block, of several
    widths, and where two codes share a digest.
    """
    growing, said, width = GrowingSymbols(_AT_FIRST), np.empty((_AT_FIRST, DIGEST_WORDS), np.uint64), 0
    t, done = growing.upto(said[:0].view(np.uint8)), 0
    for block in blocks:
        if not width:
            width = block.width
            kept = KeptRows(max(1, KEPT_BYTES // block.packed.shape[1]), block.packed.shape[1])
        if block.width != width:
            raise CodesError(f"blocks of {width} and {block.width} bits; a stream is of blocks of one width")
        rows, end = np.ascontiguousarray(block.packed), done + len(block)
        if end > len(said):
            said = np.concatenate((said[:done], np.empty((end, DIGEST_WORDS), np.uint64)))
        known = kept.find(rows)
        new = np.flatnonzero(known < 0)
        if len(new) < len(rows):
            said[done:end] = said[t.firsts[known]]
        if len(new):
            said[done + new] = digests(rows if len(new) == len(rows) else rows[new])
        t = growing.upto(said[:end].view(np.uint8))
        if len(new):
            firsts = t.firsts[len(kept) : kept.room] - done
            kept.keep(rows, firsts)
            which = np.where((known < 0) & (t.ids[done:] < len(kept)), t.ids[done:], -1)
            which[firsts] = -1
            _compare(rows, kept.rows, which, t, done)
        done = end
    if not width:
        raise CodesError("no block; a stream is of one or more")
    return Streamed(t, width, len(kept))


def verified(once: Streamed, again: Callable[[], Iterable[Codes]]) -> Streamed:
    """The same, certain: `again` gives the same samples, in blocks of whatever size, as often as it is asked.

    Keeps at most KEPT_BYTES of first samples, and one of them at least: that many symbols are verified in a pass.
    Raises CodesError where two codes share a digest, or where the samples are others than before.
    """
    t, row_bytes = once.symbols, -(-once.width // 8)
    repeated = once.compared + np.flatnonzero(t.counts[once.compared :] > 1)  # in order of their first samples
    each = max(1, KEPT_BYTES // row_bytes)
    for start in range(0, len(repeated), each):
        some = repeated[start : start + each]
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
            _compare(rows, kept, place[ids], t, done, "the samples are others than before, or ")
            done += len(block)
        if done != t.samples:
            raise CodesError(f"{done} samples, {t.samples} before")
    return Streamed(t, once.width, len(t))


def _compare(rows: NDArray, kept: NDArray, which: NDArray[np.int64], t: Symbols, begin: int, may_be: str = "") -> None:
    """Raises CodesError unless each of the rows from sample `begin` on is `kept[which]`; −1: is not looked at."""
    if (wrong := equal_to(rows, kept, which)) < len(rows):
        first = t.firsts[t.ids[begin + wrong]]
        raise CodesError(
            f"sample {begin + wrong} is not the code that sample {first} was: {may_be}two codes share a digest of 128 "
            "bits; count them in memory"
        )
