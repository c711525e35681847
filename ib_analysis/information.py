"""I(X;T) and I(T;Y) in bits, each with its target, sample count, interval and verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from .diagnostics import INTERVAL_COVERAGE, Target, Verdict, coverage, repeated, saturated, unseen_bits, verdict
from .entropy import CountsError, Estimator, chao_wang_jost, plug_in
from .nsb import nsb, nsb_information
from .symbols import Symbols, pairs

ESTIMATORS: dict[Target, Estimator] = {"dataset": plug_in, "enumerated": plug_in, "population": chao_wang_jost}
NSB_POSSIBLE = 2**256
"""For wider layers NSB is told this: at a coverage of .9 it no longer tells a larger alphabet from an endless one."""


@dataclass(frozen=True)
class Estimate:
    """A number of bits and what it is worth.

    low, high    95 % interval, its upper end further by what unseen codes may weigh; equal to `bits` where exact, None
                 where no interval would cover what it promises
    estimator    the entropy estimator's name
    samples      N
    symbols      distinct symbols seen: codes for I(X;T), pairs of code and label for I(T;Y)
    coverage     Good-Turing, of those symbols
    saturated    H(T) is within .1 bit of H(X) of the samples, log2 N where all differ, and X is not enumerated:
                 whatever the verdict says of the number, a picture of it shows the sample size and not the network
    nsb_gap_bits what NSB says less `bits`, where the verdict is CORRECTED: a second opinion on the correction. None
                 elsewhere, and in files written before there was one
    """

    bits: FiniteFloat
    low: FiniteFloat | None
    high: FiniteFloat | None
    estimator: str
    target: Target
    samples: Annotated[int, Field(ge=1)]
    verdict: Verdict
    symbols: Annotated[int, Field(ge=1)]
    coverage: Annotated[float, Field(ge=0, le=1)]
    saturated: bool
    nsb_gap_bits: FiniteFloat | None = None

    @property
    def solid(self) -> bool:
        """To be drawn as a plain number: neither WEAK, nor refused, nor saturated."""
        return not (self.saturated or self.verdict.refused or self.verdict is Verdict.WEAK)

    @property
    def standing(self) -> str:
        """The verdict, with the second fact that a saturated but exact number needs."""
        return f"{self.verdict} (saturated)" if self.saturated and not self.verdict.refused else str(self.verdict)

    def __str__(self) -> str:
        """`4.283`, `4.283 [4.251, 4.315]`, `4.283 (NSB +0.021)`, or `refused`: that is never printed as a number."""
        if self.verdict.refused:
            return "refused"
        text = f"{self.bits:.3f}"
        if self.low is not None and self.high is not None and self.low != self.high:
            text += f" [{self.low:.3f}, {self.high:.3f}]"
        return text if self.nsb_gap_bits is None else f"{text} (NSB {self.nsb_gap_bits:+.3f})"


def mutual_information(
    x_counts: NDArray[np.int64],
    y_counts: NDArray[np.int64],
    pair_counts: NDArray[np.int64],
    estimator: Estimator = plug_in,
) -> float:
    """I(X;Y) as H(X) + H(Y) - H(X,Y), one entropy estimator for all three.

    An estimator's error may carry it below 0 or above H(Y); it is not cut off there.
    """
    return estimator(x_counts) + estimator(y_counts) - estimator(pair_counts)


def estimator_for(target: Target) -> Estimator:
    if target not in ESTIMATORS:
        raise CountsError(f"target {target!r}; choose one of {', '.join(ESTIMATORS)}")
    return ESTIMATORS[target]


def i_xt(t: Symbols, width: int, target: Target, h_x_bits: float | None = None) -> Estimate:
    """I(X;T) = H(T): the network is deterministic, so X leaves nothing open about T.

    width      bits of a code
    h_x_bits   H(X) of the samples, for `diagnostics.saturated`; log2 N unless told

    dataset and enumerated: plug-in, exact. population: Chao-Wang-Jost; samples that were all repeated count once.
    """
    counts = _once(t.counts, target)
    samples = int(counts.sum())
    bits = estimator_for(target)(counts)
    most_bits = width - math.log2(len(counts))
    estimate = _estimate(bits, lambda: np.log2(samples / counts), counts, counts, 2**width, target, most_bits, h_x_bits)
    if estimate.verdict is not Verdict.CORRECTED:
        return estimate
    return replace(estimate, nsb_gap_bits=nsb(counts, min(2**width, NSB_POSSIBLE)) - bits)


def i_ty(t: Symbols, y: Symbols, width: int, target: Target, h_x_bits: float | None = None) -> Estimate:
    """I(T;Y) of codes of `width` bits and labels, over the same samples; the rest as in `i_xt`."""
    both = pairs(t, y)
    counts = _once(both.counts, target)
    times = both.samples // int(counts.sum())
    t_counts, y_counts = t.counts // times, y.counts // times
    bits = mutual_information(t_counts, y_counts, counts, estimator_for(target))

    def surprise() -> NDArray[np.float64]:
        of_t, of_y = t.counts[t.ids[both.firsts]], y.counts[y.ids[both.firsts]]
        return np.log2(both.counts * t.samples / (of_t * of_y))

    possible, most_bits = 2**width * len(y), math.log2(len(y))
    estimate = _estimate(bits, surprise, counts, t_counts, possible, target, most_bits, h_x_bits)
    if estimate.verdict is not Verdict.CORRECTED:
        return estimate
    second = nsb_information(t_counts, y_counts, counts, min(2**width, NSB_POSSIBLE))
    return replace(estimate, nsb_gap_bits=second - bits)


def _once(counts: NDArray[np.int64], target: Target) -> NDArray[np.int64]:
    return counts // repeated(counts) if target == "population" else counts


def _estimate(
    bits: float,
    surprise: Callable[[], NDArray[np.float64]],
    counts: NDArray[np.int64],
    t_counts: NDArray[np.int64],
    possible: int,
    target: Target,
    most_bits: float,
    h_x_bits: float | None,
) -> Estimate:
    """`surprise` is the quantity in bits, symbol by symbol, whose mean is estimated; its spread makes the interval.

    most_bits   as in `unseen_bits`
    """
    samples, covered = int(counts.sum()), coverage(counts)
    low: float | None = bits
    high: float | None = bits
    unseen = unseen_bits(counts, most_bits) if target == "population" else 0.0
    worth = verdict(counts, t_counts, possible, target, unseen, h_x_bits)
    if target == "population":
        low = high = None
        if not worth.refused and covered >= INTERVAL_COVERAGE:
            weights = counts / samples
            each = surprise()
            variance = float(weights @ each**2 - (weights @ each) ** 2)
            half = 1.96 * np.sqrt(max(variance, 0.0) / samples)
            low, high = float(bits - half), float(bits + half + unseen)
    return Estimate(
        bits,
        low,
        high,
        ESTIMATORS[target].__name__,
        target,
        samples,
        worth,
        len(counts),
        covered,
        target != "enumerated" and saturated(t_counts, h_x_bits),
    )
