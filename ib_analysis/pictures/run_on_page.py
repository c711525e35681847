"""What a run brings to a picture of several, and the scales that all of them share: equal places, equal numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..points import PlanePoint
from .marks_and_colours import REACH, axis_start, places, top_of


@dataclass(frozen=True)
class Shown:
    """One run on the page.

    remark     what sets it apart: widths, seed
    accuracy   test accuracy 0 .. 1 by epoch, as far as it is known
    """

    name: str
    points: Sequence[PlanePoint]
    remark: str = ""
    accuracy: Mapping[int, float] = field(default_factory=dict)

    @property
    def layers(self) -> list[str]:
        return list(dict.fromkeys(point.layer for point in self.points))

    @property
    def epochs(self) -> list[int]:
        return sorted({point.epoch for point in self.points})

    def captured(self, epoch: int) -> int:
        """The last epoch of this run at or before that one; its first where there is none."""
        return max((own for own in self.epochs if own <= epoch), default=self.epochs[0])

    def at(self, layer: str, epoch: int) -> PlanePoint | None:
        return next((p for p in self.points if p.layer == layer and p.epoch == epoch), None)


@dataclass(frozen=True)
class Scales:
    """Of all runs of a page: ends of the axes, and which margins for refused numbers there are.

    bar_rows   layers with a bracket anywhere: their bars stand beside their epoch, side by side
    """

    plane_x: tuple[float, float]
    plane_y: tuple[float, float]
    series_y: tuple[float, float]
    last_epoch: int
    margin_right: bool
    margin_top: bool
    margin_rows: int
    bar_rows: int

    @property
    def bar_step(self) -> float:
        """From one layer's bar to the next, in `epoch_place`."""
        return 0.01 * epoch_place(self.last_epoch)


def scales(runs: Sequence[Shown]) -> Scales:
    points = [point for run in runs for point in run.points]
    xs = [point.xt for point in points if point.xt.place is not None]
    ys = [point.ty for point in points if point.ty.place is not None and point.xt.place is not None]
    counted = max(math.log2(point.i_xt.samples) for point in points)
    right = max([counted, *(top_of(one, REACH * counted) for one in xs)])
    top = max([0.1, *(point.h_y_bits for point in points), *map(top_of, ys)])
    left, bottom = axis_start(places(xs), right), axis_start(places(ys), top)
    most = max([0.1, *(top_of(one, right) for one in xs)]) if xs else right
    low = min([0.0, *places(xs)])
    return Scales(
        (left, right + 0.04 * (right - left)),
        (bottom, top + 0.09 * (top - bottom)),
        (low - 0.03 * most, 1.06 * most),
        max(1, *(point.epoch for point in points)),
        any(point.xt.place is None for point in points),
        any(point.ty.place is None and point.xt.place is not None for point in points),
        max(len(rows_of(run)) for run in runs),
        max(len({point.layer for point in run.points if point.xt.bracketed}) for run in runs),
    )


def rows_of(run: Shown) -> dict[str, float]:
    """Where a margin of height 1 has each layer that is ever refused, the first on top."""
    gone = [layer for layer in run.layers if any(p.layer == layer and p.xt.place is None for p in run.points)]
    return {layer: 1 - (row + 0.5) / len(gone) for row, layer in enumerate(gone)}


def epoch_place(epoch: int) -> float:
    """Epochs are log-spaced and begin at 0."""
    return math.log2(1 + epoch)
