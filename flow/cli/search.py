"""The verb `search`: widths under budgets of a part, chosen by a supernet, beside even widths of equal time."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ...hw.costs.search import cell_name
from ..cluster import connected
from ..files import read_text
from ..pages.front import front
from ..search import Searching
from ..search_file import search_wish
from ..searched import Searched
from .console import CORES, DataDir, bar, say, show
from .verb import Facts


def search(
    file: Annotated[Path, typer.Argument(help="what to choose from, and what it may cost: see docs/search.md")],
    folder: Annotated[
        Path | None, typer.Option("--folder", "-o", help="of the results; by default searches/NAME")
    ] = None,
    so_far: Annotated[bool, typer.Option("--so-far", help="show what is done and train nothing")] = False,
    prove: Annotated[bool, typer.Option(help="simulate the first seed of every net found, over every sample")] = True,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask cluster; without it, this machine")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes on this machine; 1 needs no dask")] = CORES,
    data_dir: DataDir = None,
) -> Facts:
    """Choose widths that do well under budgets of LUTs: one supernet, an evolution, and ordinary runs of what it finds.

    Goes on where it was interrupted.

    - `bitneck search search.toml`
    - `bitneck search search.toml --so-far`
    """
    from ..pages.search_page import write_page

    searching = Searching(search_wish(read_text(file), str(file)), folder or Path("searches") / file.stem, data_dir)
    if so_far:
        done = searching.so_far()
    else:
        here = scheduler is None and workers == 1
        with nullcontext() if here else connected(scheduler, workers) as client:
            done = searching.run(client, bar, prove)
    place = folder or Path("searches") / file.stem
    page = write_page(done, place / "search.html")
    show(_nets(done))
    show(_rankings(done))
    say("search", f"{done.judged:,} nets judged by one supernet, {len(done.nets)} trained", page)
    rows = [asdict(net) | {"accuracy": net.accuracy} for net in done.nets]
    return {"nets": rows, "rankings": [asdict(each) for each in done.rankings()], "page": page, "folder": place}


def _nets(done: Searched) -> Table:
    head = ("widths", "how", cell_name(done.target), "blocks", "epochs", "seeds", "right", "from", "to", "front")
    drawn = Table(*head, box=None, header_style="bold", pad_edge=False)
    on_front = front(done.nets)
    for net in done.nets:
        drawn.add_row(
            "-".join(map(str, net.hidden)),
            net.what,
            f"{net.cells:,}",
            str(net.cost.brams),
            str(net.epochs),
            str(len(net.accuracies)),
            *(f"{share:.2%}" for share in (net.accuracy, net.low, net.high)),
            "yes" if net in on_front else "",
        )
    return drawn


def _rankings(done: Searched) -> Table:
    drawn = Table("ranked by", "Kendall's τ", "p", "nets", box=None, header_style="bold", pad_edge=False)
    for each in done.rankings():
        tau, p = ("" if value is None else f"{value:.3f}" for value in (each.tau, each.p))
        drawn.add_row(each.signal, tau, p, str(each.nets))
    return drawn
