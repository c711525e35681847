"""On how many inputs of a region two nets differ, part by part: by region.cpp, or by asking both of every input."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .region import Region
from .shards import by_threads

ASKED_AT_ONCE = 512  # inputs, of golden models: maps of one block lie in memory together


@dataclass(frozen=True)
class Differing:
    """Of the inputs in some parts of a region.

    done      numbers of the parts
    counted   inputs in them; on `differ` of these the nets differ
    witness   one of those, (elements), where one is known
    parts     the region was cut into; 0 where nobody has said
    """

    done: tuple[int, ...] = ()
    counted: int = 0
    differ: int = 0
    witness: tuple[int, ...] | None = None
    parts: int = 0

    def __add__(self, other: Differing) -> Differing:
        done = tuple(sorted((*self.done, *other.done)))
        witness = other.witness if self.witness is None else self.witness
        return Differing(done, self.counted + other.counted, self.differ + other.differ, witness, self.parts)


class Counting(Protocol):
    """A region in parts. It can be asked by several threads; None where it was stopped."""

    @property
    def parts(self) -> int: ...
    def count(self, part: int, stop: ctypes.c_int32 | None = None) -> Differing | None: ...


@dataclass(frozen=True, eq=False)
class ByRegion:
    """The nets differ in the last class of the region's net. input_of: an input of a code."""

    region: Region
    input_of: Callable[[NDArray[np.bool_]], NDArray[np.uint8]]

    @cached_property
    def _shards(self) -> list[tuple[int, ...]]:
        return self.region.shards()

    @property
    def parts(self) -> int:
        return len(self._shards)

    def count(self, part: int, stop: ctypes.c_int32 | None = None) -> Differing | None:
        found = self.region.count(self._shards[part], stop)
        if found is None:
            return None
        levels = found.witnesses[-1]
        witness = None if levels is None else tuple(self.input_of(self.region.input_of(levels)).tolist())
        return Differing((part,), sum(found.number), found.number[-1], witness)


@dataclass(frozen=True, eq=False)
class ByAsking:
    """Nets of any kind.

    x          (elements,) what elements are that are not free
    elements   that are, and `levels` of each: one for each thing that it can be to the nets
    apart      (n,) of inputs (n, elements): whether the nets differ
    """

    x: NDArray[np.uint8]
    elements: Sequence[int]
    levels: Sequence[NDArray[np.integer]]
    apart: Callable[[NDArray[np.uint8]], NDArray[np.bool_]]

    @property
    def inputs(self) -> int:
        return prod(map(len, self.levels))

    @property
    def parts(self) -> int:
        return -(-self.inputs // ASKED_AT_ONCE)

    def count(self, part: int, stop: ctypes.c_int32 | None = None) -> Differing | None:
        if stop is not None and stop.value:
            return None
        numbers = np.arange(part * ASKED_AT_ONCE, min((part + 1) * ASKED_AT_ONCE, self.inputs))
        inputs = np.repeat(self.x[None], len(numbers), axis=0)
        at = np.unravel_index(numbers, [len(levels) for levels in self.levels])
        for element, levels, each in zip(self.elements, self.levels, at, strict=True):
            inputs[:, element] = levels[each]
        apart = self.apart(inputs)
        witness = tuple(inputs[apart.argmax()].tolist()) if apart.any() else None
        return Differing((part,), len(inputs), int(apart.sum()), witness)


def count_on(
    of: Counting,
    before: Differing,
    workers: int,
    seconds: float | None,
    tell: Callable[[int, int], None],
    keep: Callable[[Differing], None],
) -> Differing:
    """What is in all parts, or in those that were done before the time was over.

    before   what is known of some parts, which are not counted again; nothing where these are of another cut
    keep     is given what is known after every part
    """
    found = before if before.parts == of.parts else Differing(parts=of.parts)
    began, left = time.monotonic(), sorted({*range(of.parts)} - {*found.done})
    asked = takewhile(lambda _: seconds is None or time.monotonic() - began < seconds, left)
    with closing(by_threads(((of, part) for part in asked), workers)) as ending:
        for _, each in ending:
            found += each
            keep(found)
            tell(len(found.done), of.parts)
    return found
