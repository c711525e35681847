"""Verbs around runs: init, compare, table, doctor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ...models.config import PRESETS
from .. import reference
from ..comma_separated import as_csv
from ..compared import Row, differences, rows, shown
from ..config import RunError, changed, from_preset
from ..files import write
from ..folder import RunFolder
from ..held import held
from ..importing import design_name
from .console import out, say, show
from .verb import Facts, FailedError

Runs = Annotated[list[Path], typer.Argument(help="folders of runs", metavar="RUN...")]


def init(
    folder: Annotated[Path, typer.Argument(help="of the run to be, for example runs/mine")],
    preset: Annotated[
        str | None, typer.Option(help=f"to start from: {', '.join(PRESETS)}; by default the folder's name, or digits")
    ] = None,
) -> Facts:
    """Write a run.toml with every field there is: its meaning, range and default.

    - `bitneck init runs/mine --preset tfc`
    - `bitneck init runs/digits`
    """
    place = RunFolder(folder)
    if place.config_file.exists():
        raise RunError(f"{place.config_file} is there already; edit it, or choose another folder")
    chosen = from_preset(preset or (folder.name if folder.name in PRESETS else "digits"))
    named = changed(chosen, name=design_name(folder.resolve().name))
    with held(folder, "init", make=True):
        write(place.config_file, reference.commented(named))
    say("init", f"{chosen.described()} on {chosen.dataset}; edit it, then `bitneck run {folder}`", place.config_file)
    return {"config": place.config_file}


def schema() -> Facts:
    """Print the JSON schema of run.toml, with which an editor completes and checks it.

    - `bitneck schema > run.schema.json`
    - `bitneck schema --log schema.log`
    """
    of = reference.schema()
    out.print(Text(json.dumps(of, indent=1)), soft_wrap=True)
    return {"schema": of}


def compare(runs: Runs) -> Facts:
    """Where runs differ: configuration, codes by digest; then accuracy, proof, bits, cells and MHz of each.

    - `bitneck compare runs/digits runs/other`
    - `bitneck compare runs/* --json`
    """
    places = [RunFolder(folder) for folder in runs]
    if len(places) < 2:
        raise RunError("one run compares with nothing; name two or more")
    differ, reached = differences(places), rows(places)
    names = [each["run"] for each in reached]
    _table(
        ["what differs", *names],
        [[each["what"], *(shown(each["what"], each[name]) for name in names)] for each in differ],
    )
    if not differ:
        out.print("no field of the configurations differs, and no code that was proven")
    out.print()
    _table(
        ["reached", *names], [[key, *(shown(key, each[key]) for each in reached)] for key in reached[0] if key != "run"]
    )
    return {"differences": differ, "runs": reached}


def table(
    runs: Runs,
    as_csv_: Annotated[bool, typer.Option("--csv", help="comma-separated, for a spreadsheet")] = False,
) -> Facts:
    """What every run reached, a line each: accuracy, proof, cycles, sizes; --csv and --json add every layer's bits.

    - `bitneck table runs/*`
    - `bitneck table runs/* --csv > runs.csv`
    """
    found = rows([RunFolder(folder) for folder in runs])
    if as_csv_:
        out.print(Text(as_csv(found)), soft_wrap=True, end="")
    else:
        keys = [key for key in found[0] if not key.endswith("_bits")]
        _table(keys, [[shown(key, each[key]) for key in keys] for each in found])
    return {"runs": found}


def doctor() -> Facts:
    """What is installed here of what bitneck can use, and how to get what is missing. Exit 1 where it cannot work.

    - `bitneck doctor`
    - `bitneck doctor --json`
    """
    from ..doctor import findings

    found: list[Row] = []
    for each in findings():
        found.append({"what": each.what, "found": each.found, "way_out": each.way_out, "needed": each.needed})
        mark = "[green]yes[/]" if each.found else "[bold red]NO[/]" if each.needed else "[yellow]no[/]"
        out.print(f"{mark:>3} [bold]{each.what:<22}[/] {escape(each.found or each.way_out)}", soft_wrap=True)
    if any(each["needed"] and not each["found"] for each in found):
        raise FailedError({"found": found})
    return {"found": found}


def _table(head: list[str], lines: list[list[str]]) -> None:
    if not lines:
        return
    drawn = Table(*head, box=None, header_style="bold", pad_edge=False)
    for line in lines:
        drawn.add_row(*map(escape, line))
    show(drawn)
