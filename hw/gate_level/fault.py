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
from .code import Pins, Stream
from .machine import Flip, Machine

LANES = 4096
RESET_CYCLES = 4


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
    sent: Beats,
    due: Mapping[str, Beats],
    patience: int,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[Culprit]:
    """Single bits of LUTs that explain why a netlist does not answer `sent` by `due`.

    sent       (beats, bits) of some frames
    due        the same of each stream
    patience   cycles without a beat after which a lane hangs
    tell       is told how many candidates are tried
    """
    candidates = [
        Flip(index, row) for index in _before(circuit, streams) for row in range(1 << len(circuit.luts[index].inputs))
    ]
    found: list[Culprit] = []
    for begin in range(0, len(candidates), LANES):
        some = candidates[begin : begin + LANES]
        right = answers(circuit, pins, streams, sent, due, patience, some)
        found += [
            Culprit(circuit.luts[flip.lut], flip.row) for flip, agrees in zip(some, right, strict=False) if agrees
        ]
        tell(begin + len(some), len(candidates))
    return found


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
    sent: Beats,
    due: Mapping[str, Beats],
    patience: int,
    flips: Sequence[Flip] = (),
) -> NDArray[np.bool_]:
    """(lanes) whether each answers `sent` by `due`, in every stream and no beat more; without stalls."""
    lanes = -(-max(1, len(flips)) // 64) * 64
    machine = Machine(circuit, lanes, flips)
    right, every = np.ones(lanes, dtype=np.bool_), np.arange(lanes)
    taken, quiet = np.zeros(lanes, dtype=np.int64), 0
    seen = {stream.name: np.zeros(lanes, dtype=np.int64) for stream in streams}
    _set(machine, pins, reset=True, valid=False)
    for _ in range(RESET_CYCLES):
        machine.settle()
        machine.clock()
    while quiet < patience and right.any():
        at = np.minimum(taken, len(sent) - 1)
        _set(machine, pins, reset=False, valid=True)
        if (at == at[0]).all():
            machine.put(pins.data, sent[at[0]])
        else:
            machine.put_each(pins.data, sent[at])
        machine.put_each((pins.valid,), (taken < len(sent))[:, None])
        machine.settle()
        moved = np.zeros(lanes, dtype=np.bool_)
        for stream in streams:
            passes = machine.truths((stream.valid, stream.ready)).all(axis=1)
            if passes.any():
                count, expected = seen[stream.name], due[stream.name]
                beat = expected[np.minimum(count, len(expected) - 1)]
                wrong = (machine.truths(stream.data) != beat).any(axis=1) | (count >= len(expected))
                right &= ~(passes & wrong)
                count += passes
                moved |= passes
        goes = machine.truths((pins.ready,))[:, 0] & (taken < len(sent))
        taken += goes
        quiet = 0 if ((moved | goes) & right).any() else quiet + 1
        machine.clock()
    for stream in streams:
        right &= seen[stream.name] == len(due[stream.name])
    return right[every < len(flips)] if flips else right


def _set(machine: Machine, pins: Pins, reset: bool, valid: bool) -> None:
    machine.put((pins.reset, pins.valid, pins.leaves), np.array([reset, valid, True]))
