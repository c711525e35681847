"""What counts alone prove: the least and the most entropy of any distribution that would show counts like these.

A distribution is a mass on each probability p: how much of a sample comes from symbols that are as likely as that. What
it would show, the expected number of symbols seen once, twice, ..., is linear in these masses, and so is its entropy.
So both ends are linear programmes: the least and the most entropy under which no number of symbols seen i times strays
further from what is expected than z standard errors. Nothing is assumed of the rest; symbols that were never seen may
weigh as many bits as the code is wide, which is why the upper end of a wide layer is far away.

Symbols seen more than OFTEN times speak for themselves: their part of the entropy is plug-in, and the programme answers
only for what plug-in leaves out of it on average.
Source: Valiant and Valiant 2011, "Estimating the unseen", here for both ends instead of one likely value.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from .entropy import fingerprint

OFTEN = 30
_FINE, _FINE_BITS = 0.05, 0.001  # the step of ln p, and more than what lies between two steps can move an end
_LARGE = 400.0  # expected counts from here on are never seen OFTEN times or fewer; plug-in lacks 1/(2 N ln 2) of each


def counted_ends(counts: NDArray[np.int64], width: int, z: float) -> tuple[float, float] | None:
    """(least, most) bits of H(T) of the population, for codes of `width` bits.

    z   standard errors that a number of symbols, and the plug-in part, may stray

    None where no distribution would show such counts: samples that are not independent. Costs about .1 s.
    """
    from scipy.optimize import linprog  # a third of a second that no table of exact numbers should wait for

    found = fingerprint(counts)
    times, symbols, samples = found.times, found.symbols, found.samples
    edges = _edges(int(times[-1]))
    seen = np.histogram(times, edges, weights=symbols)[0]
    middle, half = seen + z * z / 2, z * np.sqrt(seen + z * z / 4)  # |seen - e| <= z sqrt(e), solved for e
    expected, log2_p = _probabilities(samples, width)
    shown, left_out = _shown(expected, edges), _left_out(expected, log2_p)
    per_mass = shown / expected * samples
    scale = 1 / (middle + half)[:, None]
    room = np.exp2(-width - log2_p)  # no more than 2^width symbols
    limits = np.vstack([per_mass * scale, -per_mass * scale, room])
    bounds = np.concatenate([np.ones(len(seen)), -(middle - half) * scale[:, 0], [1.0]])
    often = times > OFTEN
    share, surprise = times[often] * symbols[often] / samples, np.log2(samples / times[often])
    counted = float(share @ surprise)
    error = z * math.sqrt(max(0.0, float(share @ surprise**2) - counted**2) / samples)
    ends = []
    for sign in (1, -1):
        programme = linprog(
            sign * left_out, limits, bounds, np.ones((1, len(expected))), [1.0], (0, None), method="highs"
        )
        if not programme.success:
            return None
        ends.append(sign * programme.fun + counted - sign * error)
    return max(0.0, ends[0] - _FINE_BITS), min(float(width), ends[1] + _FINE_BITS)


def _edges(most: int) -> NDArray[np.int64]:
    """1, 2, ... and from OFTEN on in steps of a seventh, to well above the largest count."""
    edges = list(range(1, OFTEN + 2))
    while edges[-1] <= most + 12 * math.sqrt(most):
        edges.append(math.ceil(edges[-1] * 1.15))
    return np.array(edges)


def _probabilities(samples: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k,) expected counts N p and log2 p: a fine grid up to 1, with 2^-width."""
    steps = np.arange(math.log(0.1 / samples), math.log(samples) + _FINE, _FINE)  # of N p: rarer make no pair
    log2_p = np.minimum(steps / math.log(2) - math.log2(samples), 0.0)
    log2_p = np.unique(np.append(log2_p, -float(width)))
    return np.maximum(samples * np.exp2(log2_p), 1e-12), log2_p  # what is rarer is seen as often: never


def _shown(expected: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """(bins, k) the chance that a symbol of each expected count is seen so often: Poisson."""
    below = pdtr(edges[:, None] - 1.0, expected)
    shown = np.diff(below, axis=0)
    rare = expected < 1e-6
    shown[:, rare], shown[0, rare] = 0, expected[rare]  # where the differences would be rounding
    return shown


def _left_out(expected: NDArray[np.float64], log2_p: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) bits that a mass of 1 on each adds to the entropy, beyond what plug-in counts of symbols seen often."""
    bits, samples = -log2_p, float(expected[-1] * np.exp2(-log2_p[-1]))
    times = np.arange(OFTEN + 1, 2 * int(_LARGE) + 1)
    small = expected < _LARGE
    chance = np.diff(pdtr(np.append(times[0] - 1, times).astype(float)[:, None], expected[small]), axis=0)
    bits[small] -= (times * np.log2(samples / times)) @ chance / expected[small]
    bits[~small] = (1 - np.exp2(log2_p[~small])) / (2 * expected[~small] * math.log(2))
    return bits
