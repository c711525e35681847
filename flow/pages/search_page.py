"""The page of a search: accuracy over cells beside even widths of equal time, and who ranked the nets how well."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from ...hw.costs.search import cell_name
from ...ib_analysis.pictures.plots import inline_svg
from ..files import write
from ..searched import Searched
from .front import draw, front
from .template import rendered

MARKS = {"found": ("o", "#2c5d9b"), "even widths": ("v", "#8a5fa8"), "drawn": ("x", "#777777")}


def write_page(done: Searched, path: Path) -> Path:
    write(path, page(done))
    return path


def page(done: Searched) -> str:
    """The HTML text. Same numbers, same bytes."""
    return rendered(
        "search.html.jinja",
        done=done,
        front=front(done.nets),
        cells=cell_name(done.target),
        figure=inline_svg(_figure(done), "Accuracy over cells, and over accuracy in the supernet; numbers below"),
    )


def _figure(done: Searched) -> Figure:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    right, ranked = figure.subplots(1, 2)
    draw(right, done.nets, MARKS)
    right.set_xlabel(f"{cell_name(done.target)}, estimated")
    for what, (mark, colour) in MARKS.items():
        mine = [net for net in done.nets if net.what == what and net.signals is not None]
        x = [100 * net.signals.supernet_accuracy for net in mine if net.signals is not None]
        ranked.plot(x, [100 * net.accuracy for net in mine], mark, color=colour)  # type: ignore[misc]
    ranked.set(xlabel="validation set right in the supernet, %", ylabel="test set right when trained, %")
    for ax in (right, ranked):
        ax.grid(alpha=0.3)
    return figure
