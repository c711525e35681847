"""The verb `energy`: what was measured of a board's power."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ..config import RunError
from ..energy import At, Measured, energy_of
from ..energy import energy as noted
from ..folder import RunFolder
from .console import say, show
from .verb import Facts


def energy(
    folder: Annotated[Path, typer.Argument(help="folder of the run, for example runs/digits")],
    watts: Annotated[str | None, typer.Option(help="measured: IDLE,BUSY in watts")] = None,
    fps: Annotated[float | None, typer.Option(help="frames a second while it was busy")] = None,
    instrument: Annotated[str | None, typer.Option(help="with what it was measured")] = None,
    at: Annotated[At, typer.Option(help="where it was measured")] = "USB",
    board: Annotated[str | None, typer.Option(help="the board that it was measured of")] = None,
) -> Facts:
    """Note what was measured of a board's power, and show frames a joule. Nothing is estimated.

    - `bitneck energy runs/digits --board icebreaker --watts 0.21,0.24 --fps 4470 --instrument "UM25C"`
    - `bitneck energy runs/digits`
    """
    place = RunFolder(folder)
    given = {"--watts": watts, "--fps": fps, "--instrument": instrument, "--board": board}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        found = energy_of(place)
        if not found:
            raise RunError(f"nothing measured in {folder}; {', '.join(given)} note a measurement")
    elif watts is None or fps is None or instrument is None or board is None:
        raise RunError(f"a measurement needs {', '.join(missing)} too")
    else:
        if fps <= 0:
            raise RunError(f"{fps:g} frames a second are no measurement; give --fps as `bitneck board` printed it")
        found = noted(place, Measured(board, at, instrument, *_watts(watts), fps))
        say("energy", f"{len(found)} measured", place.energy)
    show(_table(found))
    return {"measured": [asdict(each) | _follows(each) for each in found]}


def _watts(text: str) -> tuple[float, float]:
    try:
        idle, busy = (float(part) for part in text.split(","))
    except ValueError:
        raise RunError(f"--watts {text}: two numbers are due, IDLE,BUSY in watts") from None
    if not 0 <= idle < float("inf") or not 0 < busy < float("inf"):
        raise RunError(f"--watts {text}: no such power; IDLE is 0 or more, BUSY more than 0")
    return idle, busy


def _follows(each: Measured) -> dict[str, float | None]:
    return {
        "frames_per_joule": each.frames_per_joule,
        "frames_per_joule_more_than_idle": each.frames_per_joule_more,
    }


def _table(found: tuple[Measured, ...]) -> Table:
    table = Table(box=None)
    for head in ("board", "at", "instrument", "idle W", "busy W", "frames/s", "frames/J, all", "more than idle"):
        table.add_column(head)
    for each in found:
        more = each.frames_per_joule_more
        table.add_row(
            each.board,
            each.at,
            each.instrument,
            f"{each.idle_watts:g}",
            f"{each.busy_watts:g}",
            f"{each.frames_per_second:,.0f}",
            f"{each.frames_per_joule:,.0f}",
            "-" if more is None else f"{more:,.0f}",
        )
    return table
