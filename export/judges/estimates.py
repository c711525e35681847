"""What another compiler thinks that a net costs, operator by operator, and that beside what ours takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """One node of the other's dataflow graph.

    name              the layer of ours that it serves; `argmax` for the class
    operator          the other's name for it
    cycles            a frame
    bram18            memory blocks of 18 Kbit
    accumulator       the other's integer type for the sums; None where nothing is summed, and so the next two
    accumulator_max   the largest number that it holds
    largest_sum       that occurred, in agreeing bits
    """

    name: str
    operator: str
    cycles: int
    luts: int
    bram18: int
    dsps: int
    accumulator: str | None
    accumulator_max: int | None
    largest_sum: int | None

    @property
    def overflow(self) -> str | None:
        """One line where a sum that occurred does not fit the other's accumulator."""
        if self.largest_sum is None or self.accumulator_max is None or self.largest_sum <= self.accumulator_max:
            return None
        return (
            f"{self.name}: {self.largest_sum} agreeing bits occurred, {self.accumulator} ends at {self.accumulator_max}"
        )


@dataclass(frozen=True)
class Estimates:
    """Of a whole net on one part; width converters and FIFOs between the operators are not counted."""

    part: str
    operators: tuple[Operator, ...]

    @property
    def cycles(self) -> int:
        """A frame, back to back: those of the slowest operator."""
        return max(operator.cycles for operator in self.operators)

    @property
    def luts(self) -> int:
        return sum(operator.luts for operator in self.operators)

    @property
    def bram18(self) -> int:
        return sum(operator.bram18 for operator in self.operators)


@dataclass(frozen=True)
class Row:
    """One layer, or `all` of them: cycles a frame and LUTs, ours and theirs. None where one of the two says nothing."""

    name: str
    cycles: int | None
    their_cycles: int | None
    luts: int | None
    their_luts: int | None
    their_bram18: int | None


def beside(estimates: Estimates, cycles: Mapping[str, int], luts: Mapping[str, int] | None = None) -> Sequence[Row]:
    """The layers in order, then `all`: cycles of the slowest, LUTs and memories of all together.

    cycles   of our stages by name; those that no operator serves, such as width converters, count in `all` only
    luts     of our stages by name, where they are known
    """
    luts = luts or {}
    rows = [
        Row(found.name, cycles.get(found.name), found.cycles, luts.get(found.name), found.luts, found.bram18)
        for found in estimates.operators
    ]
    total = sum(luts.values()) if luts else None
    return [*rows, Row("all", max(cycles.values()), estimates.cycles, total, estimates.luts, estimates.bram18)]


def text(rows: Sequence[Row]) -> Iterator[str]:
    """Lines of a table for the terminal."""
    head = ("layer", "cycles", "FINN+", "LUT", "FINN+", "BRAM18 FINN+")
    cells = [(row.name, row.cycles, row.their_cycles, row.luts, row.their_luts, row.their_bram18) for row in rows]
    for line in (head, *cells):
        first, *rest = ("-" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell for cell in line)
        yield f"{first:<10}" + "".join(f"{cell:>14}" for cell in rest)
