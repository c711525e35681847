"""How numbers lie in streams and memories: the lowest index in bit 0, everywhere.

A *beat* is a row of bits. A stream is (beats, width) bool, frames one after the other. A memory file has one word a
line in hexadecimal, the highest bit first, as `$readmemh` wants it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import integer_bits

Beats = NDArray[np.bool_]


def memory_file(words: Beats) -> str:
    """(n, width) bool as the text of a memory file."""
    digits = -(-words.shape[1] // 4)
    packed = np.packbits(words, axis=1, bitorder="little")[:, ::-1]
    return "".join(f"{row.tobytes().hex()[-digits:].zfill(digits)}\n" for row in packed)


def integers(beats: Beats, bits_each: int) -> NDArray[np.int64]:
    """(n, k · bits_each) bits as (n, k) unsigned integers: the way back from `integer_bits`."""
    packed = np.packbits(beats.reshape(len(beats), -1, bits_each), axis=2, bitorder="little").astype(np.int64)
    found = packed[:, :, 0]
    for byte in range(1, packed.shape[2]):
        found |= packed[:, :, byte] << 8 * byte
    return found


def fields(packed: NDArray[np.uint8], bits_each: int) -> NDArray[np.int64]:
    """(n, bytes) as (n, k) unsigned integers of up to 56 bits each, one behind the other, the lowest bit first."""
    begin = np.arange(8 * packed.shape[1] // bits_each) * bits_each
    padded = np.pad(packed, ((0, 0), (0, 8))).astype(np.int64)
    found = padded[:, begin // 8]
    for byte in range(1, (bits_each + 14) // 8):
        found |= padded[:, begin // 8 + byte] << 8 * byte
    return found >> begin % 8 & (1 << bits_each) - 1


def weight_words(weight: NDArray, pe: int, simd: int, bits: int = 1, by_plane: bool = True) -> Beats:
    """(rows, cols) as rows/pe · cols/simd words of pe lanes of simd weights, for word (row fold, col fold).

    bits       of a weight, two's complement; of bool weights 1
    by_plane   a lane's weights lie bit plane after bit plane; else weight after weight

    The row of lane p in row fold f is f · pe + p, so that a beat of codes holds neighbours.
    """
    rows, cols = weight.shape
    each = weight[..., None] if weight.dtype == np.bool_ else integer_bits(weight, bits).reshape(rows, cols, bits)
    lanes = each.reshape(rows // pe, pe, cols // simd, simd, bits)
    order = (0, 2, 1, 4, 3) if by_plane else (0, 2, 1, 3, 4)
    return lanes.transpose(order).reshape(-1, pe * simd * bits)


def beat_bytes(beats: Beats) -> NDArray[np.uint8]:
    """(n, width) bits as (n, ceil(width / 8)) bytes, the lowest bit first: TDATA as it lies in memory."""
    return np.packbits(beats, axis=1, bitorder="little")


def bytes_beats(data: NDArray[np.uint8], width: int) -> Beats:
    """The way back from `beat_bytes`."""
    return np.unpackbits(data, axis=1, count=width, bitorder="little").view(np.bool_)


__all__ = ["Beats", "beat_bytes", "bytes_beats", "fields", "integer_bits", "integers", "memory_file", "weight_words"]
