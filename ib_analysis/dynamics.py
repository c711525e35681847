"""How a layer's information moves over training, in the numbers that the fit-then-compress claim is about.

The claim (Shwartz-Ziv and Tishby 2017; Raj, Nayak and Kalyani 2020): float nets first gain I(X;T) while they fit, and
lose it later; binary nets gain I(T;Y) and lose I(X;T) at once. So: does I(X;T) rise before it falls, when does it peak,
and how much of the fall is over by the time the fit is?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .codes import numbers
from .points import PlaneError, PlanePoint

FITTED = 0.9  # of the gain of I(T;Y): the fit counts as over
TOLERANCE_BITS = 1e-9


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One layer over the captured epochs, in order; bits.

    epochs       (m,) int, rising
    i_xt, i_ty   (m,) float
    """

    layer: str
    epochs: NDArray[np.int64]
    i_xt: NDArray[np.float64]
    i_ty: NDArray[np.float64]

    @property
    def rise_bits(self) -> float:
        """max I(X;T) minus its value at the first epoch: how much of a separate fitting phase there is."""
        return float(self.i_xt.max() - self.i_xt[0])

    @property
    def peak_epoch(self) -> int:
        """First epoch at which I(X;T) is largest."""
        return int(self.epochs[self.i_xt.argmax()])

    @property
    def compression_bits(self) -> float:
        """max I(X;T) minus its value at the last epoch."""
        return float(self.i_xt.max() - self.i_xt[-1])

    @property
    def fitted_epoch(self) -> int:
        """First epoch at which I(T;Y) has made FITTED of its gain, from the first epoch to its largest value."""
        start, end = self.i_ty[0], self.i_ty.max()
        return int(self.epochs[(self.i_ty >= start + FITTED * (end - start)).argmax()])

    @property
    def late_compression_bits(self) -> float:
        """I(X;T) at `fitted_epoch` minus its value at the last epoch; negative where it grew."""
        return float(self.i_xt[self.epochs == self.fitted_epoch][0] - self.i_xt[-1])

    def compression_while_fitting(self) -> float | None:
        """Share of the compression, 0 .. 1, that is over at `fitted_epoch`; None where nothing is compressed.

        0: fit first, compress later. 1: both at once. A layer that is still rising when it is fitted counts as 0.
        """
        if self.compression_bits <= TOLERANCE_BITS:
            return None
        if self.fitted_epoch < self.peak_epoch:
            return 0.0
        at_fit = self.i_xt[self.epochs == self.fitted_epoch][0]
        return float(np.clip((self.i_xt.max() - at_fit) / self.compression_bits, 0, 1))


def trajectories(points: Sequence[PlanePoint]) -> tuple[Trajectory, ...]:
    """Of every layer, in the points' order. Raises PlaneError for a refused number: its layer has no trajectory."""
    found = []
    for layer in dict.fromkeys(point.layer for point in points):
        mine = sorted((point for point in points if point.layer == layer), key=lambda point: point.epoch)
        for point in mine:
            if point.i_xt.verdict.refused or point.i_ty.verdict.refused:
                raise PlaneError(
                    f"{layer}, epoch {point.epoch}: {point.i_xt.verdict}; a refused number has no trajectory"
                )
        found.append(
            Trajectory(
                layer,
                np.array([point.epoch for point in mine]),
                np.array([point.i_xt.bits for point in mine]),
                np.array([point.i_ty.bits for point in mine]),
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class Violation:
    """`layer` has `excess_bits` more of the quantity than the one before it: impossible where numbers are exact."""

    epoch: int
    layer: str
    quantity: str
    excess_bits: float


def dpi_violations(layers: Sequence[Trajectory]) -> tuple[Violation, ...]:
    """Where the data-processing inequality fails: I(X;T) and I(T;Y) must not rise with depth at any epoch.

    layers   from input to output, over the same epochs

    With exact numbers of a deterministic chain there is none; estimates may have some, and float quantities that are no
    mutual information of the net often do.
    """
    return tuple(
        Violation(int(epoch), after.layer, quantity, float(excess))
        for before, after in pairwise(layers)
        for quantity in ("i_xt", "i_ty")
        for epoch, excess in zip(after.epochs, getattr(after, quantity) - getattr(before, quantity), strict=True)
        if excess > TOLERANCE_BITS
    )


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho over n pairs, with its 95 % interval; None where one side does not vary."""

    rho: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def consistent(self) -> bool:
        """The interval leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> RankCorrelation:
    """Of at least 4 pairs, PlaneError for fewer; ties share their mean rank.

    The interval is Fisher's z with the variance (1 + rho^2 / 2) / (n - 3). Source: Bonett and Wright 2000, "Sample size
    requirements for estimating Pearson, Kendall and Spearman correlations".
    """
    n = len(x)
    if n < 4 or len(y) != n:
        raise PlaneError(f"a rank correlation needs at least 4 pairs, got {n} and {len(y)} values")
    sides = [numbers(values, "a rank correlation needs finite numbers") for values in (x, y)]
    if not all(side.ndim == 1 and np.isfinite(side).all() for side in sides):
        raise PlaneError(f"a rank correlation needs (n,) finite numbers, got {list(x)} and {list(y)}")
    if any((side == side[0]).all() for side in sides):
        return RankCorrelation(None, None, None, n)
    from scipy.stats import spearmanr  # half a second, which few need

    rho = float(spearmanr(x, y).statistic)
    z = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    reach = 1.96 * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return RankCorrelation(rho, float(np.tanh(z - reach)), float(np.tanh(z + reach)), n)
