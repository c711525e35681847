"""A cell of a family as a netlist has it, before it is parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .circuit import FALSE, TRUE, Lut, NetlistError
from .terms import halves


@dataclass(frozen=True)
class Cell:
    """parameters   as yosys writes them: bits, the highest first, or words
    connections  nets of every port, bit 0 first
    """

    name: str
    type: str
    parameters: Mapping[str, str]
    connections: Mapping[str, tuple[int, ...]]

    def net(self, port: str, absent: int = FALSE) -> int:
        """Of a port of one bit."""
        nets = self.connections.get(port, (absent,))
        if len(nets) != 1:
            raise NetlistError(f"{self.name}: {port} of {self.type} has {len(nets)} bits, not one")
        return nets[0]

    def nets(self, port: str, width: int | None = None) -> tuple[int, ...]:
        """Of a port, filled up with constants where it is not connected that far."""
        found = self.connections.get(port, ())
        return found if width is None else (found + (FALSE,) * width)[:width]

    def number(self, parameter: str, absent: int = 0) -> int:
        """What is undefined is 0."""
        text = self.parameters.get(parameter)
        return absent if text is None else int(text.translate(UNDEFINED) or "0", 2)

    def word(self, parameter: str, absent: str) -> str:
        return self.parameters.get(parameter, absent)

    def lut(self, output: int, inputs: tuple[int, ...], table: int, part: str = "") -> Lut:
        return lut(f"{self.name}{part}", output, inputs, table)

    def unknown(self, what: str = "") -> NetlistError:
        return NetlistError(f"{self.name}: {self.type}{what} is not modelled")


UNDEFINED = str.maketrans("xXzZ", "0000")


def lut(name: str, output: int, inputs: tuple[int, ...], table: int) -> Lut:
    """Without the inputs that are constant, that repeat, or that do not matter."""
    kept, rows = list(inputs), table & ((1 << (1 << len(inputs))) - 1)
    at = 0
    while at < len(kept):
        low, high = halves(rows, len(kept), at)
        first = kept.index(kept[at])
        if kept[at] in (FALSE, TRUE):
            rows = high if kept[at] == TRUE else low
        elif low == high:
            rows = low
        elif first < at:
            rows = _where_equal(rows, len(kept), first, at)
        else:
            at += 1
            continue
        del kept[at]
        at = 0
    return Lut(name, output, tuple(kept), rows)




def _where_equal(rows: int, inputs: int, first: int, at: int) -> int:
    """The table without input `at`, which is the same net as `first`."""
    low, high = halves(rows, inputs, at)
    return sum(((high if row >> first & 1 else low) >> row & 1) << row for row in range(1 << (inputs - 1)))
