"""Cells of ECP5, after yosys' models; of DP16KD, which has none, after how yosys puts memories into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from .block_ram import ADDRESS, Port, WhileStoring, memories, stored_bytes
from .cell import Cell
from .circuit import FALSE, TRUE, FlipFlop, Memory, Part

XOR = 0b0110
CHOICE = 0b11001010  # c ? b : a
ROW_BITS = 18  # of DP16KD, whose initial values hold each in 20
ROWS = 1024
WHILE_STORING: Mapping[str, WhileStoring] = MappingProxyType(
    {"NORMAL": "kept", "WRITETHROUGH": "new", "READBEFOREWRITE": "old"}
)
CONNECTED = {"1": TRUE, "0": FALSE}


def parts(cell: Cell) -> Iterator[Part]:
    if cell.type == "LUT4":
        inputs = tuple(cell.net(port) for port in "ABCD")
        yield cell.lut(cell.net("Z"), inputs, cell.number("INIT"))
    elif cell.type == "CCU2C":
        yield from _carry(cell)
    elif cell.type == "TRELLIS_FF":
        yield from _flip_flop(cell)
    elif cell.type == "TRELLIS_DPR16X4":
        if cell.word("WCKMUX", "WCK") == "INV":
            raise cell.unknown(" of the falling edge")
        start = cell.number("INITVAL")
        yield Memory(
            cell.name,
            cell.drives("DO", 4),
            cell.nets("RAD"),
            tuple(start >> 4 * row & 15 for row in range(16)),
            cell.net("WCK"),
            write=cell.nets("WAD"),
            written=cell.nets("DI"),
            write_enable=(CONNECTED.get(cell.word("WREMUX", "WRE"), cell.net("WRE")),),
            asynchronous=True,
        )
    elif cell.type == "DP16KD":
        yield from _block(cell)
    else:
        raise cell.unknown()


def _carry(cell: Cell) -> Iterator[Part]:
    """Two LUTs; where one is true the carry passes, else it is what its first two inputs say."""
    carry = cell.net("CIN")
    for half in "01":
        inputs, table = tuple(cell.net(f"{port}{half}") for port in "ABCD"), cell.number(f"INIT{half}")
        injects = cell.word(f"INJECT1_{half}", "YES") == "YES"
        passes, generates = cell.inside(), FALSE
        yield cell.lut(passes, inputs, table, f" LUT {half}")
        if not injects:
            generates = cell.inside()
            yield cell.lut(generates, inputs[:2], table & 15, f" carry {half}")
        yield cell.lut(cell.drives(f"S{half}")[0], (passes, FALSE if injects else carry), XOR, f" sum {half}")
        after = cell.drives("COUT")[0] if half == "1" else cell.inside()
        yield cell.lut(after, (generates, carry, passes), CHOICE, f" carry {half} out")
        carry = after


def _flip_flop(cell: Cell) -> Iterator[Part]:
    if "INV" in (cell.word("CLKMUX"), cell.word("CEMUX"), cell.word("LSRMUX")) or cell.word("LSRMODE") == "PRLD":
        raise cell.unknown(" with an inverted input or a preload")
    reset = cell.net("LSR")
    if cell.word("SRMODE") == "ASYNC" and reset != FALSE:
        raise cell.unknown(" with an asynchronous reset")
    value = cell.word("REGSET", "RESET") == "SET"
    yield FlipFlop(
        cell.name,
        cell.net("Q"),
        cell.net("DI"),
        cell.net("CLK"),
        enable=CONNECTED.get(cell.word("CEMUX", "1"), cell.net("CE")),
        reset=reset,
        value=value,
        first=value,
    )


def _block(cell: Cell) -> Iterator[Part]:
    """Of words of 36 bits port A writes and port B reads, with the data pins of both."""
    if {cell.word(f"REGMODE_{port}", "NOREG") for port in "AB"} != {"NOREG"}:
        raise cell.unknown(" with an output register")
    widths = {port: cell.number(f"DATA_WIDTH_{port}", ROW_BITS) for port in "AB"}
    paired, ports = 36 in widths.values(), []
    for port, width in widths.items():
        if cell.net(f"RST{port}") != FALSE or cell.word(f"CLK{port}MUX") == "INV":
            raise cell.unknown(" with a reset, or of the falling edge")
        address = tuple(cell.net(f"AD{port}{bit}") for bit in range(14))
        reads, writes = (not paired or port == only for only in "BA")
        stores = yield from stored_bytes(cell, cell.net(f"WE{port}") if writes else FALSE, address, width)
        pins = [f"{each}{bit}" for each in ("AB" if paired else port) for bit in range(ROW_BITS)][:width]
        ports.append(
            Port(
                cell.net(f"CLK{port}"),
                cell.net(f"CE{port}"),
                address[ADDRESS[width] :],
                tuple(cell.drives(f"DO{pin}")[0] for pin in pins) if reads else (),
                _words(cell, width) if reads else (),
                tuple(cell.net(f"DI{pin}") for pin in pins) if writes else (),
                stores,
                WHILE_STORING[cell.word(f"WRITEMODE_{port}", "NORMAL")],
            )
        )
    yield from memories(cell, ports)


def _words(cell: Cell, width: int) -> tuple[int, ...]:
    """What it holds at first. Words of less than nine bits leave out the ninth of each nine."""
    rows = [
        cell.number(f"INITVAL_{index:02X}") >> 20 * row & (1 << ROW_BITS) - 1
        for index in range(ROWS // 16)
        for row in range(16)
    ]
    if width < 9:
        rows = [row & 255 | row >> 1 & 255 << 8 for row in rows]
    used = ROW_BITS if width >= 9 else 16
    image = sum(row << used * index for index, row in enumerate(rows))
    return tuple(image >> width * at & (1 << width) - 1 for at in range(ROWS * used // width))
