"""Entropy in bits from how often each symbol was seen.

Every estimator takes counts, (k,) integers >= 0 with at least one positive, and reads them only through their
fingerprint: how many symbols were seen once, twice, ... Sums over a fingerprint do not depend on the order of symbols.
Who asks several things of the same counts makes their fingerprint once and gives that in their place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma

from .compiled import compiled

MOST_SAMPLES = 2.0**53


class CountsError(ValueError):
    """Counts that no distribution has."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """`symbols[j]` symbols were seen `times[j]` times, times rising, 0 left out. What it is asked it works out once."""

    times: NDArray[np.int64]
    symbols: NDArray[np.int64]

    @cached_property
    def sums(self) -> tuple[float, int, float]:
        """Samples, distinct symbols, and plug-in entropy in bits."""
        return _sums(self.times, self.symbols)

    @property
    def samples(self) -> int:
        return int(self.sums[0])

    @property
    def seen(self) -> int:
        """Distinct symbols."""
        return self.sums[1]

    def seen_times(self, times: int) -> int:
        """How many symbols were seen exactly so often: f1, f2, ..."""
        place = self.times.searchsorted(times)
        return int(self.symbols[place]) if place < len(self.times) and self.times[place] == times else 0

    def without_repeats(self, times: int) -> Fingerprint:
        """Of samples each of which is there so often: as if it were there once."""
        return self if times == 1 else Fingerprint(self.times // times, self.symbols)


Counts: TypeAlias = ArrayLike | Fingerprint
Estimator: TypeAlias = Callable[[Counts], float]


def fingerprint(counts: Counts) -> Fingerprint:
    """Of (k,) integers; one that is made is given back. CountsError for counts that no distribution has."""
    if isinstance(counts, Fingerprint):
        return counts
    try:
        array = np.asarray(counts)
    except ValueError as error:  # ragged lists
        raise CountsError(f"counts need (k,) integers: {error}") from None
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise CountsError(f"counts need (k,) integers, got {array.shape} {array.dtype}")
    found = Fingerprint(*_fingerprint(array.astype(np.int64, copy=False)))
    if not len(found.times) or found.times[0] < 0:
        raise CountsError(f"{len(array)} counts need one above zero and none below, got {array[:8].tolist()} ...")
    if (total := found.sums[0]) >= MOST_SAMPLES:
        raise CountsError(f"counts of {total:.3g} samples; above {MOST_SAMPLES:.3g} floats no longer tell them apart")
    return found


@compiled
def extremes(values):
    """The smallest and the largest of (n,) numbers, one at least: in one pass, of vectors."""
    least = most = values[0]
    for place in range(len(values)):
        least, most = min(least, values[place]), max(most, values[place])
    return least, most


@compiled
def _fingerprint(counts):
    """Of any counts, negative ones too: by a table where they are small for so many, as then sorting takes longer."""
    least, most = extremes(counts) if len(counts) else (-1, -1)
    if 0 < least == most:
        return counts[:1].copy(), np.array([len(counts)])
    if 0 <= least <= most <= len(counts):
        found = np.zeros(most + 1, np.int64)
        for place in range(len(counts)):
            found[np.uint64(counts[place])] += 1
        times, symbols = np.empty((2, len(found)), np.int64)
        kept = 0
        for each in range(1, len(found)):
            if found[each]:
                times[kept], symbols[kept] = each, found[each]
                kept += 1
        return times[:kept].copy(), symbols[:kept].copy()
    rising = np.sort(counts[counts != 0])
    begins = np.empty(len(rising), np.int64)
    different = 0
    for place in range(len(rising)):
        if not place or rising[place] != rising[place - 1]:
            begins[different] = place
            different += 1
    begins = begins[:different]
    return rising[begins], np.append(begins[1:], len(rising)) - begins


@compiled
def _sums(times, symbols):
    samples, seen, bits = 0.0, 0, 0.0
    for j in range(len(times)):
        samples += times[j] * float(symbols[j])
        seen += symbols[j]
    for j in range(len(times)):
        bits += symbols[j] * (times[j] / samples) * np.log2(samples / times[j])
    return samples, seen, bits


def plug_in(counts: Counts) -> float:
    """The entropy of exactly these samples: sum of (n/N) log2(N/n).

    As an estimate of the distribution they came from it is too low, about (k - 1)/(2 N ln 2) bits while N >> k and
    without limit otherwise: it cannot exceed log2 N.
    """
    _, _, bits = fingerprint(counts).sums
    return bits


def miller_madow(counts: Counts) -> float:
    """Plug-in plus the first-order bias term (seen - 1)/(2 N ln 2).

    It removes the leading 1/N bias only; while most symbols are seen once it stays far too low.
    Source: Miller 1955, "Note on the bias of information estimates".
    """
    found = fingerprint(counts)
    return plug_in(found) + (found.seen - 1) / (2 * found.samples * np.log(2))


def chao_wang_jost(counts: Counts) -> float:
    """Chao, Wang and Jost 2013: what was seen, without bias, plus a guess at what was not, from the rarest symbols.

    seen    sum of (n/N) (psi(N) - psi(n))
    unseen  (f1/N) (1-A)^(1-N) [-ln A - sum over r < N of (1-A)^r / r],   A = 2 f2 / ((N-1) f1 + 2 f2)

    f1 and f2 are the symbols seen once and twice. With f2 = 0 the authors' A is 2 / ((N-1)(f1-1) + 2), and nothing is
    added when f1 = 0 or A = 1.
    Source: "Entropy and the species accumulation curve", Methods in Ecology and Evolution 4.
    """
    found = fingerprint(counts)
    times, symbols, samples = found.times, found.symbols, found.samples
    seen = float(np.sum(symbols * (times / samples) * (digamma(samples) - digamma(times))))
    once, twice = found.seen_times(1), found.seen_times(2)
    if once:
        known = 2 * twice if twice else 2
        rarity = known / ((samples - 1) * (once if twice else once - 1) + known)
        seen += once / samples * _tail(rarity, samples)
    return seen / math.log(2)


def grassberger(counts: Counts) -> float:
    """Grassberger 2003: ln N − (1/N) sum of n G(n), G(n) = psi(n) + (−1)^n/2 [psi((n+1)/2) − psi(n/2)]; in bits.

    It cancels the bias of each symbol's own term as far as one count can, and guesses nothing about symbols not seen:
    where all are distinct it says log2 N + 1.83 bits, whatever the truth.
    Source: "Entropy estimates from insufficient samplings", arXiv physics/0307138, equations 28 and 35.
    """
    found = fingerprint(counts)
    times, symbols, samples = found.times, found.symbols, found.samples
    half = times / 2
    g = digamma(times) + np.where(times % 2, -0.5, 0.5) * (digamma(half + 0.5) - digamma(half))
    return (math.log(samples) - float(symbols @ (times * g)) / samples) / math.log(2)


def _tail(rarity: float, samples: int) -> float:
    """(1-A)^(1-N) [-ln A - sum_{r<N} (1-A)^r / r], for 0 < A <= 1 and N >= 1, to about 1e-14.

    The bracket is the rest of the series of -ln A, so the whole is sum_{j>=1} (1-A)^j / (N-1+j), where nothing
    cancels and nothing overflows; that is the integral of q t^(N-1) / (1 - q t) over 0 < t < 1 with q = 1 - A. With
    t = exp(-e^v / N) the integrand is smooth on the whole line and falls off fast on both sides, so the trapezoidal
    rule converges exponentially. The range suffices for A N > 1e-18.
    """
    v = np.arange(-80.0, 5.0, 0.25)
    w = np.exp(v)
    return float(
        0.25 * (1 - rarity) / samples * np.sum(w * np.exp(-w) / (rarity - (1 - rarity) * np.expm1(-w / samples)))
    )
