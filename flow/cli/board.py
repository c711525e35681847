"""The verb `board`: a run's samples through its design on a board, or through the RTL of its link."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from ...hw.boards.board import board as board_of
from ...hw.boards.board import board_names
from .. import board as flow
from ..config import RunError
from ..folder import RunFolder
from .console import DataDir, bar, say, step, wrong
from .verb import Facts, FailedError


def board(
    folder: Annotated[Path, typer.Argument(help="folder of the run, for example runs/digits")],
    port: Annotated[str | None, typer.Option(help="serial port; by default the only USB port that is there")] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="the RTL of the link in the place of a board")] = False,
    bitstream: Annotated[
        str | None,
        typer.Option(
            help="in its place, the iCE40 bitstream that synth packed for this board", autocompletion=board_names
        ),
    ] = None,
    taps: Annotated[str | None, typer.Option(help="layers whose codes come back: all, or LAYER,LAYER")] = None,
    cut_on_host: Annotated[
        bool, typer.Option("--cut-on-host", help="thresholds on pixels are applied here: an eighth of the bytes")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="samples, from the first; by default all")] = None,
    baud: Annotated[int, typer.Option(min=1, help="of the serial port")] = flow.BAUD,
    data_dir: DataDir = None,
) -> Facts:
    """Stream the samples through the design on a board; compare classes and every tapped layer. Exit 1 on a difference.

    - `bitneck board runs/digits --simulate --taps all`
    - `bitneck board runs/digits --bitstream icebreaker`
    - `bitneck board runs/digits --port /dev/ttyUSB1 --limit 100`
    """
    for name, given in (("--simulate", simulate), ("--bitstream", bitstream)):
        if given and port is not None:
            raise RunError(f"{name} needs no port, and {port} was given; leave one of the two out")
    place, wanted = RunFolder(folder), taps or ""
    layers = flow.ALL if wanted == flow.ALL else tuple(filter(None, wanted.split(",")))
    with ExitStack() as stack:
        tell = stack.enter_context(step("board"))

        @cache
        def advance() -> Callable[[int, int, str], None]:
            return stack.enter_context(bar("board"))  # once the design is compiled

        done = flow.stream(
            place,
            port,
            layers,
            cut_on_host,
            simulate,
            baud,
            limit,
            data_dir,
            tell,
            lambda count, of: advance()(count, of, ""),
            None if bitstream is None else board_of(bitstream),
        )
    facts = {**asdict(done), "equal": done.equal, "codes": place.board_codes}
    for line in done.mismatches:
        wrong("different", line)
    if not done.equal:
        raise FailedError(facts)
    stats = done.stats
    say(
        "board",
        f"{done.samples:,} samples, {len(done.layers)} layers and the class as in the graph; "
        f"{stats.frames_per_second:,.0f} frames/s, {stats.resent} resent, "
        f"{stats.latency_p50_ms:.1f} ms (p50), {stats.latency_p99_ms:.1f} ms (p99)",
        place.board_codes,
    )
    return facts
