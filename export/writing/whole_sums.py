"""A graph's sums over the integers that a file writes for levels, where a graph sums the levels themselves.

With value = low + step · level and acc = Σ w·level + lift, Σ w·value = step · (acc − lift) + low · Σ w.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qonnx.core.datatype import BaseDataType, DataType

from ..graph import BIPOLAR, Conv, Cut, Dense, GraphError, Levels, Scores
from ..graph.weighted import steps

LARGEST = 1 << 24  # whole numbers that float32 holds, in which these files carry integers


def as_integers(levels: Levels) -> Levels:
    """What levels stand for, where those are rising whole numbers; ±1 for any other two, and else 0, 1, 2 …"""
    whole = levels.low == int(levels.low) and levels.step == int(levels.step) and levels.step > 0
    if whole and abs(levels.low) + levels.step * levels.top < 1 << 16:
        return levels
    return BIPOLAR if levels.count == 2 else Levels(0, 1, levels.count)


def whole(levels: Levels) -> tuple[int, int]:
    """Low and step of levels that are integers."""
    return int(levels.low), int(levels.step)


def data_type(levels: Levels) -> BaseDataType:
    """QONNX's type of levels that are integers."""
    low, step = whole(levels)
    if levels.count == 2 and (low, step) in ((-1, 2), (0, 1)):
        return DataType["BIPOLAR" if low else "BINARY"]
    return smallest(low, low + step * levels.top)


def smallest(low: int, high: int) -> BaseDataType:
    """The narrowest integer type of low .. high."""
    bits = max(high, -low - 1).bit_length()
    return DataType[f"UINT{max(bits, 1)}" if low >= 0 else f"INT{bits + 1}"]


def ends(layer: Dense | Conv | Scores, entering: Levels) -> tuple[int, int]:
    """The least and the highest Σ w·value of all rows. Raises GraphError beyond what float32 holds."""
    low, step = whole(entering)
    least = low * layer.integers().sum(axis=1) - step * layer.lifts()
    highest = least + step * layer.spans()
    if max(-int(least.min()), int(highest.max())) + 2 * step >= LARGEST:
        raise GraphError(
            f"{layer.name} sums {least.min()} .. {highest.max()}, beyond the 2^24 to which the float32 of these files "
            "holds integers; `standard` has int32"
        )
    return int(least.min()), int(highest.max())


def decisions(layer: Dense | Conv, entering: Levels) -> NDArray[np.float64]:
    """(rows, steps) of Σ w·value, midway between the last that misses a threshold and the first that reaches it."""
    low, step = whole(entering)
    at = steps(layer.threshold) - layer.lifts()[:, None] - 0.5
    return step * at + low * layer.integers().sum(axis=1)[:, None]


def score_constants(layer: Scores, entering: Levels, popcount: bool = False) -> NDArray[np.int64]:
    """(classes,) what is to be added to multiplier · Σ w·value for step · score.

    popcount   the sum is the accumulator itself
    """
    multiplier = np.ones(layer.rows, np.int64) if layer.multiplier is None else layer.multiplier
    offset = np.zeros(layer.rows, np.int64) if layer.offset is None else layer.offset
    if popcount:
        return offset
    low, step = whole(entering)
    return step * (multiplier * layer.lifts() + offset) - multiplier * low * layer.integers().sum(axis=1)


def table_decisions(layer: Cut, entering: Levels, rows: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(rows, steps) of the value that enters times the sign of its row, and (rows,) those signs: −1 of a falling table.

    rows   of which the table is repeated, where it is not one for all

    Raises GraphError where a table rises and falls: no threshold does that.
    """
    table = layer.table.astype(np.int64)
    change = np.diff(table, axis=1)
    falls, rises = (np.any(each, axis=1) for each in (change < 0, change > 0))
    if (mixed := np.flatnonzero(falls & rises)).size:
        raise GraphError(
            f"{layer.name}: the table of element {mixed[0]} rises and falls, which no thresholds do; "
            "`standard` writes tables"
        )
    wanted = np.arange(1, layer.emits.count)
    rising = np.where(falls[:, None], table[:, ::-1], table)
    at = (
        np.stack([np.searchsorted(row, wanted) for row in rising]) - 0.5
    )  # a falling row counted from the highest level
    low, step = whole(entering)
    first = np.where(falls, -(low + step * (layer.takes - 1)), low)
    signs = np.where(falls, -1, 1)
    times = 1 if len(table) == 1 else rows // len(table)
    return np.tile(step * at + first[:, None], (times, 1)), np.tile(signs, times)
