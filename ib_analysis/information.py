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
from .entropy import Counts, CountsError, Estimator, Fingerprint, chao_wang_jost, plug_in
from .nsb import nsb, nsb_information
from .symbols import Symbols, pair_tally

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
    x_counts: Counts,
    y_counts: Counts,
    pair_counts: Counts,
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
    counts = t.fingerprint
    counts = counts.without_repeats(_times(counts, target))
    bits = estimator_for(target)(counts)
    most_bits = width - math.log2(counts.seen)
    spread = lambda: _spread(np.log2(counts.samples / counts.times), counts.times * counts.symbols)  # noqa: E731
    estimate = _estimate(bits, spread, counts, counts, 2**width, target, most_bits, h_x_bits)
    if estimate.verdict is not Verdict.CORRECTED:
        return estimate
    return replace(estimate, nsb_gap_bits=nsb(counts, min(2**width, NSB_POSSIBLE)) - bits)


def i_ty(t: Symbols, y: Symbols, width: int, target: Target, h_x_bits: float | None = None) -> Estimate:
    """I(T;Y) of codes of `width` bits and labels, over the same samples; the rest as in `i_xt`."""
    both = pair_tally(t, y)
    of_all = [each.fingerprint for each in (both, t, y)]
    times = _times(of_all[0], target)
    counts, t_counts, y_counts = (each.without_repeats(times) for each in of_all)
    bits = mutual_information(t_counts, y_counts, counts, estimator_for(target))

    def spread() -> float:
        of_t, of_y = t.counts[t.ids[both.firsts]], y.counts[y.ids[both.firsts]]
        return _spread(np.log2(both.counts * t.samples / (of_t * of_y)), both.counts)

    possible, most_bits = 2**width * len(y), math.log2(len(y))
    estimate = _estimate(bits, spread, counts, t_counts, possible, target, most_bits, h_x_bits)
    if estimate.verdict is not Verdict.CORRECTED:
        return estimate
    second = nsb_information(t_counts, y_counts, counts, min(2**width, NSB_POSSIBLE))
    return replace(estimate, nsb_gap_bits=second - bits)


def _times(counts: Fingerprint, target: Target) -> int:
    """How often each sample is there: to a population it says one thing once."""
    return repeated(counts) if target == "population" else 1


def _spread(surprise: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """The standard deviation over samples of a quantity in bits, (k,), each value of which so many samples have."""
    weights = counts / counts.sum()
    return math.sqrt(max(0.0, float(weights @ surprise**2 - (weights @ surprise) ** 2)))


def _estimate(
    bits: float,
    spread: Callable[[], float],
    counts: Fingerprint,
    t_counts: Fingerprint,
    possible: int,
    target: Target,
    most_bits: float,
    h_x_bits: float | None,
) -> Estimate:
    """`spread` in bits, of what the mean is estimated of, makes the interval; most_bits is as in `unseen_bits`."""
    samples, covered = counts.samples, coverage(counts)
    low: float | None = bits
    high: float | None = bits
    unseen = unseen_bits(counts, most_bits) if target == "population" else 0.0
    worth = verdict(counts, t_counts, possible, target, unseen, h_x_bits)
    if target == "population":
        low = high = None
        if not worth.refused and covered >= INTERVAL_COVERAGE:
            half = 1.96 * spread() / math.sqrt(samples)
            low, high = bits - half, bits + half + unseen
    return Estimate(
        bits,
        low,
        high,
        ESTIMATORS[target].__name__,
        target,
        samples,
        worth,
        counts.seen,
        covered,
        target != "enumerated" and saturated(t_counts, h_x_bits),
    )
