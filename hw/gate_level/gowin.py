"""Cells of Gowin's LittleBee and Arora, after yosys' models."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .block_ram import ADDRESS, Port, WhileStoring, memories, stored_bytes
from .cell import Cell
from .circuit import FALSE, TRUE, FlipFlop, Memory, Part

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
WHILE_STORING: tuple[WhileStoring, ...] = ("kept", "new", "old")  # by WRITE_MODE
BLOCKS = {  # ports of a block: what their pins end in, number among parameters, whether they read, whether they write
    "SP": (("", "", True, True),),
    "DP": (("A", "0", True, True), ("B", "1", True, True)),
    "SDP": (("A", "0", False, True), ("B", "1", True, False)),
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
    elif block := re.fullmatch(r"(SP|SDP|DP)(?:X9B?|B?)", cell.type):
        yield from _block(cell, block[1], 9 if "X9" in cell.type else 8)
    elif cell.type != "GSR":
        raise cell.unknown()


def _block(cell: Cell, kind: str, byte: int) -> Iterator[Part]:
    """After "Gowin BSRAM & SSRAM User Guide", UG285. byte: bits of one, with a ninth or without."""
    if any(cell.number(name) for name in cell.parameters if name.startswith(("READ_MODE", "BLK_SEL"))):
        raise cell.unknown(" with an output register, or one of several")
    rows = [cell.number(f"INIT_RAM_{row:02X}") for row in range(64)]
    ports = []
    for port, number, reads, writes in BLOCKS[kind]:
        pins = "" if kind == "SDP" else port  # of data
        width = cell.number(f"BIT_WIDTH_{number}" if number else "BIT_WIDTH")
        if {*cell.nets(f"BLKSEL{port}"), cell.net(f"RESET{port}")} != {FALSE}:
            raise cell.unknown(" with a reset, or one of several")
        address = cell.nets(f"AD{port}", 14)
        store = FALSE if not writes else TRUE if kind == "SDP" else cell.net(f"WRE{port}")
        stores = yield from stored_bytes(cell, store, address, width)
        word, mask = 32 * byte // width, (1 << width) - 1  # words of a row
        ports.append(
            Port(
                cell.net(f"CLK{port}"),
                cell.net(f"CE{port}"),
                address[ADDRESS[width] :],
                cell.drives(f"DO{pins}", width) if reads else (),
                tuple(row >> width * at & mask for row in rows for at in range(word)) if reads else (),
                cell.nets(f"DI{pins}", width) if writes else (),
                stores,
                WHILE_STORING[cell.number(f"WRITE_MODE{number}")],
            )
        )
    yield from memories(cell, ports)
