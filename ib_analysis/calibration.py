"""How wrong each estimator is, by coverage: `python -m bitneck.ib_analysis.calibration`, `--full` for the whole grid.

Samples of distributions of known entropy; for each the Good-Turing coverage that a user would see, and each estimator's
|error|. The 95th percentiles by coverage are where the cut-offs of `diagnostics` come from.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .diagnostics import coverage
from .entropy import chao_wang_jost, grassberger, miller_madow, plug_in
from .nsb import nsb

ESTIMATORS = ("plug-in", "Miller-Madow", "Grassberger", "Chao-Wang-Jost", "NSB")
BANDS = (1.0, 0.999, 0.99, 0.98, 0.95, 0.9, 0.8, 0.65, 0.4, 0.0)
SAMPLE_SIZES = (1000, 4096, 10_000, 60_000)
QUICK, FULL = 500, 5000
"""Distributions. Each is sampled once at every sample size."""


@dataclass(frozen=True)
class Trial:
    """One sample of one distribution.

    errors_bits   estimate minus the true entropy, in the order of ESTIMATORS
    """

    width: int
    samples: int
    coverage: float
    errors_bits: tuple[float, ...]


def distribution(rng: np.random.Generator, width: int) -> NDArray[np.float64]:
    """(2^width,) probabilities of codes, as layers have them in one way or another.

    Independent bits of unequal bias; Dirichlet, from a few codes to nearly uniform; a power law; a few prototypes with
    each bit flipped now and then, as classes make them.
    """
    size = 2**width
    match rng.integers(4):
        case 0:
            p = np.ones(1)
            for on in rng.uniform(0.02, 0.98, width) if rng.random() < 0.7 else np.full(width, 0.5):
                p = np.concatenate((p * (1 - on), p * on))
        case 1:
            p = rng.gamma(rng.choice([0.01, 0.05, 0.3, 1.0, 5.0]), size=size) + 1e-300
        case 2:
            p = np.arange(1, size + 1) ** -rng.uniform(0.5, 2)
        case _:
            flipped, codes, p = rng.uniform(0.01, 0.2), np.arange(size), np.zeros(size)
            for prototype in rng.integers(0, size, 10):
                away = np.bitwise_count(codes ^ prototype).astype(np.float64)
                p += rng.random() * flipped**away * (1 - flipped) ** (width - away)
    return p / p.sum()


def entropy_bits(p: NDArray[np.float64]) -> float:
    """Of known probabilities."""
    seen = p[p > 0]
    return -float(seen @ np.log2(seen))


def trials(rng: np.random.Generator, distributions: int, widths: tuple[int, int] = (4, 18)) -> Iterator[Trial]:
    """`distributions` of 2^width codes, widths drawn from the range, both ends included, at each of SAMPLE_SIZES."""
    for _ in range(distributions):
        width = int(rng.integers(widths[0], widths[1] + 1))
        p = distribution(rng, width)
        truth = entropy_bits(p)
        for samples in SAMPLE_SIZES:
            counts = rng.multinomial(samples, p)
            estimates = (
                plug_in(counts),
                miller_madow(counts),
                grassberger(counts),
                chao_wang_jost(counts),
                nsb(counts, len(p)),
            )
            yield Trial(width, samples, coverage(counts), tuple(estimate - truth for estimate in estimates))


def percentiles(done: Iterable[Trial], at: float = 0.95) -> list[tuple[float, float, int, tuple[float, ...]]]:
    """(lowest coverage, highest, trials, the percentile of |error| in bits of each estimator), best coverage first."""
    done = list(done)
    rows = []
    for high, low in pairwise(BANDS):
        errors = [t.errors_bits for t in done if low <= t.coverage < high or (t.coverage == high == 1)]
        if errors:
            values = np.quantile(np.abs(errors), at, axis=0)
            rows.append((low, high, len(errors), tuple(float(value) for value in values)))
    return rows


def table(rows: Iterable[tuple[float, float, int, tuple[float, ...]]]) -> str:
    lines = ["coverage       trials  " + "  ".join(name.rjust(14) for name in ESTIMATORS)]
    for low, high, many, values in rows:
        lines.append(f"{low:.3f} - {high:.3f} {many:6}  " + "  ".join(f"{value:14.3f}" for value in values))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="95th percentile of |error| in bits by Good-Turing coverage")
    parser.add_argument("--full", action="store_true", help=f"{FULL} distributions instead of {QUICK}")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    many = FULL if chosen.full else QUICK
    sizes = ", ".join(f"{samples:,}" for samples in SAMPLE_SIZES)
    print(
        f"95th percentile of |error| in bits: {many} distributions, 4 to 18 bits, {sizes} samples, seed {chosen.seed}\n"
    )
    print(table(percentiles(trials(np.random.default_rng(chosen.seed), many))))


if __name__ == "__main__":
    main()
