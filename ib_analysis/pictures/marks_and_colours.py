"""What a mark says: its shape the layer, its colour the epoch, its filling how far the number can be believed.

Filled: a plain number. Hollow: WEAK, or with bars: no number, but at least this much, and at most what the bars reach.
Hollow, grey and hatched: saturated. Hollow and grey: refused, and then it stands in a margin that is no part of the
scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.colors import Colormap, ListedColormap

from ..points import Known, PlanePoint

MARKERS = "osD^vP*X<>ph"
SYMBOLS = (  # the same shapes, as plotly names them
    *("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "star", "x"),
    *("triangle-left", "triangle-right", "pentagon", "hexagon"),
)
# Okabe and Ito 2008, without the yellow that paper swallows; shapes tell the layers apart where there is no colour.
COLOURS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GREY, HATCH = "#777777", "//////"


REACH = 3.0  # an axis goes no further than so many log2 N: a bar beyond leaves the picture, and an arrow says so


def style(x: Known, y: Known, colour: Any, size: float = 30) -> dict[str, Any]:
    """Keywords for one mark of `Axes.scatter`; the weaker of the two numbers decides."""
    if x.estimate.solid and y.estimate.solid:
        return {"s": size, "facecolors": [colour], "edgecolors": "black", "linewidths": 0.4}
    if x.saturated or y.saturated:
        return {"s": size, "facecolors": "white", "edgecolors": GREY, "linewidths": 0.8, "hatch": HATCH}
    hollow_grey = x.place is None or y.place is None
    return {"s": size, "facecolors": "white", "edgecolors": [GREY if hollow_grey else colour], "linewidths": 1.2}


def key(points: Sequence[PlanePoint], by_epoch: bool = True) -> str:
    """How to read colours, where they are of epochs and there are several, and the marks that are not filled."""
    numbers = [number for point in points for number in (point.xt, point.ty)]
    estimates = [number.estimate for number in numbers]
    text = " Colour: epoch." if by_epoch and len({point.epoch for point in points}) > 1 else ""
    if any(not one.solid and not one.verdict.refused and not one.saturated for one in estimates):
        text += " Hollow: WEAK, the error may be .3 bit."
    if any(number.saturated for number in numbers):
        text += " Hatched: saturated, the place shows the sample size and not the network."
    if any(number.bracketed for number in numbers):
        text += (
            " Hollow with bars: too few samples for a number, but it is at least the mark and at most the bar's end."
        )
    if any(number.place is None for number in numbers):
        text += " Grey, in the margin: refused, too few samples for a number."
    return text


def marker(index: int) -> str:
    return MARKERS[index % len(MARKERS)]


def symbol(index: int) -> str:
    return SYMBOLS[index % len(SYMBOLS)]


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def epoch_colours() -> Colormap:
    """Viridis without its last tenth, too light for white paper."""
    return ListedColormap(mpl.colormaps["viridis"].resampled(256)(range(230)), "viridis_to_print")  # type: ignore[arg-type]


def top_of(number: Known, most: float = math.inf) -> float:
    """Where its bar ends, or its mark; not beyond `most`. 0 where it has no place."""
    return min(most, number.ends[1] if number.ends else number.place or 0.0)


def places(numbers: Iterable[Known]) -> list[float]:
    """Of those that have one."""
    return [number.place for number in numbers if number.place is not None]


def axis_start(values: Sequence[float], end: float) -> float:
    """Of an axis: just below 0, or below the points where all lie in its upper half; never its last tenth alone."""
    lowest = min(min(values, default=0.0), 0.9 * end)
    return lowest - 0.15 * (end - lowest) if lowest > end / 2 else min(-0.03 * end, 1.1 * lowest)


def epoch_ticks(last: int, per_decade: tuple[int, ...]) -> list[int]:
    """0, the steps of each decade that stand well clear of the last epoch, and the last epoch."""
    steps = (step * 10**power for power in range(9) for step in per_decade)
    return [0, *(step for step in steps if 2.5 * step < last), last]
