"""Cells of iCE40, after Lattice's "iCE Technology Library" and yosys' models of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .cell import Cell
from .circuit import FALSE, TRUE, FlipFlop, Memory, Part

MAJORITY = 0b11101000
WORDS = 256
PLACES = {0: (1, 0), 1: (2, 0), 2: (4, 1), 3: (8, 3)}  # of a mode: a data bit each so many pins, the first at that one


def parts(cell: Cell) -> Iterator[Part]:
    if cell.type == "SB_LUT4":
        inputs = tuple(cell.net(f"I{i}") for i in range(4))
        yield cell.lut(cell.net("O"), inputs, cell.number("LUT_INIT"))
    elif cell.type == "SB_CARRY":
        yield cell.lut(cell.net("CO"), (cell.net("I0"), cell.net("I1"), cell.net("CI")), MAJORITY)
    elif flip_flop := re.fullmatch(r"SB_DFF(E?)(SR|SS)?", cell.type):
        value = flip_flop[2] == "SS"
        yield FlipFlop(
            cell.name,
            cell.net("Q"),
            cell.net("D"),
            cell.net("C"),
            enable=cell.net("E", TRUE),
            reset=cell.net("S" if value else "R"),
            value=value,
            reset_first=False,
        )
    elif cell.type == "SB_RAM40_4K":
        yield _ram(cell)
    elif cell.type in ("SB_GB", "$_BUF_"):
        yield cell.lut(*(cell.net("GLOBAL_BUFFER_OUTPUT"), (cell.net("USER_SIGNAL_TO_GLOBAL_BUFFER"),)), 0b10)
    else:
        raise cell.unknown()


def _ram(cell: Cell) -> Memory:
    mode = cell.number("READ_MODE")
    reads, writes = ((cell.net(f"{side}E"), cell.net(f"{side}CLKE", TRUE)) for side in "RW")
    if FALSE not in writes and (cell.net("RCLK"), mode) != (cell.net("WCLK"), cell.number("WRITE_MODE")):
        raise cell.unknown(" with ports of two clocks or widths")
    step, first = PLACES[mode]
    rows = [cell.number(f"INIT_{i:X}") >> 16 * j & 0xFFFF for i in range(16) for j in range(16)]
    words = tuple(
        sum((rows[a % WORDS] >> bit * step + a // WORDS & 1) << bit for bit in range(16 // step))
        for a in range(WORDS * step)
    )
    address = 8 + mode

    def pins(port: str) -> tuple[int, ...]:
        return cell.nets(port, 16)[first::step]

    return Memory(
        cell.name,
        cell.drives("RDATA", 16)[first::step],
        cell.nets("RADDR", address),
        words,
        cell.net("RCLK"),
        read_enable=reads,
        write=cell.nets("WADDR", address),
        written=pins("WDATA"),
        keep=cell.nets("MASK", 16) if mode == 0 else (FALSE,) * (16 // step),
        write_enable=writes,
    )
