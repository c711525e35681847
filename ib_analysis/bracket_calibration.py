"""How often the truth lies in a bracket: `python -m bitneck.ib_analysis.bracket_calibration`, `--many` for more.

Codes of 16 to 256 bits, 1,000 to 60,000 samples, from seven families whose entropy is known in closed form. Most of
them cannot be counted at such sizes, and some of them no model of ours fits: that is what the ends have to stand.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .brackets import Bracket, entropy_bracket
from .calibration import distribution, entropy_bits
from .codes import Codes

SAMPLE_SIZES, SHARES = (1000, 4000, 10_000, 60_000), (0.4, 0.36, 0.18, 0.06)
"""Large samples cost most and fit best, so they are fewer."""
WIDTHS = (16, 256)
MANY = 210

Drawn = tuple[NDArray[np.bool_], float]
"""(n, width) codes, and the entropy in bits of the distribution that they are from."""


@dataclass(frozen=True)
class Trial:
    family: str
    width: int
    truth_bits: float
    bracket: Bracket

    @property
    def inside(self) -> bool:
        return self.bracket.low_bits <= self.truth_bits <= self.bracket.high_bits


def biased_bits(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    low, high = rng.choice([(0.3, 0.3), (0.1, 2.0), (2.0, 2.0)])
    on = rng.beta(float(low), float(high), width)
    return rng.random((samples, width)) < on, float(_h(on).sum())


def power_law(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    p = np.arange(1, 2 ** rng.integers(8, 17) + 1) ** -rng.uniform(0.5, 2)
    return _at_random_places(rng, p / p.sum(), samples, width)


def of_narrow_layers(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """The distributions of `calibration`, spread over more bits."""
    return _at_random_places(rng, distribution(rng, int(rng.integers(6, 17))), samples, width)


def prototypes(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """Up to 16 classes, each with biases of its own, and 4 bits that name it."""
    weights = rng.dirichlet(np.ones(rng.integers(2, 17)))
    on = rng.beta(0.2, 0.2, (len(weights), width - 4))
    drawn = rng.choice(len(weights), samples, p=weights)
    bits = np.hstack([(drawn[:, None] >> np.arange(4)) & 1 == 1, rng.random((samples, width - 4)) < on[drawn]])
    return bits[:, rng.permutation(width)], entropy_bits(weights) + float(weights @ _h(on).sum(axis=1))


def markov_chain(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    order, stays = rng.permutation(width), rng.beta(2.0, 0.5, (width, 2))
    bits, one, truth = np.empty((samples, width), bool), 0.5, 1.0
    bits[:, 0] = rng.random(samples) < 0.5
    for bit in range(1, width):
        of_zero, of_one = stays[bit]
        bits[:, bit] = (rng.random(samples) < np.where(bits[:, bit - 1], of_one, of_zero)) == bits[:, bit - 1]
        truth += float((1 - one) * _h(of_zero) + one * _h(of_one))
        one = one * of_one + (1 - one) * (1 - of_zero)
    return bits[:, order], truth


def parities(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """A few free bits; all others are exclusive ors of some of them."""
    free = int(rng.integers(4, max(6, width // 4)))
    on = rng.uniform(0.1, 0.9, free)
    bits = rng.random((samples, free)) < on
    taken = rng.random((free, width - free)) < min(0.5, 3 / free)
    others = (bits.astype(np.float32) @ taken.astype(np.float32)) % 2 == 1
    return np.hstack([bits, others])[:, rng.permutation(width)], float(_h(on).sum())


def rare_and_uniform(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """A few common codes, and with a share of .0005 to .1 any of 2^width: coverage near 1, and many bits unseen."""
    common, rare = int(2 ** rng.integers(1, 7)), float(10 ** rng.uniform(-3.3, -1))
    places = rng.random((common, width)) < 0.5
    places[:, :6] = (np.arange(common)[:, None] >> np.arange(6)) & 1 == 1
    is_rare = rng.random(samples) < rare
    drawn = rng.random((samples, width)) < 0.5
    drawn[~is_rare] = places[rng.integers(0, common, int((~is_rare).sum()))]
    each, other = (1 - rare) / common + rare * 2.0**-width, rare * 2.0**-width
    others = rare - common * other
    return drawn, -common * each * math.log2(each) - others * (math.log2(rare) - width)


FAMILIES: dict[str, Callable[[np.random.Generator, int, int], Drawn]] = {
    "independent bits": biased_bits,
    "power law": power_law,
    "narrow layers": of_narrow_layers,
    "prototypes": prototypes,
    "Markov chain": markov_chain,
    "parities": parities,
    "rare and uniform": rare_and_uniform,
}


def trials(rng: np.random.Generator, many: int) -> Iterator[Trial]:
    """The families in turn."""
    for number in range(many):
        family = list(FAMILIES)[number % len(FAMILIES)]
        width = round(2 ** rng.uniform(math.log2(WIDTHS[0]), math.log2(WIDTHS[1])))
        bits, truth = FAMILIES[family](rng, int(rng.choice(SAMPLE_SIZES, p=SHARES)), width)
        yield Trial(family, width, truth, entropy_bracket(Codes.pack(bits), np.random.default_rng(number)))


def table(done: Iterable[Trial]) -> str:
    done = list(done)
    lines = ["| family | brackets | truth inside | low by counts | high by code length | median span in bits |"]
    lines.append("|---|---|---|---|---|---|")
    for family in [*FAMILIES, "all"]:
        own = [trial for trial in done if family in (trial.family, "all")]
        if own:
            spans = [t.bracket.high_bits - t.bracket.low_bits for t in own]
            inside = sum(t.inside for t in own)
            counts = sum(t.bracket.low_method == "counts" for t in own)
            lengths = sum(t.bracket.high_method == "code length" for t in own)
            lines.append(f"| {family} | {len(own)} | {inside} | {counts} | {lengths} | {np.median(spans):.2f} |")
    return "\n".join(lines)


def main() -> None:
    printed("how often the known entropy of wide codes lies in its bracket", MANY, trials, table)


def printed(
    of: str,
    many: int,
    trials: Callable[[np.random.Generator, int], Iterator[Trial]],
    table: Callable[[Iterable[Trial]], str],
) -> None:
    """The table of as many trials as the command line asks for, and a line for each truth that lies outside."""
    parser = argparse.ArgumentParser(description=of)
    parser.add_argument("--many", type=int, default=many, help=f"distributions, {many} unless told")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    done = list(trials(np.random.default_rng(chosen.seed), chosen.many))
    print(table(done))
    for t in done:
        if not t.inside:
            print(f"outside: {t.family}, {t.width} bits, truth {t.truth_bits:.3f}, {t.bracket!r}")


def _at_random_places(rng: np.random.Generator, p: NDArray[np.float64], samples: int, width: int) -> Drawn:
    """Each of up to 2^16 symbols at a code of its own: its number in 16 bits, and bits by lot."""
    drawn = rng.choice(len(p), samples, p=p)
    places = rng.random((len(p), width)) < 0.5
    places[:, :16] = (np.arange(len(p))[:, None] >> np.arange(16)) & 1 == 1
    return places[drawn][:, rng.permutation(width)], entropy_bits(p)


def _h(on: NDArray[np.float64] | float) -> NDArray[np.float64]:
    on = np.clip(on, 1e-300, 1 - 1e-16)
    return -on * np.log2(on) - (1 - on) * np.log2(1 - on)


if __name__ == "__main__":
    main()
