"""Verbs around runs: init, compare, table, doctor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ...models.config import PRESETS
from ..comma_separated import as_csv
from ..compared import Row, differences, rows, shown
from ..config import RunError, changed, from_preset
from ..files import write
from ..folder import RunFolder
from ..held import held
from ..importing import design_name
from ..reference import commented
from .console import out, say

Runs = Annotated[list[Path], typer.Argument(help="folders of runs", metavar="RUN...")]
Json = Annotated[bool, typer.Option("--json", help="for a program: JSON on standard output, and nothing else")]


def init(
    folder: Annotated[Path, typer.Argument(help="of the run to be, for example runs/mine")],
    preset: Annotated[
        str | None, typer.Option(help=f"to start from: {', '.join(PRESETS)}; by default the folder's name, or digits")
    ] = None,
) -> None:
    """Write a run.toml with every field there is: its meaning, range and default.

    - `bitneck init runs/mine --preset tfc`
    - `bitneck run runs/mine`
    """
    place = RunFolder(folder)
    if place.config_file.exists():
        raise RunError(f"{place.config_file} is there already; edit it, or choose another folder")
    chosen = from_preset(preset or (folder.name if folder.name in PRESETS else "digits"))
    named = changed(chosen, name=design_name(folder.resolve().name))
    with held(folder, "init", make=True):
        write(place.config_file, commented(named))
    say("init", f"{chosen.described()} on {chosen.dataset}; edit it, then `bitneck run {folder}`", place.config_file)


def compare(runs: Runs, as_json: Json = False) -> None:
    """Where runs differ: configuration, codes by digest; then accuracy, proof, bits, cells and MHz of each.

    - `bitneck compare runs/digits runs/other`
    """
    places = [RunFolder(folder) for folder in runs]
    if len(places) < 2:
        raise RunError("one run compares with nothing; name two or more")
    differ, reached = differences(places), rows(places)
    if as_json:
        out.print_json(json.dumps({"differences": differ, "runs": reached}))
        return
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


def table(
    runs: Runs,
    as_csv_: Annotated[bool, typer.Option("--csv", help="comma-separated, for a spreadsheet")] = False,
    as_json: Json = False,
) -> None:
    """What every run reached, a line each: accuracy, proof, cycles, sizes; --csv and --json add every layer's bits.

    - `bitneck table runs/*`
    - `bitneck table runs/* --csv > runs.csv`
    """
    found = rows([RunFolder(folder) for folder in runs])
    if as_json:
        out.print_json(json.dumps(found))
    elif as_csv_:
        typer.echo(as_csv(found), nl=False)
    else:
        keys = [key for key in found[0] if not key.endswith("_bits")]
        _table(keys, [[shown(key, each[key]) for key in keys] for each in found])


def doctor(as_json: Json = False) -> None:
    """What is installed here of what bitneck can use, and how to get what is missing. Exit 1 where it cannot work."""
    from ..doctor import findings

    found: list[Row] = []
    for each in findings():
        found.append({"what": each.what, "found": each.found, "way_out": each.way_out, "needed": each.needed})
        if not as_json:
            mark = "[green]yes[/]" if each.found else "[bold red]NO[/]" if each.needed else "[yellow]no[/]"
            out.print(f"{mark:>3} [bold]{each.what:<22}[/] {escape(each.found or each.way_out)}", soft_wrap=True)
    if as_json:
        out.print_json(json.dumps(found))
    if any(each["needed"] and not each["found"] for each in found):
        raise typer.Exit(1)


def _table(head: list[str], lines: list[list[str]]) -> None:
    if not lines:
        return
    drawn = Table(*head, box=None, header_style="bold", pad_edge=False)
    for line in lines:
        drawn.add_row(*map(escape, line))
    out.print(drawn, soft_wrap=True)
