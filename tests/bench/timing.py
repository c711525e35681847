"""One way to time, for every row of `make bench`: repeat, take the median, and say how noisy the machine was."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median over `runs`, and the noise: half the middle half of the runs, over the median.

    fastest   run of all, in seconds: the one that nobody else disturbed
    """

    seconds: float
    noise: float
    runs: int
    fastest: float


def measure(call: Callable[[], object], budget_s: float = 1.0, least: int = 3) -> Timing:
    """Times `call` after one warm-up, until `budget_s` is spent and at least `least` times."""
    return timing(_seconds(call, budget_s, least))


def measure_in_turns(calls: Sequence[Callable[[], object]], turns: int = 20, turn_s: float = 0.1) -> list[Timing]:
    """Each as `measure` does it, a little at a time: where a busy neighbour slows the machine down, it slows all."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(turns):
        for call, each in zip(calls, seconds, strict=True):
            each += _seconds(call, turn_s, 1)
    return [timing(each) for each in seconds]


def _seconds(call: Callable[[], object], budget_s: float, least: int) -> list[float]:
    call()
    seconds: list[float] = []
    while len(seconds) < least or sum(seconds) < budget_s:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def timing(seconds: Sequence[float]) -> Timing:
    """Of runs that were timed one by one."""
    low, middle, high = quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 3
    return Timing(middle, (high - low) / 2 / middle, len(seconds), min(seconds))


@dataclass(frozen=True)
class Row:
    """One line of the bench. The first row of a group is ours; the others' ratios are against it.

    amount   of `unit` that one call does
    """

    group: str
    what: str
    timing: Timing
    amount: float
    unit: str

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.amount / self.timing.seconds
