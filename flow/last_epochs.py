"""How steadily a training ended: accuracies of its last epochs, beside that of the very last, whose net is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MOST, LEAST = 100, 10  # epochs that are looked at; fewer say nothing of how steady a training is
UNSTEADY = 0.1  # a net that another epoch would have made so much worse or better is one of many


@dataclass(frozen=True)
class Ending:
    """Of so many last epochs, the smallest, the median and the largest test accuracy, 0 .. 1."""

    epochs: int
    low: float
    middle: float
    high: float

    @property
    def unsteady(self) -> bool:
        return self.high - self.low > UNSTEADY

    def __str__(self) -> str:
        spread = f"{self.middle:.2%}, from {self.low:.2%} to {self.high:.2%}"
        said = f"of the last {self.epochs} epochs the median is {spread}"
        return f"unsteady: {said}" if self.unsteady else said


def ending(test: Sequence[float]) -> Ending | None:
    """The last third of the accuracies by epoch, MOST at the most; None where that is fewer than LEAST."""
    last = test[-min(MOST, len(test) // 3) :]
    return Ending(len(last), min(last), median(last), max(last)) if LEAST <= len(last) <= MOST else None
