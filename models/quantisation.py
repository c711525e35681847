"""Numbers to levels of 1 to 8 bits by cuts that are fitted on the training set, and what that loses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from .config import Rule
from .idx import DataError

MANY = 1 << 24  # numbers that are cut at a time


@dataclass(frozen=True, eq=False)
class Quantiser:
    """level = how many cuts of its feature a number reaches.

    cuts        (features, 2^bits - 1) float64, rising; +inf where a feature needs fewer. One row: all features share it
    low, high   (features,) or (1,) float64, the least and greatest number of the training set
    """

    rule: Rule
    bits: int
    cuts: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __call__(self, x: NDArray) -> NDArray[np.uint8]:
        """(n, features) levels of (n, features) numbers."""
        if len(self.cuts) == 1:
            levels = np.empty(x.shape, np.uint8)
            rows = max(1, MANY // x.shape[1])
            for start in range(0, len(x), rows):
                part = np.asarray(x[start : start + rows], np.float64)
                levels[start : start + rows] = np.searchsorted(self.cuts[0], part, side="right")
            return levels
        columns = zip(self.cuts, x.T, strict=True)
        found = [np.searchsorted(cuts, np.asarray(column, np.float64), side="right") for cuts, column in columns]
        return np.stack(found, axis=1).astype(np.uint8)


@dataclass(frozen=True)
class Feature:
    """What became of one feature, or of all that share their cuts.

    low, high   of the training set
    values      different ones in the training set, which became so many `levels`
    clipped     numbers of the test set below low or above high: they count as the nearest level
    """

    name: str
    low: float
    high: float
    values: int
    levels: int
    clipped: int


@dataclass(frozen=True)
class Loss:
    """What cuts made equal.

    different, left   different samples of both sets, before and after
    colliding         samples that now equal one of another class; before they did not, or are in `colliding_before`
    """

    rule: Rule
    features: tuple[Feature, ...]
    tested: int
    different: int
    left: int
    colliding: int
    colliding_before: int

    @property
    def clipped(self) -> int:
        return sum(feature.clipped for feature in self.features)


def fitted(train: NDArray, bits: int, rule: Rule, shared: bool, names: Sequence[str], place: str) -> Quantiser:
    """Cuts for (n, features) numbers of a training set.

    quantiles   from the least number on each level takes numbers until it holds its share of the samples that are left
                for it and the levels above, as nearly as equal numbers allow. So a feature of at most 2^bits
                different numbers keeps them all apart, and one that nearly always is 0 does not lose the rest
    range       2^bits levels evenly from the least number to the greatest, each number to the nearest one
    shared      one set of cuts for all features, as pixels of an image need

    Raises DataError for a feature that is the same number in every training sample.
    """
    columns = [train.reshape(-1)] if shared else list(train.T)
    low, high = (np.array([f(column) for column in columns], np.float64) for f in (np.min, np.max))
    if len(same := np.flatnonzero(low == high)):
        what = f"every number is {low[0]:g}" if shared else _constant(same, low, names)
        raise DataError(f"{place}, training set {train.shape} {train.dtype}: {what}")
    cut = _at_quantiles if rule == "quantiles" else _over_range
    cuts = np.stack([cut(np.asarray(column, np.float64), bits) for column in columns])
    return Quantiser(rule, bits, cuts, low, high)


def _constant(same: NDArray[np.int64], low: NDArray[np.float64], names: Sequence[str]) -> str:
    named = [f"{names[index] if len(names) else index} is {low[index]:g}" for index in same[:5]]
    more = f" and {len(same) - 5} more" if len(same) > 5 else ""
    return (
        f"feature {', '.join(named)}{more} in every sample; nothing can be cut there: leave it out"
        + ", of a CSV with `ignore` in [data]" * bool(len(names))
    )


def _at_quantiles(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    different, counts = np.unique(values, return_counts=True)
    ends = counts.cumsum()  # samples up to each number, itself included
    starts, first = list[int](), 0  # of the levels above the lowest one; of the level that is being filled
    for left in range(1 << bits, 1, -1):
        if len(different) - first <= left:  # a level for each number
            starts += range(first + 1, len(different))
            break
        below = ends[first - 1] if first else 0
        share = below + (ends[-1] - below) / left
        last = int(np.searchsorted(ends, share))
        if last > first and ends[last] - share > share - ends[last - 1]:
            last -= 1
        first = min(last + 1, len(different) - left + 1)
        starts.append(first)
    cuts = np.full((1 << bits) - 1, np.inf)
    cuts[: len(starts)] = different[starts]
    return cuts


def _over_range(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    share = (np.arange(1, 1 << bits) - 0.5) / ((1 << bits) - 1)
    return values.min() * (1 - share) + values.max() * share  # the difference itself might overflow


def loss(
    quantiser: Quantiser,
    parts: tuple[NDArray, NDArray],
    levels: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    labels: NDArray[np.int64],
    names: Sequence[str],
) -> Loss:
    """parts, levels   of the training set and the test set; labels of both, one after the other."""
    before, after = (_identities([x for x in each]) for each in (parts, levels))
    return Loss(
        quantiser.rule,
        tuple(_features(quantiser, *parts, levels[0], names)),
        parts[1].size,
        int(before.max()) + 1,
        int(after.max()) + 1,
        _colliding(after, labels),
        _colliding(before, labels),
    )


def _features(
    quantiser: Quantiser, train: NDArray, test: NDArray, levels: NDArray[np.uint8], names: Sequence[str]
) -> Iterator[Feature]:
    shared = len(quantiser.cuts) == 1
    columns = [each.reshape(1, -1) if shared else each.T for each in (train, test, levels)]
    titles = [f"{train.shape[1]} alike"] if shared else names or map(str, range(train.shape[1]))
    for name, low, high, column, tested, level in zip(titles, quantiser.low, quantiser.high, *columns, strict=True):
        clipped = int(((tested < low) | (tested > high)).sum())
        yield Feature(name, float(low), float(high), len(np.unique(column)), len(np.unique(level)), clipped)


def _identities(parts: Sequence[NDArray]) -> NDArray[np.int64]:
    """The same number for equal samples, from 0 on."""
    known: dict[bytes, int] = {}
    rows = (row + 0 for part in parts for row in part)  # -0.0 is 0.0
    return np.array([known.setdefault(blake2b(row.tobytes(), digest_size=16).digest(), len(known)) for row in rows])


def _colliding(identities: NDArray[np.int64], labels: NDArray[np.int64]) -> int:
    """Samples that equal one of another class."""
    pairs = np.unique(np.stack([identities, labels]), axis=1)[0]
    classes = np.bincount(pairs)
    return int((classes[identities] > 1).sum())
