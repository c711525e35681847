"""The information plane as a picture, of one run or of several as one: results and axes in, axes out.

Nothing is computed here.

How a point is drawn says what it is worth. Filled: a plain number. Hollow: WEAK. Hollow, grey and hatched: exact but
saturated. A refused number that has a bracket: hollow at the lower ends, with bars to the upper ones. One that has none
has no place in the plane: its layer stands, grey, in a margin that is no part of the scale.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Collection, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.cm import ScalarMappable
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..diagnostics import SATURATION_BITS
from ..median_of_runs import Spread
from ..points import PlanePoint, caption, last_epoch
from .marks_and_colours import (
    GREY,
    HATCH,
    REACH,
    axis_start,
    colour,
    epoch_colours,
    epoch_ticks,
    key,
    marker,
    places,
    style,
    top_of,
)

OVER_RUNS = " Median of {} runs; bands, and bars at the first and last epoch: from the lowest to the highest run."


def information_plane(axes: Axes, points: Sequence[PlanePoint], bars_at: Collection[int] | None = None) -> Axes:
    """I(T;Y) over I(X;T), colour = epoch, shape = layer, a thin grey line through the layers of one epoch.

    Dotted: H(Y), and log2 N, or H(X) where X is enumerated. Ticks on top: the widths of the layers. An axis starts at 0
    unless all points lie in its upper half. Shaded: what labels dealt at random would give the last epoch's codes.

    bars_at   epochs whose marks have their intervals or brackets as bars; by default the last
    """
    layers, last = _layers(points), last_epoch(points)
    norm, colours = SymLogNorm(linthresh=1, vmin=0, vmax=max(1, last), base=10), epoch_colours()
    most_x, most_y = math.log2(points[0].i_xt.samples), points[0].h_y_bits
    drawn = [point for point in points if point.xt.place is not None and point.ty.place is not None]
    right = max([point.ceiling_bits for point in points] + [top_of(point.xt, REACH * most_x) for point in drawn])
    top = max([most_y, 0.1, *(top_of(point.ty) for point in drawn)])
    left = axis_start(places(point.xt for point in drawn), right)
    bottom = axis_start(places(point.ty for point in drawn), top)
    right, top = right + 0.04 * (right - left), top + 0.06 * (top - bottom)

    for epoch in sorted({point.epoch for point in points}):
        chain = [point for point in drawn if point.epoch == epoch]
        x, y = places(point.xt for point in chain), places(point.ty for point in chain)
        axes.plot(x, y, color="#bbbbbb", linewidth=0.6, zorder=1)
    counted = [point for point in drawn if not point.xt.bracketed and not point.ty.bracketed]
    _chance_band(axes, [point for point in counted if point.epoch == last], bottom)
    for index, layer in enumerate(layers):
        for point in (point for point in points if point.layer == layer):
            own_colour = colours(norm(point.epoch))
            at_x, at_y = point.xt.place, point.ty.place
            if at_x is not None and at_y is not None and point.epoch in (bars_at or [last]):
                _bars(axes, point, at_x, at_y, own_colour, right)
            if at_y is None:
                at_y = top + 0.05 * (top - bottom)
            if at_x is None:  # a row for each layer, at no value
                at_x = right + 0.045 * (right - left)
                at_y = top - (top - bottom) * (index + 0.5) / len(layers)
            axes.scatter([at_x], [at_y], marker=marker(index), zorder=3, **style(point.xt, point.ty, own_colour))

    if any(point.xt.saturated for point in points) and right > most_x - SATURATION_BITS:
        axes.axvspan(
            most_x - SATURATION_BITS, right, facecolor="none", edgecolor="#cccccc", hatch=HATCH, linewidth=0, zorder=0
        )
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    if any(point.xt.place is None for point in points):
        axes.set_xlim(left, right + 0.09 * (right - left))
        _margin(axes, "I(X;T) and I(T;Y) refused", right_of=right)
    if any(point.ty.place is None and point.xt.place is not None for point in points):
        axes.set_ylim(bottom, top + 0.1 * (top - bottom))
        _margin(axes, "I(T;Y) refused", above=top)
    axes.axhline(most_y, color="black", linestyle=":", linewidth=1, zorder=0)
    axes.text(0.008, most_y, f"H(Y) = {most_y:.2f}", transform=axes.get_yaxis_transform(), va="bottom", fontsize=8)
    if most_x <= right:
        name = "H(X)" if points[0].i_xt.target == "enumerated" else "log$_2$ N"
        axes.axvline(most_x, color="black", linestyle=":", linewidth=1, zorder=0)
        axes.text(most_x, 0.02, f"{name} = {most_x:.2f} ", transform=axes.get_xaxis_transform(), ha="right", fontsize=8)
    widths = sorted({point.width for point in points if left < point.width < most_x})
    above = axes.secondary_xaxis("top")
    above.set_xticks(widths)
    above.set_xlabel("layer width (bits), the most that I(X;T) can be" if widths else "", fontsize=8)
    above.tick_params(labelsize=8)
    axes.set_xlabel("I(X;T) (bits)")
    axes.set_ylabel("I(T;Y) (bits)")
    if len({point.epoch for point in points}) > 1:
        ticks, figure = epoch_ticks(max(1, last), (1, 3)), axes.get_figure()
        bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, label="epoch", pad=0.03)  # type: ignore[union-attr]
        bar.set_ticks(ticks, labels=[str(tick) for tick in ticks])
        bar.ax.minorticks_off()
    return axes


def information_over_epochs(axes: Axes, points: Sequence[PlanePoint]) -> Axes:
    """I(X;T) of every layer against the epoch; intervals, where there are any, as bands, brackets as bars side
    by side.
    """
    layers = _layers(points)
    most = REACH * math.log2(points[0].i_xt.samples)
    shown = [top_of(point.xt, most) for point in points if point.xt.place is not None]
    top = 1.05 * max([0.1, *(shown or [point.ceiling_bits for point in points])])
    for index, layer in enumerate(layers):
        own = sorted((point for point in points if point.layer == layer), key=lambda point: point.epoch)
        own_colour = colour(index)
        at = {p.epoch: p.epoch + (0.05 * index * max(p.epoch, 1) if p.xt.bracketed else 0) for p in own}
        kept = [point for point in own if point.xt.place is not None]
        axes.plot([at[p.epoch] for p in kept], places(p.xt for p in kept), color=own_colour, linewidth=1, zorder=2)
        sure = [(p.epoch, *p.xt.ends) for p in kept if p.xt.ends and not p.xt.bracketed]
        sure_at, low, high = zip(*sure, strict=True) if sure else ((), (), ())
        axes.fill_between(sure_at, low, high, color=own_colour, alpha=0.2, linewidth=0)
        for point in own:
            place, x = point.xt.place, at[point.epoch]
            y = top * (1 + 0.06 * (index + 0.7)) if place is None else place
            if point.xt.bracketed and point.xt.ends:
                axes.vlines(x, *point.xt.ends, color=own_colour, linewidth=1, zorder=2)
            axes.scatter([x], [y], marker=marker(index), zorder=3, **style(point.xt, point.xt, own_colour, 18))
    axes.set_ylim(0, top)
    if any(point.xt.place is None for point in points):
        axes.set_ylim(0, top * (1 + 0.06 * (len(layers) + 0.6)))
        _margin(axes, "refused", above=top, at=0.25)  # no mark can stand between epochs 0 and 1
    axes.set_ylabel("I(X;T) (bits)")
    rows = len(layers) if any(point.xt.bracketed for point in points) else 0
    return _epoch_axis(axes, last_epoch(points), 1.1 + 0.05 * rows)


def accuracy_over_epochs(
    axes: Axes, epochs: Sequence[int], train: Sequence[float] | Spread, test: Sequence[float] | Spread
) -> Axes:
    """Fractions 0 .. 1 against the epoch, drawn in per cent; over several runs the middle and a band."""
    for values, line, shade in ((train, "--", GREY), (test, "-", "black")):
        name = "train" if values is train else "test"
        middle = values.middle if isinstance(values, Spread) else values
        axes.plot(epochs, [100 * value for value in middle], color=shade, linestyle=line, linewidth=1.2, label=name)
        if isinstance(values, Spread):
            low, high = [100 * value for value in values.low], [100 * value for value in values.high]
            axes.fill_between(epochs, low, high, color=shade, alpha=0.2, linewidth=0)
    axes.set_ylabel("accuracy (%)")
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    return _epoch_axis(axes, max(epochs))


def run_figure(
    points: Sequence[PlanePoint],
    epochs: Sequence[int] = (),
    train: Sequence[float] | Spread = (),
    test: Sequence[float] | Spread = (),
    title: str = "",
    runs: int = 1,
) -> Figure:
    """The whole picture of one run, captioned; without epochs, without the accuracy panel.

    runs   of how many runs these are the median and the range: see `across_runs` and `spread`
    """
    figure = Figure(figsize=(7.2, 7.4), layout="constrained")
    panels = figure.subplot_mosaic(
        [["plane", "plane"], ["series", "accuracy" if len(epochs) else "series"]], height_ratios=[2, 1]
    )
    ends = [min(point.epoch for point in points), last_epoch(points)]
    information_plane(panels["plane"], points, ends if runs > 1 else None)
    information_over_epochs(panels["series"], points)
    if len(epochs):
        accuracy_over_epochs(panels["accuracy"], epochs, train, test)
    keys = [
        Line2D([], [], marker=marker(i), color=colour(i), markersize=5, linewidth=1, label=layer)
        for i, layer in enumerate(_layers(points))
    ]
    columns = max(1, min(len(keys), 90 // (6 + max(len(layer) for layer in _layers(points)))))
    figure.legend(
        handles=keys,
        loc="outside upper center",
        ncols=columns,
        fontsize=8,
        frameon=False,
        title=title or None,
    )
    text = caption(points) + (OVER_RUNS.format(runs) if runs > 1 else "") + key(points)
    figure.supxlabel(textwrap.fill(text, 110), x=0.01, ha="left", fontsize=8)
    return figure


def svg(figure: Figure, title: str = "Information plane") -> str:
    """The figure as SVG text, an image of that title to who cannot see it: same figure, same bytes."""
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "bitneck", "svg.fonttype": "path"}):
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None, "Title": title})
    return out.getvalue().decode().replace("<svg ", '<svg role="img" ', 1)


def pdf(figure: Figure) -> bytes:
    """The figure as PDF, its letters as TrueType: same figure, same bytes."""
    out = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):
        FigureCanvasPdf(figure).print_pdf(out, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return out.getvalue()


def inline_svg(figure: Figure, title: str) -> str:
    """The same for a page: without the XML head."""
    text = svg(figure, title)
    return text[text.index("<svg") :]


def png(figure: Figure, dots_per_inch: int = 150) -> bytes:
    out = io.BytesIO()
    figure.set_dpi(dots_per_inch)
    FigureCanvasAgg(figure).print_png(out)
    return out.getvalue()


def _chance_band(axes: Axes, points: Sequence[PlanePoint], bottom: float) -> None:
    """Up to what labels dealt at random would give the layers of the last epoch, where that is within the scale."""
    floor = sorted((p.i_xt.bits, p.chance_bits) for p in points if p.chance_bits is not None)
    if len(floor) < 2 or max(bits for _, bits in floor) <= bottom:
        return
    x, bits = zip(*floor, strict=True)
    axes.fill_between(x, 0, bits, color="#eef0f2", linewidth=0, zorder=0)
    axes.plot(x, bits, color="#9aa3ad", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1, scaley=False)
    axes.annotate(
        "by chance", (x[-1], bits[-1]), (-6, -8), textcoords="offset points", fontsize=7, ha="right", va="top"
    )


def _layers(points: Sequence[PlanePoint]) -> list[str]:
    return list(dict.fromkeys(point.layer for point in points))


def _epoch_axis(axes: Axes, last: int, room: float = 1.1) -> Axes:
    last = max(1, last)
    ticks = epoch_ticks(last, (1, 3) if last < 300 else (1,))
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(-0.1, room * last)
    axes.set_xlabel("epoch")
    return axes


def _bars(axes: Axes, point: PlanePoint, x: float, y: float, own_colour: Any, right: float) -> None:
    """Intervals around the mark, with caps; of a bracket from the mark on, an arrow where it leaves the picture."""
    for number, bars in ((point.xt, "xerr"), (point.ty, "yerr")):
        if number.ends is None or number.place is None:
            continue
        low, high = number.ends
        span = [[number.place - low], [high - number.place]]
        look: dict[str, Any] = {"color": "black", "linewidth": 0.8, "capsize": 2}
        if number.bracketed:
            look = {"color": own_colour, "linewidth": 1.2, "capsize": 0}
        axes.errorbar(x, y, **{bars: span}, **look, zorder=2)  # type: ignore[arg-type]
        if bars == "xerr" and high > right:
            axes.scatter([right], [y], marker=">", color=[own_colour], s=16, zorder=3, clip_on=False)


def _margin(axes: Axes, text: str, right_of: float | None = None, above: float | None = None, at: float = 0.05) -> None:
    """A shaded strip beyond the scale, without its ticks, named beside it or, at `at`, within."""
    shade: dict[str, Any] = {"facecolor": "#eeeeee", "edgecolor": "none", "zorder": 0}
    if right_of is not None:
        start, end = axes.get_xlim()
        axes.set_xticks([tick for tick in axes.get_xticks() if start <= tick <= right_of])
        axes.axvspan(right_of, end, **shade)
        beside: dict[str, Any] = {
            "xycoords": "axes fraction",
            "textcoords": "offset points",
            "rotation": 270,
            "va": "center",
        }
        axes.annotate(text, (1, 0.5), (3, 0), fontsize=7, **beside)
    if above is not None:
        start, end = axes.get_ylim()
        axes.set_yticks([tick for tick in axes.get_yticks() if start <= tick <= above])
        axes.axhspan(above, end, **shade)
        axes.text(at, (above + axes.get_ylim()[1]) / 2, text, va="center", fontsize=7)
