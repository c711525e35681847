"""`bitneck zoo`: nets that came with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .. import run as flow
from ..folder import RunFolder
from ..zoo import HEAD, packed, rows, unpack
from .console import DataDir, say, show, step
from .imported import import_lines
from .verb import Facts


def zoo(
    net: Annotated[str | None, typer.Argument(help="which; by default all are listed")] = None,
    folder: Annotated[Path | None, typer.Argument(help="of the run to be", metavar="RUN")] = None,
    data_dir: DataDir = None,
) -> Facts:
    """List the trained nets that came with bitneck, or make a run of one, ready to be built.

    - `bitneck zoo`
    - `bitneck zoo cnv-half runs/cnv-half --data-dir data`
    """
    if net is None:
        found = list(rows())
        listed = Table(*HEAD, box=None, header_style="bold", pad_edge=False)
        for row in found:
            listed.add_row(*row)
        show(listed)
        return {"nets": [dict(zip(HEAD, row, strict=True)) for row in found]}
    made = packed(net).made
    facts = {"net": net, **made.model_dump(mode="json"), "command": made.command}
    if folder is None:
        of = f"{made.accuracy:.2%} of {made.samples:,} test samples of {made.dataset}, {made.trained} epochs"
        say("zoo", f"{net}, {made.network}: {of}; `{made.command}` trains it again")
        return facts
    place = RunFolder(folder)
    with step("zoo") as tell:
        report = unpack(net, place, data_dir, tell)
        tell("the integers in three spellings")
        flow.export(place)
    show("\n".join(import_lines(report)))
    say("zoo", f"{net}, {len(report.graph.layers)} layers; `bitneck build {folder}` goes on", place.path)
    return {**facts, "samples": report.samples, "accuracy_here": report.accuracy, "equal": report.equal}
