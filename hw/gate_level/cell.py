"""A cell of a family as a netlist has it, before it is parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .circuit import FALSE, TRUE, Lut, NetlistError


@dataclass(frozen=True)
class Cell:
    """parameters   as yosys writes them: bits, the highest first, or words
    connections  nets of every port, bit 0 first
    spare        numbers that no net has yet, for what is inside of a cell
    """

    name: str
    type: str
    parameters: Mapping[str, str]
    connections: Mapping[str, tuple[int, ...]]
    spare: Iterator[int]

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

    def drives(self, port: str, width: int = 1) -> tuple[int, ...]:
        """Of an output; where it leads nowhere, nets of the cell's own."""
        return tuple(net if net > TRUE else self.inside() for net in self.nets(port, width))

    def number(self, parameter: str, absent: int = 0) -> int:
        """What is undefined is 0."""
        text = self.parameters.get(parameter)
        return absent if text is None else int(text.translate(UNDEFINED) or "0", 2)

    def word(self, parameter: str, absent: str = "") -> str:
        return self.parameters.get(parameter, absent).strip()

    def inside(self) -> int:
        """A net of the cell's own."""
        return next(self.spare)

    def lut(self, output: int, inputs: tuple[int, ...], table: int, part: str = "") -> Lut:
        return Lut(f"{self.name}{part}", output, inputs, table)

    def unknown(self, what: str = "") -> NetlistError:
        return NetlistError(f"{self.name}: {self.type}{what} is not modelled")


UNDEFINED = str.maketrans("xXzZ", "0000")
