"""A netlist in four kinds of parts, whatever family its cells are of.

A *net* is a number; 0 and 1 are the constants of that value. All flip-flops and memories have one clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

FALSE, TRUE = 0, 1


class NetlistError(ValueError):
    """A netlist that cannot be simulated here: a cell, a clock, a loop that is not known."""


@dataclass(frozen=True)
class Lut:
    """output = bit (sum of 2^i · inputs[i]) of table."""

    name: str
    output: int
    inputs: tuple[int, ...]
    table: int


@dataclass(frozen=True)
class FlipFlop:
    """At a clock edge: `value` where reset holds, else data where enable does; it starts as `first`.

    reset_first   the reset needs no enable
    """

    name: str
    output: int
    data: int
    clock: int
    enable: int = TRUE
    reset: int = FALSE
    value: bool = False
    reset_first: bool = True
    first: bool = False


@dataclass(frozen=True)
class Memory:
    """Words of `width` bits. At a clock edge the output is the word at `read` where all of read_enable hold, then
    `written` is stored at `write` where all of write_enable do: what is read in that cycle is the old word.

    output, written, keep   (width) nets; a bit is not stored where keep holds
    words        (depth) what they are at first
    asynchronous the output is the word at `read` at any time
    """

    name: str
    output: tuple[int, ...]
    read: tuple[int, ...]
    words: tuple[int, ...]
    clock: int
    read_enable: tuple[int, ...] = ()
    write: tuple[int, ...] = ()
    written: tuple[int, ...] = ()
    keep: tuple[int, ...] = ()
    write_enable: tuple[int, ...] = (FALSE,)
    asynchronous: bool = False

    @property
    def is_written(self) -> bool:
        return FALSE not in self.write_enable


Part: TypeAlias = Lut | FlipFlop | Memory


@dataclass(frozen=True)
class Circuit:
    """Parts, and the nets of every name; bit 0 first.

    inputs, outputs   names of the ports
    """

    name: str
    luts: tuple[Lut, ...]
    flip_flops: tuple[FlipFlop, ...]
    memories: tuple[Memory, ...]
    nets: Mapping[str, tuple[int, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def size(self) -> int:
        """One more than the largest number of a net."""
        found = {1, *(net for nets in self.nets.values() for net in nets)}
        for part in self.parts:
            found.update(outputs(part), reads(part))
        return max(found) + 1

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.luts, *self.flip_flops, *self.memories)

    def driven(self) -> dict[int, str]:
        """Net → name of the part that drives it. Raises NetlistError where two do."""
        found: dict[int, str] = {}
        for net, name in ((net, part.name) for part in self.parts for net in outputs(part)):
            if net in found or net in (FALSE, TRUE):
                raise NetlistError(f"{self.name}: {name} drives a net that {found.get(net, 'a constant')} drives too")
            found[net] = name
        return found

    def in_order(self) -> tuple[Lut | Memory, ...]:
        """LUTs and asynchronous memories, each behind those it reads. Raises NetlistError where they form a loop."""
        parts: list[Lut | Memory] = [*self.luts, *(memory for memory in self.memories if memory.asynchronous)]
        by_output = {net: index for index, part in enumerate(parts) for net in outputs(part)}
        waits = [{by_output[net] for net in part_inputs(part) if net in by_output} for part in parts]
        readers: list[list[int]] = [[] for _ in parts]
        for index, reads in enumerate(waits):
            for read in reads:
                readers[read].append(index)
        ready, order = [index for index, reads in enumerate(waits) if not reads], []
        while ready:
            index = ready.pop()
            order.append(parts[index])
            for reader in readers[index]:
                waits[reader].discard(index)
                if not waits[reader]:
                    ready.append(reader)
        if len(order) < len(parts):
            stuck = next(part.name for part, reads in zip(parts, waits, strict=True) if reads)
            raise NetlistError(f"{self.name}: logic forms a loop, {stuck} in it or behind it")
        return tuple(order)


def outputs(part: Part) -> tuple[int, ...]:
    return part.output if isinstance(part, Memory) else (part.output,)


def part_inputs(part: Lut | Memory) -> tuple[int, ...]:
    """What the output depends on at once."""
    return part.read if isinstance(part, Memory) else part.inputs


def reads(part: Part) -> tuple[int, ...]:
    """What the output depends on, then or later."""
    if isinstance(part, Lut):
        return part.inputs
    if isinstance(part, FlipFlop):
        return part.data, part.enable, part.reset
    stores = (*part.write, *part.written, *part.keep, *part.write_enable) if part.is_written else ()
    return (*part.read, *part.read_enable, *stores)
