"""Where plotly puts what: the plane, I(X;T) over the epochs, and margins without a scale for refused numbers."""

from __future__ import annotations

import math
from typing import Any

from ..diagnostics import SATURATION_BITS
from .marks_and_colours import epoch_ticks
from .run_on_page import Scales, Shown, epoch_place

INK, SHADE = "#1c2430", "#f0f0f0"
# The panels of one run, in shares of the picture's width and height. Margins for refused numbers come off their sides.
RIGHT, PLANE_FOOT, SERIES_HEAD, MARGIN = 1.0, 0.39, 0.27, 0.06


def ceilings(run: Shown, shared: Scales) -> list[dict[str, Any]]:
    """Dotted lines at H(Y) and at log2 N or H(X). Traces, because the grid covers what is drawn below traces."""
    most_x, most_y = math.log2(run.points[0].i_xt.samples), run.points[0].h_y_bits
    dots = {
        "mode": "lines",
        "line": {"color": INK, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return [
        {"x": list(shared.plane_x), "y": [most_y, most_y], **dots},
        {"x": [most_x, most_x], "y": list(shared.plane_y), **dots},
    ]


def layout(run: Shown, shared: Scales) -> dict[str, Any]:
    right = RIGHT - (MARGIN + 0.01) * shared.margin_right
    head = 1 - (MARGIN + 0.01) * shared.margin_top
    strip_foot = SERIES_HEAD - min(0.03 + 0.02 * shared.margin_rows, 0.13)
    series_head = strip_foot - 0.02 if shared.margin_right else SERIES_HEAD
    plain = {"showgrid": True, "gridcolor": "#eeeeee", "zeroline": False, "linecolor": INK, "ticks": "outside"}
    bare = {"visible": False, "fixedrange": True, "range": [0, 1]}
    ticks = epoch_ticks(shared.last_epoch, (1, 3) if shared.last_epoch < 300 else (1,))
    most_x, most_y = math.log2(run.points[0].i_xt.samples), run.points[0].h_y_bits
    shapes: list[dict[str, Any]] = [
        {
            "type": "line",
            "xref": "x4",
            "yref": "paper",
            "y0": 0,
            "y1": SERIES_HEAD,
            "x0": 0,
            "x1": 0,
            "line": {"color": INK, "width": 1.5},
        },
    ]
    exact = "H(X)" if run.points[0].i_xt.target == "enumerated" else "log<sub>2</sub> N"
    note: dict[str, Any] = {"showarrow": False, "font": {"size": 12}}
    notes: list[dict[str, Any]] = [
        {**note, "xref": "x domain", "yref": "y", "x": 0.01, "y": most_y, "yanchor": "bottom", "xanchor": "left"}
        | {"text": f"H(Y) = {most_y:.2f}"},
        {**note, "xref": "x", "yref": "y domain", "x": most_x, "y": 0.5, "xanchor": "right", "yanchor": "middle"}
        | {"text": f"{exact} = {most_x:.2f}", "textangle": -90},
    ]
    grey = {"type": "rect", "line": {"width": 0}, "fillcolor": SHADE, "layer": "below", "xref": "paper"}
    if any(one.saturated for point in run.points for one in (point.xt, point.ty)):
        ends = min(most_x + 0.04 * (shared.plane_x[1] - shared.plane_x[0]), shared.plane_x[1])
        strip = {"xref": "x", "yref": "y domain", "x0": most_x - SATURATION_BITS, "x1": ends}
        shapes.append({**grey, **strip, "y0": 0, "y1": 1})
    if shared.margin_top:
        shapes.append({**grey, "yref": "paper", "x0": 0, "x1": right, "y0": 1 - MARGIN, "y1": 1})
        notes.append(
            {**note, "xref": "paper", "yref": "paper", "x": 0.01, "y": 1 - MARGIN / 2, "text": "I(T;Y) refused"}
            | {"xanchor": "left", "yanchor": "middle"}
        )
    if shared.margin_right:
        shapes.append({**grey, "yref": "paper", "x0": 1 - MARGIN, "x1": 1, "y0": PLANE_FOOT, "y1": head})
        shapes.append({**grey, "yref": "paper", "x0": 0, "x1": right, "y0": strip_foot, "y1": SERIES_HEAD})
        notes += [
            {**note, "xref": "paper", "yref": "paper", "x": 1, "y": (PLANE_FOOT + head) / 2, "textangle": 90}
            | {"text": "both refused", "xanchor": "left", "yanchor": "middle"},
            {**note, "xref": "paper", "yref": "paper", "x": right, "xanchor": "left", "yanchor": "middle"}
            | {"y": (strip_foot + SERIES_HEAD) / 2, "text": " refused"},
        ]
    last_place = epoch_place(shared.last_epoch)
    return {
        "xaxis": {
            **plain,
            "range": list(shared.plane_x),
            "domain": [0, right],
            "title": {"text": "I(X;T) (bits)", "standoff": 4},
        },
        "yaxis": {**plain, "range": list(shared.plane_y), "domain": [PLANE_FOOT, head]}
        | {"title": {"text": "I(T;Y) (bits)"}},
        "yaxis2": {**bare, "domain": [1 - MARGIN, 1], "anchor": "x"},
        "xaxis2": {**bare, "domain": [1 - MARGIN, 1], "anchor": "y3"},
        "yaxis3": {**bare, "domain": [PLANE_FOOT, head], "anchor": "x2"},
        "xaxis4": {**plain, "domain": [0, right], "anchor": "y4", "title": {"text": "epoch", "standoff": 4}}
        | {
            "range": [-0.02 * last_place, 1.02 * last_place + shared.bar_rows * shared.bar_step],
            "tickvals": [epoch_place(tick) for tick in ticks],
        }
        | {"ticktext": [str(tick) for tick in ticks]},
        "yaxis4": {**plain, "range": list(shared.series_y), "domain": [0, series_head], "anchor": "x4"}
        | {"title": {"text": "I(X;T) (bits)", "standoff": 4}},
        "yaxis5": {**bare, "domain": [strip_foot, SERIES_HEAD], "anchor": "x4"},
        "shapes": shapes,
        "annotations": notes,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": "white", "align": "left", "font": {"size": 13, "color": INK}},
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        "margin": {"l": 52, "r": 58 if shared.margin_right else 12, "t": 8, "b": 40},
        "font": {"size": 12, "color": INK, "family": "system-ui, 'DejaVu Sans', sans-serif"},
        "plot_bgcolor": "white",
        "paper_bgcolor": "white",
    }
