"""The bytes on the wire, many frames at a time: the check of each, and what is in them.

    down   7E · body · CRC        3E: HELLO
    up     7E · answer · CRC      7E · up_seed: the answer to HELLO

CRC-16/X-25, lowest byte first, but that it begins at ~seed ^ number: where the number is known it is checked, where it
is not it is found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYNC, HELLO = 0x7E, 0x3E
FRAMING = 3  # bytes beside the body
NUMBERS = 64  # frames are counted modulo that

Bytes = NDArray[np.uint8]


def _table() -> NDArray[np.uint16]:
    crc: NDArray = np.arange(256, dtype=np.uint16)
    for _ in range(8):
        crc = (crc >> 1) ^ (crc & 1) * np.uint16(0x8408)
    return crc


_AHEAD = _table()
_BACK = np.zeros(
    256, dtype=np.uint16
)  # by the upper byte of a register: what was in its lower one, and the table's row
_BACK[_AHEAD >> 8] = np.arange(256)


def checks(bodies: Bytes, begin: NDArray[np.uint16] | int) -> NDArray[np.uint16]:
    """The CRC of each row of (n, bytes), its register at `begin`: CRC-16/X-25 where that is 0xFFFF."""
    crc = np.broadcast_to(np.asarray(begin, np.uint16), len(bodies)).copy()
    for column in np.ascontiguousarray(bodies.T):
        crc = (crc >> 8) ^ _AHEAD[(crc ^ column) & 0xFF]
    return ~crc


def begins(bodies: Bytes, check: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The way back: at which register each row's CRC began."""
    crc = ~check
    for column in np.ascontiguousarray(bodies.T)[::-1]:
        row = _BACK[crc >> 8]
        crc = (((crc ^ _AHEAD[row]) << 8) | (row ^ column)).astype(np.uint16)
    return crc


def sent(bodies: Bytes, first: int, seed: int) -> bytes:
    """The frames of (n, bytes) as a host sends them, numbered from `first`."""
    numbers = (np.arange(first, first + len(bodies)) % NUMBERS).astype(np.uint16)
    crc = checks(bodies, numbers ^ np.uint16(0xFFFF ^ seed))
    whole = np.empty((len(bodies), bodies.shape[1] + FRAMING), np.uint8)
    whole[:, 0], whole[:, 1:-2] = SYNC, bodies
    whole[:, -2:] = np.stack([crc & 0xFF, crc >> 8], axis=1)
    return whole.tobytes()


def statuses(answers: Bytes, seed: int) -> NDArray[np.int64]:
    """What each row of (n, bytes + 3) says of itself: its number, 64 for each damaged frame up to it, up to three;
    −1 where it is no answer of this design.
    """
    check = (answers[:, -2] | answers[:, -1].astype(np.uint16) << 8).astype(np.uint16)
    status = (begins(answers[:, 1:-2], check) ^ np.uint16(0xFFFF ^ seed)).astype(np.int64)
    return np.where((answers[:, 0] == SYNC) & (status < 256), status, -1)


def cut(heard: bytes, sizes: NDArray[np.integer]) -> dict[int, tuple[NDArray[np.intp], Bytes]]:
    """The answers that are there whole, of these sizes one after the other: by size which of them, and their rows."""
    ends = np.cumsum(sizes)
    sizes = sizes[: np.searchsorted(ends, len(heard), side="right")]
    data, begins, found = np.frombuffer(heard, np.uint8), ends[: len(sizes)] - sizes, {}
    for size in np.unique(sizes).tolist():
        at = np.flatnonzero(sizes == size)
        found[size] = at, data[begins[at, None] + np.arange(size)]
    return found


def greeting(seed: int) -> bytes:
    """What a design says to HELLO."""
    return bytes([SYNC, seed & 0xFF, seed >> 8])


def silence(body: int) -> bytes:
    """What ends a frame of so many bytes, wherever in it the device is."""
    return bytes(body + 2)
