"""How many inputs at each distance from one have another class: all of them, counted by radius.cpp."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .compiled import ExactError, library
from .net import BitNet

SHARDS = 128  # a ball is cut into about as many
SMALLEST = 50_000_000  # inputs of a shard that is not cut further
UNKNOWN = -2  # in place of a witness, where there is none yet
Flips: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Shard:
    """The inputs that flip `flips` and at most as many as are left of the radius among the first `positions`."""

    flips: Flips
    positions: int


@dataclass(frozen=True)
class Counted:
    """What was found in some shards of a ball.

    changed     of each distance: inputs of another class
    seen        of each distance: inputs
    witnesses   of each distance: flips of one of them; None where there is none
    """

    changed: tuple[int, ...]
    seen: tuple[int, ...]
    witnesses: tuple[Flips | None, ...]

    def __add__(self, other: Counted) -> Counted:
        return Counted(
            tuple(a + b for a, b in zip(self.changed, other.changed, strict=True)),
            tuple(a + b for a, b in zip(self.seen, other.seen, strict=True)),
            tuple(b if a is None else a for a, b in zip(self.witnesses, other.witnesses, strict=True)),
        )

    @classmethod
    def nothing(cls, radius: int) -> Counted:
        return cls((0,) * (radius + 1), (0,) * (radius + 1), (None,) * (radius + 1))


def within(positions: int, flips: int) -> int:
    """Inputs with at most so many flips among so many positions."""
    return sum(comb(positions, each) for each in range(flips + 1))


def shards(inputs: int, radius: int) -> list[Shard]:
    """The ball of a radius, cut. Together they hold each input once."""
    most = max(SMALLEST, within(inputs, radius) // SHARDS)
    found, left = [], [Shard((), inputs)]
    while left:
        shard = left.pop()
        few = radius - len(shard.flips)
        if few == 0 or within(shard.positions, few) <= most:
            found.append(shard)
        else:
            highest = shard.positions - 1
            left += [Shard(shard.flips, highest), Shard((*shard.flips, highest), highest)]
    return found


@dataclass(frozen=True, eq=False)
class Ball:
    """All inputs within a radius of x, (inputs,) bool. Ready to count; may be used by several threads."""

    net: BitNet
    x: NDArray[np.bool_]
    radius: int
    form: str | None = None

    def __post_init__(self) -> None:
        if self.x.shape != (self.net.inputs,) or self.x.dtype != np.bool_:
            raise ExactError(f"an input is ({self.net.inputs},) bool, got {self.x.shape} {self.x.dtype}")
        if not 1 <= self.radius <= min(self.net.inputs, 120):  # changes of a margin are kept in a byte
            raise ExactError(f"a radius of {self.radius} flips; 1 .. {min(self.net.inputs, 120)} are possible")
        if not self.net.hidden[0].among.all():
            raise ExactError("around an input the neurons of the first layer look at all elements")
        if self.net.inputs > 16384:
            raise ExactError(f"{self.net.inputs:,} inputs; up to 16,384 are counted")
        opened = self._library.radius_open(
            ctypes.byref(self.net.native.struct), self.x.tobytes(), self.radius, int(self.net.classes(self.x[None])[0])
        )
        object.__setattr__(self, "_opened", ctypes.c_void_p(opened))

    def __reduce__(self) -> tuple[type[Ball], tuple[BitNet, NDArray[np.bool_], int, str | None]]:
        return Ball, (self.net, self.x, self.radius, self.form)

    def __del__(self) -> None:
        if hasattr(self, "_opened"):
            self._library.radius_close(self._opened)

    @property
    def _library(self) -> Any:
        return _typed(self.form)

    def count(self, shard: Shard, stop: ctypes.c_int32 | None = None) -> Counted | None:
        """What is in a shard; None where it was stopped, by a number other than 0 in `stop`."""
        changed, seen = np.zeros(self.radius + 1, np.int64), np.zeros(self.radius + 1, np.int64)
        witness = np.full((self.radius + 1, max(self.radius, 1)), UNKNOWN, np.int32)
        flips = np.array(shard.flips, np.int32)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (flips, changed, seen, witness)]
        whole = self._library.radius_walk(
            self._opened,  # type: ignore[attr-defined]
            shard.positions,
            pointers[0],
            len(flips),
            *pointers[1:],
            ctypes.byref(stop or ctypes.c_int32(0)),
        )
        if not whole:
            return None
        found = [
            tuple(sorted(row[:distance].tolist())) if changed[distance] else None
            for distance, row in enumerate(witness)
        ]
        return Counted(tuple(changed.tolist()), tuple(seen.tolist()), tuple(found))


@cache
def _typed(form: str | None) -> Any:
    found = library("radius", form)
    found.radius_open.restype = ctypes.c_void_p
    return found
