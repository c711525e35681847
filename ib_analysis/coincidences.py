"""The entropy of order 2, from how often two samples share a code: never above H, and to be had from few samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .entropy import fingerprint

FEWEST_PAIRS = 100


@dataclass(frozen=True)
class Coincidences:
    """bits   −log2 of the share of pairs that share a code: H2(T), at most H(T)"""

    bits: float
    standard_error_bits: float
    pairs: int


def coincidences(counts: NDArray[np.int64]) -> Coincidences | None:
    """H2 = −log2 P(two samples share a code) <= H, equal for uniform codes; None below FEWEST_PAIRS that do.

    The share of pairs is without bias, U = Σ n (n − 1) / (N (N − 1)); its variance is about 4 (Σ p³ − U²) / N +
    2 U / N², and with 100 pairs and more the logarithm bends little over one standard error. Usable up to about
    2 log2 N − 7.6 bits, where counting ends below log2 N.
    Source: Ma 1981, "Calculation of entropy from data of motion"; the variance is Hoeffding's, 1948.
    """
    found = fingerprint(counts)
    times, symbols, samples = found.times, found.symbols, found.samples
    n = times.astype(np.float64)
    twice = float(symbols @ (n * (n - 1)))
    if twice < 2 * FEWEST_PAIRS:
        return None
    share = twice / samples / (samples - 1)
    cubes = float(symbols @ (n * (n - 1) * (n - 2))) / samples / (samples - 1) / (samples - 2)
    variance = 4 * max(0.0, cubes - share**2) / samples + 2 * share / samples**2
    return Coincidences(-math.log2(share), math.sqrt(variance) / share / math.log(2), round(twice / 2))
