"""The verb `synth`: bitstreams for parts and for boards."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...hw.accelerator import Accelerator
from ...hw.boards.board import Board, board_names
from ...hw.boards.board import board as board_of
from ...hw.boards.top import Inner
from ...hw.parts import PARTS, part_names
from ...hw.synthesis.bitstream import summary as synthesis_line
from ...hw.synthesis.utilisation import PORT
from .. import silicon
from ..board import ALL, linked_of
from ..config import RunError
from ..files import read_text
from ..folder import RunFolder
from .console import say, step
from .verb import Facts

PART_HELP = f"one of {', '.join(PARTS)}, or a plug-in's"


def synth(
    folder: Annotated[Path, typer.Argument(help="folder of the run, for example runs/digits")],
    target: Annotated[
        list[str] | None,
        typer.Option(help=f"part to build for, {PART_HELP}; or several", autocompletion=part_names),
    ] = None,
    pins: Annotated[
        Path | None, typer.Option(help="of the part's: .pcf .lpf .cst .ccf .pdc; without it they are chosen")
    ] = None,
    board: Annotated[
        list[str] | None,
        typer.Option(help="board to build for, its name or a .toml file; or several", autocompletion=board_names),
    ] = None,
    taps: Annotated[str | None, typer.Option(help="on a board, layers whose codes come back: all, or LAYER,…")] = None,
    every: Annotated[
        str, typer.Option(help="of so many frames they come back, whole: 1, 2, 4, … 32, or auto", metavar="N")
    ] = "1",
    cut_on_host: Annotated[
        bool, typer.Option("--cut-on-host", help="on a board, thresholds on pixels are the host's")
    ] = False,
) -> Facts:
    """Make a bitstream with open tools; for xc7 and xcup count cells. Exit 2 where the net is too big for the part.

    - `bitneck synth runs/digits --target hx8k`
    - `bitneck synth runs/digits --board icebreaker --taps all`
    """
    wanted: list[str | Board] = [*(target or []), *map(board_of, board or [])]
    if not wanted:
        raise RunError(f"for what? --target names a part, {PART_HELP}; --board one of {', '.join(board_names())}")
    if pins is not None and board:
        raise RunError("--pins is of a part; a board's file says its pins")
    if (taps or cut_on_host or every != "1") and not board:
        raise RunError("--taps, --every and --cut-on-host are of a board's link; name one with --board")
    text = None if pins is None else read_text(pins)
    place, facts = RunFolder(folder), list[Facts]()

    def linked(core: Accelerator, on: Board) -> Inner:
        layers = ALL if taps == ALL else tuple(filter(None, (taps or "").split(",")))
        return linked_of(silicon.bare_link(core, on), layers, cut_on_host, every)

    for each in wanted:
        with step("synth", each.name if isinstance(each, Board) else each) as tell:
            done = silicon.synth(place, each, text, tell, linked)
        made = place.synthesis(done.place).parent
        say("synth", synthesis_line(done), made)
        facts.append(asdict(done) | {"folder": made})
        if (complaint := silicon.too_big(place, done)) is not None:
            raise RunError(complaint)
        if not done.meets_clock:
            raise RunError(
                f"{done.place}: placed, with the best seed, it takes {done.fmax_mhz:.1f} MHz, and the clock is "
                f"{done.clock_mhz:g}; tap fewer layers, or give a board file with a slower pll.mhz"
            )
        if isinstance(each, Board):
            around = "the link and what it records" if taps else "the link"
            of = [use for use in done.stages if use.name == PORT]
            luts, ffs, brams = (sum(getattr(use, kind) for use in of) for kind in ("luts", "ffs", "brams"))
            say("link", f"{luts:,} LUTs, {ffs:,} flip-flops and {brams} RAM blocks of these are {around}")
        if isinstance(each, Board) and done.bitstream is not None:
            say("program", each.program.format(bitstream=made / done.bitstream[0]))
            given = {f" --taps {taps}": taps, f" --every {every}": every != "1", " --cut-on-host": cut_on_host}
            as_built = "".join(option for option, is_given in given.items() if is_given)
            say("then", f"bitneck board {place.path}{as_built} {each.reached}")
    return {"parts": facts}
