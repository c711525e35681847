"""digits-tiny on boards of every family, placed and packed: `make boards`. A table, and what it cost in CPU seconds.

python tests/hw/boards/all_boards.py RUN [BOARD …]
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path

from bitneck.flow import silicon
from bitneck.flow.folder import RunFolder
from bitneck.hw.boards.board import board, board_names
from bitneck.hw.synthesis.bitstream import Synthesis
from bitneck.hw.synthesis.targets import target_of

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
    """Of the tools, which are all children of this process."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
    folder, slow = RunFolder(asked.run), []
    print(f"{'board':<42} {'cells':>6} {'of':>7} {'MHz':>6} {'clock':>6} {'core fps':>11} {'link fps':>9} {'CPU s':>6}")
    for name in asked.boards:
        before, of = cpu_seconds(), board(name)
        done = silicon.synth(folder, of)
        print(line(of.title, done, cpu_seconds() - before), flush=True)
        slow += [] if done.meets_clock else [name]
    print(f"{cpu_seconds():.0f} CPU seconds")
    if slow:
        sys.exit(f"too slow for their boards' clocks: {', '.join(slow)}")


if __name__ == "__main__":
    main()
