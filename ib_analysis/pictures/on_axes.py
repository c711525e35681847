"""`bitneck.plots`: each picture on the axes that it is given, or on new ones of pyplot. Results in, axes out.

Nothing is computed here. Every picture of information says below which samples, target and estimator it is of.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..map_information import MapLayer
from ..points import PlanePoint, caption
from . import maps_of_positions, planes_of_kinds, plots
from .maps_of_positions import maps_figure
from .marks_and_colours import GREY, colour, key, marker
from .planes_of_kinds import Seeds
from .plots import run_figure

__all__ = [
    "accuracy_over_compression",
    "accuracy_over_epochs",
    "information_over_epochs",
    "information_plane",
    "maps_figure",
    "mean_plane",
    "mean_series",
    "positions",
    "run_figure",
]


class PictureError(ValueError):
    """Something that cannot be drawn, or that it cannot be drawn on."""


class HasRows(Protocol):
    """A result that gives itself as rows: a History."""

    def rows(self) -> list[dict[str, Any]]: ...


def information_plane(
    points: Sequence[PlanePoint], ax: Axes | None = None, bars_at: Collection[int] | None = None, legend: bool = True
) -> Axes:
    """I(T;Y) over I(X;T) in bits, colour = epoch, shape = layer; see `plots.information_plane` for every mark.

    ax        to draw on; a colour bar takes its place beside it. None makes a figure
    bars_at   epochs whose marks have their intervals as bars; by default the last
    legend    the shapes of the layers, and as title what the points are of
    """
    _check(points)
    axes = plots.information_plane(_axes(ax, (7.2, 5.4)), points, bars_at)
    if legend:
        names = list(dict.fromkeys(point.layer for point in points))
        keys = [
            Line2D([], [], marker=marker(index), color=GREY, linestyle="", markersize=5, label=name)
            for index, name in enumerate(names)
        ]
        axes.legend(handles=keys, loc="best", fontsize=8, framealpha=0.8)
        _say(axes, points, by_epoch=True)
    return axes


def information_over_epochs(points: Sequence[PlanePoint], ax: Axes | None = None, legend: bool = True) -> Axes:
    """I(X;T) in bits of every layer against the epoch; intervals, where there are any, as bands."""
    _check(points)
    axes = plots.information_over_epochs(_axes(ax, (7.2, 4.0)), points)
    if legend:
        names = list(dict.fromkeys(point.layer for point in points))
        keys = [
            Line2D([], [], marker=marker(index), color=colour(index), linewidth=1, markersize=5, label=name)
            for index, name in enumerate(names)
        ]
        axes.legend(handles=keys, loc="best", fontsize=8, framealpha=0.8)
        _say(axes, points, by_epoch=False)
    return axes


def accuracy_over_epochs(history: HasRows | Sequence[Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Per cent of the classes right, training and test, against the epoch.

    history   a History, or rows of `epoch`, `train_accuracy` and `test_accuracy` (0 .. 1)
    """
    rows = history if isinstance(history, Sequence) else history.rows()
    if not rows:
        raise PictureError("no epoch has been trained, so there is no accuracy to draw; train first")
    epochs = [int(row["epoch"]) for row in rows]
    train, test = ([float(row[kind]) for row in rows] for kind in ("train_accuracy", "test_accuracy"))
    return plots.accuracy_over_epochs(_axes(ax, (5.4, 3.6)), epochs, train, test)


def positions(of: MapLayer, ax: Axes | None = None, quantity: str = "I(T;Y) is at least") -> Axes:
    """What each position of a feature map knows, in bits; hatched where a number was refused.

    quantity   one of `maps_of_positions.COLUMNS`
    """
    known = maps_of_positions.COLUMNS
    if quantity not in known:
        raise PictureError(f"no quantity {quantity!r} of positions; choose one of {list(known)}")
    values = known[quantity](of.at_positions)
    if values is None:
        raise PictureError(f"{of.layer}: {quantity} needs labels, and these samples have none")
    axes = maps_of_positions.heat(_axes(ax, (4.0, 3.6)), values, of.height, of.width)
    axes.set_title(f"{of.layer}: {quantity} (bits)", fontsize=8)
    return axes


def mean_plane(seeds: Seeds, ax: Axes | None = None, last: int | None = None) -> Axes:
    """I(T;Y) over I(X;T) in bits, the mean of several trainings of one kind of net.

    seeds   by seed, then by layer from input to output: `dynamics.trajectories` of each
    last    epoch of the last colour, so that several pictures share their colours; by default that of these
    """
    return planes_of_kinds.mean_plane(_axes(ax, (5.4, 4.2)), seeds, _last(seeds) if last is None else last)


def mean_series(seeds: Seeds, ax: Axes | None = None, last: int | None = None) -> Axes:
    """I(X;T) in bits against the epoch: the mean of several trainings, and from the lowest to the highest."""
    return planes_of_kinds.mean_series(_axes(ax, (5.4, 3.6)), seeds, _last(seeds) if last is None else last)


def accuracy_over_compression(
    shapes: Mapping[str, tuple[Sequence[float], Sequence[float]]], ax: Axes | None = None
) -> Axes:
    """Test accuracy (0 .. 1) over late compression (bits) of one layer, a mark for each net.

    shapes   by shape of net: bits of late compression and accuracy, one of each a net
    """
    axes = planes_of_kinds.accuracy_over_compression(_axes(ax, (5.4, 4.2)), shapes)
    axes.set_ylabel("test accuracy", fontsize=8)
    axes.legend(fontsize=8, framealpha=0.8)
    return axes


def plane_figure(points: Sequence[PlanePoint]) -> Figure:
    """The whole picture of these points, captioned, for a page or a notebook; of one epoch the plane alone."""
    if len({point.epoch for point in points}) > 1:
        return run_figure(points)
    figure = Figure(figsize=(7.2, 5.2), layout="constrained")
    information_plane(points, figure.subplots())
    return figure


def _axes(ax: Axes | None, inches: tuple[float, float]) -> Axes:
    if ax is None:
        from matplotlib import pyplot  # a notebook shows what pyplot has made

        return pyplot.subplots(figsize=inches, layout="constrained")[1]
    if not isinstance(ax, Axes):
        more = ", one of them at a time" if hasattr(ax, "__len__") else ""
        raise PictureError(f"ax is a {type(ax).__name__}; give matplotlib Axes{more}, or nothing")
    return ax


def _check(points: object) -> None:
    if isinstance(points, Axes):
        raise PictureError("axes where points belong; the results come first, then ax=…")
    if not isinstance(points, Sequence) or not all(isinstance(point, PlanePoint) for point in points):
        raise PictureError(f"a {type(points).__name__} where points belong; give what `plane` or `analyze` returned")


def _say(axes: Axes, points: Sequence[PlanePoint], by_epoch: bool) -> None:
    text = caption(points) + key(points, by_epoch)
    inches = axes.get_position().width * axes.get_figure(root=True).get_figwidth()  # type: ignore[union-attr]
    axes.set_title(textwrap.fill(text, max(40, int(17 * inches))), fontsize=8, loc="left")


def _last(seeds: Seeds) -> int:
    if not seeds or not all(seeds):
        raise PictureError("no trajectories; give those of each seed, from `dynamics.trajectories`")
    return max(int(layer.epochs[-1]) for layers in seeds for layer in layers)
