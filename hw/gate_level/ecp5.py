"""Cells of ECP5, after yosys' models; of DP16KD, which has none, after how yosys puts memories into it."""

from __future__ import annotations

from collections.abc import Iterator

from .cell import Cell
from .circuit import FALSE, TRUE, FlipFlop, Memory, Part

NOT, XOR = 0b01, 0b0110
CHOICE = 0b11001010  # c ? b : a
ROW_BITS = 18  # of DP16KD, whose initial values hold each in 20
ROWS = 1024
ADDRESSES = {1: 0, 2: 1, 4: 2, 9: 3, 18: 4, 36: 5}  # of a width: the pins below are no address
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
    """Port A writes and port B reads, both as wide, or one of them reads."""
    reads = "A" if cell.net("CEB") == FALSE else "B"
    width = cell.number(f"DATA_WIDTH_{reads}")
    if width not in ADDRESSES or cell.net(f"WE{reads}") != FALSE or (reads == "A" and width == 36):
        raise cell.unknown(f" of {width} bits whose port {reads} does not read")
    if {cell.word(f"REGMODE_{port}", "NOREG") for port in "AB"} != {"NOREG"} or cell.net(f"RST{reads}") != FALSE:
        raise cell.unknown(" with an output register or reset")
    first = ADDRESSES[width]
    halves = [tuple(cell.drives(f"DO{port}{bit}")[0] for bit in range(ROW_BITS)) for port in "AB"]
    writes = (cell.net("CEA"), cell.net("WEA")) if reads == "B" else (FALSE,)
    kept: tuple[int, ...] = ()
    if FALSE not in writes:
        if cell.number("DATA_WIDTH_A") != width:
            raise cell.unknown(" with ports of two widths")
        if width >= ROW_BITS:  # an enable for nine bits each
            lanes = []
            for lane in range(width // 9):
                lanes.append(cell.inside())
                yield cell.lut(lanes[-1], (cell.net(f"ADA{lane}"),), NOT, f" keeps {lane}")
            kept = tuple(lanes[bit // 9] for bit in range(width))
    data = tuple(cell.net(f"DI{port}{bit}") for port in "AB" for bit in range(ROW_BITS))
    paired = cell.net("OCEA") == FALSE and width == 36
    yield Memory(
        cell.name,
        (halves[0] + halves[1]) if paired else halves["AB".index(reads)][:width],
        tuple(cell.net(f"AD{reads}{bit}") for bit in range(first, 14)),
        _words(cell, width),
        cell.net(f"CLK{reads}"),
        read_enable=(cell.net(f"CE{reads}"),),
        write=tuple(cell.net(f"ADA{bit}") for bit in range(first, 14)),
        written=data[:width],
        keep=kept,
        write_enable=writes,
    )


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
