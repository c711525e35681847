"""Hashes of packed rows, compiled: each word mixed with keys of its own, at the pace of memory.

A word w with keys a and b gives (low half of w + a) · (high half of w + b), both sums modulo 2^32, and a row the sum of
these modulo 2^64. Of two different rows of one length the sums are equal for at most one in 2^32 of all keys, whatever
the rows are; with the keys shifted on by a word for each further sum, t sums agree for at most one in 2^(32 t). So keys
are drawn anew in each process: no rows can have been made for them.
A sum of words times odd numbers would not do: two differences in top bits cancel there, always.
Source: Black, Halevi, Krawczyk, Krovetz and Rogaway 1999, "UMAC: fast and secure message authentication": NH, Toeplitz.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from .compiled import compiled

DIGEST_WORDS = 2  # sums, 128 bits: a chance of 2^-64 that two different rows are given one digest
# The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every bit of a sum reaches every bit that finds a slot.
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
GLANCED = 16  # bytes: longer rows are first hashed at a glance, and whole only where that misleads
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@lru_cache(maxsize=8)
def keys(row_bytes: int) -> NDArray[np.uint64]:
    """(2, words + DIGEST_WORDS) of 32 bits for rows of so many bytes; of one process always the same."""
    drawn = np.random.default_rng().integers(0, 1 << 32, (2, -(-row_bytes // 8) + DIGEST_WORDS), np.uint64)
    drawn.flags.writeable = False
    return drawn


def _word(typing, rows, row, byte):
    """rows[row, byte : byte + 8], of bytes in C order, as one little-endian number: one load, at any address."""
    from llvmlite import ir

    def load(context, builder, signature, arguments):
        array = context.make_array(rows)(context, builder, arguments[0])
        stride = cgutils.unpack_tuple(builder, array.strides, 2)[0]
        offset = builder.add(builder.mul(arguments[1], stride), arguments[2])
        address = builder.gep(builder.bitcast(array.data, cgutils.voidptr_t), [offset])
        return builder.load(builder.bitcast(address, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(rows, types.int64, types.int64), load


word: Any = intrinsic(_word)


@njit(inline="always")
def _tail(rows, row):
    """What is left behind the last whole word."""
    tail = np.uint64(0)
    for byte in range(rows.shape[1] // 8 * 8, rows.shape[1]):
        tail = tail << np.uint64(8) | np.uint64(rows[row, byte])
    return tail


@njit(inline="always")
def _product(word, low, high):
    return ((word + low) & _LOW) * (((word >> _HALF) + high) & _LOW)


@njit(inline="always")
def row_sum(rows, row, key):
    """64 bits of one row: what differs in them differs in the row."""
    full = rows.shape[1] // 8
    total = _product(_tail(rows, row), key[0, full], key[1, full])
    for j in range(full):
        total += _product(word(rows, row, 8 * j), key[0, j], key[1, j])
    return total


@njit(inline="always")
def _mixed(word):
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    return word ^ (word >> np.uint64(31))


@compiled
def hash_rows(rows, begin, end, key, glance, block):
    """`block[0 : end - begin]`: at a glance, of two words each, a third from either end; else of whole rows."""
    if glance:
        third, odd = (rows.shape[1] - 8) // 3, key[0, 0] << np.uint64(32) | key[0, 1] | np.uint64(1)
        for row in range(begin, end):
            near, far = word(rows, row, third), word(rows, row, rows.shape[1] - 8 - third)
            block[row - begin] = _mixed(near + odd * (far + key[1, 0]))
    else:
        for row in range(begin, end):
            block[row - begin] = _mixed(row_sum(rows, row, key))


@njit(inline="always")
def equal_rows(rows, one, others, other):
    """No early exit: rows of equal hash are all but always equal, and this way the loop vectorises."""
    difference = _tail(rows, one) ^ _tail(others, other)
    for j in range(rows.shape[1] // 8):
        difference |= word(rows, one, 8 * j) ^ word(others, other, 8 * j)
    return difference == 0


@compiled
def _first_unequal(rows, others, which):
    for row in range(len(rows)):
        if which[row] >= 0 and not equal_rows(rows, row, others, which[row]):
            return row
    return len(rows)


def equal_to(rows: NDArray[np.uint8], others: NDArray[np.uint8], which: NDArray[np.int64]) -> int:
    """The first row that is not `others[which]`, and len(rows) where there is none; −1: of no other row."""
    return int(_first_unequal(rows, others, which))


@compiled
def _digests(rows, key, found):
    full = rows.shape[1] // 8
    for row in range(len(rows)):
        tail = _tail(rows, row)
        one = _product(tail, key[0, full], key[1, full])
        other = _product(tail, key[0, full + 1], key[1, full + 1])
        for j in range(full):
            each = word(rows, row, 8 * j)
            one += _product(each, key[0, j], key[1, j])
            other += _product(each, key[0, j + 1], key[1, j + 1])
        found[row, 0], found[row, 1] = one, other


def digests(rows: NDArray[np.uint8], of_bytes: int | None = None, begin: int = 0) -> NDArray[np.uint64]:
    """(n, DIGEST_WORDS) of (n, bytes): equal of equal rows, and in one process alone.

    of_bytes, begin   the rows are pieces of longer ones, from this byte on, a multiple of 8: the digests of all pieces
                      add up to those of the whole
    """
    found = np.empty((len(rows), DIGEST_WORDS), np.uint64)
    _digests(np.ascontiguousarray(rows), keys(of_bytes or rows.shape[1])[:, begin // 8 :], found)
    return found
