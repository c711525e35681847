"""All inputs of a product of groups: how many of each class, and how often each code of a layer; by region.cpp."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .compiled import ExactError, library
from .net import BitNet

LEAF = 4096  # combinations of region.cpp's leaf
SHARDS = 64  # a region is cut into about as many
SMALLEST = 1 << 24  # combinations of a shard that is not cut further
MOST_CODES = 1 << 24  # of a layer, of all y together; where there are more, they are not counted
WIDEST = 64  # neurons of a layer whose codes are counted
Path: TypeAlias = tuple[int, ...]
Codes: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.int64]]  # rising, and how often each: bit j is that of neuron j


@dataclass(frozen=True, eq=False)
class Group:
    """Elements of the code that change together.

    elements   their numbers
    values     (levels, elements) bool
    weights    of each level: so many inputs look alike there
    """

    elements: tuple[int, ...]
    values: NDArray[np.bool_]
    weights: tuple[int, ...]

    @classmethod
    def bit(cls, element: int) -> Group:
        return cls((element,), np.array([[False], [True]]), (1, 1))


@dataclass(frozen=True, eq=False)
class Found:
    """Of some parts of a region.

    number      (classes) inputs of each; of the class that was asked for alone, where one was
    witnesses   of each class: the levels of an input; None where there is none
    codes       of the hidden layer that was asked for, in place of both: those of all inputs, or of each y. Of one part
                in no order; None where there were too many
    """

    number: tuple[int, ...]
    witnesses: tuple[Path | None, ...]
    codes: tuple[Codes | None, ...]

    def __add__(self, other: Found) -> Found:
        return Found(
            tuple(a + b for a, b in zip(self.number, other.number, strict=True)),
            tuple(b if a is None else a for a, b in zip(self.witnesses, other.witnesses, strict=True)),
            tuple(_merged(a, b) for a, b in zip(self.codes, other.codes, strict=True)),
        )


def _merged(a: Codes | None, b: Codes | None) -> Codes | None:
    if a is None or b is None:
        return None
    found = histogram(np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]))
    return None if len(found[0]) > MOST_CODES else found


def histogram(codes: NDArray[np.uint64], times: NDArray[np.int64]) -> Codes:
    """The same with each code once."""
    order = np.argsort(codes, kind="stable")
    codes, times = codes[order], times[order]
    begins = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
    return codes[begins], np.add.reduceat(times, begins) if len(codes) else times


@dataclass(frozen=True, eq=False)
class Region:
    """All combinations of the groups' levels, every other element as in x, (inputs,) bool. Ready to count.

    only    a class, where it is enough to know how many inputs are of that one
    layer   a hidden layer, from 0, whose codes are counted in place of classes; then every weight is 1
    bits    of these codes: of the layer's first neurons; 0 is all of them
    apart   codes are counted apart by the class of their inputs
    labels  (combinations,) uint8, the first group's levels fastest: codes are counted apart by these
    """

    net: BitNet
    x: NDArray[np.bool_]
    groups: tuple[Group, ...]
    only: int | None = None
    layer: int | None = None
    bits: int = 0
    form: str | None = None
    apart: bool = False
    labels: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        elements = [element for group in self.groups for element in group.elements]
        if not elements or len(set(elements)) < len(elements) or not 0 <= min(elements) <= max(elements) < len(self.x):
            raise ExactError(
                f"groups of {len(elements)} elements; each is of one group, and one of 0 .. {len(self.x) - 1}"
            )
        if max(self.inputs, self.combinations) >= 1 << 62:
            raise ExactError(f"{self.inputs:.3g} inputs; fewer than 2^62 are counted")
        if self.layer is not None and self._counted_bits > WIDEST:
            raise ExactError(f"hidden layer {self.layer}: codes of up to {WIDEST} neurons are counted")
        if self.only is not None and self.layer is not None:
            raise ExactError("a class alone is counted without codes; name a hidden layer or one class")
        if self.apart and (self.layer is None or self.labels is not None):
            raise ExactError("what is apart by class are codes; name a hidden layer, and give no labels")
        if self.labels is not None:
            if self.layer is None:
                raise ExactError("what is apart by labels are codes; name a hidden layer")
            if (was := (self.labels.shape, self.labels.dtype)) != ((self.combinations,), np.uint8):
                raise ExactError(f"labels are {was[0]} {was[1]}; ({self.combinations},) uint8 are due")
            object.__setattr__(self, "labels", np.ascontiguousarray(self.labels))  # read where they lie
        first = self.net.hidden[0]
        agrees = (first.weight == self.x) & first.among
        margin = (agrees.sum(axis=1) - first.threshold).astype(np.int16)
        changes = []
        for group in self.groups:
            at = list(group.elements)
            for values in group.values:
                now = (first.weight[:, at] == values) & first.among[:, at]
                changes.append(now.sum(axis=1) - agrees[:, at].sum(axis=1))
        levels = np.array([len(group.weights) for group in self.groups], np.int32)
        weights = np.array([weight for group in self.groups for weight in group.weights], np.int64)
        arrays = margin, levels, weights, np.array(changes, np.int16)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        opened = self._library.region_open(
            ctypes.byref(self.net.native.struct),
            pointers[0],
            len(levels),
            *pointers[1:],
            -1 if self.only is None else self.only,
            None if self.labels is None else ctypes.c_void_p(self.labels.ctypes.data),
        )
        object.__setattr__(self, "_opened", ctypes.c_void_p(opened))

    def __reduce__(self) -> tuple[type[Region], tuple[object, ...]]:
        asked = self.only, self.layer, self.bits, self.form, self.apart, self.labels
        return Region, (self.net, self.x, self.groups, *asked)

    def __del__(self) -> None:
        if hasattr(self, "_opened"):
            self._library.region_close(self._opened)

    @property
    def _library(self) -> Any:
        return _typed(self.form)

    @property
    def _counted_bits(self) -> int:
        return 0 if self.layer is None else self.bits or len(self.net.hidden[self.layer].weight)

    @cached_property
    def ys(self) -> int:
        """Values by which codes are counted apart; 1 where they are not, 0 where no codes are counted."""
        if self.labels is not None:
            return int(self.labels.max()) + 1
        return 0 if self.layer is None else len(self.net.versus) if self.apart else 1

    @property
    def combinations(self) -> int:
        return prod(len(group.weights) for group in self.groups)

    @property
    def inputs(self) -> int:
        return prod(sum(group.weights) for group in self.groups)

    def shards(self) -> list[Path]:
        """Levels of the highest groups, from the lowest of them on. Together they hold each input once."""
        least, leaf = 0, 1
        while least < len(self.groups) and leaf * len(self.groups[least].weights) <= LEAF:
            leaf *= len(self.groups[least].weights)
            least += 1
        most = max(SMALLEST, self.combinations // SHARDS)
        paths: list[Path] = [()]
        fixed, left = len(self.groups), self.combinations
        while fixed > least and left > most:
            fixed -= 1
            left //= len(self.groups[fixed].weights)
            paths = [(level, *path) for path in paths for level in range(len(self.groups[fixed].weights))]
        return paths

    def inputs_in(self, part: Path) -> int:
        """All of them, in a part."""
        free, fixed = self.groups[: len(self.groups) - len(part)], self.groups[len(self.groups) - len(part) :]
        here = prod(group.weights[level] for group, level in zip(fixed, part, strict=True))
        return here * prod(sum(group.weights) for group in free)

    def nothing(self) -> Found:
        classes = len(self.net.versus)
        none = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        return Found((0,) * classes, (None,) * classes, (none,) * self.ys)

    def count(self, part: Path, stop: ctypes.c_int32 | None = None) -> Found | None:
        """What is in a part; None where it was stopped, by a number other than 0 in `stop`."""
        library = self._library
        groups, classes = len(self.groups), len(self.net.versus)
        path = np.zeros(groups, np.int32)
        path[groups - len(part) :] = part
        number, witness = np.zeros(classes, np.int64), np.full((classes, groups), -2, np.int32)
        counters = [ctypes.c_void_p(library.counter_open(ctypes.c_int64(MOST_CODES))) for _ in range(self.ys)]
        stop = stop or ctypes.c_int32(0)
        try:
            library.region_walk(
                self._opened,  # type: ignore[attr-defined]
                ctypes.c_void_p(path.ctypes.data),
                groups - len(part),
                ctypes.c_void_p(number.ctypes.data),
                ctypes.c_void_p(witness.ctypes.data),
                (ctypes.c_void_p * len(counters))(*counters),
                len(counters),
                self.apart or self.labels is not None,
                self.layer or 0,
                self._counted_bits,
                ctypes.byref(stop),
            )
            if stop.value:
                return None
            codes = tuple(_read(library, counter) for counter in counters)
        finally:
            for counter in counters:
                library.counter_close(counter)
        found = [tuple(row.tolist()) if number[c] else None for c, row in enumerate(witness)]
        return Found(tuple(number.tolist()), tuple(found), codes)

    def input_of(self, levels: Sequence[int]) -> NDArray[np.bool_]:
        """(inputs,) the code at these levels."""
        found = self.x.copy()
        for group, level in zip(self.groups, levels, strict=True):
            found[list(group.elements)] = group.values[level]
        return found


class Histogram:
    """How often each code occurs in parts that come one by one; no sorting before the end."""

    def __init__(self, form: str | None = None) -> None:
        self._library = _typed(form)
        self._counter = ctypes.c_void_p(self._library.counter_open(ctypes.c_int64(MOST_CODES)))

    def __del__(self) -> None:
        self._library.counter_close(self._counter)

    def add(self, codes: Codes) -> None:
        pointers = (ctypes.c_void_p(np.ascontiguousarray(each).ctypes.data) for each in codes)
        self._library.counter_add(self._counter, *pointers, ctypes.c_int64(len(codes[0])))

    def __len__(self) -> int:
        """Codes so far."""
        size = self._library.counter_size(self._counter)
        return MOST_CODES + 1 if size < 0 else size

    @property
    def codes(self) -> Codes | None:
        """None where there are too many."""
        found = _read(self._library, self._counter)
        if found is None:
            return None
        order = np.argsort(found[0])
        return found[0][order], found[1][order]


@cache
def _typed(form: str | None) -> Any:
    found = library("region", form)
    for name in ("region_open", "counter_open"):
        getattr(found, name).restype = ctypes.c_void_p
    found.counter_size.restype = ctypes.c_int64
    return found


def _read(library: Any, counter: ctypes.c_void_p) -> Codes | None:
    """In no order."""
    size = library.counter_size(counter)
    if size < 0:
        return None
    codes, times = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    library.counter_read(counter, ctypes.c_void_p(codes.ctypes.data), ctypes.c_void_p(times.ctypes.data))
    return codes, times
