"""Cells of 7-series, after yosys' models."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .cell import Cell
from .circuit import TRUE, FlipFlop, Memory, Part

NOT, OR, XOR = 0b01, 0b1110, 0b0110
CHOICE = 0b11001010  # c ? b : a


def parts(cell: Cell) -> Iterator[Part]:
    if any(cell.number(name) for name in cell.parameters if name.startswith("IS_")):
        raise cell.unknown(" with an inverted input")
    if lut := re.fullmatch(r"LUT([1-6])", cell.type):
        inputs = tuple(cell.net(f"I{index}") for index in range(int(lut[1])))
        yield cell.lut(cell.net("O"), inputs, cell.number("INIT"))
    elif cell.type == "INV":
        yield cell.lut(cell.net("O"), (cell.net("I"),), NOT)
    elif cell.type in ("MUXF7", "MUXF8", "MUXF9"):
        yield cell.lut(cell.net("O"), (cell.net("I0"), cell.net("I1"), cell.net("S")), CHOICE)
    elif cell.type == "CARRY4":
        yield from _carry(cell)
    elif cell.type in ("FDRE", "FDSE"):
        value = cell.type == "FDSE"
        yield FlipFlop(
            cell.name,
            cell.net("Q"),
            cell.net("D"),
            cell.net("C"),
            enable=cell.net("CE", TRUE),
            reset=cell.net("S" if value else "R"),
            value=value,
            first=bool(cell.number("INIT", value)),
        )
    elif cell.type == "SRL16E":
        yield from _shift(cell)
    elif cell.type in ("RAM32M", "RAM64M"):
        width = 2 if cell.type == "RAM32M" else 1
        for port in "ABCD":
            yield _port(cell, port, cell.nets(f"ADDR{port}"), cell.nets("ADDRD"), width)
    else:
        raise cell.unknown()


def _carry(cell: Cell) -> Iterator[Part]:
    carry = cell.inside()
    yield cell.lut(carry, (cell.net("CI"), cell.net("CYINIT")), OR, " in")
    passes, data = cell.nets("S", 4), cell.nets("DI", 4)
    sums, outs = cell.drives("O", 4), cell.drives("CO", 4)
    for bit in range(4):
        yield cell.lut(sums[bit], (passes[bit], carry), XOR, f" sum {bit}")
        yield cell.lut(outs[bit], (data[bit], carry, passes[bit]), CHOICE, f" carry {bit}")
        carry = outs[bit]


def _shift(cell: Cell) -> Iterator[Part]:
    """As so many flip-flops, and a choice where its length is not fixed."""
    address, data, start = [cell.net(f"A{bit}") for bit in range(4)], cell.net("D"), cell.number("INIT")
    taps = []
    for bit in range(16):
        taps.append(cell.inside())
        yield FlipFlop(
            f"{cell.name} bit {bit}",
            taps[bit],
            data,
            cell.net("CLK"),
            cell.net("CE", TRUE),
            first=bool(start >> bit & 1),
        )
        data = taps[bit]
    for level, chosen in enumerate(address):
        nets = []
        for index in range(len(taps) // 2):
            nets.append(cell.net("Q") if level == 3 else cell.inside())
            yield cell.lut(nets[-1], (taps[2 * index], taps[2 * index + 1], chosen), CHOICE, f" choice {level}.{index}")
        taps = nets


def _port(cell: Cell, port: str, read: tuple[int, ...], write: tuple[int, ...], width: int) -> Memory:
    start, mask = cell.number(f"INIT_{port}"), (1 << width) - 1
    return Memory(
        f"{cell.name} port {port}",
        cell.drives(f"DO{port}", width),
        read,
        tuple(start >> width * at & mask for at in range(1 << len(write))),
        cell.net("WCLK"),
        write=write,
        written=cell.nets(f"DI{port}", width),
        write_enable=(cell.net("WE"),),
        asynchronous=True,
    )
