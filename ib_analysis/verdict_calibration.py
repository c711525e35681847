"""Do verdicts keep their promise where codes are wide? `python -m bitneck.ib_analysis.verdict_calibration`

Counts of 1,000 to 60,000 samples of codes of 20 to 1,024 bits whose entropy is known in closed form, a population's.
Half of them are such as coverage takes for reliable: a few common codes, and with a small share any of 2^width.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bracket_calibration import SAMPLE_SIZES
from .calibration import distribution, entropy_bits
from .codes import Codes
from .diagnostics import Verdict
from .information import Estimate, i_xt
from .symbols import Symbols, symbols

WIDTHS, MANY = (20, 1024), 2000
_ORDER = list(Verdict)
_SPARSE_SAMPLES = 10_000  # of codes that are drawn bit by bit

Drawn = tuple[NDArray[np.int64], float]
"""(k,) counts, and the entropy in bits of the distribution that they are from."""


@dataclass(frozen=True)
class Trial:
    family: str
    width: int
    truth_bits: float
    estimate: Estimate

    @property
    def error_bits(self) -> float:
        return abs(self.estimate.bits - self.truth_bits)


def reliable_tail(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """As few common codes as 1 and as many as 64, and a share of .0001 to .1 that is uniform over 2^width."""
    common, rare = int(2 ** rng.integers(0, 7)), float(10 ** rng.uniform(-4, -1))
    is_rare = int(rng.binomial(samples, rare))
    seen = rng.multinomial(samples - is_rare, np.full(common, 1 / common))
    drawn = rng.integers(0, 2 ** min(width, 62), is_rare)  # of more codes than that no two are drawn either
    counts = np.unique(drawn[drawn >= common], return_counts=True)[1]
    seen = seen + np.bincount(drawn[drawn < common], minlength=common)
    each, other = (1 - rare) / common + rare * 2.0**-width, rare * 2.0**-width
    others = rare - common * other
    truth = -common * each * math.log2(each) - others * (math.log2(rare) - width)
    return np.concatenate([seen[seen > 0], counts]), truth


def narrow_layer(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """A distribution of `calibration`, of 4 to 16 bits, whose codes are as wide as told."""
    p = distribution(rng, int(rng.integers(4, 17)))
    counts = rng.multinomial(samples, p)
    return counts[counts > 0], entropy_bits(p)


def power_law(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    p = np.arange(1.0, 2 ** rng.integers(8, 21) + 1) ** -float(rng.uniform(1, 3))
    p = (p / p.sum()).astype(np.float64)
    counts = rng.multinomial(samples, p)
    return counts[counts > 0], entropy_bits(p)


def rarely_on(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """Independent bits, of which one in a sample is on, or a few, or hardly ever one."""
    on = rng.dirichlet(np.full(width, float(rng.choice([0.05, 0.3, 2.0])))) * 10 ** rng.uniform(-2, 0.5)
    on = np.minimum(on, 0.5)
    bits = rng.random((min(samples, _SPARSE_SAMPLES), width), dtype=np.float32) < on
    some = on[on > 0]
    truth = -float(some @ np.log2(some) + (1 - some) @ np.log1p(-some) / math.log(2))
    return symbols(Codes.pack(bits)).counts, truth


FAMILIES: dict[str, Callable[[np.random.Generator, int, int], Drawn]] = {
    "reliable tail": reliable_tail,
    "narrow layer": narrow_layer,
    "power law": power_law,
    "bits rarely on": rarely_on,
}


def trials(rng: np.random.Generator, many: int) -> Iterator[Trial]:
    """Every other one of the reliable tail, the others in turn."""
    others = list(FAMILIES)[1:]
    for number in range(many):
        family = others[number // 2 % len(others)] if number % 2 else "reliable tail"
        width = round(2 ** rng.uniform(math.log2(WIDTHS[0]), math.log2(WIDTHS[1])))
        counts, truth = FAMILIES[family](rng, int(rng.choice(SAMPLE_SIZES)), width)
        none = np.empty(0, np.int64)
        yield Trial(family, width, truth, i_xt(Symbols(counts, none, none.astype(np.int32)), width, "population"))


def table(done: Iterable[Trial]) -> str:
    """By family and verdict: how far the number is off, and how often its interval holds the truth."""
    done = list(done)
    lines = ["| family | verdict | numbers | median error | 95 in 100 | largest | intervals | truth inside |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for family in [*FAMILIES, "all"]:
        own = [t for t in done if family in (t.family, "all")]
        for verdict in dict.fromkeys(sorted((t.estimate.verdict for t in own), key=_ORDER.index)):
            some = [t for t in own if t.estimate.verdict is verdict]
            if some[0].estimate.verdict.refused:
                lines.append(f"| {family} | {verdict} | {len(some)} | refused | | | | |")
                continue
            errors = np.array([t.error_bits for t in some])
            ends = [(t.estimate.low, t.truth_bits, t.estimate.high) for t in some]
            kept = [low <= truth <= high for low, truth, high in ends if low is not None and high is not None]
            off = f"{np.median(errors):.3f} | {np.quantile(errors, 0.95):.3f} | {errors.max():.3f}"
            lines.append(f"| {family} | {verdict} | {len(some)} | {off} | {len(kept)} | {sum(kept)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="errors and intervals of wide codes of known entropy, by verdict")
    parser.add_argument("--many", type=int, default=MANY, help=f"distributions, {MANY} unless told")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(table(trials(np.random.default_rng(chosen.seed), chosen.many)))


if __name__ == "__main__":
    main()
