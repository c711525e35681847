"""What an element on an edge can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray


class GraphError(ValueError):
    """Layers that do not chain, or numbers outside their range."""


@dataclass(frozen=True)
class Levels:
    """value = low + step · level, level 0 .. count − 1. Layers compute on levels; values are what a file calls them.

    low, step   finite, step not 0: ±1 is (−1, 2, 2), {0, 1} is (0, 1, 2), narrow ternary (−1, 1, 3)
    count       2 .. 65536
    """

    low: float
    step: float
    count: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.step) and self.step and 2 <= self.count <= 1 << 16):
            raise GraphError(f"levels need finite numbers, a step and 2 .. 65536 of them, got {self}")

    @property
    def top(self) -> int:
        """The highest level."""
        return self.count - 1

    @property
    def bits(self) -> int:
        """Of one element in a code."""
        return self.top.bit_length()

    @property
    def dtype(self) -> DTypeLike:
        return dtype_of(self.count)

    def values(self) -> NDArray[np.float32]:
        """(count,) what the file's own arithmetic says for each level: the nearest float32."""
        return (self.low + self.step * np.arange(self.count, dtype=np.float64)).astype(np.float32)

    def of(self, values: NDArray) -> NDArray:
        """The levels of values, of the same shape. Raises GraphError for a value that is none of them."""
        exact = (np.asarray(values, dtype=np.float64) - self.low) / self.step
        levels = np.rint(exact)
        wrong = ~(np.abs(exact - levels) < 0.01) | (levels < 0) | (levels > self.top)
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            raise GraphError(f"{np.asarray(values)[place]:g} at {place} is none of the levels {self}")
        return levels.astype(self.dtype)

    def array(self) -> NDArray[np.float64]:
        """For a file; `of_array` reads it back."""
        return np.array([self.low, self.step, self.count], dtype=np.float64)

    @classmethod
    def of_array(cls, array: NDArray) -> Levels:
        if array.shape != (3,) or array.dtype.kind != "f" or not np.isfinite(array).all() or array[2] != int(array[2]):
            raise GraphError(f"levels are low, step and count, got {array.shape} {array.dtype}")
        return cls(float(array[0]), float(array[1]), int(array[2]))

    def __str__(self) -> str:
        values = [f"{self.low + self.step * level:.4g}" for level in (0, 1, self.top)]
        return "{" + (", ".join([values[0], values[-1]]) if self.count == 2 else "{}, {} … {}".format(*values)) + "}"


BIPOLAR = Levels(-1, 2, 2)


def dtype_of(count: int) -> DTypeLike:
    """Of an array of levels: bool where there are two."""
    return np.bool_ if count == 2 else np.uint8 if count <= 256 else np.uint16
