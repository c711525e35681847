"""A run's design on a part: a folding that suits it, and what the open synthesis tools make of the RTL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from ..hw.accelerator import Accelerator
from ..hw.boards.board import Board
from ..hw.boards.top import Inner, Top
from ..hw.costs.resources import estimate
from ..hw.costs.search import Search, budget, search
from ..hw.costs.table import next_step
from ..hw.synthesis.bitstream import Synthesis, Tell, digest, synthesise
from ..hw.synthesis.fitting import complaint
from ..hw.synthesis.targets import SynthesisError, Target, target_of
from .belonging import check_design, graph_of
from .config import HardwareConfig, RunError, wished
from .files import replace_folder, sha256_of, write, write_record
from .folder import RunFolder, synthesis_of
from .held import FAILED, reading, writing
from .run import built


@reading
def fold(
    folder: RunFolder, wishes: Mapping[str, object], replace_rate: bool = False
) -> tuple[HardwareConfig, Accelerator, str]:
    """A folding on a part, tried: the [hardware] that asks for it, the accelerator, and what binds it. Writes nothing.

    wishes   fields of HardwareConfig that stand in for those of the run; see `runs.wished`
    """
    hardware, graph = wished(folder.config().hardware, wishes, replace_rate), graph_of(folder)
    assert hardware.target is not None
    within = budget(hardware.target, hardware.luts, hardware.brams)
    plan = search(graph, within, hardware.cycles, hardware.output, hardware.fifo_depth)
    faster = Search(graph, hardware.target, hardware.output, hardware.fifo_depth).faster(plan)
    return hardware, plan.accelerator, next_step(plan, faster, hardware.target)


@writing
def synth(folder: RunFolder, target: str, pins: str | None = None, tell: Tell = lambda _: None) -> Synthesis:
    """A bitstream of the RTL that lies in rtl/, with open tools; for parts without an open placer, counts of cells.

    pins   text of the family's constraints (.pcf, .lpf, .cst, .ccf, .pdc) with the shell's pins;
           without it they are chosen

    synth/TARGET/ holds what every tool wrote and said, and synth.json. It is left as it is while RTL, target and tools
    stay the same and the bitstream is the one that was made. A design too big for the part is a result too: ask `fits`
    of what returns.
    """
    return _synth(folder, target_of(target), target, pins, tell)


@writing
def synth_board(
    folder: RunFolder, board: Board, linked: Callable[[Accelerator, int], Inner], tell: Tell = lambda _: None
) -> Synthesis:
    """The same for a board: its own top around a link, with the board's pins and clock, in synth/BOARD/.

    linked   a core and the clock's cycles in a bit of the UART → the core behind rx and tx
    """
    return _synth(
        folder, board.target, board.name, board.pins(), tell, lambda core: Top(board, linked(core, board.divider))
    )


def _synth(
    folder: RunFolder,
    target: Target,
    name: str,
    pins: str | None,
    tell: Tell,
    top: Callable[[Accelerator], Top] | None = None,
) -> Synthesis:
    """name   of its folder"""
    accelerator, files = built(folder, graph_of(folder))
    check_design(folder, accelerator, files)
    around = top and top(accelerator)
    inputs = digest(accelerator, files, target, pins, around)
    final = folder.synthesis(name).parent
    with suppress(RunError):  # a damaged record is made anew
        done = synthesis_of(folder, name)
        if done is not None and done.inputs == inputs and _whole(final, done):
            return done
    work = final.with_name(f"{name}.unfinished")  # stays after a failure, for its logs
    shutil.rmtree(work, ignore_errors=True)
    try:
        estimated = {stage.name: estimate(stage, target.part.name).luts for stage in accelerator.stages}
        result = synthesise(accelerator, files, target, work, pins, estimated, tell, around)
    except KeyboardInterrupt:
        shutil.rmtree(work)
        raise
    except SynthesisError as error:
        if work.exists():
            write(work / FAILED, f"{error}\n")
        raise
    if around is not None:
        result = replace(result, board=name, clock_mhz=around.board.clock_mhz)
    write_record(work / "synth.json", asdict(result))
    replace_folder(final, work)
    return result


def _whole(folder: Path, done: Synthesis) -> bool:
    if done.bitstream is None:
        return True
    name, sha256 = done.bitstream
    return (folder / name).is_file() and sha256_of(folder / name) == sha256


@reading
def too_big(folder: RunFolder, synthesis: Synthesis) -> str | None:
    """By how much the design exceeds the part and what would fit, as a line; None where it fits."""
    hardware = folder.config().hardware
    return complaint(graph_of(folder), synthesis, hardware.output, hardware.fifo_depth)
