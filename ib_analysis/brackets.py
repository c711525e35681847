"""Where a number of the population cannot be had by counting: two ends that it lies between.

I(X;T) = H(T), below: the least entropy of any distribution that would show such counts (`counted_ends`), or the entropy
of order 2 (`coincidences`). Above: the most entropy that the counts allow, or what held-out samples cost in bits under
a model of codes (`mixture` of independent bits, a tree, an autoregressive net, and a memory of codes seen).
I(T;Y), below: what a probe predicts of held-out labels (`probe`). Above: H(Y).

Each end already lies Z standard errors on the safe side, and an end of held-out samples further by what they may lack:
UNSEEN samples, each as dear as the model makes any, since something rarer than one in as many may be missing with a
probability of exp(−UNSEEN). `bracket_calibration` counts how often the truth lies between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat
from threadpoolctl import threadpool_limits

from .autoregressive import fitted
from .code_models import independent, tree
from .codes import Codes
from .coincidences import coincidences
from .counted_ends import counted_ends
from .mixture import mixed
from .probe import probe_bound
from .symbols import Symbols, of_ids, same_samples, symbols

Z = 3.0
UNSEEN = 5.3
FEWEST_SAMPLES = 64  # a quarter of fewer judges nothing
MOST_CLASSES = 16  # the net's answer costs as many passes
WIDEST = 2048  # bits; the tree, the net and the probe of wider codes would cost minutes
PROBE_NEURONS, MOST_PROBED = 64, 12_000_000  # and the bits that a probe reads at most: of wide codes fewer samples
JUDGING, CHOOSING = 0.25, 0.1  # shares of the samples


@dataclass(frozen=True)
class Bracket:
    """A number of the population lies between low_bits and high_bits.

    low_bits, high_bits   the ends, each already on the safe side
    *_method              how each was had
    samples, held_out     N, and those of them that the upper (of I(T;Y): the lower) end was judged by; 0 where none
    *_standard_error      in bits; 0 where the method has its own allowance
    """

    low_bits: Annotated[FiniteFloat, Field(ge=0)]
    high_bits: Annotated[FiniteFloat, Field(ge=0)]
    low_method: str
    high_method: str
    samples: Annotated[int, Field(ge=1)]
    held_out: Annotated[int, Field(ge=0)]
    low_standard_error: Annotated[FiniteFloat, Field(ge=0)]
    high_standard_error: Annotated[FiniteFloat, Field(ge=0)]
    target: Literal["population"] = "population"

    def __str__(self) -> str:
        """`19.9 … 29.6`"""
        return f"{self.low_bits:.1f} … {self.high_bits:.1f}"


@dataclass(frozen=True)
class _End:
    bits: float
    method: str
    standard_error: float = 0.0
    held_out: int = 0


@threadpool_limits.wrap(limits=1)  # sums over two threads round otherwise
def entropy_bracket(codes: Codes, rng: np.random.Generator, y: Symbols | None = None) -> Bracket:
    """Of H(T) = I(X;T) of the population that the codes are independent samples of.

    rng   deals the samples: a quarter judges, a tenth chooses, the others teach
    y     labels of the same samples, of which the net becomes a mixture: tighter, and nothing else

    Costs about 10 s of a core for 60,000 codes of 64 bits, most of it the net.
    """
    if y is not None:
        same_samples(len(codes), y.samples)
    counts = symbols(codes).counts
    counted = counted_ends(counts, codes.width, Z)
    lows, highs = [_End(0.0, "none")], [_End(float(codes.width), "width")]
    if counted is not None:
        lows.append(_End(counted[0], "counts"))
        highs.append(_End(counted[1], "counts"))
    if (order_2 := coincidences(counts)) is not None:
        error = order_2.standard_error_bits
        lows.append(_End(order_2.bits - Z * error, "coincidences", error))
    if len(codes) >= FEWEST_SAMPLES and codes.width <= WIDEST:
        highs.append(_code_length(codes, rng, y))
    low, high = max(lows, key=lambda end: end.bits), min(highs, key=lambda end: end.bits)
    return _bracket(low, high, len(codes))


def label_bracket(codes: Codes, y: Symbols, rng: np.random.Generator) -> Bracket:
    """Of I(T;Y) of the population: below by a probe, linear or of one hidden layer, above by H(Y)."""
    same_samples(len(codes), y.samples)
    share = y.counts / y.samples
    surprise = -np.log2(share)
    h_y = float(share @ surprise)
    error = math.sqrt(max(0.0, float(share @ surprise**2) - h_y**2) / y.samples)
    bias = (len(y) - 1) / (2 * y.samples * math.log(2))
    high = _End(min(h_y + bias + Z * error, math.log2(len(y))), "H(Y)", error)
    low = _End(0.0, "none")
    if len(codes) >= FEWEST_SAMPLES and codes.width <= WIDEST:
        some = np.sort(rng.permutation(len(codes))[: MOST_PROBED // codes.width])
        found = probe_bound(codes[some], of_ids(y.ids[some]), rng, hidden=PROBE_NEURONS)
        error = found.standard_error_bits
        dearest = math.log2(len(y) * (found.trained + 1))
        least = found.bits - Z * error - UNSEEN / found.held_out * dearest
        low = _End(max(0.0, least), "probe", error, found.held_out)
    return _bracket(low, high, len(codes))


def _code_length(codes: Codes, rng: np.random.Generator, y: Symbols | None) -> _End:
    order = rng.permutation(len(codes))
    judges, choosers = round(JUDGING * len(codes)), round(CHOOSING * len(codes))
    judge, choose, teach = np.split(order, [judges, judges + choosers])
    bits, others = codes[teach].bits(), codes[choose].bits()
    of_class: tuple[NDArray[np.int32] | None, int] = (None, 0)
    if y is not None and 1 < len(y) <= MOST_CLASSES:
        of_class = y.ids[teach], len(y)
    models = (independent(bits), tree(bits), fitted(bits, others, rng, *of_class))
    model = mixed(models, codes[teach], codes[choose])
    length = -model.log2_q(codes[judge])
    error = float(length.std(ddof=1)) / math.sqrt(judges)
    lacking = UNSEEN / judges * -model.least_log2_q(codes.width)
    return _End(float(length.mean()) + Z * error + lacking, "code length", error, judges)


def _bracket(low: _End, high: _End, samples: int) -> Bracket:
    return Bracket(
        max(0.0, min(low.bits, high.bits)),
        high.bits,
        low.method,
        high.method,
        samples,
        max(low.held_out, high.held_out),
        low.standard_error,
        high.standard_error,
    )
