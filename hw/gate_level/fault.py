"""Which bit of which LUT, or of a memory that is only read, is wrong: the one with which, turned round, the netlist
answers as it should.

Every candidate is a lane, a chip of its own with this one bit turned round; those that answer a few frames as they
should, beat by beat in every stream, are named. It finds what one bit explains and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats
from .circuit import FALSE, TRUE, Circuit, Lut, Memory, outputs, reads
from .machine import Flip, Machine, WordFlip
from .schedule import Pins, Stream

LANES = 4096
RESET_CYCLES = 4


@dataclass(frozen=True, eq=False)
class Case:
    """Some frames: what is sent, (beats, bits), and what every stream has to say."""

    sent: Beats
    due: Mapping[str, Beats]


@dataclass(frozen=True)
class Culprit:
    """part   of the netlist, a LUT or a memory
    row    of its table, where input i is bit i of the row, or its word; the netlist has the wrong truth there
    bit    of the word
    """

    part: Lut | Memory
    row: int
    bit: int = 0

    def __str__(self) -> str:
        if isinstance(self.part, Lut):
            which, truth = f"bit {self.row}", self.part.table >> self.row & 1
        else:
            which, truth = f"bit {self.bit} of word {self.row}", self.part.words[self.row] >> self.bit & 1
        return f"{which} of {self.part.name} is {truth} and would have to be {1 - truth}"


def culprits(
    circuit: Circuit,
    pins: Pins,
    streams: Sequence[Stream],
    one: Case,
    several: Case,
    cycles: int,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[Culprit]:
    """Single bits of LUTs and memories that explain why a netlist does not answer as it should.

    one, several   a frame that it answers wrong; some that it does and some that it does not
    cycles         in which a frame has passed, whatever waits
    tell           is told how many candidates are tried
    """
    candidates = list(_before(circuit, streams))
    left: list[Flip | WordFlip] = []
    for begin in range(0, len(candidates), LANES):
        some = candidates[begin : begin + LANES]
        right = answers(circuit, pins, streams, one, cycles, 0, some)
        left += [flip for flip, agrees in zip(some, right, strict=True) if agrees]
        tell(begin + len(some), len(candidates))
    if not left:
        return []
    right = answers(circuit, pins, streams, several, cycles, cycles, left)
    return [
        Culprit(circuit.luts[flip.lut], flip.row)
        if isinstance(flip, Flip)
        else Culprit(circuit.memories[flip.memory], flip.word, flip.bit)
        for flip, agrees in zip(left, right, strict=True)
        if agrees
    ]


def _before(circuit: Circuit, streams: Sequence[Stream]) -> Iterator[Flip | WordFlip]:
    """The bits that a stream can depend on; of memories that nobody writes, those whose output leads anywhere."""
    needs = {net: part for part in circuit.parts for net in outputs(part)}
    left = [net for stream in streams for net in (*stream.data, stream.valid, stream.ready)]
    seen = set(left)
    while left:
        part = needs.get(left.pop())
        if part is not None:
            more = set(reads(part)) - seen
            seen |= more
            left += more
    for index, lut in enumerate(circuit.luts):
        if lut.output in seen:
            yield from (Flip(index, row) for row in range(1 << len(lut.inputs)))
    for index, memory in enumerate(circuit.memories):
        if not memory.is_written:
            bits = [bit for bit, net in enumerate(memory.output) if net in seen]
            fixed = sum(1 << bit for bit, net in enumerate(memory.read) if net == TRUE)
            free = [bit for bit, net in enumerate(memory.read) if net not in (FALSE, TRUE)]
            for word in range(1 << len(free)):
                at = fixed | sum((word >> place & 1) << bit for place, bit in enumerate(free))
                yield from (WordFlip(index, at, bit) for bit in bits)


def answers(
    circuit: Circuit,
    pins: Pins,
    streams: Sequence[Stream],
    case: Case,
    cycles: int,
    listen: int,
    flips: Sequence[Flip | WordFlip] = (),
) -> NDArray[np.bool_]:
    """Of each flip whether the netlist with it answers every stream beat by beat; without flips one answer, of the
    netlist as it is. There are no stalls.

    cycles   without a beat of a lane that may still be right after which it hangs
    listen   cycles after the last beat that is due in which none may follow
    """
    lanes = -(-max(1, len(flips)) // 64) * 64
    machine = Machine(circuit, lanes, flips)
    right = np.arange(lanes) < max(1, len(flips))
    taken, quiet = np.zeros(lanes, dtype=np.int64), 0
    seen = {stream.name: np.zeros(lanes, dtype=np.int64) for stream in streams}
    _set(machine, pins, reset=True)
    for _ in range(RESET_CYCLES):
        machine.settle()
        machine.clock()
    _set(machine, pins, reset=False)
    done = False
    while right.any() and quiet < (listen if done else cycles):
        at = np.minimum(taken, len(case.sent) - 1)
        if (at == at[0]).all():
            machine.put(pins.data, case.sent[at[0]])
        else:
            machine.put_each(pins.data, case.sent[at])
        offered = taken < len(case.sent)
        machine.put_each((pins.valid,), offered[:, None])
        machine.settle()
        goes = machine.truths((pins.ready,))[:, 0] & offered
        taken += goes
        moved, done = goes & right, True
        for stream in streams:
            passes, due, count = (
                machine.truths((stream.valid, stream.ready)).all(axis=1),
                case.due[stream.name],
                seen[stream.name],
            )
            if passes.any():
                wrong = (machine.truths(stream.data) != due[np.minimum(count, len(due) - 1)]).any(axis=1)
                right &= ~(passes & (wrong | (count >= len(due))))
                count += passes
                moved |= passes & right
            done &= bool((count[right] == len(due)).all())
        quiet = 0 if moved.any() else quiet + 1
        machine.clock()
    for stream in streams:
        right &= seen[stream.name] == len(case.due[stream.name])
    return right[: max(1, len(flips))]


def _set(machine: Machine, pins: Pins, reset: bool) -> None:
    machine.put((pins.reset, pins.valid, pins.leaves), np.array([reset, False, True]))
