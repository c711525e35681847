"""A circuit a cycle at a time in numpy, each lane a chip of its own: slow, general, and not the compiled one's way.

A lane may have its own control, its own memories, and one bit of one LUT, or of a memory that is only read, that is
another than in the netlist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .circuit import TRUE, Circuit, Lut, Memory, outputs, part_inputs

Words = NDArray[np.uint64]
"""(..., lanes / 64): a truth a bit."""
ALL = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class Flip:
    """Another truth in row `row` of the LUT `lut`, by its place in the circuit."""

    lut: int
    row: int


@dataclass(frozen=True)
class WordFlip:
    """Another truth in a bit of a word of the memory `memory`, by its place in the circuit, which nobody writes."""

    memory: int
    word: int
    bit: int


@dataclass(frozen=True, eq=False)
class _Tables:
    """LUTs of one level with as many inputs each.

    inputs   (n, k) nets, output (n)
    rows     (n, 2^k, 1 or words)
    """

    inputs: NDArray[np.int64]
    output: NDArray[np.int64]
    rows: Words

    def answer(self, nets: Words) -> Words:
        rows = self.rows
        for column in self.inputs.T:
            low, high = rows[:, 0::2], rows[:, 1::2]
            rows = low ^ ((low ^ high) & nets[column][:, None])
        return np.broadcast_to(rows[:, 0], (len(self.output), nets.shape[1]))


class Machine:
    """nets   (nets, lanes / 64) what each is now"""

    def __init__(self, circuit: Circuit, lanes: int, flips: Sequence[Flip | WordFlip] = ()) -> None:
        """flips   of the first lanes one each"""
        assert lanes % 64 == 0
        assert len(flips) <= lanes
        self.circuit, self.lanes = circuit, lanes
        self.nets = np.zeros((circuit.size, lanes // 64), dtype=np.uint64)
        self.nets[TRUE] = ALL
        self._levels = _levels(circuit, lanes // 64, flips)
        ffs = circuit.flip_flops
        self._ff = {
            name: np.array([getattr(ff, name) for ff in ffs], dtype=np.int64)
            for name in ("output", "data", "enable", "reset")
        }
        self._value = np.array([[ALL if ff.value else 0] for ff in ffs], dtype=np.uint64).reshape(-1, 1)
        self._reset_first = np.array([[ALL if ff.reset_first else 0] for ff in ffs], dtype=np.uint64).reshape(-1, 1)
        for ff in ffs:
            self.nets[ff.output] = ALL if ff.first else 0
        self._stored = {memory.name: _bits(memory) for memory in circuit.memories}
        self._flipped: dict[str, NDArray[np.int64]] = {}  # (n, 3) lane, word and bit
        for lane, flip in enumerate(flips):
            if isinstance(flip, WordFlip):
                name, row = circuit.memories[flip.memory].name, np.array([[lane, flip.word, flip.bit]])
                self._flipped[name] = np.concatenate([self._flipped.get(name, row[:0]), row])
        for memory in circuit.memories:
            if memory.is_written:
                self._stored[memory.name] = np.repeat(self._stored[memory.name][None], lanes, axis=0)

    def settle(self) -> None:
        """Logic follows what registers and inputs are now."""
        for level in self._levels:
            if isinstance(level, Memory):
                self.put_each(level.output, self._word(level))
            else:
                self.nets[level.output] = level.answer(self.nets)

    def clock(self) -> None:
        """An edge."""
        nets = self.nets
        data, enable, reset, stays = (nets[self._ff[name]] for name in ("data", "enable", "reset", "output"))
        taken = stays ^ ((stays ^ data) & enable)
        resets = reset & (enable | self._reset_first)
        after = taken ^ ((taken ^ self._value) & resets)
        words = [
            (memory, self._word(memory), self._every(memory.read_enable))
            for memory in self.circuit.memories
            if not memory.asynchronous
        ]
        for memory in self.circuit.memories:
            if memory.is_written:
                self._store(memory)
        for memory, word, on in words:
            old = self.truths(memory.output)
            self.put_each(memory.output, np.where(on[:, None], word, old))
        nets[self._ff["output"]] = after

    def truths(self, of: Sequence[int]) -> NDArray[np.bool_]:
        """(lanes, nets)."""
        return np.unpackbits(self.nets[list(of)].view(np.uint8), axis=1, bitorder="little").view(np.bool_).T

    def put(self, of: Sequence[int], truths: NDArray[np.bool_]) -> None:
        """Inputs; truths: (nets) for all lanes."""
        for net, truth in zip(of, truths, strict=True):
            self.nets[net] = ALL if truth else 0

    def put_each(self, of: Sequence[int], truths: NDArray) -> None:
        """The same, (lanes, nets)."""
        self.nets[list(of)] = np.packbits(np.ascontiguousarray(truths.T), axis=1, bitorder="little").view(np.uint64)

    def _number(self, of: Sequence[int]) -> NDArray[np.int64]:
        return self.truths(of).astype(np.int64) @ (1 << np.arange(len(of)))

    def _every(self, of: Sequence[int]) -> NDArray[np.bool_]:
        return np.asarray(self.truths(of).all(axis=1)) if of else np.ones(self.lanes, dtype=np.bool_)

    def _word(self, memory: Memory) -> NDArray:
        at, stored = self._number(memory.read), self._stored[memory.name]
        if memory.is_written:
            return stored[np.arange(self.lanes), at]
        found = stored[at]
        if memory.name in self._flipped:
            lane, word, bit = self._flipped[memory.name].T
            found[lane, bit] ^= at[lane] == word
        return found

    def _store(self, memory: Memory) -> None:
        lanes = np.flatnonzero(self._every(memory.write_enable))
        at, word = self._number(memory.write)[lanes], self.truths(memory.written)[lanes]
        stored = self._stored[memory.name]
        if memory.keep:
            word = np.where(self.truths(memory.keep)[lanes], stored[lanes, at], word)
        stored[lanes, at] = word


def _bits(memory: Memory) -> NDArray[np.bool_]:
    """(depth, width)."""
    width = len(memory.output)
    return np.array([[word >> bit & 1 for bit in range(width)] for word in memory.words], dtype=np.bool_)


def _levels(circuit: Circuit, words: int, flips: Sequence[Flip | WordFlip]) -> list[_Tables | Memory]:
    level: dict[int, int] = {}
    place = {lut.output: index for index, lut in enumerate(circuit.luts)}
    by_kind: dict[tuple[int, int], list[Lut]] = defaultdict(list)
    memories: dict[int, list[Memory]] = defaultdict(list)
    for part in circuit.in_order():
        own = 1 + max((level.get(net, 0) for net in part_inputs(part)), default=0)
        for net in outputs(part):
            level[net] = own
        if isinstance(part, Memory):
            memories[own].append(part)
        else:
            by_kind[own, len(part.inputs)].append(part)
    flipped: Mapping[int, list[tuple[int, int]]] = defaultdict(list)
    for lane, flip in enumerate(flips):
        if isinstance(flip, Flip):
            flipped[flip.lut].append((flip.row, lane))
    found: list[tuple[int, _Tables | Memory]] = [(own, each) for own, several in memories.items() for each in several]
    for (own, _), luts in by_kind.items():
        for some in (
            [lut for lut in luts if place[lut.output] not in flipped],
            [lut for lut in luts if place[lut.output] in flipped],
        ):
            if some:
                found.append((own, _tables(some, [flipped.get(place[lut.output], []) for lut in some], words)))
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _tables(luts: Sequence[Lut], flipped: Sequence[Sequence[tuple[int, int]]], words: int) -> _Tables:
    count = len(luts[0].inputs)
    rows = np.array(
        [[ALL if lut.table >> row & 1 else 0 for row in range(1 << count)] for lut in luts], dtype=np.uint64
    )
    rows = rows[:, :, None]
    if any(flipped):
        rows = np.repeat(rows, words, axis=2)
        for index, several in enumerate(flipped):
            for row, lane in several:
                rows[index, row, lane // 64] ^= np.uint64(1 << lane % 64)
    return _Tables(
        np.array([lut.inputs for lut in luts], dtype=np.int64).reshape(len(luts), count),
        np.array([lut.output for lut in luts], dtype=np.int64),
        rows,
    )
