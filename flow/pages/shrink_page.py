"""The page of a shrinking: what is right and what is known over what it costs, the front, and every number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ...hw.costs.search import cell_name
from ...ib_analysis.pictures.plots import inline_svg
from ..files import write
from ..shrunk import Row, Shrunk
from .front import draw, front
from .template import rendered

MARKS = {
    "the run": ("*", "#1c2430"),
    "information": ("o", "#2c5d9b"),
    "gains": ("s", "#c2571a"),
    "random": ("x", "#777777"),
    "trained anew": ("^", "#1b7f4b"),
    "trained anew, even widths": ("v", "#8a5fa8"),
}
SAID = {
    "the run": "as it was trained, and the same net of other seeds",
    "information": "neurons left whose absence a probe of the label would miss most, trained on",
    "gains": "neurons left whose batch-norm gain is largest, trained on",
    "random": "neurons left by chance, trained on",
    "trained anew": "the same widths from new weights, for as many epochs in all",
    "trained anew, even widths": "all layers narrowed alike to about the same cost, from new weights, as long",
}


def write_page(done: Shrunk, path: Path) -> Path:
    write(path, page(done))
    return path


def page(done: Shrunk) -> str:
    """The HTML text. Same numbers, same bytes."""
    rows = list(done.rows())
    return rendered(
        "shrink.html.jinja",
        done=done,
        rows=rows,
        cells=cell_name(done.target),
        front=[row for row in rows if row in front(rows)],
        said={what: said for what, said in SAID.items() if any(row.what == what for row in rows)},
        figure=inline_svg(_figure(rows, cell_name(done.target)), "Accuracy and bits over cost; numbers below"),
    )


def _figure(rows: Sequence[Row], cells: str) -> Figure:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    right, known = figure.subplots(1, 2, sharex=True)
    draw(right, rows, MARKS)
    for what, (mark, colour) in MARKS.items():
        if mine := [row for row in rows if row.what == what and row.i_ty_low_bits is not None]:
            known.plot([row.cells for row in mine], [row.i_ty_low_bits for row in mine], mark, color=colour)  # type: ignore[misc]
    known.set_ylabel("I(T;Y) of the last hidden layer, at least, bits")
    for ax in (right, known):
        ax.set_xlabel(f"{cells}, estimated")
        ax.grid(alpha=0.3)
    return figure
