"""Cells of 7-series, after yosys' models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from .block_ram import ADDRESS, Port, WhileStoring, memories
from .cell import Cell
from .circuit import FALSE, TRUE, FlipFlop, Memory, Part

NOT, OR, XOR = 0b01, 0b1110, 0b0110
CHOICE = 0b11001010  # c ? b : a
WHILE_STORING: Mapping[str, WhileStoring] = MappingProxyType(
    {"READ_FIRST": "old", "WRITE_FIRST": "new", "NO_CHANGE": "kept"}
)
BLOCK = {  # by port of a block: clock, enable, address, enables of bytes, reset of the output
    "A": ("CLKARDCLK", "ENARDEN", "ADDRARDADDR", "WEA", "RSTRAMARSTRAM"),
    "B": ("CLKBWRCLK", "ENBWREN", "ADDRBWRADDR", "WEBWE", "RSTRAMB"),
}


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
    elif cell.type in ("RAMB18E1", "RAMB36E1"):
        yield from memories(cell, list(_ports(cell, 36 if cell.type == "RAMB36E1" else 18)))
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


def _ports(cell: Cell, widest: int) -> Iterator[Port]:
    """Of a block, after "7 Series FPGAs Memory Resources", UG473. widest: of a port that is not both ports' pins."""
    if {cell.word(f"RAM_EXTENSION_{port}", "NONE") for port in BLOCK} != {"NONE"}:
        raise cell.unknown(" that is half of a deeper one")
    pins = 14 if widest == 18 else 15
    for port, (clock, enable, address, stores, reset) in BLOCK.items():
        reads, writes = (cell.number(f"{does}_WIDTH_{port}") for does in ("READ", "WRITE"))
        width = max(reads, writes)
        if reads and writes and reads != writes:
            raise cell.unknown(" with ports of two widths")
        if reads and (cell.net(reset) != FALSE or cell.number(f"DO{port}_REG") or cell.number(f"INIT_{port}")):
            raise cell.unknown(" with an output register, a reset or a first output")
        if width:
            both = "AB" if width > widest else port
            yield Port(
                cell.net(clock),
                cell.net(enable),
                cell.nets(address, pins)[ADDRESS[width] :],
                _word("DO", both, reads, widest, cell.drives),
                _words(cell, reads, widest) if reads else (),
                _word("DI", both, writes, widest, cell.nets),
                cell.nets(stores, max(1, writes // 9)) if writes else (),
                WHILE_STORING[cell.word(f"WRITE_MODE_{port}", "WRITE_FIRST")],
            )


def _word(
    pins: str, ports: str, width: int, widest: int, nets: Callable[[str, int], tuple[int, ...]]
) -> tuple[int, ...]:
    """Of nine bits of a word the last is a parity pin's."""
    data, parity = (
        [net for port in ports for net in nets(f"{pins}{kind}{port}{pins}{kind}", widest // 9 * count)]
        for kind, count in (("", 8), ("P", 1))
    )
    if width < 9:
        return tuple(data[:width])
    return tuple(net for byte in range(width // 9) for net in (*data[8 * byte : 8 * byte + 8], parity[byte]))


def _words(cell: Cell, width: int, widest: int) -> tuple[int, ...]:
    """What a port of this width reads at first. Words of less than nine bits have no parity."""
    low = list(_pieces(cell, "INIT", widest * 32 // 9, 8))
    if width < 9:
        return tuple(byte >> at & (1 << width) - 1 for byte in low for at in range(0, 8, width))
    nine = [byte | high << 8 for byte, high in zip(low, _pieces(cell, "INITP", widest * 4 // 9, 1), strict=True)]
    each = width // 9
    return tuple(sum(nine[at + index] << 9 * index for index in range(each)) for at in range(0, len(nine), each))


def _pieces(cell: Cell, parameter: str, rows: int, bits: int) -> Iterator[int]:
    """Of what so many rows of 256 bits hold, the lowest first."""
    for row in range(rows):
        held = cell.number(f"{parameter}_{row:02X}")
        yield from (held >> at & (1 << bits) - 1 for at in range(0, 256, bits))
