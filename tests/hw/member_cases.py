"""Stages of a net of members for the bench: thresholds of every pass, sums with their spread, the class with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from bitneck.hw.packing import integer_bits
from bitneck.hw.stages import ArgmaxSpread, Integrate, PassSum, Stage, Thresholding
from numpy.typing import NDArray


def thresholding(rng: np.random.Generator, passes: int, rows: int, pe: int, bits: int) -> Thresholding:
    """Random thresholds, one that is always and one that is hardly ever reached among them."""
    at = rng.integers(0, 1 << bits, (passes, rows))
    at[0, 0], at[-1, -1] = 0, (1 << bits) - 1
    return Thresholding(f"thresholding_{passes}x{rows}_pe{pe}_bits{bits}", at, pe, bits)


def pass_sum(classes: int, passes: int, pe: int, bits: int) -> PassSum:
    """Of scores that fill their bits, so that any may come."""
    return PassSum(f"pass_sum_{classes}x{passes}_pe{pe}_bits{bits}", classes, passes, pe, (1 << bits) - 1)


def integrate(rng: np.random.Generator, rows: int, pe: int, steps: int, bits: int) -> Integrate:
    """Random neurons, of which one fires at every step, one at none, one only when sums of several steps add up, and
    some lose less than nothing.
    """
    top = (1 << bits) - 1
    leak, theta = rng.integers(0, top + 1, rows), rng.integers(1, top + 1, rows)
    leak[3::4] = -(theta[3::4] // 2)
    leak[0] = -theta[0]
    leak[-1] = top if rows > 1 else leak[0]
    if rows > 2:
        leak[1], theta[1] = 0, top + 1
    return Integrate(f"integrate_{rows}_pe{pe}_steps{steps}_bits{bits}", leak, theta, steps, pe, bits, top)


def barely_integrate(bits: int) -> Integrate:
    """One neuron of two steps whose theta is so high that a state has no bit to spare."""
    top = (1 << bits) - 1
    return Integrate(f"integrate_barely_bits{bits}", np.zeros(1, int), np.array([top + 1]), 2, 1, bits, top)


def argmax_spread(classes: int, score: int, spread: int) -> ArgmaxSpread:
    total = (classes * ((1 << spread) - 1)).bit_length()
    return ArgmaxSpread(f"argmax_spread_{classes}_{score}_{spread}", classes, score, spread, total)


def member_stages(rng: np.random.Generator) -> Iterator[Stage]:
    yield from (thresholding(rng, *shape) for shape in [(2, 4, 2, 3), (3, 1, 1, 2), (2, 3, 3, 5), (5, 2, 1, 4)])
    neurons = [(4, 2, 2, 2), (1, 1, 2, 1), (3, 3, 4, 4), (6, 1, 3, 3), (8, 2, 5, 4)]
    yield from (integrate(rng, *shape) for shape in neurons)
    yield barely_integrate(4)
    yield from (pass_sum(*shape) for shape in [(4, 2, 2, 3), (3, 3, 1, 2), (2, 2, 2, 1), (6, 5, 3, 4), (10, 8, 5, 6)])
    yield from (argmax_spread(*shape) for shape in [(3, 2, 1), (2, 1, 1), (10, 9, 6), (5, 3, 4)])


def large_member_stages(rng: np.random.Generator) -> Iterator[Stage]:
    yield thresholding(rng, 16, 64, 4, 11)
    yield integrate(rng, 64, 4, 16, 11)
    yield pass_sum(26, 16, 2, 11)
    yield argmax_spread(33, 15, 11)


def members_of(
    stage: Thresholding | Integrate | PassSum | ArgmaxSpread, rng: np.random.Generator
) -> Iterator[NDArray[np.bool_]]:
    """Frames at the edges: sums at their thresholds and one below; states that reach their thetas at every step or at
    the last, and that lack one; members that all agree, and that differ most; equal sums, the first and the last of
    them the greatest.
    """
    if isinstance(stage, Thresholding):
        for less in (0, 1):
            yield integer_bits(np.maximum(stage.threshold - less, 0).reshape(1, -1), stage.sum_bits)
        return
    if isinstance(stage, Integrate):
        for less in (0, 1):
            still, reach = np.clip([stage.leak, stage.leak + stage.theta - less], 0, stage.top)
            yield integer_bits(np.tile(reach, stage.steps)[None], stage.sum_bits)
            sums = np.vstack([*[still] * (stage.steps - 1), reach])
            yield integer_bits(sums.reshape(1, -1), stage.sum_bits)
        for each in (0, stage.top):
            yield integer_bits(np.full((1, stage.steps * len(stage.leak)), each), stage.sum_bits)
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
