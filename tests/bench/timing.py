"""One way to time, for every row of `make bench`: repeat, take the median, and say how noisy the machine was."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median over `runs`, and the spread (max - min) / median as a fraction."""

    seconds: float
    spread: float
    runs: int


def measure(call: Callable[[], object], budget_s: float = 1.0, least: int = 3) -> Timing:
    """Times `call` after one warm-up, until `budget_s` is spent and at least `least` times."""
    call()
    seconds: list[float] = []
    while len(seconds) < least or sum(seconds) < budget_s:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    middle = median(seconds)
    return Timing(middle, (max(seconds) - min(seconds)) / middle, len(seconds))


@dataclass(frozen=True)
class Row:
    """One line of the bench: what was timed, how much of what it does per call, and against which row its ratio is."""

    what: str
    timing: Timing
    amount: float
    unit: str
