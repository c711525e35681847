"""Channels of a feature map over all its positions: which never change, which say what another one says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from .codes import Codes
from .map_shape import MapShape, at_positions, levels
from .symbols import symbols

_ROWS = 8192  # positions looked at together
Channel = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Channels:
    """Over exactly these images, at all positions.

    dead      (channel, the level that it always has)
    copies    (channel, the lowest one that has the same level everywhere); dead ones are left out
    inverted  (channel, the lowest one of whose level it is the highest level less, everywhere); dead ones are left out
    bits      H of each channel's level, all positions taken together
    """

    dead: tuple[tuple[Channel, Channel], ...]
    copies: tuple[tuple[Channel, Channel], ...]
    inverted: tuple[tuple[Channel, Channel], ...]
    bits: Annotated[tuple[FiniteFloat, ...], Field(min_length=1)]


def channels(codes: Codes, shape: MapShape) -> Channels:
    """Exactly: every level of every position is looked at. Memory is that of a share of the positions, however many.

    Each channel and its inverse are signals. Signals that are equal so far are a group, which every share of the
    positions may split; what is alone in its group is done with.
    """
    patches = at_positions(codes, shape)
    groups = np.zeros(2 * shape.channels, np.int32)
    seen = np.zeros((shape.channels, shape.highest + 1), np.int64)
    for start in range(0, len(patches), _ROWS):
        columns = levels(patches[start : start + _ROWS].bits(), shape).T
        for channel, column in enumerate(columns):
            seen[channel] += np.bincount(column, minlength=seen.shape[1])
        _split(groups, columns, shape.highest)
    alive = np.count_nonzero(seen, axis=1) > 1
    share = seen / len(patches)
    bits = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
    pairs = [(channel, *_first_like(channel, groups)) for channel in np.flatnonzero(alive).tolist()]
    return Channels(
        tuple((channel, int(seen[channel].argmax())) for channel in np.flatnonzero(~alive).tolist()),
        tuple((channel, first) for channel, first, opposite in pairs if first < channel and not opposite),
        tuple((channel, first) for channel, first, opposite in pairs if first < channel and opposite),
        tuple(np.abs(bits).tolist()),
    )


def _split(groups: NDArray[np.int32], columns: NDArray, top: int) -> None:
    """Splits groups of equal signals by a share of their levels: (channels, positions), then the same inverted."""
    open_ = np.flatnonzero(np.bincount(groups)[groups] > 1)
    if not len(open_):
        return
    count = len(columns)
    inverse = (open_ >= count)[:, None]
    rows = columns[open_ % count]
    rows = np.ascontiguousarray(np.where(inverse, np.asarray(top, rows.dtype) - rows, rows))
    before = np.ascontiguousarray(groups[open_])[:, None].view(np.uint8)
    keys = np.concatenate((before, rows.view(np.uint8)), axis=1)
    groups[open_] = symbols(Codes(keys, 8 * keys.shape[1])).ids + groups.max() + 1
    groups[:] = np.unique(groups, return_inverse=True)[1]


def _first_like(channel: int, groups: NDArray[np.int32]) -> tuple[int, bool]:
    """The lowest channel that equals this one, and whether inverted."""
    like = np.flatnonzero(groups == groups[channel])
    places, count = like % (len(groups) // 2), len(groups) // 2
    lowest = int(places.argmin())
    return int(places[lowest]), bool(like[lowest] >= count)
