"""Inner loops of the golden model, compiled. Integers only: every processor gives the same bits.

Maps are arrays of bytes: eight one-bit levels in a byte or four two-bit levels, the first in the lowest bits, as in
codes. Wider levels are cut into digits of two bits, the lowest first, with a plane of bytes each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray


def compiled(function: Callable) -> Callable:
    """Kept on disk where numba finds a place to write; in a read-only install every process compiles anew."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@compiled
def digits_of(levels, channels, planes, maps) -> None:
    """levels (n, places · channels) to two-bit digits in maps (n, planes · places · ceil(channels / 4))."""
    places, each = levels.shape[1] // channels, (channels + 3) // 4
    for sample in range(len(levels)):
        for place in range(places):
            for byte in range(each):
                four, first = np.uint64(0), place * channels + 4 * byte
                for channel in range(min(4, channels - 4 * byte)):
                    four |= np.uint64(levels[sample, first + channel]) << np.uint64(16 * channel)
                for plane in range(planes):
                    digits = four >> np.uint64(2 * plane) & np.uint64(0x0003000300030003)
                    digits |= digits >> np.uint64(14) | digits >> np.uint64(28) | digits >> np.uint64(42)
                    maps[sample, (plane * places + place) * each + byte] = digits & np.uint64(255)


@compiled
def packed_bits(levels, bits, packed) -> None:
    """Codes of levels (n, elements), `bits` each, lowest first."""
    for sample in range(len(levels)):
        held, filled, byte = np.uint64(0), 0, 0
        for element in range(levels.shape[1]):
            held |= np.uint64(levels[sample, element]) << np.uint64(filled)
            filled += bits
            while filled >= 8:
                packed[sample, byte] = held & np.uint64(255)
                held >>= np.uint64(8)
                filled -= 8
                byte += 1
        if filled:
            packed[sample, byte] = held


@compiled
def pooled(maps, flipped, bits, stride, kernel, corner, answers) -> None:
    """The largest of each channel in windows of packed levels.

    maps      (n, rows, columns, bytes), levels of `bits` bits, 1 or 2
    flipped   (bytes,) uint8, ones where the smallest is asked instead: the largest of what is left to the top
    corner    row and column of the first window; what lies outside of the map has no say
    answers   (n, rows, columns, bytes), zero
    """
    samples, height, width, _ = maps.shape
    for sample in range(samples):
        for y in range(answers.shape[1]):
            for x in range(answers.shape[2]):
                top, left = corner[0] + y * stride[0], corner[1] + x * stride[1]
                for row in range(max(top, 0), min(top + kernel[0], height)):
                    for column in range(max(left, 0), min(left + kernel[1], width)):
                        for byte in range(len(flipped)):
                            a, b = answers[sample, y, x, byte], maps[sample, row, column, byte] ^ flipped[byte]
                            if bits == 2:  # where one high bit is missing, the other's low bit counts alone
                                low = a & (a >> 1 | ~(b >> 1)) | b & (b >> 1 | ~(a >> 1))
                                answers[sample, y, x, byte] = (a | b) & 0xAA | low & 0x55
                            else:
                                answers[sample, y, x, byte] = a | b
                for byte in range(len(flipped)):
                    answers[sample, y, x, byte] ^= flipped[byte]


@compiled
def cut(elements, table, levels) -> None:
    """levels[i, j] = table[j mod rows, elements[i, j]]."""
    rows = len(table)
    for sample in range(len(elements)):
        row = 0
        for element in range(elements.shape[1]):
            levels[sample, element] = table[row, elements[sample, element]]
            row = row + 1 if row + 1 < rows else 0


@compiled
def count_reached(sums: NDArray, at: NDArray, levels: NDArray) -> None:
    """levels[i, r] = how many of at[r], rising, are <= sums[i, r]."""
    samples, rows = levels.shape
    for sample in range(samples):
        for row in range(rows):
            low, high = 0, at.shape[1]
            while low < high:
                middle = (low + high) >> 1
                if sums[sample, row] >= at[row, middle]:
                    low = middle + 1
                else:
                    high = middle
            levels[sample, row] = low
