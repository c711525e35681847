"""What a search has found: every net that was trained, the front, and how well each signal had ranked them before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean
from typing import Literal

from .shrink_ladder import Cost, Hidden

What = Literal["found", "drawn", "even widths"]


@dataclass(frozen=True)
class Signals:
    """What can be known of a net before it is trained to the end, all on samples of the validation.

    supernet_accuracy, supernet_bits   with the weights of the supernet
    early_accuracy, early_bits         after a few epochs of its own

    Bits are the lower end of the bracket of I(T;Y) in the last hidden layer, a probe's bound; the upper end is H(Y) of
    the same labels for every net.
    """

    hidden: Hidden
    supernet_accuracy: float
    supernet_bits: float
    early_accuracy: float
    early_bits: float


@dataclass(frozen=True)
class Net:
    """One net over its seeds.

    what         how its widths came about
    epochs       of training
    accuracies   shares of the test set that are right, a seed each, one at least
    signals      what was known before; None of even widths, which nobody ranked
    """

    what: What
    hidden: Hidden
    cost: Cost
    epochs: int
    accuracies: tuple[float, ...]
    signals: Signals | None

    @property
    def cells(self) -> int:
        return self.cost.cells

    @property
    def accuracy(self) -> float:
        return mean(self.accuracies)

    @property
    def low(self) -> float:
        return min(self.accuracies)

    @property
    def high(self) -> float:
        return max(self.accuracies)


@dataclass(frozen=True)
class Ranking:
    """How a signal orders nets beside their mean accuracy after training.

    tau   Kendall's, -1 .. 1, ties counted for neither; None where all are equal
    p     of a tau so far from 0 by chance
    """

    signal: str
    tau: float | None
    p: float | None
    nets: int


@dataclass(frozen=True)
class Searched:
    """judged   nets that the supernet was asked about
    teaching    epochs of ordinary training that the supernet's steps amount to
    supernet    share of the validation samples that its largest net has right
    """

    name: str
    target: str
    cycles: int
    budgets: tuple[int, ...]
    judged: int
    supernet_epochs: int
    teaching: int
    supernet: float
    nets: tuple[Net, ...]

    def rankings(self) -> list[Ranking]:
        """Of found and drawn nets that are trained in all seeds alike; none of fewer than three."""
        there = [net for net in self.nets if net.signals is not None]
        seeds = min((len(net.accuracies) for net in there), default=0)
        if len(there) < 3:
            return []
        right = [net.accuracy for net in there]
        known = [net.signals for net in there if net.signals is not None]
        signals: dict[str, Sequence[float]] = {
            "accuracy in the supernet": [each.supernet_accuracy for each in known],
            "bits in the supernet": [each.supernet_bits for each in known],
            "accuracy after a few epochs": [each.early_accuracy for each in known],
            "bits after a few epochs": [each.early_bits for each in known],
            "cells": [net.cells for net in there],
        }
        found = [Ranking(name, *_tau(values, right), len(there)) for name, values in signals.items()]
        between = [
            _tau(*([net.accuracies[i] for net in there] for i in pair))[0] for pair in combinations(range(seeds), 2)
        ]
        if taus := [tau for tau in between if tau is not None]:
            found.append(Ranking("one seed for another", mean(taus), None, len(there)))
        return found


def _tau(values: Sequence[float], right: Sequence[float]) -> tuple[float | None, float | None]:
    if len(set(values)) < 2 or len(set(right)) < 2:
        return None, None
    from scipy.stats import kendalltau  # half a second, which few need

    found = kendalltau(values, right)
    return float(found.statistic), float(found.pvalue)
