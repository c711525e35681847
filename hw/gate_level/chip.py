"""A bitstream read back, as icebox_vlog writes it: what the chip will be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from . import ice40
from .cell import Cell
from .circuit import FALSE, TRUE, Circuit, FlipFlop, Lut, NetlistError, Part, outputs
from .yosys_json import of_parts

ASSIGN = re.compile(r"(?:/\* FF\s+(?P<ff>[\d ]+?) \*/ )?assign (?P<to>.+?)\s*= (?:/\* (?P<what>.+?) \*/ )?(?P<of>.+);$")
REGISTER = re.compile(
    r"/\* FF\s+(?P<place>[\d ]+?) \*/ always @\(posedge (?P<clock>[^,)]+)\) "
    r"if \((?P<enable>.+?)\) (?P<to>.+?)\s*<= (?P<reset>.+?)\s*\? 1'b(?P<value>[01]) : (?P<data>.+?);$"
)
VECTOR = re.compile(r"wire \[(\d+):0\] (?P<to>\S+)\s*= \{(?P<of>.+)\};$")
CELL = re.compile(r"wire \\_cell:(?P<name>\S+) = (?P<of>\w+);$")
NAMED = re.compile(r"wire (?P<to>\S+)\s*= (?P<of>.+);$")
PORT = re.compile(r"(?P<direction>input|output) (?:\[(?P<top>\d+):0\] )?(?P<name>.+?)\s*;$")
CONSTANT = re.compile(r"^assign (\S+)\s*= ([01]);$", re.MULTILINE)
NOTHING = re.compile(r"(//|module|endmodule|wire|reg|$)")


@dataclass
class _Names:
    """Numbers of nets, given as names come."""

    numbers: dict[str, int] = field(default_factory=lambda: {"1'b0": FALSE, "0": FALSE, "1'b1": TRUE, "1": TRUE})

    def __call__(self, name: str) -> int:
        return self.numbers.setdefault(_plain(name), 2 + len(self.numbers))

    def spare(self) -> Iterator[int]:
        return (self(f" {len(self.numbers)}") for _ in count())


def _plain(name: str) -> str:
    return name.strip().removeprefix("\\").replace(" ", "")


def chip(text: str, name: str) -> Circuit:
    """Of the text that `read_back` gives of the module `name`. A LUT is called by its place and, where the text says
    so, by the cell of the netlist that was placed there.

    Raises NetlistError for a statement that is not known.
    """
    number, parts = _Names(), list[Part]()
    for wire, truth in CONSTANT.findall(text):
        number.numbers[_plain(wire)] = number(truth)
    ports: dict[str, str] = {}
    cells: dict[int, str] = {}
    memories: list[Cell] = []
    nets: dict[str, tuple[int, ...]] = {}
    lines = iter(text.splitlines())
    for line in map(str.strip, lines):
        if found := REGISTER.match(line):
            parts.append(
                FlipFlop(
                    f"flip-flop {_place(found['place'])}",
                    number(found["to"]),
                    number(found["data"]),
                    number(found["clock"]),
                    number(found["enable"]),
                    number(found["reset"]),
                    found["value"] == "1",
                    reset_first=False,
                )
            )
        elif found := ASSIGN.match(line):
            if number(found["to"]) not in (FALSE, TRUE) and _plain(found["to"]) != _plain(found["of"]):
                inputs, table = expression(found["of"])
                what = found["what"] or f"LUT {found['ff'] or ''}"
                kind, _, place = what.partition(" ")
                nets_in = tuple(map(number, inputs))
                parts.append(Lut(f"{kind} {_place(place)}", number(found["to"]), nets_in, table))
        elif found := VECTOR.match(line):
            nets[_plain(found["to"])] = tuple(map(number, reversed(found["of"].split(","))))
        elif found := CELL.match(line):
            cells[number(found["of"])] = found["name"]
        elif found := NAMED.match(line):
            inputs, table = expression(found["of"])
            parts.append(Lut(_plain(found["to"]), number(found["to"]), tuple(map(number, inputs)), table))
        elif found := PORT.match(line):
            port = _plain(found["name"])
            ports[port] = found["direction"]
            bits = [port] if found["top"] is None else [f"{port}[{i}]" for i in range(int(found["top"]) + 1)]
            nets[port] = tuple(map(number, bits))
        elif line.startswith("SB_RAM40_4K"):
            memories.append(_ram(line, lines, number))
        elif not NOTHING.match(line):
            raise NetlistError(f"{name}: what icebox_vlog says is not known: {line[:80]}")
    driven = {net for part in parts for net in outputs(part)}
    driven |= {net for port, direction in ports.items() if direction == "input" for net in nets[port]}
    driven |= {net for memory in memories for net in memory.nets("RDATA")}
    fixed = _constants(part for part in parts if isinstance(part, Lut))
    for memory in memories:  # a pin that no wire leads to is 0
        pins = {
            port: tuple(net if port == "RDATA" else fixed.get(net, net if net in driven else FALSE) for net in found)
            for port, found in memory.connections.items()
        }
        parts += ice40.parts(replace(memory, connections=pins))
    return of_parts(name, _called(parts, cells), nets, ports)


def _called(parts: Iterable[Part], cells: Mapping[int, str]) -> Iterator[Part]:
    """cells   name of the LUT that a net leaves, itself or through the flip-flop behind it"""
    several = tuple(parts)
    behind = {part.data: cells[part.output] for part in several if isinstance(part, FlipFlop) and part.output in cells}
    for part in several:
        cell = behind.get(part.output, cells.get(part.output)) if isinstance(part, Lut) else None
        yield part if cell is None or not isinstance(part, Lut) else replace(part, name=f"{part.name}, {cell},")


def _constants(luts: Iterable[Lut]) -> dict[int, int]:
    """Nets that are always the same, as the constant: so is the port for writing of a memory that is only read."""
    found, left = {FALSE: FALSE, TRUE: TRUE}, list(luts)
    while True:
        now = [lut for lut in left if all(net in found for net in lut.inputs)]
        if not now:
            return found
        for lut in now:
            row = sum(found[net] << at for at, net in enumerate(lut.inputs))
            found[lut.output] = TRUE if lut.table >> row & 1 else FALSE
        left = [lut for lut in left if lut.output not in found]


def _place(words: str) -> str:
    """Column, row and number of a logic cell."""
    found = words.split()
    return f"{found[2]} of tile ({found[0]}, {found[1]})" if len(found) == 3 else words


def _ram(line: str, lines: Iterator[str], number: _Names) -> Cell:
    text = line
    while not text.endswith(");"):
        text += next(lines).strip()
    head, _, ports = text.partition(") ram40_")
    place, _, ports = ports.partition(" (")
    parameters = {}
    for name, value in re.findall(r"\.(\w+)\((\S+?)\)", head):
        parameters[name] = f"{int(value.partition('h')[2], 16):b}" if "'h" in value else f"{int(value):b}"
    connections = {}
    for name, value in re.findall(r"\.(\w+)\((.+?)\)[,)]", ports):
        connections[name] = tuple(map(number, reversed(value.strip("{}").split(","))))
    column, row = place.split("_")
    return Cell(f"memory of tile ({column}, {row})", "SB_RAM40_4K", parameters, connections, number.spare())


TOKEN = re.compile(r"\s*(1'b[01]|[()?:!~&|]|\\\S+ ?(?:\[\d+\])?|\w+)")


def expression(text: str) -> tuple[tuple[str, ...], int]:
    """Of choices, conjunctions and complements: the names in it, and the table of what it is."""
    tokens = TOKEN.findall(text)
    names = tuple(dict.fromkeys(each for each in tokens if each not in {*"()?:!~&|", "1'b0", "1'b1", "0", "1"}))
    everything = (1 << (1 << len(names))) - 1
    rows = {
        name: sum(1 << row for row in range(1 << len(names)) if row >> index & 1) for index, name in enumerate(names)
    }
    rows |= {"1'b0": 0, "0": 0, "1'b1": everything, "1": everything}
    at = 0

    def take(token: str) -> bool:
        nonlocal at
        found = at < len(tokens) and tokens[at] == token
        at += found
        return found

    def single() -> int:
        nonlocal at
        if take("!") or take("~"):
            return single() ^ everything
        if take("("):
            inside = choice()
            take(")")
            return inside
        at += 1
        return rows[tokens[at - 1]]

    def every() -> int:
        found = single()
        while take("&"):
            found &= single()
        return found

    def some() -> int:
        found = every()
        while take("|"):
            found |= every()
        return found

    def choice() -> int:
        asked = some()
        if not take("?"):
            return asked
        on = choice()
        take(":")
        return asked & on | ~asked & everything & choice()

    return names, choice()
