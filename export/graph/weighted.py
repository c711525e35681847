"""Sums of weights times levels: what dense layers, convolutions and scores share.

A neuron counts from the least sum that it can have: accumulator = Σ w·level + Σ max(−w, 0)·top, 0 .. Σ |w|·top, where
top = takes − 1 is the highest level. With weights of ±1 and one-bit inputs that is the number of agreeing bits, the
popcount of XNOR.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .levels import BIPOLAR, GraphError, Levels, dtype_of
from .packed import Edge, Lookups, Packed, Plain


class Weighted:
    """weight   (rows, ...) bool, True is +1 and False −1; or int8, or int16 where a falling row's −128 became +128
    takes    levels of an element that enters, 2 .. 65536
    """

    weight: NDArray[np.bool_] | NDArray[np.integer]
    takes: int

    @property
    def rows(self) -> int:
        return len(self.weight)

    @property
    def fan_in(self) -> int:
        return self.weight[0].size

    @property
    def signs(self) -> NDArray[np.bool_]:
        """The weights where all are ±1."""
        assert self.weight.dtype == np.bool_
        return self.weight.view(np.bool_)

    @property
    def unit(self) -> str:
        return "agreeing bits" if self.weight.dtype == np.bool_ and self.takes == 2 else "above the least sum"

    def integers(self) -> NDArray[np.int64]:
        """(rows, fan_in), as numbers."""
        flat = self.weight.reshape(self.rows, -1)
        return np.where(flat, 1, -1) if flat.dtype == np.bool_ else flat.astype(np.int64)

    def spans(self) -> NDArray[np.int64]:
        """(rows,) the highest accumulator of each."""
        if self.weight.dtype == np.bool_:
            return np.full(self.rows, self.fan_in * (self.takes - 1))
        return np.abs(self.integers()).sum(axis=1) * (self.takes - 1)

    def lifts(self) -> NDArray[np.int64]:
        """(rows,) what is added to Σ w·level so that the least sum is 0."""
        return np.maximum(-self.integers(), 0).sum(axis=1) * (self.takes - 1)

    @property
    def weight_bits(self) -> int:
        """Of the narrowest two's complement that holds every weight, 2 at least; 1 for ±1."""
        if self.weight.dtype == np.bool_:
            return 1
        low, high = int(self.weight.min()), int(self.weight.max())
        return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length(), 1) + 1

    def check_weights(self, name: str, axes: int) -> None:
        weight = self.weight
        if weight.ndim != axes or weight.dtype not in (np.bool_, np.int8, np.int16) or not weight.size:
            raise GraphError(f"{name}: weights must be bool or int8 of {axes} axes, got {weight.shape} {weight.dtype}")
        if weight.dtype == np.int16 and np.abs(weight.astype(int)).max() > 128:
            raise GraphError(f"{name}: weights of {weight.min()} .. {weight.max()}; 8 bits are supported")
        if not 2 <= self.takes <= 1 << 16:
            raise GraphError(f"{name} takes {self.takes} levels; 2 .. 65536 are supported")
        if self.spans().max() >= 1 << 53:
            raise GraphError(f"{name} sums up to {self.spans().max()}, beyond the 2^53 that float64 sums exactly")


class Thresholded(Weighted):
    """threshold   (rows,) int32, or (rows, emits.count − 1) rising"""

    threshold: NDArray[np.int32]
    emits: Levels

    def by_lookup(
        self,
        weight: NDArray[np.int64],
        places: NDArray[np.int64],
        windows: NDArray[np.int64],
        maps: Callable[[Edge], Packed],
    ) -> Callable[[Edge], Edge] | None:
        """`emitter` of rows (rows, taps, channels) with thresholds, where looking up is worth it: see `Lookups`."""
        found, at = Lookups.of(weight, self.takes, places, windows), steps(self.threshold)
        if found is None:
            return None
        if at.shape[1] <= 3:
            few = found.thresholds(at)
            return lambda edge: found.levels(maps(edge), few)

        def emit(edge: Edge) -> Plain:
            sums = found.sums(maps(edge))
            return Plain(reached(sums, at, self.emits.count).reshape(-1, len(windows) * self.rows), self.emits.bits)

        return emit


def product(weight: NDArray[np.int64], highest: int) -> NDArray:
    """(fan_in, rows) floats in which every partial sum up to `highest` is exact, in whatever order BLAS adds."""
    return np.ascontiguousarray(weight.T, dtype=np.float32 if highest < 1 << 24 else np.float64)


def steps(threshold: NDArray[np.int32]) -> NDArray[np.int32]:
    """(rows, count − 1): a single threshold is stored without that axis."""
    return threshold[:, None] if threshold.ndim == 1 else threshold


def check_thresholds(
    name: str, threshold: NDArray[np.int32], rows: int, highest: NDArray[np.int64] | int, emits: Levels
) -> None:
    if threshold.dtype != np.int32 or threshold.ndim not in (1, 2) or not threshold.size:
        raise GraphError(
            f"{name}: thresholds must be (rows,) or (rows, steps) int32, got {threshold.shape} {threshold.dtype}"
        )
    each = steps(threshold)
    if each.shape != (rows, emits.top):
        raise GraphError(f"{name}: {rows} rows of {emits.count} levels but thresholds of shape {threshold.shape}")
    high = np.broadcast_to(np.asarray(highest) + 1, rows)[:, None]
    if each.min() < 0 or (each > high).any():
        raise GraphError(f"{name}: thresholds must lie in 0 .. {high.max()}, got {each.min()} .. {each.max()}")
    if (np.diff(each, axis=1) < 0).any():
        row = int((np.diff(each, axis=1) < 0).any(axis=1).argmax())
        raise GraphError(f"{name}: row {row}: thresholds must rise, got {each[row].tolist()[:8]}")


def reached(sums: NDArray, at: NDArray, count: int) -> NDArray:
    """(n, rows) how many of its row's rising thresholds, (rows, count − 1), each sum reaches."""
    if count == 2:
        return sums >= at[:, 0]
    from .kernels import count_reached  # numba costs a second that who builds no graph need not wait for

    levels = np.empty(sums.shape, dtype=dtype_of(count))
    count_reached(sums, at, levels)
    return levels


def takes_and_emits(fields: Mapping[str, NDArray]) -> tuple[int, Levels]:
    """Of a file; a layer of ±1 to ±1 does not say it."""
    emits = Levels.of_array(fields["emits"]) if "emits" in fields else BIPOLAR
    return (int(fields["takes"]) if "takes" in fields else 2), emits


def unusual(takes: int, emits: Levels | None) -> dict[str, NDArray]:
    """What such a layer says in a file."""
    said = {} if takes == 2 else {"takes": np.array(takes)}
    return said if emits in (None, BIPOLAR) else {**said, "emits": emits.array()}
