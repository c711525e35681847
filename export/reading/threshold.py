"""Where a neuron's answer changes: its own batch-norm and quantizer, asked at every accumulator that it can ever see.

An accumulator counts from the least sum there can be: a ±1 dot product over fan-in K takes K + 1 values.
The domain is small, so nothing is rearranged: the framework answers, and ties fall as they fall there. Where it is
not small, the answer rises or falls with the sum, and each change is found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20  # answers asked for at once: what one evaluation holds in memory, 4 MB a tensor

Reached: TypeAlias = Callable[[NDArray], NDArray]
"""(b, rows) accumulators -> (b, rows) the level that the framework makes of each."""


class ThresholdError(ValueError):
    """A neuron whose answer is not a threshold: NaN, or levels that come and go."""


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What hardware needs instead of batch-norm and quantizer.

    at        (rows,) int32, or (rows, levels − 1) rising: a row is at level t or above where its accumulator reaches
              at[t − 1]; 0 always, its span + 1 never. Of a falling row it is that of its inverted weights.
    falling   (rows,) bool: the level falls as the sum rises, so the weights are inverted to know only `>=`
    """

    at: NDArray[np.int32]
    falling: NDArray[np.bool_]

    def rising(self, weight: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The (rows, K) weights with the falling rows inverted."""
        return weight ^ self.falling[:, None]


@dataclass(frozen=True, eq=False)
class Sums:
    """What each row of a layer can sum: its least, and `span` more, each greater by `step`.

    least   (rows,) int
    shape   of one number a row, as the framework takes them: (rows,), of maps (rows, 1, 1)
    """

    least: NDArray[np.int64]
    step: int
    span: int
    shape: tuple[int, ...]

    @classmethod
    def of_signs(cls, rows: int, fan_in: int, maps: bool = False) -> Sums:
        """Dot products of ±1: accumulator a belongs to `a` agreeing bits."""
        return cls(np.full(rows, -fan_in), 2, fan_in, (rows, 1, 1) if maps else (rows,))

    def at(self, accumulators: NDArray) -> NDArray[np.float32]:
        """(b, rows) of (b, rows) or (b, 1)."""
        return (self.least + self.step * accumulators).astype(np.float32)

    def midpoints(self, found: Thresholds) -> NDArray[np.float64]:
        """(rows, levels − 1) midway between the last sum below a level and the first at it, of rows inverted where they
        fall. No sum lies there, so nothing ever lies on the decision.
        """
        inverted = -self.least - self.step * self.span
        least = np.where(found.falling, inverted, self.least)
        return least[:, None] + self.step * (found.at.reshape(len(least), -1) - 0.5)


def find(layer: str, spans: NDArray[np.int64], levels: int, reached: Reached) -> Thresholds:
    """Asks `reached` at every accumulator 0 .. spans[r] of every row.

    What it raises passes through. A row that is below level t at n accumulators has that threshold at n, whichever way
    it goes: inverting the weights of a falling row mirrors its accumulator. Raises ThresholdError where a row's level
    both rises and falls.
    """
    rows = len(spans)
    below = np.zeros((rows, levels - 1), dtype=np.int64)
    rises, falls = (np.zeros(rows, dtype=np.int64) for _ in range(2))
    before: NDArray | None = None
    block = max(1, BLOCK // rows)
    for start in range(0, int(spans.max()) + 1, block):
        each = np.arange(start, min(start + block, int(spans.max()) + 1))[:, None]
        there = each <= spans
        answers = reached(np.minimum(each, spans))
        if answers.shape != there.shape or answers.dtype.kind not in "bu":
            raise ThresholdError(f"{layer}: asked for levels of {there.shape}, got {answers.shape} {answers.dtype}")
        answers = answers.astype(np.int32)
        counts = np.zeros((rows, levels + 1), dtype=np.int64)
        np.add.at(counts, (np.broadcast_to(np.arange(rows), there.shape)[there], answers[there]), 1)
        below += np.cumsum(counts, axis=1)[:, : levels - 1]
        steps = np.diff(np.concatenate([answers[:1] if before is None else before, answers]), axis=0)
        rises += (steps > 0).sum(axis=0)
        falls += (steps < 0).sum(axis=0)
        before = answers[-1:]
    if (mixed := (rises > 0) & (falls > 0)).any():
        neuron = int(mixed.argmax())
        raise ThresholdError(
            f"{layer}, neuron {neuron}: the answer changes {rises[neuron] + falls[neuron]} times between accumulators "
            f"0 and {spans[neuron]}, up and down; a threshold changes once; look at what stands between its sum and "
            "its quantizer"
        )
    return Thresholds(_stored(below), falls > 0)


def bisect(layer: str, spans: NDArray[np.int64], levels: int, reached: Reached) -> Thresholds:
    """`find`, of answers that rise or fall with the accumulator: so they do where every node between does."""
    ends = reached(np.stack([np.zeros_like(spans), spans])).astype(np.int64)
    falling = ends[1] < ends[0]
    low = np.zeros((levels - 1, len(spans)), dtype=np.int64)
    high = np.broadcast_to(spans + 1, low.shape).copy()
    wanted = np.arange(1, levels)[:, None]
    while (low < high).any():
        middle = (low + high) // 2
        inside = np.minimum(middle, spans)
        on = (reached(np.where(falling, spans - inside, inside)) >= wanted) | (middle > spans)
        low, high = np.where(on, low, middle + 1), np.where(on, middle, high)
        high = np.maximum(low, high)
    return Thresholds(_stored(low.T), falling)


def _stored(at: NDArray[np.int64]) -> NDArray[np.int32]:
    """A single threshold without its axis."""
    return np.ascontiguousarray(at[:, 0] if at.shape[1] == 1 else at).astype(np.int32)


def refuse_nan(layer: str, asked: NDArray, answers: NDArray[np.float32]) -> NDArray[np.float32]:
    """`answers`, (b, rows), as they are; raises ThresholdError naming the neuron where one is NaN.

    NaN would pass for a neuron that never fires, and every consumer of the file would have its own idea of it.
    """
    if np.isnan(answers).any():
        value, neuron = np.argwhere(np.isnan(answers))[0]
        place = np.broadcast_to(asked if asked.ndim > 1 else asked[:, None], answers.shape)[value, neuron]
        raise ThresholdError(
            f"{layer}, neuron {neuron}: NaN at {place:g}; its batch-norm statistics or weights are broken, train again "
            "from an earlier checkpoint"
        )
    return answers
