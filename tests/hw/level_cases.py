"""Matrix stages for the bench whose weights or inputs have several bits, in both forms; and searches of thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

import numpy as np
from bitneck.hw.stages import Mvlu, Mvtu, ScaledScores, Scores, Stage, ThresholdStep
from numpy.typing import NDArray


class Inputs(TypedDict):
    takes: int
    vectors: int
    own: bool


def weights(rng: np.random.Generator, rows: int, cols: int, bits: int) -> NDArray:
    """At their extremes too: the lowest in two's complement, and the highest.

    The last row is one of the widest sum; of one bit, the last two differ.
    """
    if bits == 1:
        sign = rng.random((rows, cols)) < 0.5
        sign[-1, -1] = ~sign[-2 % rows, -1]
        return sign
    weight = rng.integers(-(1 << bits - 1), 1 << bits - 1, (rows, cols)).astype(np.int16)
    weight[0, 0], weight[-1, -1] = -(1 << bits - 1), (1 << bits - 1) - 1
    return np.roll(weight, -1 - np.abs(weight).sum(axis=1).argmax(), axis=0)


def spans(weight: NDArray, takes: int) -> NDArray[np.int64]:
    size = np.ones(weight.shape, int) if weight.dtype == np.bool_ else np.abs(weight.astype(int))
    return size.sum(axis=1) * (takes - 1)


def thresholds(rng: np.random.Generator, weight: NDArray, takes: int, count: int) -> NDArray[np.int32]:
    """(rows, count) near the middle, rising; with rows enough one that is always and one that is never reached."""
    span = spans(weight, takes)[:, None]
    at = np.clip(rng.normal(span / 2, span / 6 + 1, (len(weight), count)).round(), 0, span + 1)
    if len(weight) > 3:
        at[1, 0], at[2, -1] = 0, span[2, 0] + 1
    return np.sort(at, axis=1).astype(np.int32)


def matrix_of(
    module: type[Stage], rng: np.random.Generator, rows: int, cols: int, pe: int, simd: int, w: int, takes: int, **more
) -> Stage:
    """more   vectors; own; count, of thresholds; factor, the highest multiplier; offset, the highest score; compared"""
    weight = weights(rng, rows, cols, w)
    inputs: Inputs = {"takes": takes, "vectors": more.get("vectors", 1), "own": more.get("own", False)}
    name = f"{module.module}_{rows}x{cols}_pe{pe}_simd{simd}_w{w}_takes{takes}" + "_own" * inputs["own"]
    if module is Mvtu:
        return Mvtu(name, weight, pe, simd, thresholds(rng, weight, takes, 1)[:, 0], **inputs)
    if module is Mvlu:
        count = more.get("count", 3)
        return Mvlu(f"{name}_count{count}", weight, pe, simd, thresholds(rng, weight, takes, count), **inputs)
    if module is ScaledScores:
        factors, offsets = rng.integers(1, more["factor"] + 1, rows), rng.integers(0, more["offset"] + 1, rows)
        factors[-1], offsets[-1] = more["factor"], more["offset"]
        return ScaledScores(name, weight, pe, simd, factors, offsets, **inputs)
    offset = rng.integers(0, more["offset"] + 1, rows) if "offset" in more else None
    return Scores(name, weight, pe, simd, offset=offset, compared=more.get("compared", False), **inputs)


def coded(rng: np.random.Generator, rows: int, kernels: int, pe: int, each: int, words: int, takes: int = 2) -> Mvtu:
    """3 x 3 kernels as numbers of so many words, all different; the last two kernels are different ones."""
    book = (rng.permutation(1 << 9)[:words, None] >> np.arange(9) & 1) == 1
    number = rng.integers(0, words, (rows, kernels))
    number.flat[:words] = rng.permutation(words)[: number.size]
    number[-1, -1] = (number[-1, -2] + 1) % words if kernels > 1 else number[-1, -1]
    by_place = book[number].reshape(rows, kernels // each, each, 9).transpose(0, 1, 3, 2).reshape(rows, -1)
    span = 9 * kernels * (takes - 1)  # sums lie in the middle, and thresholds among them, or codes hardly change
    at = rng.normal(span / 2, span**0.5 / 4, rows).round().astype(np.int32)
    name = f"coded_{rows}x{kernels}_pe{pe}_each{each}_words{words}_takes{takes}"
    return Mvtu(name, by_place, pe, 9 * each, at, takes=takes, vectors=2, coded=True)


def steps(rng: np.random.Generator, rows: int, bits: int, width: int, sums: int, done: int) -> ThresholdStep:
    """One of the steps; thresholds at both ends among others, and such as are never reached."""
    threshold = np.sort(rng.integers(0, 1 << width, (rows, (1 << bits) - 1)), axis=1)
    threshold[0, -1], threshold[-1, 0] = (1 << width) - 1, 0
    return ThresholdStep(f"step_{rows}x{bits}_{width}_done{done}", threshold, width, done, sums)


def level_stages(rng: np.random.Generator) -> Iterator[Stage]:
    """Few lanes are products and many are planes; which, each stage says."""
    yield matrix_of(Mvtu, rng, 4, 6, 2, 3, 1, 4)
    yield matrix_of(Mvtu, rng, 2, 24, 1, 12, 1, 3, vectors=2)
    yield matrix_of(Mvtu, rng, 3, 4, 3, 2, 3, 2, vectors=3)
    yield matrix_of(Mvtu, rng, 2, 26, 2, 13, 2, 2)
    yield matrix_of(Mvtu, rng, 6, 4, 2, 2, 1, 2, vectors=2)  # one bit, more vectors than one
    yield matrix_of(Mvlu, rng, 4, 4, 2, 2, 1, 2)
    yield matrix_of(Mvlu, rng, 5, 3, 1, 1, 3, 4, count=2, vectors=2)
    yield matrix_of(Mvlu, rng, 2, 13, 1, 13, 3, 4, count=7)
    yield matrix_of(Mvlu, rng, 1, 1, 1, 1, 2, 5, count=1)
    yield matrix_of(Scores, rng, 4, 4, 2, 2, 8, 8, offset=9)
    yield matrix_of(Scores, rng, 2, 12, 2, 12, 4, 4, compared=True)
    yield matrix_of(Scores, rng, 3, 4, 1, 4, 1, 4, compared=True)
    yield matrix_of(ScaledScores, rng, 4, 6, 2, 1, 2, 3, factor=5, offset=0)  # slow: a sum meets a full skid
    yield matrix_of(ScaledScores, rng, 3, 3, 3, 3, 1, 2, factor=5, offset=40)
    yield matrix_of(ScaledScores, rng, 3, 12, 1, 12, 3, 4, factor=1, offset=7)
    yield steps(rng, 3, 3, 5, 6, 0)
    yield steps(rng, 3, 3, 5, 6, 1)
    yield steps(rng, 4, 3, 4, 4, 2)
    yield steps(rng, 1, 1, 3, 2, 0)
    yield matrix_of(Mvtu, rng, 6, 4, 3, 2, 1, 2, own=True)
    book = np.random.default_rng(6)  # so that the others stay as they were
    yield coded(book, 4, 6, 2, 3, 12)
    yield coded(book, 4, 2, 2, 1, 2, takes=3)
    yield coded(book, 6, 6, 1, 2, 16)
    yield coded(book, 3, 6, 3, 1, 5)
    yield matrix_of(Mvlu, rng, 4, 3, 2, 3, 2, 4, count=2, vectors=2, own=True)
    yield matrix_of(Mvlu, rng, 2, 24, 1, 2, 2, 4, count=2)  # a sum wider than what is added, whose sign is extended


def large_level_stages(rng: np.random.Generator) -> Iterator[Stage]:
    yield matrix_of(Mvtu, rng, 2, 66, 1, 66, 8, 256)
    yield matrix_of(Mvtu, rng, 66, 4, 1, 4, 8, 256)
    yield matrix_of(Mvlu, rng, 130, 2, 1, 1, 2, 16, count=15)
    yield matrix_of(Mvlu, rng, 33, 2, 33, 2, 1, 4, count=3)
    yield matrix_of(ScaledScores, rng, 130, 1, 1, 1, 2, 4, factor=200, offset=1000)
    yield matrix_of(Scores, rng, 4, 65, 4, 65, 1, 256, offset=3000)
    yield coded(np.random.default_rng(7), 4, 34, 2, 17, 60)
    yield steps(rng, 130, 4, 20, 130, 3)
    yield steps(rng, 130, 1, 9, 130, 0)
    # All bits of the widest products are seen, and a sum needs the sign of each.
    yield matrix_of(Scores, rng, 2, 264, 1, 66, 8, 256)
    yield matrix_of(Scores, rng, 2, 66, 1, 66, 8, 2)
