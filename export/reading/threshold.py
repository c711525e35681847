"""Where a neuron fires: its own batch-norm and sign, asked at every accumulator that it can ever see.

Over fan-in K a ±1 dot product takes K + 1 values, −K, −K + 2 … K, all of one parity; a pixel takes 2^bits.
The domain is small, so nothing is rearranged: the framework answers, and ties fall as they fall there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20  # answers asked for at once: what one evaluation holds in memory, 4 MB a tensor


class ThresholdError(ValueError):
    """A neuron whose answer is not a threshold: NaN, or firing that comes and goes."""


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What hardware needs instead of batch-norm and sign.

    at        (rows,) int32, 0 .. K + 1: a row fires where its agreeing bits >= at; 0 always, K + 1 never. For a falling
              row the agreeing bits are those of its inverted weights.
    falling   (rows,) bool: the row fires *below* some accumulator, so its weights are inverted to know only `>=`
    """

    at: NDArray[np.int32]
    falling: NDArray[np.bool_]

    def rising(self, weight: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The (rows, K) weights with the falling rows inverted."""
        return weight ^ self.falling[:, None]

    def midpoints(self, fan_in: int) -> NDArray[np.int32]:
        """(rows,) accumulators midway between the last silent and the first firing one, −K − 1 .. K + 1.

        They have the parity that no reachable accumulator has, so nothing ever lies on the decision.
        """
        return 2 * self.at - fan_in - 1


def accumulators(fan_in: int) -> NDArray[np.float32]:
    """(K + 1,) every reachable accumulator in rising order: entry a belongs to `a` agreeing bits."""
    return np.arange(-fan_in, fan_in + 1, 2, dtype=np.float32)


def find(
    layer: str,
    values: NDArray[np.float32],
    rows: int,
    fires: Callable[[NDArray[np.float32]], NDArray[np.bool_]],
) -> Thresholds:
    """Asks `fires` at every value of every row.

    values   (k,) in rising order: `accumulators(fan_in)`, or the pixels of a Binarize
    fires    (b, rows) float32 -> (b, rows) bool: the framework's own decision. Called with blocks of rows of `values`,
             each repeated over all neurons; what it raises passes through.

    A row that fires n times of k has its threshold at k − n, whichever way it goes: inverting the weights of a falling
    row mirrors its agreeing bits. Raises ThresholdError where a row changes its answer more than once.
    """
    block = max(1, BLOCK // rows)
    fired = np.zeros(rows, dtype=np.int64)
    changes = np.zeros(rows, dtype=np.int64)
    lowest: NDArray[np.bool_] | None = None
    before: NDArray[np.bool_] | None = None
    for start in range(0, len(values), block):
        asked = np.repeat(values[start : start + block, None], rows, axis=1)
        answers = fires(asked)
        if answers.shape != asked.shape or answers.dtype != np.bool_:
            raise ThresholdError(f"{layer}: asked for {asked.shape} bool, got {answers.shape} {answers.dtype}")
        lowest = answers[0] if lowest is None else lowest
        before = answers[0] if before is None else before
        changes += (np.concatenate([before[None], answers[:-1]]) != answers).sum(axis=0)
        fired += answers.sum(axis=0)
        before = answers[-1]
    if lowest is None:
        raise ThresholdError(f"{layer}: no values to ask for")
    if (changes > 1).any():
        neuron = int((changes > 1).argmax())
        raise ThresholdError(
            f"{layer}, neuron {neuron}: the answer changes {changes[neuron]} times between {values[0]:g} and "
            f"{values[-1]:g}, a threshold changes once; look at what stands between its dot product and its sign"
        )
    return Thresholds((len(values) - fired).astype(np.int32), lowest & (changes == 1))


def refuse_nan(layer: str, asked: NDArray[np.float32], answers: NDArray[np.float32]) -> NDArray[np.float32]:
    """`answers`, (b, rows), as they are; raises ThresholdError naming the neuron where one is NaN.

    NaN would pass for a neuron that never fires, and every consumer of the file would have its own idea of it.
    """
    if np.isnan(answers).any():
        value, neuron = np.argwhere(np.isnan(answers))[0]
        raise ThresholdError(
            f"{layer}, neuron {neuron}: NaN at {asked[value, neuron]:g}; its batch-norm statistics or weights "
            "are broken, train again from an earlier checkpoint"
        )
    return answers
