"""What a block of samples says on an edge, and sums of weights times levels that are looked up instead of multiplied.

Four levels of a bit or two choose a table of sixteen bytes, which holds their sum with each of the sixteen sets of
one-bit weights that there can be. A processor asks such a table for 32 neurons at once: one instruction, 128
multiplications.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ROWS, WINDOWS = 64, 4  # of neurons in one block and of windows in one tile: those of lanes.py, which needs numba
WORTH, WORTH_IN_MAPS = (
    4,
    8,
)  # planes of weights times planes of levels up to which tables are as fast as BLAS, or faster


@dataclass(frozen=True, eq=False)
class Plain:
    """values   (n, elements) levels, or scores
    bits     of one element
    """

    values: NDArray
    bits: int

    def levels(self) -> NDArray:
        return self.values

    def packed(self, channels: int) -> Packed:
        samples, elements = self.values.shape
        if self.bits == 1:
            places = self.values.reshape(samples, 1, -1, channels)
            return Packed(np.packbits(places, axis=3, bitorder="little"), channels, 1)
        from .kernels import digits_of  # numba costs a second that who builds no graph need not wait for

        maps = np.empty((samples, planes(self.bits), elements // channels, -(-channels // 4)), np.uint8)
        digits_of(self.values, channels, planes(self.bits), maps.reshape(samples, -1))
        return Packed(maps, channels, self.bits)

    def codes(self, packed: NDArray[np.uint8]) -> None:
        if self.bits == 8:
            packed[:] = self.values
        elif self.bits == 1:
            packed[:] = np.packbits(self.values, axis=1, bitorder="little")
        else:
            from .kernels import packed_bits

            packed_bits(self.values, self.bits, packed)


@dataclass(frozen=True, eq=False)
class Packed:
    """maps      (n, planes, places, bytes) uint8: what kernels.py says; zero behind the last channel of a place
    channels   of a place
    bits       of one element
    """

    maps: NDArray[np.uint8]
    channels: int
    bits: int

    def levels(self) -> NDArray:
        each = min(self.bits, 2)
        digits = np.unpackbits(self.maps, axis=3, count=self.channels * each, bitorder="little")
        digits = digits.reshape(*self.maps.shape[:2], -1, each)
        levels = np.zeros((len(digits), digits.shape[2]), np.uint8 if self.bits <= 8 else np.uint16)
        for bit in range(self.bits):
            levels |= digits[:, bit // each, :, bit % each].astype(levels.dtype) << bit
        return levels

    def packed(self, channels: int) -> Packed:
        """As another layer cuts it into places."""
        return self if channels == self.channels else Plain(self.levels(), self.bits).packed(channels)

    def codes(self, packed: NDArray[np.uint8]) -> None:
        if self.bits <= 2 and (self.maps.shape[2] == 1 or self.channels * self.bits % 8 == 0):
            packed[:] = self.maps.reshape(packed.shape)
        else:
            Plain(self.levels(), self.bits).codes(packed)

    def around(self, shape: Sequence[int], padding: Sequence[int], level: int) -> Packed:
        """A map with places of `level` around it."""
        height, width = shape[:2]
        top, left, bottom, right = padding
        samples, planes, _, each = self.maps.shape
        pad = Plain(np.full((1, self.channels), level, np.uint16), self.bits).packed(self.channels).maps
        maps = np.zeros((samples, planes, top + height + bottom, left + width + right, each), np.uint8)
        maps[:] = pad[:, :, :, None]
        maps[:, :, top : top + height, left : left + width] = self.maps.reshape(samples, planes, height, width, each)
        return Packed(maps.reshape(samples, planes, -1, each), self.channels, self.bits)


Edge: TypeAlias = Plain | Packed


def planes(bits: int) -> int:
    """Of quads with digits of two bits."""
    return (bits + 1) // 2


def _aligned(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Flat, from the start of a line of the cache: a vector in two lines costs two loads."""
    room = np.empty(values.size + 64, np.uint8)
    start = -room.ctypes.data % 64
    room[start : start + values.size] = values.ravel()
    return room[start : start + values.size]


