"""Codes that come block after block and are never all in memory: their digests alone are kept, and then counted.

A first time: 16 bytes of each sample. Codes of different digests differ, that is certain; of n samples some that differ
share a digest with a chance of at most n² / 2^65 (`row_hash`): 10^-10 of 60,000 samples, whatever they are.
A second time, where the codes can be had again: every sample that is not the first of its symbol is compared with the
first, byte for byte. Then all is certain, and the same as `symbols` says of codes in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from .codes import Codes, CodesError
from .row_hash import DIGEST_WORDS, digests, equal_to
from .symbols import Symbols, symbols

KEPT_BYTES = 1 << 26  # of first samples at a time: each further so many cost a pass


@dataclass(frozen=True, eq=False)
class Streamed:
    """Codes of which only the symbols are left; a plane takes it for Codes where nothing else is asked of them.

    verified   every sample was compared with the first of its symbol
    """

    symbols: Symbols
    width: int
    verified: bool

    def __len__(self) -> int:
        return self.symbols.samples


def streamed(blocks: Iterable[Codes]) -> Streamed:
    """Of blocks of one width in the order of their samples; each is read once, and let go. CodesError of no block."""
    found, widths = [], set()
    for block in blocks:
        found.append(digests(block.packed))
        widths.add(block.width)
    if len(widths) != 1:
        raise CodesError(f"blocks of {sorted(widths)} bits; a stream is of one or more blocks of one width")
    each = np.concatenate(found)
    return Streamed(symbols(Codes(each.view(np.uint8), 64 * DIGEST_WORDS)), widths.pop(), False)


def verified(once: Streamed, again: Callable[[], Iterable[Codes]]) -> Streamed:
    """The same, certain: `again` gives the same samples, in blocks of whatever size, as often as it is asked.

    Keeps at most KEPT_BYTES of first samples, and one of them at least: that many symbols are verified in a pass.
    Raises CodesError where two codes share a digest, or where the samples are others than before.
    """
    t, row_bytes = once.symbols, -(-once.width // 8)
    repeated = np.flatnonzero(t.counts > 1)  # in order of their first samples
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
            if (wrong := equal_to(rows, kept, place[ids])) < len(rows):
                raise CodesError(
                    f"sample {done + wrong} is not the code that sample {t.firsts[ids[wrong]]} was: the samples are "
                    "others than before, or two codes share a digest of 128 bits; count them in memory"
                )
            done += len(block)
        if done != t.samples:
            raise CodesError(f"{done} samples, {t.samples} before")
    return Streamed(t, once.width, True)
