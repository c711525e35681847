"""What of a circuit is the same for every frame, what of the rest is of use when, and in which order it is computed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from .circuit import FALSE, TRUE, Circuit, FlipFlop, Lut, Memory, outputs, part_inputs, reads

GUARDS = 6  # nets of which one must hold for a block to be of use, at most; else it always is

Guard: TypeAlias = frozenset[int]
"""What is computed under it is used only where one of these nets holds."""
ALWAYS: Guard = frozenset({TRUE})
State: TypeAlias = FlipFlop | Memory


@dataclass(frozen=True)
class Stream:
    """Nets of a stream that is recorded where valid and ready both hold; data of a beat, the lowest bit first."""

    name: str
    data: tuple[int, ...]
    valid: int
    ready: int


@dataclass(frozen=True)
class Pins:
    """Nets through which a circuit is driven: reset, the stream that goes in, and ready of the one that leaves."""

    reset: int
    data: tuple[int, ...]
    valid: int
    ready: int
    leaves: int


def varying(circuit: Circuit, sources: Iterable[int]) -> set[int]:
    """The nets that the sources can reach, through any number of cycles."""
    reaches: dict[int, set[int]] = defaultdict(set)
    for part in circuit.parts:
        for net in reads(part):
            reaches[net].update(outputs(part))
    found = {net for net in sources if net not in (FALSE, TRUE)}
    left = list(found)
    while left:
        more = reaches[left.pop()] - found
        found |= more
        left += more
    return found


@dataclass(frozen=True)
class Schedule:
    """Of a circuit that is driven at `pins` and recorded at `streams`.

    What varies is a frame's own; the rest is the same for all.
    """

    circuit: Circuit
    pins: Pins
    streams: tuple[Stream, ...]

    @cached_property
    def varies(self) -> set[int]:
        return varying(self.circuit, self.pins.data)

    @cached_property
    def logic(self) -> tuple[list[Lut | Memory], list[Lut | Memory]]:
        """What is the same for all, and what is a frame's own, each behind what it reads."""
        order = self.circuit.in_order()
        return [part for part in order if not self.is_own(part)], [part for part in order if self.is_own(part)]

    @cached_property
    def state(self) -> tuple[list[State], list[State]]:
        """What a clock edge changes, of both."""
        state: list[State] = [*self.circuit.flip_flops, *(each for each in self.circuit.memories if changes(each))]
        return [part for part in state if not self.is_own(part)], [part for part in state if self.is_own(part)]

    @cached_property
    def passes(self) -> tuple[Lut, ...]:
        """Of each stream whether a beat passes, as a net that the circuit has not yet."""
        return tuple(
            Lut(f"{stream.name} passes", self.circuit.size + index, (stream.valid, stream.ready), 0b1000)
            for index, stream in enumerate(self.streams)
        )

    def is_own(self, part: Lut | State) -> bool:
        return not self.varies.isdisjoint(outputs(part))

    def is_certain(self, stream: Stream) -> bool:
        """Whether a beat passes in all frames or in none."""
        return self.varies.isdisjoint((stream.valid, stream.ready))

    @property
    def certain(self) -> bool:
        """Whether that holds of every stream: then control can be computed without any frame."""
        return all(map(self.is_certain, self.streams)) and self.pins.ready not in self.varies

    def guard(self, part: State) -> Guard:
        """Where none of these holds, it stays as it is."""
        if isinstance(part, Memory):
            return ALWAYS
        nets = {part.enable, part.reset} if part.reset_first else {part.enable}
        nets.discard(FALSE)
        return ALWAYS if nets & self.varies or TRUE in nets else frozenset(nets)

    def blocks(self) -> list[tuple[Guard, list[Lut | Memory]]]:
        """A frame's own logic by the guard under which each is of use: whatever a block reads was written in one before
        it, for what is read under several guards is computed under all of them.
        """
        of_use: dict[int, set[int]] = defaultdict(set)
        for state in self.state[1]:
            for net in reads(state):
                of_use[net] |= self.guard(state)
        for passes, stream in zip(self.passes, self.streams, strict=True):
            for each in (*stream.data, stream.valid, stream.ready):
                of_use[each] |= {passes.output} if self.is_certain(stream) else ALWAYS
        of_use[self.pins.ready] |= ALWAYS
        found: dict[Guard, list[Lut | Memory]] = defaultdict(list)
        for part in reversed(self.logic[1]):
            guard = frozenset[int]().union(*(of_use[net] for net in outputs(part)))
            if TRUE in guard or len(guard) > GUARDS:
                guard = ALWAYS
            for net in part_inputs(part):
                of_use[net] |= guard
            found[guard].append(part)
        ordered = sorted(found, key=lambda guard: (guard != ALWAYS, -len(guard), min(guard, default=0)))
        return [(guard, found[guard][::-1]) for guard in ordered]

    def program(self) -> list[tuple[Guard, list[Lut | State]]]:
        """`blocks`, in which a flip-flop changes as soon as all that reads it is computed, where that is so in a block
        of its own guard: what goes into it need not be stored.
        """
        own = {part.output: part for part in self.state[1] if isinstance(part, FlipFlop)}
        readers = Counter(net for part in (*self.logic[1], *self.state[1]) for net in _others(part))
        readers.update(net for stream in self.streams for net in (*stream.data, stream.valid, stream.ready))
        readers[self.pins.ready] += 1
        blocks = self.blocks()
        waiting = {net for _, block in blocks for part in block for net in outputs(part)}
        found = []
        for guard, block in blocks:
            steps = list[Lut | State]()
            able = {net for net, ff in own.items() if self.guard(ff) == guard}
            by_data: dict[int, list[FlipFlop]] = defaultdict(list)
            for net in able:
                by_data[own[net].data].append(own[net])
            for part in block:
                turn: list[Lut | State] = [part]
                while turn:
                    step, made = turn[-1], outputs(turn.pop())
                    if isinstance(step, FlipFlop) and (
                        step.output not in able or readers[step.output] or not waiting.isdisjoint(reads(step))
                    ):
                        continue
                    steps.append(step)
                    able.difference_update(made)
                    waiting.difference_update(made)
                    readers.subtract(_others(step))
                    turn += (own[net] for net in sorted(_others(step) & able))
                    turn += (ff for net in made for ff in by_data.get(net, ()))
            found.append((guard, steps))
        return found

    def changes(self, done: Container[State]) -> tuple[list[State], list[State]]:
        """In which order registers of frames that are not done may change one after the other: who reads another before
        it changes. And first those whose old values have to be kept aside, where some read each other.
        """
        own = [part for part in self.state[1] if part not in done]
        writer = {net: index for index, part in enumerate(own) for net in registers_of(part)}
        read_by = [{writer[net] for net in reads(part) if net in writer} - {i} for i, part in enumerate(own)]
        readers: list[set[int]] = [set() for _ in own]
        for index, others in enumerate(read_by):
            for read in others:
                readers[read].add(index)
        saved, order, guard = list[State](), list[State](), ALWAYS
        ready: dict[Guard, list[int]] = defaultdict(list)
        left = set(range(len(own)))
        for index in left:
            if not readers[index]:
                ready[self.guard(own[index])].append(index)
        while left:
            if not ready[guard]:
                guard = max(ready, key=lambda each: len(ready[each]))
            if ready[guard]:
                index = ready[guard].pop()
                left.discard(index)
                order.append(own[index])
                freed = read_by[index]
            else:  # all that is left is read by something that is left
                kept = max(left, key=lambda each: (isinstance(own[each], FlipFlop), len(readers[each])))
                saved.append(own[kept])
                freed, readers[kept] = set(), set()
                ready[self.guard(own[kept])].append(kept)
                for others in read_by:
                    others.discard(kept)
                continue
            for each in freed:
                readers[each].discard(index)
                if not readers[each] and each in left and each not in ready[self.guard(own[each])]:
                    ready[self.guard(own[each])].append(each)
        return saved, order


def changes(memory: Memory) -> bool:
    """Whether a clock edge changes anything of it."""
    return memory.is_written or not memory.asynchronous


def registers_of(part: State) -> tuple[int, ...]:
    """The nets that a clock edge changes."""
    return () if isinstance(part, Memory) and part.asynchronous else outputs(part)


def _others(part: Lut | State) -> set[int]:
    """What it reads but its own register."""
    return {*reads(part)} - ({part.output} if isinstance(part, FlipFlop) else set())
