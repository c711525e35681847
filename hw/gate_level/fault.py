"""Which bit of which LUT is wrong: the one with which, turned round, the netlist answers as it should.

Every candidate is a lane, a chip of its own with this one bit turned round; those that answer a few frames as they
should, beat by beat in every stream, are named. It finds what one bit explains and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats
from .circuit import Circuit, Lut, outputs, reads
from .machine import Flip, Machine
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
    """lut    of the netlist
    row    of its table, where input i is bit i of the row; the netlist has the wrong truth there
    """

    lut: Lut
    row: int

    def __str__(self) -> str:
        truth = self.lut.table >> self.row & 1
        return f"bit {self.row} of {self.lut.name} is {truth} and would have to be {1 - truth}"


def culprits(
    circuit: Circuit,
    pins: Pins,
    streams: Sequence[Stream],
    one: Case,
    several: Case,
    cycles: int,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[Culprit]:
    """Single bits of LUTs that explain why a netlist does not answer as it should.

    one, several   a frame that it answers wrong; some that it does and some that it does not
    cycles         in which a frame has passed, whatever waits
    tell           is told how many candidates are tried
    """
    candidates = [
        Flip(index, row) for index in _before(circuit, streams) for row in range(1 << len(circuit.luts[index].inputs))
    ]
    left: list[Flip] = []
    for begin in range(0, len(candidates), LANES):
        some = candidates[begin : begin + LANES]
        right = answers(circuit, pins, streams, one, cycles, 0, some)
        left += [flip for flip, agrees in zip(some, right, strict=True) if agrees]
        tell(begin + len(some), len(candidates))
    if not left:
        return []
    right = answers(circuit, pins, streams, several, cycles, cycles, left)
    return [Culprit(circuit.luts[flip.lut], flip.row) for flip, agrees in zip(left, right, strict=True) if agrees]


def _before(circuit: Circuit, streams: Sequence[Stream]) -> list[int]:
    """The LUTs that a stream can depend on."""
    needs = {net: part for part in circuit.parts for net in outputs(part)}
    left = [net for stream in streams for net in (*stream.data, stream.valid, stream.ready)]
    seen = set(left)
    while left:
        part = needs.get(left.pop())
        if part is not None:
            more = set(reads(part)) - seen
            seen |= more
            left += more
    return [index for index, lut in enumerate(circuit.luts) if lut.output in seen]


def answers(
    circuit: Circuit,
    pins: Pins,
    streams: Sequence[Stream],
    case: Case,
    cycles: int,
    listen: int,
    flips: Sequence[Flip] = (),
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
