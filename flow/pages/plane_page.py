"""The page of information planes: runs side by side on equal axes, one epoch slider, each number with its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from plotly.offline import get_plotlyjs

from ...ib_analysis.pictures.moving_plane import figure
from ...ib_analysis.pictures.run_on_page import Shown, scales
from ...ib_analysis.plane import PlaneError, PlanePoint, caption, legend
from ...ib_analysis.points import row_of
from ..comma_separated import as_csv
from .template import rendered


def page(runs: Sequence[Shown], script: str | None = None) -> str:
    """The HTML text. Same runs, same bytes. Raises PlaneError where a run has no points.

    script   name of the file beside the page that holds plotly's text, where several pages share one; by default the
             page holds it and needs no other file
    """
    for run in runs:
        if not run.points:
            raise PlaneError(f"{run.name}: no points, the information plane is empty")
    epochs = sorted({epoch for run in runs for epoch in run.epochs})
    shared = scales(runs)
    return rendered(
        "plane_page.html.jinja",
        runs=runs,
        epochs=epochs,
        captions=[caption(run.points) for run in runs],
        legends=list(dict.fromkeys(line for run in runs for line in legend(run.points))),
        figures=[figure(run, shared, epochs) for run in runs],
        tables=[as_csv([row_of(point) for point in run.points]) for run in runs],
        script=script,
        plotly=None if script else get_plotlyjs(),
    )


def sections(
    name: str,
    points: Sequence[PlanePoint],
    population: Sequence[PlanePoint],
    remark: str = "",
    accuracy: Mapping[int, float] = MappingProxyType({}),
) -> list[Shown]:
    """A run on the page: its points, and beside them the population's where some of them have brackets."""
    given = Shown(name, points, remark, accuracy)
    if not any(point.xt.bracketed for point in population):
        return [given]
    target = points[0].i_xt.target
    return [
        Shown(f"{name}: {target}", points, remark, accuracy),
        Shown(f"{name}: population", population, "what these samples say of all that could be drawn", accuracy),
    ]
