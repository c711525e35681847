"""digits-tiny on boards of every family, placed and packed anew: `make boards`. A table, and its cost in CPU seconds.

python tests/hw/boards/all_boards.py RUN [BOARD …]

What the tools take to compile themselves for this machine, once, is a line of its own in front.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bitneck.flow import silicon
from bitneck.flow.folder import RunFolder
from bitneck.hw.boards.board import Board, board, board_names
from bitneck.hw.synthesis.bitstream import YOSYS, Synthesis
from bitneck.hw.synthesis.targets import target_of
from bitneck.hw.synthesis.yowasp import run

BOARDS = (
    "icebreaker",
    "hx8k_breakout",
    "ulx3s_25f",
    "colorlight_i5",
    "icepi_zero",
    "tang_nano_9k",
    "gatemate_evb",
    "crosslink_nx_vip",
)  # not the Tang Nano 20K: of its 47 s nextpnr spends 36 in a placer of clock dividers that the design has none of


def cpu_seconds() -> float:
    """Of this process and of the tools, which are its children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def compiled(boards: Iterable[Board]) -> None:
    """Asks yosys and the placers for their versions: the first call of all on a machine compiles their WebAssembly."""
    tools = {tool.name: tool for of in boards for tool in (YOSYS, of.target.place)}
    for tool in tools.values():
        with tempfile.TemporaryDirectory(prefix="bitneck-") as place:
            run(replace(tool, arguments=("--version",)), Path(place))


def line(title: str, done: Synthesis, seconds: float) -> str:
    logic = done.resource(target_of(done.target).logic)
    asked = "" if done.clock_mhz is None else f"{done.clock_mhz:g}"
    return (
        f"{title:<42} {logic.used:>6,} {logic.available:>7,} {done.fmax_mhz:>6.1f} {asked:>6} "
        f"{done.frames_per_second:>11,.0f} {done.port_frames_per_second:>9,.0f} {seconds:>6.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Place and pack a run on boards of every family.")
    parser.add_argument("run", type=Path, help="a run whose RTL is built")
    parser.add_argument("boards", nargs="*", default=BOARDS, help=f"of {', '.join(board_names())}")
    asked = parser.parse_args()
    folder, slow, boards = RunFolder(asked.run), [], [board(name) for name in asked.boards]
    compiled(boards)
    start = cpu_seconds()
    print(f"{start:.0f} CPU seconds for the tools to begin, once compiled for this machine")
    print(f"{'board':<42} {'cells':>6} {'of':>7} {'MHz':>6} {'clock':>6} {'core fps':>11} {'link fps':>9} {'CPU s':>6}")
    for of in boards:
        before = cpu_seconds()
        shutil.rmtree(folder.synthesis(of.name).parent, ignore_errors=True)  # else what is made is not made again
        done = silicon.synth(folder, of)
        print(line(of.title, done, cpu_seconds() - before), flush=True)
        slow += [] if done.meets_clock else [of.name]
    families = {of.target.part.family for of in boards}
    print(f"{len(boards)} boards of {len(families)} families: {cpu_seconds() - start:.0f} CPU seconds")
    if slow:
        sys.exit(f"too slow for their boards' clocks: {', '.join(slow)}")


if __name__ == "__main__":
    main()
