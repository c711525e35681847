"""How often I(T;Y) lies in its bracket: `python -m bitneck.ib_analysis.label_bracket_calibration`, `--many` for more.

Codes of 16 to 256 bits with labels whose I(T;Y) is known in closed form, or by enumeration of the few bits that the
label depends on. The other bits are noise in which a probe may get lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .bracket_calibration import SAMPLE_SIZES, SHARES, WIDTHS, Trial, printed
from .brackets import label_bracket
from .calibration import entropy_bits
from .codes import Codes
from .symbols import label_symbols

MANY = 100

Drawn = tuple[NDArray[np.bool_], NDArray[np.int64], float]
"""(n, width) codes, (n,) labels, and I(T;Y) in bits of the distribution that they are from."""


def parity(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """Of one to three fair bits, flipped now and then: of two and more a linear probe sees nothing."""
    bits = rng.random((samples, width)) < 0.5
    flipped = float(rng.uniform(0, 0.4))
    label = bits[:, : rng.integers(1, 4)].sum(axis=1) % 2 ^ (rng.random(samples) < flipped)
    return _shuffled(rng, bits), label, 1 - entropy_bits(np.array([flipped, 1 - flipped]))


def ones_counted(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """Among two to nine fair bits: a function of the code, and labels of which some are rare."""
    bits, counted = rng.random((samples, width)) < 0.5, int(rng.integers(2, 10))
    share = np.array([math.comb(counted, ones) for ones in range(counted + 1)]) / 2.0**counted
    return _shuffled(rng, bits), bits[:, :counted].sum(axis=1), entropy_bits(share)


def classes(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """Two to ten, unequally likely; up to ten bits, independent given the class, are on as often as it wants."""
    share = rng.dirichlet(np.full(int(rng.integers(2, 11)), 2.0))
    on = rng.beta(0.5, 0.5, (len(share), int(rng.integers(3, 11))))
    label = rng.choice(len(share), samples, p=share)
    bits = rng.random((samples, width)) < rng.random(width)
    bits[:, : on.shape[1]] = rng.random((samples, on.shape[1])) < on[label]
    every = (np.arange(2 ** on.shape[1])[:, None] >> np.arange(on.shape[1])) & 1 == 1
    given = np.where(every, on[:, None], 1 - on[:, None]).prod(axis=2)
    return _shuffled(rng, bits), label, entropy_bits(share @ given) - float(share @ [entropy_bits(p) for p in given])


def named(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    """Up to 64 labels of a power law that six bits name, and with some share any other label instead."""
    share = np.arange(1.0, rng.integers(2, 65) + 1) ** -float(rng.uniform(0, 2))
    share, lost = share / share.sum(), float(rng.choice([0.0, rng.uniform(0, 0.5)]))
    number = rng.choice(len(share), samples, p=share)
    label = np.where(rng.random(samples) < lost, rng.choice(len(share), samples, p=share), number)
    bits = rng.random((samples, width)) < 0.5
    bits[:, :6] = (number[:, None] >> np.arange(6)) & 1 == 1
    given = lost * share + (1 - lost) * np.eye(len(share))
    return _shuffled(rng, bits), label, entropy_bits(share) - float(share @ [entropy_bits(p) for p in given])


def unrelated(rng: np.random.Generator, samples: int, width: int) -> Drawn:
    bits = rng.random((samples, width)) < rng.random(width)
    return bits, rng.integers(0, rng.integers(2, 11), samples), 0.0


FAMILIES: dict[str, Callable[[np.random.Generator, int, int], Drawn]] = {
    "parity": parity,
    "ones counted": ones_counted,
    "classes": classes,
    "named": named,
    "unrelated": unrelated,
}


def trials(rng: np.random.Generator, many: int) -> Iterator[Trial]:
    """The families in turn."""
    for number in range(many):
        family = list(FAMILIES)[number % len(FAMILIES)]
        width = round(2 ** rng.uniform(math.log2(WIDTHS[0]), math.log2(WIDTHS[1])))
        samples = int(rng.choice(SAMPLE_SIZES, p=SHARES))
        bits, labels, truth = FAMILIES[family](rng, samples, width)
        bracket = label_bracket(Codes.pack(bits), label_symbols(labels), np.random.default_rng(number))
        yield Trial(family, width, truth, bracket)


def table(done: Iterable[Trial]) -> str:
    done = list(done)
    lines = ["| family | brackets | truth inside | low above 0 | median span in bits |", "|---|---|---|---|---|"]
    for family in [*FAMILIES, "all"]:
        own = [t for t in done if family in (t.family, "all")]
        if own:
            spans = [t.bracket.high_bits - t.bracket.low_bits for t in own]
            inside, said = sum(t.inside for t in own), sum(t.bracket.low_bits > 0 for t in own)
            lines.append(f"| {family} | {len(own)} | {inside} | {said} | {np.median(spans):.2f} |")
    return "\n".join(lines)


def main() -> None:
    printed("how often the known I(T;Y) of wide codes lies in its bracket", MANY, trials, table)


def _shuffled(rng: np.random.Generator, bits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return bits[:, rng.permutation(bits.shape[1])]


if __name__ == "__main__":
    main()
