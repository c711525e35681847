"""What goes into a stage under test: random frames, and frames directed at the edges of what it computes.

What only passes bits on gets all of them set, and none.
Directed frames come in the order of what they show; a bench that has time for few takes the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from bitneck.hw.packing import Beats, integer_bits, integers
from bitneck.hw.stages import (
    Argmax,
    ArgmaxSpread,
    ArgmaxTree,
    Binarize,
    Cut,
    Integrate,
    Mvlu,
    Mvtu,
    PassSum,
    Pool,
    ScaledScores,
    Scores,
    Stage,
    Thresholding,
    ThresholdStep,
)
from member_cases import members_of
from numpy.typing import NDArray

Bits = NDArray[np.bool_]
Matrix = Mvtu | Mvlu | Scores | ScaledScores
DIRECTED_CYCLES = 400  # of directed frames, about
FEWEST, MOST = 6, 120  # directed frames


def random_beats(stage: Stage, frames: int) -> Beats:
    rng = np.random.default_rng(2)
    if isinstance(stage, Matrix):  # no level above the highest: the accumulators are as wide as those that there are
        levels = rng.integers(0, stage.takes, (frames * stage.in_beats, stage.in_width // stage.element_bits))
        return integer_bits(levels, stage.element_bits)
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
    elif isinstance(stage, Matrix):
        yield from _agreements(stage, rng)
    elif isinstance(stage, Pool):
        yield from _taps(stage)
    elif isinstance(stage, Cut):
        yield from _elements(stage)
    elif isinstance(stage, Thresholding | Integrate | PassSum | ArgmaxSpread):
        yield from members_of(stage, rng)
    elif isinstance(stage, ThresholdStep):
        yield from _sums(stage)
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


def _agreements(stage: Matrix, rng: np.random.Generator) -> Iterator[Bits]:
    """For the last row, the first, and others: accumulators just at a threshold, one below; the highest, the lowest.

    What a level adds to the accumulator counts: what it is, or under a negative weight what it lacks to the highest.
    With one bit that is whether it agrees. The first and the last three inputs add all they can where a threshold is
    just reached, and least where it is not, and the three before them the other way round: what loses one of them is
    one off, and so is what counts another leaf of a popcount in place of the last.
    """
    weight, top = stage.integers(), stage.takes - 1
    rows, cols = weight.shape
    ends = dict.fromkeys(index for index in (cols - 1, 0, cols - 2, cols - 3) if index >= 0)
    beside = [index for index in (cols - 4, cols - 5, cols - 6) if index > 0]

    def reaching(row: int, sums: Iterable[int]) -> Iterator[Bits]:
        size = np.abs(weight[row])
        for turn, due in enumerate(sums):
            inner = [index for index in rng.permutation(cols) if index not in ends and index not in beside]
            order = np.array([*beside, *inner, *ends] if turn % 2 else [*ends, *inner, *beside])
            added = np.zeros(cols, int)
            for index in order[np.argsort(-size[order], kind="stable")]:  # small weights last: they hit it exactly
                added[index] = min(top, due // size[index]) if size[index] else 0
                due -= added[index] * size[index]
            yield integer_bits(np.where(weight[row] < 0, top - added, added)[None], stage.element_bits)

    def edges(row: int) -> list[int]:
        if not isinstance(stage, Mvtu | Mvlu):
            return []
        return [at - below for at in np.atleast_1d(stage.threshold[row]) if 1 <= at <= span[row] for below in (0, 1)]

    span = stage.spans()
    outer = list(dict.fromkeys([rows - 1, 0]))
    between = [*range(1, min(rows - 1, 3)), *(rng.permutation(np.arange(3, rows - 1))[:6] if rows > 4 else [])]
    wanted = [(row, edges(row)) for row in outer] + [(row, [span[row], 0]) for row in outer]
    wanted += [(row, [span[row], 0, *edges(row)]) for row in between]
    vectors = [vector for row, sums in wanted for vector in reaching(row, sums)]
    if stage.own:  # every row gets the same inputs
        shape = (rows // stage.pe, cols // stage.simd, stage.pe, stage.simd * stage.element_bits)
        vectors = [np.broadcast_to(vector.reshape(1, shape[1], 1, -1), shape).reshape(1, -1) for vector in vectors]
    for start in range(0, len(vectors), stage.vectors):
        yield np.concatenate([vectors[(start + turn) % len(vectors)] for turn in range(stage.vectors)], axis=1)


def _taps(stage: Pool) -> Iterator[Bits]:
    """The highest and the lowest at every tap in turn; then levels that differ by one, in every bit."""
    shape, top = (stage.in_beats, stage.pe), (1 << stage.element_bits) - 1
    tap = np.arange(stage.in_beats)[:, None] % stage.taps
    pairs = [(0, top), (top, 0)]
    pairs += [
        pair for bit in range(stage.element_bits) for pair in [((1 << bit) - 1, 1 << bit), (1 << bit, (1 << bit) - 1)]
    ]
    for rest, one in pairs:
        for at in [stage.taps - 1, *range(min(stage.taps - 1, 6))]:
            yield integer_bits(np.broadcast_to(np.where(tap == at, one, rest), shape), stage.element_bits)


def _elements(stage: Cut) -> Iterator[Bits]:
    """Every element in every place; the bits that do not count are all set, or none is.

    Before the others the first element in the first place, and the last in the last.
    """
    takes = 1 << stage.in_bits
    high = (1 << stage.lane) - takes
    for first in dict.fromkeys([0, (2 - 3 * stage.elements) % takes, *range(takes)]):
        elements = (np.arange(stage.elements) * 3 + first) % takes
        yield integer_bits(elements.reshape(-1, stage.pe) | high * (first % 2), stage.lane)


def _sums(stage: ThresholdStep) -> Iterator[Bits]:
    """At the threshold that is asked, and one below, for all that may have been found; and the extremes.

    Before the others the first threshold of the first row, and the last of the last.
    """
    middles, top = stage.middles(), (1 << stage.width) - 1
    rows = np.arange(stage.sums) % len(middles)
    each = 1 << stage.done

    def edges(first: int) -> Iterator[Bits]:
        found = (np.arange(stage.sums) + first) % each
        for below in (0, 1):
            sums = np.clip(middles[rows, found] - below, 0, top)
            yield integer_bits((found | sums << stage.done)[:, None], stage.in_width)

    ends = dict.fromkeys([0, -stage.sums % each])
    for first in ends:
        yield from edges(first)
    for sums in (top, 0):
        yield integer_bits((np.arange(stage.sums) % each | sums << stage.done)[:, None], stage.in_width)
    for first in range(each):
        if first not in ends:
            yield from edges(first)


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
