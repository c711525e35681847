"""Float sums of whole numbers times one unit: which of them float32 holds, and what rounding can do to the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .linear import Product
from .threshold import Reached, Thresholds

UNIT_ROUNDOFF = 2.0**-24  # of float32
WHOLE = 1e-9


@dataclass(frozen=True)
class Margin:
    """How far a layer whose float sums round keeps from deciding otherwise, in accumulators, which lie 2 apart where
    what enters is ± one number, and 1 apart elsewhere.

    distance   smallest one between any decision and a reachable accumulator; half of what they lie apart is the best
               there is. Of the scores it is 0 where two classes can have equal ones: rounding then orders them in
               torch, in the Graph the first wins.
    error      bound on what rounding adds up to, in whatever order the terms are summed
    """

    distance: float
    error: float

    @property
    def safe(self) -> bool:
        return self.distance > self.error


@dataclass(frozen=True)
class Rounded:
    """What float32 makes of a product's sums.

    exact   every partial sum is a multiple of the unit that float32 holds: of 2^e, 3 or 0.375 it is, of 0.1, whose odd
            part fills float32 by itself, it is not
    error   bound on what rounding moves a sum by, in units, in whatever order it is summed
    apart   units between two accumulators
    units   of each row
    ties    whether a code can give two rows equal sums
    """

    exact: bool
    error: float
    apart: float
    units: NDArray[np.float64]
    ties: bool


def product_rounding(product: Product) -> Rounded:
    low, step, top = product.levels.low, abs(product.levels.step), product.levels.top
    ratio, apart = low / product.levels.step, 1.0
    if abs(ratio - round(ratio)) > WHOLE and abs(2 * ratio - round(2 * ratio)) <= WHOLE:
        ratio, apart = 2 * ratio, 2.0  # ±s: one bit of difference moves the sum by two units
    whole = abs(ratio - round(ratio)) <= WHOLE
    highest = max(abs(ratio), abs(ratio + apart * top))
    unit = product.scale * step / apart
    sums = np.abs(product.integers()).sum(axis=1) * highest
    exact = whole and max(_odd_part(value) for value in np.unique(unit)) * float(sums.max()) <= 1 << 24
    # K terms of at most B and K − 1 partial sums of 2 B .. K B, each rounded by at most 2^-24 of its size.
    # Where terms differ in size, K + 2 roundings of everything that a row can sum up is often less.
    terms = float(np.abs(product.integers()).max()) * highest * product.fan_in * (product.fan_in + 3) / 2
    terms = min(terms, float(sums.max()) * (product.fan_in + 2))
    error = 0.0 if exact else terms * UNIT_ROUNDOFF / max(1 - terms * UNIT_ROUNDOFF, 0.5)
    return Rounded(exact, error, apart, unit, _ties(product))


def _ties(product: Product) -> bool:
    """They can unless rows of ±1 over ±1 differ in an odd number of weights."""
    if product.levels.count > 2 or (np.abs(product.integers()) != 1).any():
        return True
    parities = (product.integers() > 0).sum(axis=1) % 2
    return len(np.unique(parities)) < len(parities)


def margin_of(product: Product, rounding: Rounded, found: Thresholds, reached: Reached) -> Margin:
    """Bisects every decision between its two neighbouring accumulators; one beyond the ends stands for unreachable."""
    at = (found.at[:, None] if found.at.ndim == 1 else found.at).T.astype(np.float64)  # (levels − 1, rows)
    wanted = np.arange(1, len(at) + 1)[:, None]
    low, high = at - 1, at.copy()
    nearest = [np.where((edge >= 0) & (edge <= product.spans()), edge, np.inf) for edge in (low, high)]
    for _ in range(21):
        middle = (low + high) / 2
        on = reached(np.where(found.falling, product.spans() - middle, middle)) >= wanted
        low, high = np.where(on, low, middle), np.where(on, middle, high)
    distance = np.minimum(np.abs(low - nearest[0]), np.abs(nearest[1] - high))
    return Margin(float(distance.min()) * rounding.apart, rounding.error)


def _odd_part(value: float) -> int:
    """The odd integer m of value = m · 2^e."""
    numerator = int(math.frexp(value)[0] * 2**53)
    return numerator // (numerator & -numerator)
