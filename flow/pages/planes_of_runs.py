"""Information planes of runs, drawn: an interactive page, or a static figure for a paper."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...ib_analysis.points import PlaneError
from ..belonging import analysis_of
from ..config import RunError
from ..files import write
from ..folder import AnyFolder, history, is_there, run_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...ib_analysis.pictures.run_on_page import Shown


SCRIPT = "plotly.min.js"  # beside pages that share it


def page(folders: Sequence[AnyFolder], path: Path | str) -> Path:
    """The information planes of these runs as one interactive page, which needs no other file."""
    from . import plane_page as interactive

    path = Path(path)
    write(path, interactive.page([section for run in _shown(folders) for section in run]))
    return path


def pages(folders: Sequence[AnyFolder], into: Path | str) -> list[Path]:
    """A page for each run, and beside them plotly's script, once: such a page needs the folder that it lies in."""
    from . import plane_page as interactive

    place = Path(into)
    names = distinct_names(run_folder(folder).path for folder in folders)
    shown = zip(names, _shown(folders), strict=True)
    made = {place / f"{name.replace('/', '-')}.html": interactive.page(run, SCRIPT) for name, run in shown}
    for path, text in {place / SCRIPT: interactive.get_plotlyjs(), **made}.items():
        write(path, text)
    return list(made)


def _shown(folders: Sequence[AnyFolder]) -> list[list[Shown]]:
    from .plane_page import sections

    places, shown = [run_folder(folder) for folder in folders], []
    for folder, name in zip(places, distinct_names(folder.path for folder in places), strict=True):
        config, analysis = folder.config(), analysis_of(folder)
        epochs = history(folder) if is_there(folder.checkpoint) else []
        accuracy = {int(row["epoch"]): row["test_accuracy"] for row in epochs}
        remark = f"{config.dataset}, {config.described()}"
        shown.append(sections(name, analysis.points, analysis.population, remark, accuracy))
    return shown


def figure(folders: Sequence[AnyFolder], path: Path | str) -> Path:
    """The information plane as a figure for a paper, in the format of the path's ending.

    Several runs have to be of one shape, as seeds are: drawn is their median, and from the lowest to the highest.
    """
    from ...ib_analysis.median_of_runs import across_runs, spread
    from ...ib_analysis.pictures.plots import pdf, png, run_figure, svg

    formats: dict[str, Callable[[Figure], bytes | str]] = {".pdf": pdf, ".svg": svg, ".png": png}
    path = Path(path)
    if path.suffix not in formats:
        raise RunError(f"{path}: a figure ends in one of {', '.join(formats)}")
    places = [run_folder(folder) for folder in folders]
    distinct_names(folder.path for folder in places)
    points = across_runs([analysis_of(folder).points for folder in places])
    rows = [history(folder) for folder in places if is_there(folder.checkpoint)]
    if len(rows) < len(places):
        rows = []
    epochs = [int(row["epoch"]) for row in min(rows, key=len, default=[])]
    train, test = (
        spread([[row[kind] for row in run[: len(epochs)]] for run in rows])
        for kind in ("train_accuracy", "test_accuracy")
    )
    write(path, formats[path.suffix](run_figure(points, epochs, train, test, runs=len(places))))
    return path


def distinct_names(paths: Iterable[Path]) -> list[str]:
    """The shortest endings of the paths that tell them apart."""
    found = [Path(os.path.realpath(path)) for path in paths]  # unlike resolve, of a link to itself too
    parts = [Path(os.fsencode(path).decode(errors="replace")).parts for path in found]
    twice = next((own for number, own in enumerate(parts) if own in parts[:number]), None)
    if twice is not None:
        raise PlaneError(f"{twice[-1]} is given twice; name runs that differ")
    names = []
    for own in parts:
        length = next(n for n in range(1, len(own) + 1) if sum(other[-n:] == own[-n:] for other in parts) == 1)
        names.append("/".join(own[-length:]))
    return names
