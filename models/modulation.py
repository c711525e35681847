"""Bursts of four modulations as a receiver of one bit hears them: the signs of I and Q. Made here, from a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYMBOLS, SAMPLES = 16, 4  # of a burst; of each symbol
# Of the carrier from one sample to the next: in a symbol it turns through a quadrant, and the signs in it tell where
# the symbol stood.
TURN = 1 / 16
QUIET, LOUD = 0.0, 20.0  # dB of signal over noise, evenly between
TRAINED, TESTED = 24_000, 4_000


def _phases(turns: int, first: float = 0.0) -> NDArray[np.complex128]:
    return np.exp(2j * np.pi * (np.arange(turns) + first) / turns)


SIDE = np.array([-3, -1, 1, 3]) / np.sqrt(10)
CONSTELLATIONS = {
    "BPSK": _phases(2),
    "QPSK": _phases(4, 0.5),
    "8PSK": _phases(8),
    "16QAM": (SIDE[:, None] + 1j * SIDE).ravel(),
}
"""Of mean power 1, in the order of the classes."""


def bursts(count: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64]]:
    """(count, 128) bits, 1 where I is not negative for 64 samples, then the same of Q; classes; dB of each burst.

    Symbols are drawn evenly; square pulses, white noise, and a carrier whose phase the receiver knows.
    """
    length = SYMBOLS * SAMPLES
    classes = rng.integers(len(CONSTELLATIONS), size=count)
    drawn = rng.random((count, SYMBOLS))
    symbols = np.empty((count, SYMBOLS), np.complex128)
    for number, points in enumerate(CONSTELLATIONS.values()):
        of = classes == number
        symbols[of] = points[(drawn[of] * len(points)).astype(np.int64)]
    turned = np.exp(2j * np.pi * TURN * (np.arange(length) + 0.5))
    decibels = rng.uniform(QUIET, LOUD, count)
    noise = (rng.standard_normal((2, count, length)) * [[[1.0]], [[1j]]]).sum(axis=0) / np.sqrt(2)
    heard = np.repeat(symbols, SAMPLES, axis=1) * turned + noise * 10 ** (-decibels / 20)[:, None]
    bits = np.concatenate([heard.real >= 0, heard.imag >= 0], axis=1)
    return bits.astype(np.uint8), classes, decibels