def bit_planes(weight: NDArray[np.integer], bits: int) -> list[tuple[NDArray[np.bool_], int]]:
    """Of two's complement, with what a bit of each is worth."""
    worth = [1 << bit for bit in range(bits - 1)] + [-(1 << bits - 1)]
    return [((weight >> bit & 1).astype(np.bool_), each) for bit, each in enumerate(worth)]


def tables(bits: int, top: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(bytes, quads of levels in one, quads of weights) what four levels add where the weights' bits are set.

    First the levels, as weights of +1 have it; then what they lack to `top`, for those of −1.
    """
    of_byte = bits * np.arange(8 // bits).reshape(-1, 1, 4)
    levels = np.arange(256)[:, None, None, None] >> of_byte & (1 << bits) - 1
    chosen = np.arange(16)[:, None] >> np.arange(4) & 1
    plus, minus = ((chosen * each).sum(axis=3).astype(np.uint8) for each in (levels, np.maximum(top - levels, 0)))
    return plus, minus


@dataclass(frozen=True, eq=False)
class Lookups:
    """The neurons of one layer in blocks of 64 rows, ready for the kernels.

    tables    (256, 2 · 16) uint8 of levels of one bit, or of weights of −1, 0 and 1; else (256 · 16,), for each byte
    groups    (3, groups) plane, place and byte that each group of weights looks at, block after block
    weights   (groups · (2 or 1) · 64,) uint8
    runs      (3, runs) first group, the one behind the last, factor; a count of one run fits in a byte
    starts    (blocks + 1,) the first run of each block, which has one at least
    lifts     (64 · blocks,) where the sums start: uint16 or uint32, or uint8 where all factors are 1
    windows   the first place of each
    seen      what was found for maps of a shape, for as many samples as there ever were
    """

    rows: int
    tables: NDArray[np.uint8]
    groups: NDArray[np.int64]
    weights: NDArray[np.uint8]
    runs: NDArray[np.int64]
    starts: NDArray[np.int64]
    lifts: NDArray
    windows: NDArray[np.int64]
    seen: dict[tuple[int, ...], tuple[NDArray[np.int32], NDArray[np.int64]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, weight: NDArray[np.int64], takes: int, places: NDArray[np.int64], windows: NDArray[np.int64]
    ) -> Lookups | None:
        """weight (rows, taps, channels) at these places of a window; None where BLAS is faster, or sums pass 2^32."""
        rows, taps, channels = weight.shape
        top, bits = takes - 1, (takes - 1).bit_length()
        bipolar = bool((np.abs(weight) == 1).all())
        weight_bits = 1 if bipolar else max(int(weight.max()).bit_length(), int(-1 - weight.min()).bit_length()) + 1
        span = int(np.abs(weight).sum(axis=(1, 2)).max()) * top
        digits = planes(bits)
        worth = WORTH if len(windows) == 1 else WORTH_IN_MAPS  # there BLAS would have to copy every window
        mostly_padding = digits > 1 and rows <= ROWS // 2  # BLAS has nothing to unpack there
        if span + 1 >= 1 << 32 or weight_bits * digits > worth or mostly_padding:
            return None
        of_digit = top if digits == 1 else 3
        plus, minus = tables(min(bits, 2), of_digit)
        quads = plus.shape[1]
        edges = ((0, -rows % ROWS), (0, 0), (0, -channels % (4 * quads)))
        padded = np.pad(weight.astype(np.int16), edges, constant_values=1 if bipolar else 0)
        by_sign = bipolar or (quads == 1 and np.abs(weight).max() == 1)
        if bipolar:
            table, asking = plus + minus[..., ::-1], [((padded > 0)[None], 1)]
        elif by_sign:
            table, asking = np.concatenate([plus, minus], axis=1), [(np.stack([padded > 0, padded < 0]), 1)]
        else:
            table, asking = plus, [(plane[None], factor) for plane, factor in bit_planes(padded, weight_bits)]
        shape = -1, ROWS, padded[0].size // (4 * quads), quads, 4
        fours = [
            (np.packbits(sets.reshape(len(sets), *shape), axis=5, bitorder="little")[..., 0], factor)
            for sets, factor in asking
        ]
        most = 255 // (4 * of_digit * quads)
        groups, weights, runs, starts, filled = [], [], [], [0], 0
        for block in range(len(padded) // ROWS):
            for sets, factor in fours:
                asked = sets[:, block].transpose(2, 0, 3, 1)
                live = np.flatnonzero(bipolar | asked.any(axis=(1, 2, 3)))
                tap, byte = np.divmod(live, len(asked) // taps)
                for digit in range(digits):
                    groups.append(np.stack([np.full(len(live), digit), places[tap], byte]))
                    weights.append(asked[live].ravel())
                    end = filled + len(live)
                    runs += [(first, min(first + most, end), factor * 4**digit) for first in range(filled, end, most)]
                    filled = end
            if len(runs) == starts[-1]:
                runs.append((filled, filled, 0))  # weights of nothing but 0
            starts.append(len(runs))
        below = np.maximum(-padded, 0).sum(axis=(1, 2), dtype=np.int64)
        lifts = below * (top - of_digit * (4**digits - 1) // 3 if by_sign else top)
        narrow = span < 255 and digits == 1 and by_sign
        return cls(
            rows,
            _aligned(table).reshape(256, -1) if table.shape[1] == 2 else _aligned(table),
            np.concatenate(groups, axis=1),
            _aligned(np.concatenate(weights)),
            np.array(runs, np.int64).reshape(-1, 3).T.copy(),
            np.array(starts),
            lifts.astype(np.uint8 if narrow else np.uint16 if span + 1 < 1 << 16 else np.uint32),
            windows,
        )

    def _places_in(self, maps: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Where groups look from the start of a window, and where windows start, in these maps."""
        samples, *shape = maps.shape
        offsets, starts = self.seen.get(tuple(shape), (None, self.windows[:0]))
        if offsets is None or len(starts) < samples * len(self.windows):
            _, places, each = shape
            plane, place, byte = self.groups
            offsets = ((plane * places + place) * each + byte).astype(np.int32)
            starts = (np.arange(samples)[:, None] * maps[0].size + self.windows * each).ravel()
            self.seen[tuple(shape)] = offsets, starts
        return offsets, starts[: samples * len(self.windows)]

    def _asked(self, maps: NDArray[np.uint8], at: NDArray, sums: NDArray, answers: NDArray) -> None:
        from .lanes import neurons

        offsets, windows = self._places_in(maps)
        tile = np.empty(WINDOWS * ROWS, self.lifts.dtype)
        first, end, factor = self.runs
        neurons(
            maps.ravel(),
            windows,
            self.tables,
            offsets,
            self.weights,
            first,
            end,
            factor,
            self.starts,
            self.lifts,
            tile,
            at,
            self.rows,
            sums,
            answers,
        )

    def sums(self, packed: Packed) -> NDArray:
        """(n · windows, rows) accumulators."""
        sums = np.empty(len(packed.maps) * len(self.windows) * self.rows + ROWS, self.lifts.dtype)
        self._asked(packed.maps, sums[:0], sums, np.empty(0, np.uint8))
        return sums[:-ROWS].reshape(-1, self.rows)

    def thresholds(self, steps: NDArray[np.int32]) -> NDArray:
        """((1 or 3) · 64 · blocks,) of (rows, 1 .. 3) rising ones; what is missing is never reached."""
        never = np.iinfo(self.lifts.dtype).max
        at = np.full((1 if steps.shape[1] == 1 else 3, len(self.lifts)), never, self.lifts.dtype)
        at[: steps.shape[1], : self.rows] = steps.T
        return at.ravel()

    def levels(self, packed: Packed, at: NDArray) -> Packed:
        """How many of their thresholds the neurons reach."""
        bits, samples = 1 if len(at) == len(self.lifts) else 2, len(packed.maps)
        answers = np.empty(samples * len(self.windows) * -(-self.rows * bits // 8) + 16, np.uint8)
        self._asked(packed.maps, at, self.lifts[:0], answers)
        return Packed(answers[:-16].reshape(samples, 1, len(self.windows), -1), self.rows, bits)
