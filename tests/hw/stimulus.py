"""What goes into a stage under test: random frames, and frames directed at the edges of what it computes.

What only passes bits on gets all of them set, and none.
Directed frames come in the order of what they show; a bench that has time for few takes the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from bitneck.hw.packing import Beats, integer_bits, integers
from bitneck.hw.stages import Argmax, ArgmaxTree, Binarize, Mvtu, Scores, Stage
from numpy.typing import NDArray

Bits = NDArray[np.bool_]
DIRECTED_CYCLES = 400  # of directed frames, about
FEWEST, MOST = 6, 120  # directed frames


def random_beats(stage: Stage, frames: int) -> Beats:
    rng = np.random.default_rng(2)
    sent = rng.random((frames * stage.in_beats, stage.in_width)) < 0.5
    if isinstance(stage, Binarize):  # half of the pixels at their threshold or one below: random ones hardly ever are
        pixels = integers(sent, 8).reshape(frames, -1)
        edge = np.clip(stage.threshold - rng.integers(0, 2, pixels.shape), 0, (1 << stage.bits) - 1)
        ignored = pixels >> stage.bits << stage.bits
        sent = integer_bits(np.where(rng.random(pixels.shape) < 0.5, ignored | edge, pixels).reshape(len(sent), -1), 8)
    return sent


def directed_beats(stage: Stage) -> Beats:
    """Of whole frames, about DIRECTED_CYCLES of them."""
    frames = min(max(DIRECTED_CYCLES // stage.cycles, FEWEST), MOST)
    found = [frame for _, frame in zip(range(frames), _directed(stage, np.random.default_rng(3)), strict=False)]
    return np.concatenate([frame.reshape(stage.in_beats, stage.in_width) for frame in found])


def _directed(stage: Stage, rng: np.random.Generator) -> Iterator[Bits]:
    """A frame's bits each."""
    if isinstance(stage, Binarize):
        yield from _pixels(stage, rng)
    elif isinstance(stage, Scores | Mvtu):
        yield from _agreements(stage, rng)
    elif isinstance(stage, Argmax | ArgmaxTree):
        for scores in _contests(stage.classes, (1 << stage.score_width) - 1, rng):
            yield integer_bits(np.array(scores)[None], stage.score_width)
    else:
        bits = stage.in_beats * stage.in_width
        yield np.ones(bits, bool)
        yield np.zeros(bits, bool)
        yield np.arange(bits) % 2 == 0
        yield rng.random(bits) < 0.5
        yield np.arange(bits) // stage.in_width % 2 == 0  # beats of ones and of zeros in turn


def _pixels(stage: Binarize, rng: np.random.Generator) -> Iterator[Bits]:
    """At every threshold, one below, the extremes; the bits that do not count are all set, or none is."""
    top = (1 << stage.bits) - 1
    high = 255 - top
    for pixels in (
        high | np.clip(stage.threshold, 0, top),
        high | np.clip(stage.threshold - 1, 0, top),
        np.clip(stage.threshold - 1, 0, top),
        np.full(len(stage.threshold), high),
        np.full(len(stage.threshold), top),
    ):
        yield integer_bits(pixels[None], 8)


def _agreements(stage: Mvtu | Scores, rng: np.random.Generator) -> Iterator[Bits]:
    """For the last row, the first, and others: just as many bits agree as fire, one less; all bits agree, none does.

    Where a threshold is 0 or more than there are inputs, all and none are the extremes of the accumulator. The first
    and the last input agree where just as many do, and not where one less does: what loses one of them is one off.
    """
    rows, cols = stage.weight.shape

    def agreeing(row: int, counts: Iterable[int]) -> Iterator[Bits]:
        for turn, count in enumerate(counts):
            ends, inner = dict.fromkeys([cols - 1, 0]), rng.permutation(np.arange(1, cols - 1))
            order = [*inner, *ends] if turn % 2 else [*ends, *inner]
            disagree = np.ones(cols, bool)
            disagree[order[:count]] = False
            yield stage.weight[row] ^ disagree

    def edges(row: int) -> list[int]:
        threshold = int(stage.threshold[row]) if isinstance(stage, Mvtu) else 0
        return [threshold, threshold - 1] if 1 <= threshold <= cols else []

    ends = list(dict.fromkeys([rows - 1, 0]))
    between = [*range(1, min(rows - 1, 3)), *(rng.permutation(np.arange(3, rows - 1))[:6] if rows > 4 else [])]
    for row in ends:
        yield from agreeing(row, edges(row))
    for row in ends:
        yield from agreeing(row, [cols, 0])
    for row in between:
        yield from agreeing(row, [cols, 0, *edges(row)])


def _contests(classes: int, top: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Scores that tie, in every pair of neighbours and at both ends; that win by one among the highest; by each bit."""

    def among(others: int, by_class: Mapping[int, int]) -> list[int]:
        return [by_class.get(index, others) for index in range(classes)]

    yield among(top, {})
    yield among(0, {})
    pairs = [(index, index + 1) for index in rng.permutation(classes - 1).tolist()] if classes > 1 else []
    pairs.sort(key=lambda pair: pair[1] != classes - 1)  # the last two come first
    for first, second in [*pairs[:1], (0, classes - 1), *pairs[1:]]:
        yield among(top - 1, {first: top, second: top})
    for winner in dict.fromkeys([classes - 1, 0, *rng.permutation(classes).tolist()]):
        yield among(top - 1, {winner: top})
    powers = [1 << bit for bit in range(top.bit_length())]
    for shift in range(len(pairs)):
        for turn, power in enumerate(reversed(powers)):
            first, second = pairs[(turn + shift) % len(pairs)]
            yield among(0, {first: power - 1, second: power})
            yield among(0, {first: power, second: power - 1})
