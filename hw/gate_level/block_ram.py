"""Memory blocks whose ports read, write, or do both, of whatever family."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .cell import Cell
from .circuit import FALSE, FlipFlop, Memory, Part

NOT, NOR, AND = 0b01, 0b0001, 0b1000
CHOICE = 0b11001010  # c ? b : a
ADDRESS = {1: 0, 2: 1, 4: 2, 8: 3, 9: 3, 16: 4, 18: 4, 32: 5, 36: 5, 72: 6}  # of a width: the pins below are no address

WhileStoring: TypeAlias = Literal["old", "new", "kept"]


@dataclass(frozen=True)
class Port:
    """Of a block. What it gives and takes is a word each, or nothing where it only does the other.

    enable         without which it does neither
    words          what is read before anything is stored, where it reads
    stores         nets for equal parts of a word: a part is stored where its net holds
    while_storing  what the output of the same port is then: the old word, the new one, or as it was
    """

    clock: int
    enable: int
    address: tuple[int, ...]
    gives: tuple[int, ...] = ()
    words: tuple[int, ...] = ()
    takes: tuple[int, ...] = ()
    stores: tuple[int, ...] = ()
    while_storing: WhileStoring = "old"

    @property
    def writes(self) -> bool:
        return bool(self.takes) and self.enable != FALSE and {*self.stores} != {FALSE}


def memories(cell: Cell, ports: Sequence[Port]) -> Iterator[Part]:
    """A memory for each port that reads; all hold what the one that writes stores.

    What one port reads while another stores to that very word is the old word, where the block says what it is.
    """
    writers = [port for port in ports if port.writes]
    if len(writers) > 1:
        raise cell.unknown(" with two ports that write")
    readers = [port for port in ports if port.gives and port.enable != FALSE]
    for index, port in enumerate(readers):
        name = cell.name if len(readers) == 1 else f"{cell.name} port {index}"
        reads = [port.enable]
        if not writers:
            yield Memory(name, port.gives, port.address, port.words, port.clock, tuple(reads))
            continue
        (writer,), width = writers, len(port.gives)
        if len(writer.takes) != width:
            raise cell.unknown(" with ports of two widths")
        if writer.clock != port.clock:
            raise cell.unknown(" with ports of two clocks")
        gives = port.gives
        if port is writer and port.while_storing == "new":
            gives = tuple(cell.inside() for _ in gives)
            yield from _shown(cell, port, gives)
        if port is writer and port.while_storing == "kept":
            reads.append(cell.inside())
            yield cell.lut(reads[-1], tuple({*port.stores}), NOR, " stores nothing")
        stores, kept = {*writer.stores}, tuple[int, ...]()
        if len(stores) > 1:
            parts = [cell.inside() for _ in writer.stores]
            yield from (cell.lut(net, (on,), NOT, " keeps") for net, on in zip(parts, writer.stores, strict=True))
            stores, kept = set(), tuple(parts[bit * len(parts) // width] for bit in range(width))
        yield Memory(
            name,
            gives,
            port.address,
            port.words,
            port.clock,
            tuple(reads),
            writer.address,
            writer.takes,
            kept,
            (writer.enable, *stores),
        )


def stored_bytes(cell: Cell, store: int, address: Sequence[int], width: int) -> Generator[Part, None, tuple[int, ...]]:
    """`Port.stores` where, of words of two bytes and more, the lowest pins of the address say which are stored."""
    if width < 16 or store == FALSE:
        return (store,)
    pins = address[: width // 8]
    both = {pin: cell.inside() for pin in pins}
    for pin, net in both.items():
        yield cell.lut(net, (store, pin), AND, " stores")
    return tuple(both[pin] for pin in pins)


def _shown(cell: Cell, port: Port, old: tuple[int, ...]) -> Iterator[Part]:
    """What the port gives, where it shows what it stores: that, kept beside the old word."""
    stored = [cell.inside() for _ in port.stores]
    for net, store in zip(stored, port.stores, strict=True):
        yield FlipFlop(f"{cell.name} has stored", net, store, port.clock, port.enable)
    for bit, (net, word, new) in enumerate(zip(port.gives, old, port.takes, strict=True)):
        shown = cell.inside()
        yield FlipFlop(f"{cell.name} stored {bit}", shown, new, port.clock, port.enable)
        yield cell.lut(net, (word, shown, stored[bit * len(stored) // len(old)]), CHOICE, f" shown {bit}")
