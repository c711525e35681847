"""The probe's lower bound of I(T;Y) for a feature map, from what a small classifier can be given of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .codes import Codes
from .map_shape import MapShape, unpacked
from .probe import ProbeBound, features_bound
from .symbols import Symbols

MOST_FEATURES = 1024
MOST_ROWS = 1 << 14  # positions that the probe of one position learns from and judges
FINEST = 4  # cells of the map, along either side


def map_probe(codes: Codes, shape: MapShape, y: Symbols, rng: np.random.Generator) -> ProbeBound:
    """I(map;Y) of the population is at least about this: what `shares` of ones in cells of the map say of the label.

    A function of the code knows no more than the code, so the bound holds; it may be far below.
    """
    return features_bound(shares(codes, shape), y, rng)


def position_probe(codes: Codes, shape: MapShape, y: Symbols, rng: np.random.Generator) -> ProbeBound:
    """I(T;Y) of the code at a position is at least about this. Some positions of each image; whole images judge."""
    some = max(1, min(shape.positions, MOST_ROWS // len(codes)))
    found = np.empty((len(codes), some, shape.code_bits), np.float32)
    for start, bits in unpacked(codes, shape):
        at = rng.random((len(bits), shape.positions)).argpartition(some - 1, axis=1)[:, :some]
        found[start : start + len(bits)] = np.take_along_axis(bits, at[:, :, None], axis=1) * np.float32(2) - 1
    return features_bound(found, y, rng)


def shares(codes: Codes, shape: MapShape) -> NDArray[np.float32]:
    """(n, cells · code_bits) −1 .. 1: how often each bit is 1 in each cell, cells as many as MOST_FEATURES allows."""
    cells = int(min(FINEST, max(1, math.isqrt(MOST_FEATURES // shape.code_bits))))
    rows, columns = (_begins(side, cells) for side in (shape.height, shape.width))
    size = np.diff([*rows, shape.height])[:, None] * np.diff([*columns, shape.width])
    found = np.empty((len(codes), size.size * shape.code_bits), np.float32)
    for start, bits in unpacked(codes, shape):
        maps = bits.reshape(len(bits), shape.height, shape.width, shape.code_bits).view(np.uint8)
        in_rows = np.add.reduceat(maps, rows, axis=1, dtype=np.int32)
        ones = np.add.reduceat(in_rows, columns, axis=2)
        found[start : start + len(bits)] = (2 * ones / size[:, :, None] - 1).reshape(len(bits), -1)
    return found


def _begins(side: int, cells: int) -> list[int]:
    return [side * cell // min(cells, side) for cell in range(min(cells, side))]
