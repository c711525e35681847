"""Cells of Gowin's LittleBee and Arora, after yosys' models."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .cell import Cell
from .circuit import TRUE, FlipFlop, Memory, Part

NOT, COPY, XOR = 0b01, 0b10, 0b0110
CHOICE = 0b11001010  # c ? b : a
ALU = {  # by mode, of I0, I1, I3: what passes the carry, and what it is where it does not
    0: (0b01100110, 0b10101010),
    1: (0b10011001, 0b10101010),
    2: (0b01101001, 0b10101010),
    3: (0b10011001, 0b11111111),
    4: (0b10011001, 0b10101010),
    5: (0b10011001, 0b11001100),
    6: (0b10101010, 0b00000000),
    7: (0b01010101, 0b11111111),
    8: (0b10100101, 0b10101010),
    9: (0b01111000, 0b10001000),
}


def parts(cell: Cell) -> Iterator[Part]:
    if lut := re.fullmatch(r"LUT([1-4])", cell.type):
        inputs = tuple(cell.net(f"I{index}") for index in range(int(lut[1])))
        yield cell.lut(cell.net("F"), inputs, cell.number("INIT"))
    elif cell.type in ("INV", "IBUF", "OBUF"):
        yield cell.lut(cell.net("O"), (cell.net("I"),), NOT if cell.type == "INV" else COPY)
    elif cell.type.startswith("MUX2"):
        yield cell.lut(cell.net("O"), (cell.net("I0"), cell.net("I1"), cell.net("S0")), CHOICE)
    elif cell.type == "ALU":
        passes, other = ALU[cell.number("ALU_MODE")]
        inputs = cell.net("I0"), cell.net("I1"), cell.net("I3")
        through, generates, carry = cell.inside(), cell.inside(), cell.net("CIN")
        yield cell.lut(through, inputs, passes, " passes")
        yield cell.lut(generates, inputs, other, " carry")
        yield cell.lut(cell.drives("SUM")[0], (through, carry), XOR, " sum")
        yield cell.lut(cell.drives("COUT")[0], (generates, carry, through), CHOICE, " carry out")
    elif flip_flop := re.fullmatch(r"DFF([SR]?)(E?)", cell.type):
        value = flip_flop[1] == "S"
        yield FlipFlop(
            cell.name,
            cell.net("Q"),
            cell.net("D"),
            cell.net("CLK"),
            enable=cell.net("CE", TRUE),
            reset=cell.net("SET" if value else "RESET"),
            value=value,
            first=bool(cell.number("INIT", value)),
        )
    elif ram := re.fullmatch(r"RAM16SDP([124])", cell.type):
        width = int(ram[1])
        starts = [cell.number(f"INIT_{bit}") for bit in range(width)]
        yield Memory(
            cell.name,
            cell.drives("DO", width),
            cell.nets("RAD"),
            tuple(sum((start >> at & 1) << bit for bit, start in enumerate(starts)) for at in range(16)),
            cell.net("CLK"),
            write=cell.nets("WAD"),
            written=cell.nets("DI", width),
            write_enable=(cell.net("WRE"),),
            asynchronous=True,
        )
    elif cell.type not in ("GND", "VCC", "GSR"):
        raise cell.unknown()
    elif cell.type != "GSR":
        yield cell.lut(cell.net("G" if cell.type == "GND" else "V"), (), int(cell.type == "VCC"))
