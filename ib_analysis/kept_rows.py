"""Some rows of bytes, and which of others are equal to one of them: found at a glance, then compared whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .row_hash import GLANCED, equal_rows, hash_rows, keys

_ONE = np.uint64(1)  # a signed one would make floats of what it is added to
_MISLED = 1000  # rows that look like a kept one and are not: borne beyond as many as are equal


class KeptRows:
    """Some rows, known again at a glance: what is found was compared whole, but not all is found that is there.

    Beside the rows it needs at most 40 bytes for each of them.
    """

    def __init__(self, room: int, row_bytes: int) -> None:
        self.room, self.rows = room, np.empty((room, row_bytes), np.uint8)
        self._hashes, self._slots = np.empty(room, np.uint64), np.zeros(2048, np.int32)
        self._kept, self._right, self._misled = 0, 0, 0

    def __len__(self) -> int:
        return self._kept

    def keep(self, rows: NDArray[np.uint8], which: NDArray[np.int64]) -> None:
        """`rows[which]`, for which there is room."""
        begin, self._kept = self._kept, self._kept + len(which)
        kept = self.rows[begin : self._kept]
        np.take(rows, which, axis=0, out=kept, mode="clip")  # any other mode copies twice
        self._hashes[begin : self._kept] = _hashes(kept)
        if 4 * self._kept > len(self._slots):
            begin, self._slots = 0, np.zeros(4 << self._kept.bit_length(), np.int32)
        _add(self._slots, self._hashes, begin, self._kept)

    def find(self, rows: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(n,) which of those kept a row is, −1 of those not found: of all, once glances are more often wrong."""
        which = np.full(len(rows), -1)
        if self._kept and self._misled <= _MISLED + self._right:
            right, misled = _find(rows, _hashes(rows), self.rows, self._slots, self._hashes, which)
            self._right, self._misled = self._right + right, self._misled + misled
        return which


def _hashes(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(n,) of rows in C order, as glances have them."""
    found = np.empty(len(rows), np.uint64)
    hash_rows(rows, 0, len(rows), keys(rows.shape[1]), rows.shape[1] > GLANCED, found)
    return found


@compiled
def _add(slots, hashes, begin, end):
    """Of equal hashes the first alone has a slot."""
    mask = np.uint64(len(slots) - 1)
    for row in range(begin, end):
        slot = hashes[row] & mask
        while slots[slot] and hashes[slots[slot] - 1] != hashes[row]:
            slot = (slot + _ONE) & mask
        if not slots[slot]:
            slots[slot] = row + 1


@compiled
def _find(rows, block, kept, slots, hashes, which):
    """`which`, of rows of these hashes: the first kept row of the same hash, where all of it is equal, else as it was.

    Answers how many were equal, and how many were not.
    """
    mask, right, misled = np.uint64(len(slots) - 1), 0, 0
    for row in range(np.uint64(len(rows))):
        slot = block[row] & mask
        found = np.uint64(slots[slot])
        while found and hashes[found - _ONE] != block[row]:
            slot = (slot + _ONE) & mask
            found = np.uint64(slots[slot])
        if found:
            if equal_rows(rows, row, kept, found - _ONE):
                which[row] = found - _ONE
                right += 1
            else:
                misled += 1
    return right, misled
