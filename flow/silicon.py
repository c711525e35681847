"""A run's design on a part: a folding that suits it, and what the open synthesis tools make of the RTL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from ..hw.accelerator import Accelerator
from ..hw.boards.board import Board
from ..hw.boards.datagrams import Datagrams
from ..hw.boards.link import Linked
from ..hw.boards.top import Inner, Top
from ..hw.costs.resources import estimate
from ..hw.costs.search import Search, budget, search
from ..hw.costs.table import next_step
from ..hw.synthesis.bitstream import Synthesis, digest, synthesise
from ..hw.synthesis.fitting import complaint
from ..hw.synthesis.placement import Tell
from ..hw.synthesis.targets import SynthesisError, target_of
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


def bare_link(core: Accelerator, board: Board) -> Linked | Datagrams:
    """Of the kind that the board has, without taps."""
    if board.ethernet is not None:
        return Datagrams(core, mhz=board.clock_mhz)
    return Linked(core, divider=board.divider)


@writing
def synth(
    folder: RunFolder,
    target: str | Board,
    pins: str | None = None,
    tell: Tell = lambda _: None,
    linked: Callable[[Accelerator, Board], Inner] = bare_link,
) -> Synthesis:
    """A bitstream of the RTL that lies in rtl/, with open tools; for parts without an open placer, counts of cells.

    target   a part, or a board, which has its own pins, clock and top
    pins     of a part: text of the family's constraints (.pcf, .lpf, .cst, .ccf, .pdc) for the shell's ports; without
             it they are chosen
    linked   of a board: the core behind its link

    synth/TARGET/ holds what every tool wrote and said, and synth.json. It is left as it is while RTL, target and tools
    stay the same and the bitstream is the one that was made. A design too big for the part is a result too: ask `fits`
    of what returns.
    """
    accelerator, files = built(folder, graph_of(folder))
    check_design(folder, accelerator, files)
    if isinstance(target, Board):
        name, tools, pins = target.name, target.target, target.pins()
        around = Top(target, linked(accelerator, target))
    else:
        name, tools, around = target, target_of(target), None
    inputs = digest(accelerator, files, tools, pins, around)
    final = folder.synthesis(name).parent
    with suppress(RunError):  # a damaged record is made anew
        done = synthesis_of(folder, name)
        if done is not None and done.inputs == inputs and _whole(final, done):
            return done
    work = final.with_name(f"{name}.unfinished")  # stays after a failure, for its logs
    shutil.rmtree(work, ignore_errors=True)
    try:
        estimated = {stage.name: estimate(stage, tools.part.name).luts for stage in accelerator.stages}
        result = synthesise(accelerator, files, tools, work, pins, estimated, tell, around)
    except KeyboardInterrupt:
        shutil.rmtree(work)
        raise
    except SynthesisError as error:
        if work.exists():
            write(work / FAILED, f"{error}\n")
        raise
    if isinstance(target, Board):
        result = replace(result, board=name, clock_mhz=target.clock_mhz, package=target.package)
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
