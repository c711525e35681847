"""The information plane of one run as plotly draws it, and what moves in it from epoch to epoch. Data in, data out.

How a point is drawn says what it is worth, as in `plots`. A refused number is in none of it: its mark stands in a
margin that has axes of its own and no scale.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..diagnostics import SATURATED_DATASET
from ..points import Known, PlanePoint
from .marks_and_colours import GREY, colour, symbol
from .moving_layout import INK, ceilings, layout
from .run_on_page import Scales, Shown, epoch_place, rows_of


def figure(run: Shown, shared: Scales, epochs: Sequence[int]) -> dict[str, Any]:
    """Plotly's data and layout, and for every step of the slider what moves.

    Traces that stay: the two ceilings; for each layer an entry of the legend, its trajectory and its series.
    Traces that move: one line through the layers; for each layer its mark in the plane, the series and each margin.
    """
    still = ceilings(run, shared)
    rows = rows_of(run)
    for index, layer in enumerate(run.layers):
        own = sorted((point for point in run.points if point.layer == layer), key=lambda point: point.epoch)
        line = {"color": colour(index), "width": 1.2}
        group = {"legendgroup": layer, "name": html.escape(layer)}
        key = {"symbol": symbol(index), "size": 9, "color": colour(index)}
        still.append({"x": [None], "y": [None], "mode": "lines+markers", "marker": key, "line": line, **group})
        path = _marks([(*_place(point), point, index) for point in own], 4, opacity=0.55)
        still.append({**path, "mode": "lines+markers", "line": line, "opacity": 0.6, "showlegend": False, **group})
        track = [(_beside(p, index, shared), p.xt.place, p, index) for p in own]
        series = _marks(track, 4, series=True) | {"xaxis": "x4", "yaxis": "y4", "showlegend": False}
        if any(point.xt.bracketed for point in own):
            series |= {"error_y": _bars([point.xt for point in own], colour(index), shared.series_y[1])}
        still.append({**series, "mode": "lines+markers", "line": line, **group})
        gone = [(epoch_place(p.epoch), rows[layer], p, index) for p in own if p.xt.place is None]
        if gone:
            margin = {"mode": "markers", "xaxis": "x4", "yaxis": "y5", "showlegend": False}
            still.append({**_marks(gone, 5, series=True), **margin, **group})
    steps = [_moving(run, shared, run.captured(epoch)) for epoch in epochs]
    last = steps[-1]
    told: dict[str, int] = {}
    for trace in (*still, *(trace for step in steps for trace in step)):
        if "text" in trace:  # the same words stand in several traces and steps; the page has them once
            trace["text"] = [told.setdefault(text, len(told)) for text in trace["text"]]
    names = ("x", "y", "text", "customdata", "marker", "error_x", "error_y")
    return {
        "words": list(told),
        "data": [*still, *last],
        "layout": layout(run, shared),
        "moving": list(range(len(still), len(still) + len(last))),
        "steps": [
            {
                "move": {name: [trace.get(name) for trace in step] for name in names},
                "cursor": epoch_place(run.captured(epoch)),
                "says": _says(run, epoch),
                "rows": [_row(point) for layer in run.layers if (point := run.at(layer, run.captured(epoch)))],
            }
            for epoch, step in zip(epochs, steps, strict=True)
        ],
    }


def _moving(run: Shown, shared: Scales, epoch: int) -> list[dict[str, Any]]:
    """All layers at one epoch: the same traces at every epoch, empty where there is nothing to mark."""
    now = [(point, index) for index, layer in enumerate(run.layers) if (point := run.at(layer, epoch)) is not None]
    chain = [_place(point) for point, _ in now]
    line = {"color": "#999999", "width": 1}
    quiet = {"hoverinfo": "skip", "showlegend": False}
    traces: list[dict[str, Any]] = [
        {"x": [x for x, _ in chain], "y": [y for _, y in chain], "mode": "lines", "line": line, **quiet}
    ]
    rows = rows_of(run)
    places: list[tuple[dict[str, str], Callable[[PlanePoint, int], tuple[float | None, float | None]]]] = [
        ({}, lambda point, _: _place(point)),
        ({"xaxis": "x4", "yaxis": "y4"}, lambda point, index: (_beside(point, index, shared), point.xt.place)),
    ]
    if shared.margin_top:
        places.append(({"yaxis": "y2"}, lambda p, _: (p.xt.place, 0.5 if p.ty.place is None else None)))
    if shared.margin_right:
        places += [
            (
                {"xaxis": "x2", "yaxis": "y3"},
                lambda p, _: (0.5, rows[p.layer]) if p.xt.place is None else (None, None),
            ),
            (
                {"xaxis": "x4", "yaxis": "y5"},
                lambda p, _: (epoch_place(epoch), rows[p.layer]) if p.xt.place is None else (None, None),
            ),
        ]
    by_index = {index: point for point, index in now}
    for axes, place in places:
        series = axes.get("xaxis") == "x4"
        beside: dict[tuple[Any, ...], list[str]] = {}
        for point, index in now:
            beside.setdefault(_spot(*place(point, index)), []).append(point.layer)
        for index, layer in enumerate(run.layers):
            at: list[tuple[Any, ...]] = []
            above = 0.0
            if index in by_index:
                x, y = place(by_index[index], index)
                at = [(x, y, by_index[index], index)] if x is not None and y is not None else []
                same = beside[_spot(x, y)]
                above = (len(same) - 1 - same.index(layer)) * min(8, 24 / max(len(same) - 1, 1))
            bars = at if not axes else []
            # Deeper layers are drawn later and smaller; of several in one place each stands out behind the next.
            size = (9 if series else 15) * (1 - 0.4 * index / len(run.layers)) + above / (4 if series else 1)
            traces.append(
                {
                    **_marks(at, size, series, beside),
                    "mode": "markers",
                    "showlegend": False,
                    "legendgroup": layer,
                    "name": html.escape(layer),
                    "error_x": _bars([p.xt for _, _, p, _ in bars], colour(index), shared.plane_x[1]),
                    "error_y": _bars([p.ty for _, _, p, _ in bars], colour(index), shared.plane_y[1]),
                    "cliponaxis": False,
                    **axes,
                }
            )
    return traces


def _beside(point: PlanePoint, index: int, shared: Scales) -> float:
    """Where the series has it: bars of several layers at one epoch stand side by side."""
    return epoch_place(point.epoch) + (index * shared.bar_step if point.xt.bracketed else 0)


def _spot(x: float | None, y: float | None) -> tuple[Any, ...]:
    """The same for layers of equal information, whatever the order in which it was summed."""
    return tuple(None if value is None else round(value, 6) for value in (x, y))


def _marks(
    places: Sequence[tuple[Any, ...]],
    size: float,
    series: bool = False,
    beside: Mapping[tuple[Any, ...], Sequence[str]] = MappingProxyType({}),
    **more: Any,
) -> dict[str, Any]:
    """x, y, looks and words of marks, each given as (x, y, point, number of its layer).

    beside   by place, the layers whose marks lie there: of several in one place only one can be pointed at
    """
    looks = [_look(p.xt, p.xt if series else p.ty, index) for _, _, p, index in places]
    return {
        "x": [place[0] for place in places],
        "y": [place[1] for place in places],
        "text": [words(point, beside.get(_spot(x, y), ())) for x, y, point, _ in places],
        "customdata": [place[2].epoch for place in places],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "symbol": [look for look, _ in looks],
            "color": [shade for _, shade in looks],
            "size": size,
            "line": {"color": "white" if size > 5 else "rgba(0,0,0,0)", "width": 1 if size > 5 else 0},
            **more,
        },
    }


def _look(x: Known, y: Known, index: int) -> tuple[str, str]:
    """Symbol and colour: filled; hollow, WEAK or bracketed; hollow and grey, saturated with a dot, refused without."""
    if x.estimate.solid and y.estimate.solid:
        return symbol(index), colour(index)
    if x.saturated or y.saturated:
        return f"{symbol(index)}-open-dot", GREY
    refused = x.place is None or y.place is None
    return f"{symbol(index)}-open", GREY if refused else colour(index)


def words(point: PlanePoint, beside: Iterable[str] = ()) -> str:
    """What a mark says when it is pointed at: layer, epoch, both numbers, and their verdicts in words.

    beside   layers in the same place
    """
    both = (("I(X;T)", point.i_xt), ("I(T;Y)", point.i_ty))
    brackets = (point.xt_bracket, point.ty_bracket)
    lines = [f"<b>{html.escape(point.layer)}</b>, epoch {point.epoch}, {point.width} bits wide"]
    for name, one in both:
        number, _, more = str(one).partition(" ")
        unit = [] if one.verdict.refused else ["bits"]
        lines.append(f"{' '.join([name, number, *unit, *more.split()])}: {one.standing}")
    for (name, _), bracket in zip(both, brackets, strict=True):
        if bracket is not None:
            lines.append(f"{name} of the population: {bracket} bits, by {bracket.low_method} and {bracket.high_method}")
    told = list(dict.fromkeys(one.verdict for _, one in both))
    explanations = [f"{verdict}: {verdict.explanation}" for verdict in told]
    if any(one.saturated and not one.verdict.refused for _, one in both):
        explanations.append(SATURATED_DATASET)
    for text in explanations:
        lines += [f"<i>{html.escape(line, quote=False)}</i>" for line in textwrap.wrap(text, 46)]
    others = [html.escape(layer) for layer in beside if layer != point.layer]
    if others:
        lines.append(f"In the same place: {', '.join(others)}")
    return "<br>".join(lines)


def _row(point: PlanePoint) -> list[str]:
    return [point.layer, str(point.xt), point.i_xt.standing, str(point.ty), point.i_ty.standing]


def _says(run: Shown, epoch: int) -> str:
    own = run.captured(epoch)
    text = f"epoch {own}"
    if own != epoch:
        text += f" (captured last before {epoch})" if own < epoch else f" (the first captured, {epoch} was not)"
    if own in run.accuracy:
        text += f", test accuracy {run.accuracy[own]:.1%}"
    return text


def _place(point: PlanePoint) -> tuple[float | None, float | None]:
    """In the plane, or nowhere: both numbers, or none."""
    x, y = point.xt.place, point.ty.place
    return (None, None) if x is None or y is None else (x, y)


def _bars(numbers: Sequence[Known], own_colour: str, most: float) -> dict[str, Any]:
    """Of an interval around the mark, in ink and with caps; of a bracket from the mark on, in the layer's colour.

    most   where the axis ends: no bar goes beyond
    """
    spans = [(min(n.ends[1], most) - n.place, n.place - n.ends[0]) if n.ends and n.place else (0, 0) for n in numbers]
    open_ended = any(number.bracketed for number in numbers)
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0, up) for up, _ in spans],
        "arrayminus": [down for _, down in spans],
        "color": own_colour if open_ended else INK,
        "thickness": 1.5 if open_ended else 1,
        "width": 0 if open_ended else 3,
        "visible": any(up or down for up, down in spans),
    }
