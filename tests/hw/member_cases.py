"""Stages of a net of members for the bench: thresholds of every pass, sums with their spread, the class with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from bitneck.hw.packing import integer_bits
from bitneck.hw.stages import ArgmaxSpread, PassSum, Stage, Thresholding
from numpy.typing import NDArray


def thresholding(rng: np.random.Generator, passes: int, rows: int, pe: int, bits: int) -> Thresholding:
    """Random thresholds, one that is always and one that is hardly ever reached among them."""
    at = rng.integers(0, 1 << bits, (passes, rows))
    at[0, 0], at[-1, -1] = 0, (1 << bits) - 1
    return Thresholding(f"thresholding_{passes}x{rows}_pe{pe}_bits{bits}", at, pe, bits)


def pass_sum(classes: int, passes: int, pe: int, bits: int) -> PassSum:
    """Of scores that fill their bits, so that any may come."""
    return PassSum(f"pass_sum_{classes}x{passes}_pe{pe}_bits{bits}", classes, passes, pe, (1 << bits) - 1)


def argmax_spread(classes: int, score: int, spread: int) -> ArgmaxSpread:
    total = (classes * ((1 << spread) - 1)).bit_length()
    return ArgmaxSpread(f"argmax_spread_{classes}_{score}_{spread}", classes, score, spread, total)


def member_stages(rng: np.random.Generator) -> Iterator[Stage]:
    yield from (thresholding(rng, *shape) for shape in [(2, 4, 2, 3), (3, 1, 1, 2), (2, 3, 3, 5), (5, 2, 1, 4)])
    yield from (pass_sum(*shape) for shape in [(4, 2, 2, 3), (3, 3, 1, 2), (2, 2, 2, 1), (6, 5, 3, 4), (10, 8, 5, 6)])
    yield from (argmax_spread(*shape) for shape in [(3, 2, 1), (2, 1, 1), (10, 9, 6), (5, 3, 4)])


def large_member_stages(rng: np.random.Generator) -> Iterator[Stage]:
    yield thresholding(rng, 16, 64, 4, 11)
    yield pass_sum(26, 16, 2, 11)
    yield argmax_spread(33, 15, 11)


def members_of(stage: Thresholding | PassSum | ArgmaxSpread, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Frames at the edges: sums at their thresholds and one below; members that all agree, and that differ most; equal
    sums, the first and the last of them the greatest.
    """
    if isinstance(stage, Thresholding):
        for less in (0, 1):
            yield integer_bits(np.maximum(stage.threshold - less, 0).reshape(1, -1), stage.sum_bits)
        return
    shape = (stage.passes, stage.classes) if isinstance(stage, PassSum) else (stage.classes,)
    bits = stage.bits if isinstance(stage, PassSum) else stage.in_width
    top = (1 << bits) - 1
    yield integer_bits(np.full((1, int(np.prod(shape))), top), bits)
    yield integer_bits(np.zeros((1, int(np.prod(shape))), int), bits)
    for place in range(shape[0]):
        lone = np.zeros(shape, int)
        lone[place] = top
        yield integer_bits(lone.reshape(1, -1), bits)
        yield integer_bits(top - lone.reshape(1, -1), bits)
    while True:
        yield integer_bits(rng.integers(0, min(top, 3) + 1, (1, int(np.prod(shape)))), bits)
