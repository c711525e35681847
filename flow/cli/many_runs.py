"""Verbs over many networks: plane, sweep, paper."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...models.datasets import ENVIRONMENT
from ..files import read_text, write
from ..folder import RunFolder
from ..held import held
from ..pages import planes_of_runs as pictures
from .console import CORES, DataDir, bar, say, step, wrong
from .verb import Facts, FailedError

if TYPE_CHECKING:
    from ..sweep import Task


def plane(
    runs: Annotated[list[Path], typer.Argument(help="folders of analysed runs", metavar="RUN...")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the page; by default plane.html, in the folder of a lone run")
    ] = None,
    each: Annotated[
        Path | None, typer.Option(help="a folder: a page for each run instead, which share plotly's script beside them")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="a static figure instead, .pdf, .svg or .png; several runs: their median")
    ] = None,
) -> Facts:
    """Draw information planes: a page with an epoch slider, runs side by side; or a figure for a paper.

    - `bitneck plane runs/digits runs/twelve -o planes.html`
    - `bitneck plane runs/seed-* --figure plane.pdf`
    """
    places, made = [RunFolder(folder) for folder in runs], dict[str, Path]()
    if figure is not None:
        with step("plane", "drawing"):
            pictures.figure(places, figure)
        say("plane", f"{len(places)} run{'s' * (len(places) > 1)}", figure)
        made["figure"] = figure
    if each is not None:
        pages = pictures.pages(places, each)
        say("plane", f"{len(pages)} page{'s' * (len(pages) > 1)} and the script that they share", each)
        made["pages"] = each
    if (figure is None and each is None) or output is not None:
        path = output or (places[0].plane_page if len(places) == 1 else Path("plane.html"))
        pictures.page(places, path)
        say("plane", f"{path.stat().st_size / 1e6:.1f} MB, self-contained", path)
        made["page"] = path
    return made


def sweep(
    file: Annotated[Path, typer.Argument(help="what to vary: see docs/sweeps.md")],
    folder: Annotated[Path | None, typer.Option(help="of the results; by default sweeps/NAME")] = None,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask cluster; without it, this machine")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes on this machine")] = CORES,
    data_dir: DataDir = None,
) -> Facts:
    """Train and measure many networks; one table and one page of results. Exit 1 where a network failed.

    - `bitneck sweep seeds.toml`
    - `bitneck sweep seeds.toml --scheduler tcp://head:8786 --data-dir data`
    """
    from .. import sweep as sweeping
    from ..pages.sweep_page import write_page

    wanted = sweeping.tasks(read_text(file), str(file), data_dir)
    place = folder or Path("sweeps") / file.stem
    with held(place, "sweep", make=True):
        failed = _sweep(place, wanted, scheduler, workers, data_dir, "sweep")
        results, page = sweeping.collect(place, wanted), write_page(place, wanted, place.name)
        say("sweep", f"{len(wanted) - failed} of {len(wanted)} networks", results)
        say("sweep", "the same as a page", page)
    facts = {"networks": len(wanted), "failed": failed, "results": results, "page": page}
    if failed:
        raise FailedError(facts)
    return facts


def _sweep(
    place: Path, wanted: list[Task], scheduler: str | None, workers: int, data_dir: Path | None, name: str
) -> int:
    """Runs the tasks under a bar; how many failed, each said."""
    from .. import sweep as sweeping

    failed = 0
    with sweeping.connected(scheduler, workers) as client:
        begun = sweeping.at_once(wanted, sum(client.nthreads().values()) or 1)
        with bar(name, 0, begun) as advance:
            for done, outcome in enumerate(sweeping.outcomes(place, wanted, client, data_dir), 1):
                if not outcome.earlier:
                    advance(done, len(wanted), str(outcome.task))
                if outcome.error is not None:
                    failed += 1
                    wrong("failed", f"{outcome.task}: {outcome.error}")
    return failed


def paper(
    folder: Annotated[Path, typer.Option(help="of the results and the page")] = Path("papers/raj2020"),
    full: Annotated[
        bool, typer.Option(help="ten seeds and 3,000 epochs of the float twin, instead of three and 1,000")
    ] = False,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask cluster; without it, this machine")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes on this machine")] = CORES,
    data_dir: DataDir = None,
) -> Facts:
    """Repeat Raj, Nayak and Kalyani 2020: binary nets of every sign, their float twins, one page with the verdict.

    On the 12-bit set; and on MNIST where --data-dir says where mnist/ lies.

    - `bitneck paper`
    - `bitneck paper --full --data-dir data --scheduler tcp://head:8786`
    """
    from ..pages import paper as papers
    from ..pages.generalisation import generalisation
    from ..pages.paper_nets import parts
    from ..sweep import files_sha256

    at_hand = data_dir is not None or ENVIRONMENT in os.environ
    wanted = parts(full, files_sha256("mnist", data_dir) if at_hand else None)
    others = generalisation(seeds=10, epochs=300) if full else generalisation(seeds=3, epochs=100)
    tasks = [*(task for part in wanted for task in part.tasks), *others]
    with held(folder, "paper", make=True):
        if failed := _sweep(folder, tasks, scheduler, workers, data_dir, "paper"):
            raise FailedError({"networks": len(tasks), "failed": failed})
        write(folder / "paper.html", papers.page(folder, wanted, others, full))
    say("paper", f"{len(tasks)} networks", folder / "paper.html")
    return {"networks": len(tasks), "page": folder / "paper.html"}
