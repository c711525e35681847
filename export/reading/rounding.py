"""Float sums of ± one number: which of them float32 holds, and what rounding can do to the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

UNIT_ROUNDOFF = 2.0**-24  # of float32


@dataclass(frozen=True)
class Margin:
    """How far a layer whose float sums round keeps from deciding otherwise, in accumulators, which lie 2 apart.

    distance   smallest one between any decision and a reachable accumulator; 1 is the best there is. Of the scores it
               is 0 where two classes can have equal ones: rounding then orders them in torch, in the Graph the first
               wins. Else it is 1.
    error      bound on what rounding adds up to, in whatever order the terms are summed
    """

    distance: float
    error: float

    @property
    def safe(self) -> bool:
        return self.distance > self.error


@dataclass(frozen=True, eq=False)
class Product:
    """One MatMul of the chain: signs of its weights, and what one agreeing or differing bit adds to the float sum."""

    node: onnx.NodeProto
    weight: NDArray[np.bool_]  # (rows, fan-in)
    unit: NDArray[np.float64]  # (rows,)

    @property
    def fan_in(self) -> int:
        return self.weight.shape[1]

    @property
    def exact(self) -> bool:
        """Every partial sum is a multiple of the unit that float32 holds: of 2^e, 3 or 0.375 it is, of 0.1, whose odd
        part fills float32 by itself, it is not.
        """
        return max(_odd_part(value) for value in np.unique(self.unit)) * self.fan_in <= 1 << 24

    @property
    def error(self) -> float:
        """Bound on what rounding moves the float sum by, in units, in whatever order it is summed.

        K terms of size 1 and K − 1 partial sums of 2 .. K of them, each rounded by at most 2^-24 of its size.
        """
        terms = self.fan_in * (self.fan_in + 3) / 2
        return 0.0 if self.exact else terms * UNIT_ROUNDOFF / (1 - terms * UNIT_ROUNDOFF)

    @property
    def ties(self) -> bool:
        """Whether a code can give two rows equal sums: it can unless they differ in an odd number of weights."""
        parities = self.weight.sum(axis=1) % 2
        return len(np.unique(parities)) < len(parities)


def _odd_part(value: float) -> int:
    """The odd integer m of value = m · 2^e."""
    numerator = int(math.frexp(value)[0] * 2**53)
    return numerator // (numerator & -numerator)
