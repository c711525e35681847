"""The verb `board`: a run's samples through its design on a board, or through the RTL of its link."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from numpy.typing import NDArray

from ...export.graph import Graph
from ...hw.boards.board import board as board_of
from ...hw.boards.board import board_names
from ...hw.boards.datagram_host import is_address
from ...hw.boards.framed import Framed
from ...hw.boards.host import Heard
from .. import board as flow
from ..config import RunError
from ..folder import RunFolder
from .console import DataDir, bar, say, step, wrong
from .live import View, on_screen
from .verb import Facts, FailedError


def board(
    folder: Annotated[Path, typer.Argument(help="folder of the run, for example runs/digits")],
    port: Annotated[
        str | None, typer.Option(help="serial port, by default the only USB port that is there; or udp://ADDRESS")
    ] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="the RTL of the link in the place of a board")] = False,
    bitstream: Annotated[
        str | None,
        typer.Option(
            help="in its place, the iCE40 bitstream that synth packed for this board", autocompletion=board_names
        ),
    ] = None,
    taps: Annotated[str | None, typer.Option(help="layers whose codes come back: all, or LAYER,LAYER")] = None,
    every: Annotated[
        str, typer.Option(help="of so many frames the layers come back, whole: 1, 2, 4, … 32, or auto", metavar="N")
    ] = "1",
    cut_on_host: Annotated[
        bool, typer.Option("--cut-on-host", help="thresholds on pixels are applied here: an eighth of the bytes")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="show classes, codes and rates while they come")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="samples, from the first; by default all")] = None,
    baud: Annotated[int, typer.Option(min=1, help="of the serial port")] = flow.BAUD,
    data_dir: DataDir = None,
) -> Facts:
    """Stream the samples through the design on a board; compare classes and every tapped layer. Exit 1 on a difference.

    - `bitneck board runs/digits --simulate --taps all`
    - `bitneck board runs/digits --bitstream icebreaker`
    - `bitneck board runs/digits --port /dev/ttyUSB1 --limit 100 --live`
    - `bitneck board runs/digits --port udp://192.168.1.50`
    """
    for name, given in (("--simulate", simulate and not is_address(port)), ("--bitstream", bitstream)):
        if given and port is not None:
            raise RunError(f"{name} needs no port, and {port} was given; leave one of the two out")
    place, wanted = RunFolder(folder), taps or ""
    layers = flow.ALL if wanted == flow.ALL else tuple(filter(None, wanted.split(",")))
    with ExitStack() as stack:
        waiting = stack.enter_context(ExitStack())
        tell = waiting.enter_context(step("board"))

        @cache
        def advance() -> Callable[[int, int, str], None]:
            waiting.close()  # once the design is compiled
            return stack.enter_context(bar("board"))

        def watching(linked: Framed, graph: Graph, x: NDArray, y: NDArray) -> Callable[[Heard], None]:
            waiting.close()
            return stack.enter_context(on_screen(View(linked, graph, x, y)))

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
            (lambda count, of: None) if live else (lambda count, of: advance()(count, of, "")),
            None if bitstream is None else board_of(bitstream),
            every,
            watching if live else None,
        )
    facts = {**asdict(done), "equal": done.equal, "codes": place.board_codes}
    for line in done.mismatches:
        wrong("different", line)
    if not done.equal:
        raise FailedError(facts)
    stats, of = done.stats, "" if done.every == 1 else f" of one sample in {done.every}"
    say(
        "board",
        f"{done.samples:,} samples, {len(done.layers)} layers{of} and the class as in the graph; "
        f"{stats.frames_per_second:,.0f} frames/s, {stats.resent} resent, "
        f"{stats.latency_p50_ms:.1f} ms (p50), {stats.latency_p99_ms:.1f} ms (p99)",
        place.board_codes,
    )
    return facts
