"""A layer's code read as a feature map: at each position of it the channels are a code of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .codes import Codes, CodesError

_BITS = 1 << 22  # of maps unpacked at a time


@dataclass(frozen=True)
class MapShape:
    """What one sample is: height x width positions of `channels` levels of `bits` bits each, in stream order.

    top   the highest level; None where all 2^bits of them are possible
    """

    height: int
    width: int
    channels: int
    bits: int = 1
    top: int | None = None

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.channels, self.bits) < 1 or not 0 < self.highest < 1 << self.bits:
            raise CodesError(f"{self}: a map needs 1 and more of all, and levels that its bits can hold")

    @property
    def highest(self) -> int:
        return (1 << self.bits) - 1 if self.top is None else self.top

    @property
    def positions(self) -> int:
        return self.height * self.width

    @property
    def code_bits(self) -> int:
        """Of the code at one position."""
        return self.channels * self.bits

    def __str__(self) -> str:
        """`30 x 30 x 64`, `14 x 14 x 8 of 2 bits`"""
        text = f"{self.height} x {self.width} x {self.channels}"
        return text if self.bits == 1 else f"{text} of {self.bits} bits"

    def check(self, codes: Codes) -> None:
        """Raises CodesError unless the codes are of this shape, and some."""
        if codes.width != self.positions * self.code_bits or not len(codes):
            raise CodesError(f"{len(codes)} codes of {codes.width} bits are no maps of {self}")


def at_positions(codes: Codes, shape: MapShape) -> Codes:
    """n maps as n · positions codes of `code_bits` bits: all positions of the first sample, then those of the next.

    No copy where a position is whole bytes.
    """
    shape.check(codes)
    if shape.code_bits % 8 == 0:
        return Codes(np.ascontiguousarray(codes.packed).reshape(-1, shape.code_bits // 8), shape.code_bits)
    packed = np.empty((len(codes) * shape.positions, -(-shape.code_bits // 8)), np.uint8)
    for start, bits in unpacked(codes, shape):
        here = slice(start * shape.positions, (start + len(bits)) * shape.positions)
        packed[here] = np.packbits(bits.reshape(-1, shape.code_bits), axis=1, bitorder="little")
    return Codes(packed, shape.code_bits)


def unpacked(codes: Codes, shape: MapShape) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """(first sample, (some samples, positions, code_bits)), one share of the samples after the other."""
    rows = max(1, _BITS // codes.width)
    for start in range(0, len(codes), rows):
        yield start, codes[start : start + rows].bits().reshape(-1, shape.positions, shape.code_bits)


def levels(bits: NDArray[np.bool_], shape: MapShape) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(rows, channels) levels of (rows, code_bits) bits, lowest bit first."""
    if shape.bits == 1:
        return bits.view(np.uint8)
    kind = np.uint8 if shape.bits <= 8 else np.uint16
    each = bits.reshape(len(bits), shape.channels, shape.bits)
    found = np.zeros(each.shape[:2], kind)
    for bit in range(shape.bits):
        found |= each[:, :, bit].astype(kind) << kind(bit)
    return found
