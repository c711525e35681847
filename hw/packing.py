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
    lanes = beats.reshape(len(beats), -1, bits_each)
    return (lanes.astype(np.int64) << np.arange(bits_each)).sum(axis=2)


def weight_words(weight: NDArray[np.bool_], pe: int, simd: int) -> Beats:
    """(rows, cols) as rows/pe · cols/simd words of pe · simd bits: word (row fold, col fold), bit lane · simd + input.

    The row of lane p in row fold f is f · pe + p, so that a beat of codes holds neighbours.
    """
    rows, cols = weight.shape
    lanes = weight.reshape(rows // pe, pe, cols // simd, simd)
    return lanes.transpose(0, 2, 1, 3).reshape(-1, pe * simd)


def beat_bytes(beats: Beats) -> NDArray[np.uint8]:
    """(n, width) bits as (n, ceil(width / 8)) bytes, the lowest bit first: TDATA as it lies in memory."""
    return np.packbits(beats, axis=1, bitorder="little")


def bytes_beats(data: NDArray[np.uint8], width: int) -> Beats:
    """The way back from `beat_bytes`."""
    return np.unpackbits(data, axis=1, count=width, bitorder="little").view(np.bool_)


__all__ = ["Beats", "beat_bytes", "bytes_beats", "integer_bits", "integers", "memory_file", "weight_words"]
