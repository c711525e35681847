"""Matrices of one-bit weights: layers whose neurons count in agreeing bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .layer import GraphError, check_range, check_weight, kind


class _Matrix:
    """What the two kinds share: (rows, fan_in) weights, True is +1."""

    weight: NDArray[np.bool_]
    unit: ClassVar[str] = "agreeing bits"

    @property
    def inputs(self) -> int:
        return self.weight.shape[1]

    fan_in = inputs

    @property
    def outputs(self) -> int:
        return len(self.weight)

    def accumulated(self, values: NDArray, row: int) -> NDArray[np.int64]:
        return (values == self.weight[row]).sum(axis=1)

    def _product(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """With bits as 0 and 1 and weights as ±1, x · w is the agreeing bits less the row's number of zeros."""
        signs = np.where(self.weight, np.float32(1), np.float32(-1)).T.copy()
        return signs, (~self.weight).sum(axis=1)


@kind
@dataclass(frozen=True, eq=False)
class Dense(_Matrix):
    """code[r] = agreeing bits of weight[r] and x >= threshold[r].

    weight      (rows, fan_in) bool, True is +1
    threshold   (rows,) int32, 0 .. fan_in + 1: 0 always fires, fan_in + 1 never
    """

    name: str
    weight: NDArray[np.bool_]
    threshold: NDArray[np.int32]

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)
        if self.threshold.shape != (len(self.weight),):
            raise GraphError(f"{self.name}: {len(self.weight)} rows but thresholds of shape {self.threshold.shape}")
        check_range(self.name, self.threshold, self.weight.shape[1] + 1)

    def emitter(self) -> Callable[[NDArray], NDArray]:
        signs, zeros = self._product()
        first_firing = (self.threshold - zeros).astype(np.float32)
        return lambda bits: _dots(bits, signs) >= first_firing

    def fires_from(self, row: int) -> int:
        return int(self.threshold[row])

    def fields(self) -> Mapping[str, NDArray]:
        return {"weight": self.weight, "threshold": self.threshold}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Dense:
        return cls(name, fields["weight"], fields["threshold"])


@kind
@dataclass(frozen=True, eq=False)
class Scores(_Matrix):
    """score[r] = agreeing bits of weight[r] and x; the class is the first maximum.

    weight   (classes, fan_in) bool, True is +1
    """

    weight: NDArray[np.bool_]

    name: ClassVar[str] = "scores"

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)

    def emitter(self) -> Callable[[NDArray], NDArray]:
        signs, zeros = self._product()
        return lambda bits: (_dots(bits, signs) + zeros).astype(np.int32)

    def fires_from(self, row: int) -> None:
        return None

    def fields(self) -> Mapping[str, NDArray]:
        return {"weight": self.weight}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Scores:
        return cls(fields["weight"])


def _dots(bits: NDArray[np.bool_], signs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, rows) of (n, fan-in) bits, as 0 and 1, times (fan-in, rows) ±1; the exact integers.

    Partial sums are integers below 2^24 in magnitude, which float32 holds: the order in which BLAS adds cannot matter.
    Up to a fan-in of 2047 a sum has room for two samples, one at scale 1 and one at 4096, which halves the cost: BLAS
    is where the time goes.
    """
    half = -(-len(bits) // 2)
    if len(signs) > 2047:
        return bits.astype(np.float32) @ signs
    low, high = bits[:half].astype(np.uint16), bits[half:].astype(np.uint16)
    high <<= 12
    low[: len(high)] |= high
    both = low.astype(np.float32) @ signs
    dots = np.empty((len(bits), signs.shape[1]), dtype=np.float32)
    upper = np.rint(both / 4096)  # the lower dot product is below half of 4096 in magnitude
    dots[half:] = upper[: len(high)]
    upper *= 4096
    np.subtract(both, upper, out=dots[:half])
    return dots
