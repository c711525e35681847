"""What faults do to the classes of a net of dense 1-bit layers: exactly, over a whole set of samples.

A bit that flips in a memory of weights or thresholds changes one neuron's code, in some samples. What follows from
that neuron's bit being wrong in a sample does not depend on why it is wrong. So every neuron's bit is flipped once in
every sample, through the rest of the net; then what a fault costs is a sum over the samples in which it flips that bit,
and all weights of a layer together are one product of matrices:

    loss[r, c] = Σ_n gain_r[n] · [accumulator one from its threshold on the side that the weight moves it to]

Where a stored bit is the weight of two neurons, a real part and its imaginary one, the samples in which it flips both
count apart. Faults that reach more neurons, stuck wires of a lane or many flips at once, go through the net whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Dense, Graph, Scores
from ..ib_analysis.codes import Codes
from .accelerator import Accelerator
from .stages import Mvtu
from .stages import Scores as ScoresStage

Part = Literal["weights", "thresholds"]
Wire = Literal["code", "accumulator"]
IN_MEMORY = (Mvtu.module, ScoresStage.module)  # stages that are not unrolled


class FaultsError(ValueError):
    """A net whose faults cannot be told."""


@dataclass(frozen=True)
class Flip:
    """One bit of a layer's memory: of `weights` the input that it weighs, of `thresholds` the bit of the word.

    also   (row, input) of the other weight that it is, where weights are turned
    """

    layer: str
    part: Part
    row: int
    bit: int
    also: tuple[int, int] | None = None

    def __str__(self) -> str:
        if self.part == "thresholds":
            return f"{self.layer}, neuron {self.row}, bit {self.bit} of the threshold"
        also = f" and neuron {self.also[0]}, weight of input {self.also[1]}" if self.also else ""
        return f"{self.layer}, neuron {self.row}, weight of input {self.bit}{also}"


@dataclass(frozen=True)
class Stuck:
    """A wire of a layer's lane that keeps its value: its code, or a bit of its accumulator."""

    layer: str
    wire: Wire
    lane: int
    bit: int
    value: bool

    def __str__(self) -> str:
        what = "code" if self.wire == "code" else f"bit {self.bit} of the accumulator"
        return f"{self.layer}, lane {self.lane}, {what} stuck at {int(self.value)}"


@dataclass(frozen=True, eq=False)
class Unit:
    """A layer as its stage holds it.

    signs    (rows, inputs) float32, ±1, as they are multiplied
    starts   (rows,) what accumulators begin with: of a hidden layer minus the threshold, so that its sign is the code
    bits     of an accumulator, which wraps
    turned   whether the upper half of the signs is stored, and every bit of it is a weight of the lower half too
    """

    name: str
    signs: NDArray[np.float32]
    starts: NDArray[np.int64]
    bits: int
    hidden: bool
    pe: int
    simd: int
    turned: bool = False

    def flip(self, part: Part, row: int, bit: int) -> Flip:
        """Of a stored bit."""
        rows, inputs = self.signs.shape
        also = (row + rows // 2, (bit + inputs // 2) % inputs) if self.turned and part == "weights" else None
        return Flip(self.name, part, row, bit, also)

    @property
    def shapes(self) -> dict[Part, tuple[int, int]]:
        """Of what is stored, rows and bits of each."""
        rows, inputs = self.signs.shape
        weights: dict[Part, tuple[int, int]] = {"weights": (rows >> self.turned, inputs)}
        return weights | {"thresholds": (rows, self.bits)} if self.hidden else weights

    def wrapped(self, accumulators: NDArray[np.int64]) -> NDArray[np.int64]:
        """As the hardware reads its bits: of a hidden layer in two's complement."""
        return _of_sign(accumulators, self.bits) if self.hidden else accumulators & ((1 << self.bits) - 1)

    def accumulators(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """(n, rows) of (n, inputs) ±1: agreements, from the start on."""
        agreeing = (self.signs.shape[1] + (inputs @ self.signs.T).astype(np.int64)) >> 1
        return self.wrapped(self.starts + agreeing)

    @cached_property
    def _least(self) -> NDArray[np.float32] | None:
        """(rows,) the dot products from which on codes are +1; None where accumulators could wrap."""
        inputs = self.signs.shape[1]
        wraps = ((self.starts + inputs) >> (self.bits - 1)).any()
        return None if wraps else (-2 * self.starts - inputs).astype(np.float32)

    def codes(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, rows) ±1 of a hidden layer."""
        reached = self.accumulators(inputs) >= 0 if self._least is None else inputs @ self.signs.T >= self._least
        return np.where(reached, np.float32(1), np.float32(-1))


def _of_sign(numbers: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """The lowest bits of each in two's complement."""
    kept = numbers & ((1 << bits) - 1)
    return kept - (kept >> (bits - 1) << bits)


def units(graph: Graph, accelerator: Accelerator) -> list[Unit]:
    """Raises FaultsError for a layer that is not dense with ±1 weights, or whose weights no memory holds."""
    stages, found = {stage.name: stage for stage in accelerator.stages}, []
    for layer in graph.layers:
        if layer.fan_in == 1:  # the cut, before the first weights
            continue
        if not isinstance(layer, Dense | Scores) or not layer.one_bit:
            raise FaultsError(
                f"{graph.name}: {layer.name} is no dense layer of ±1 weights and codes; faults need those"
            )
        stage = stages[layer.name]
        if not isinstance(stage, Mvtu | ScoresStage) or stage.module not in IN_MEMORY:
            raise FaultsError(
                f"{graph.name}: {layer.name} is unrolled, its weights are gates and lie in no memory; more --cycles "
                "when it is built fold it"
            )
        if isinstance(stage, Mvtu):
            weight, turned, bits = stage.multiplied, stage.turned, stage.acc_bits
            starts = _of_sign(stage.begin, bits)
        else:
            weight, turned, bits, starts = stage.signs, False, stage.span.bit_length(), np.zeros(layer.rows, np.int64)
        signs = np.where(weight, np.float32(1), np.float32(-1))
        hidden = isinstance(stage, Mvtu)
        found.append(Unit(layer.name, signs, starts, bits, hidden, stage.pe, stage.simd, turned))
    return found


@dataclass(frozen=True, eq=False)
class Faults:
    """The faults of a net, over samples.

    units    from the first layer with weights to the scores
    inputs   (n, inputs) ±1, what enters the first
    y        (n,) the labels
    """

    units: Sequence[Unit]
    inputs: NDArray[np.float32]
    y: NDArray[np.int64]

    @cached_property
    def codes(self) -> list[NDArray[np.float32]]:
        """What enters each unit, ±1."""
        entering = [self.inputs]
        for unit in self.units[:-1]:
            entering.append(unit.codes(entering[-1]))
        return entering

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        return self._right_from(len(self.units) - 1, self.codes[-1])

    def _right_from(self, index: int, codes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Of what enters unit `index`."""
        for unit in self.units[index:-1]:
            codes = unit.codes(codes)
        return (codes @ self.units[-1].signs.T).argmax(axis=1) == self.y

    @cached_property
    def _gains(self) -> list[NDArray[np.int8]]:
        """Of each hidden unit (rows, n): right answers won (1) or lost (-1) where that neuron's bit is flipped."""
        found = []
        for index, unit in enumerate(self.units[:-1]):
            rows = []
            for row in range(len(unit.signs)):
                codes = self.codes[index + 1].copy()
                codes[:, row] *= -1
                rows.append(self._right_from(index + 1, codes).astype(np.int8) - self.right)
            found.append(np.array(rows))
        return found

    @cached_property
    def _sums(self) -> list[NDArray[np.int64]]:
        return [unit.accumulators(codes) for unit, codes in zip(self.units, self.codes, strict=True)]

    def weights(self, index: int) -> NDArray[np.int64]:
        """(rows, inputs) right answers that a unit's flipped weights cost, of turned ones the upper half of the rows;
        negative where they win some.
        """
        unit, codes, sums = self.units[index], self.codes[index], self._sums[index]
        if unit.hidden:  # an agreeing weight that flips takes one from the sum, another adds one
            down, up = (self._gains[index] * self._turns(index, step) for step in (-1, 1))
        else:
            down, up = (np.array([self._moved(sums, row, step) for row in range(len(unit.signs))]) for step in (-1, 1))
        both = (down + up).sum(axis=1, dtype=np.int64)[:, None]
        agreeing = unit.signs * ((down - up).astype(np.float32) @ codes)  # sums of ±1: below 2^24 samples exact
        lost = -(both + agreeing.astype(np.int64)) >> 1
        if not unit.turned:
            return lost
        upper, lower = np.vsplit(lost, 2)
        return upper + np.roll(lower, codes.shape[1] // 2, axis=1) - self._won_by_both(index)

    def _turns(self, index: int, step: int) -> NDArray[np.bool_]:
        """(rows, n) the codes of a hidden unit that change where its sums are others by `step`."""
        sums = self._sums[index].T
        return (self.units[index].wrapped(sums + step) >= 0) != (sums >= 0)

    def _won_by_both(self, index: int) -> NDArray[np.int64]:
        """(rows/2, inputs) what a flipped bit wins where it flips both of its neurons, beyond what each wins alone."""
        unit, codes = self.units[index], self.codes[index]
        rows, inputs = unit.signs.shape
        down, up = (self._turns(index, step) for step in (-1, 1))
        won = np.empty((rows // 2, inputs), np.int64)
        for row in range(rows // 2):
            pair, gains = (row, row + rows // 2), self._gains[index]
            flipped = self.codes[index + 1].copy()
            flipped[:, pair] *= -1
            beyond = self._right_from(index + 1, flipped).astype(np.int64) - self.right - gains[list(pair)].sum(axis=0)
            at = np.flatnonzero((down | up)[list(pair)].all(axis=0) & (beyond != 0))
            real, imaginary = (
                np.where(unit.signs[each] == codes[at], down[each, at, None], up[each, at, None]) for each in pair
            )
            won[row] = beyond[at] @ (real & np.roll(imaginary, inputs // 2, axis=1))
        return won

    def _moved(self, sums: NDArray[np.int64], row: int, step: int) -> NDArray[np.int8]:
        """(n,) right answers won or lost where one score is another by `step`."""
        moved = sums.copy()
        moved[:, row] += step
        return (self.units[-1].wrapped(moved).argmax(axis=1) == self.y).astype(np.int8) - self.right

    def thresholds(self, index: int) -> NDArray[np.int64]:
        """(rows, bits) the same of the bits of a hidden unit's thresholds."""
        unit, sums = self.units[index], self._sums[index]
        lost = np.empty((len(unit.signs), unit.bits), np.int64)
        for bit in range(unit.bits):
            stored = unit.starts ^ (1 << bit)
            flipped = (unit.wrapped(sums - unit.starts + stored) >= 0) != (sums >= 0)
            lost[:, bit] = -(self._gains[index] * flipped.T).sum(axis=1)
        return lost

    def stuck(self) -> Iterator[tuple[Stuck, int]]:
        """Every wire of every lane, stuck at 0 and at 1, and the right answers that it costs."""
        for index, unit in enumerate(self.units):
            for lane in range(unit.pe):
                for value in (False, True):
                    if unit.hidden:
                        codes = self.codes[index + 1].copy()
                        codes[:, lane :: unit.pe] = 1 if value else -1
                        yield Stuck(unit.name, "code", lane, 0, value), self._cost(self._right_from(index + 1, codes))
                    for bit in range(unit.bits):
                        found = Stuck(unit.name, "accumulator", lane, bit, value)
                        yield found, self._cost(self._of_stuck(index, found))

    def _cost(self, right: NDArray[np.bool_]) -> int:
        return int(self.right.sum()) - int(right.sum())

    def _of_stuck(self, index: int, stuck: Stuck) -> NDArray[np.bool_]:
        """The accumulator is read with its bit stuck after every beat, and goes on from there."""
        unit, entering = self.units[index], self.codes[index]
        mask = 1 << stuck.bit
        rows = slice(stuck.lane, None, unit.pe)
        held = np.broadcast_to(unit.starts[rows], (len(self.y), len(unit.starts[rows])))
        for at in range(0, unit.signs.shape[1], unit.simd):
            part = slice(at, at + unit.simd)
            agreeing = (unit.simd + (entering[:, part] @ unit.signs[rows, part].T).astype(np.int64)) >> 1
            held = unit.wrapped((held + agreeing) | mask if stuck.value else (held + agreeing) & ~mask)
        sums = self._sums[index].copy()
        sums[:, rows] = held
        if unit.hidden:
            return self._right_from(index + 1, _signs(sums))
        return sums.argmax(axis=1) == self.y

    def stored(self) -> list[Flip]:
        """Every bit of every memory."""
        return [
            unit.flip(part, row, bit)
            for unit in self.units
            for part, (rows, width) in unit.shapes.items()
            for row in range(rows)
            for bit in range(width)
        ]

    def bit(self, layer: str, part: Part, place: int) -> Flip:
        """That at this place of a memory, counted row by row."""
        unit = next(unit for unit in self.units if unit.name == layer)
        return unit.flip(part, *divmod(place, unit.shapes[part][1]))

    def flipped(self, flips: Sequence[Flip]) -> Faults:
        """The net with these bits flipped, all at once."""
        changed = []
        for unit in self.units:
            signs, starts = unit.signs.copy(), unit.starts.copy()
            for flip in (flip for flip in flips if flip.layer == unit.name):
                if flip.part == "weights":
                    signs[flip.row, flip.bit] *= -1
                    if flip.also is not None:
                        signs[flip.also] *= -1
                else:
                    starts[flip.row] ^= 1 << flip.bit
            changed.append(replace(unit, signs=signs, starts=unit.wrapped(starts)))
        return Faults(changed, self.inputs, self.y)

    def emitted(self) -> dict[str, Codes]:
        """Codes of the hidden layers."""
        return {unit.name: Codes.pack(codes > 0) for unit, codes in zip(self.units, self.codes[1:], strict=False)}

    def scores(self) -> NDArray[np.int64]:
        return self._sums[-1]


def _signs(accumulators: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.where(accumulators >= 0, np.float32(1), np.float32(-1))


def in_memory(flip: Flip, unit: Unit) -> tuple[str, int, int]:
    """File, word and bit in which a bit lies: of weights a word for each (row fold, column fold), PE lanes of SIMD;
    of those that are turned, a column fold of the first half beside that of the second.
    """
    fold, lane = divmod(flip.row, unit.pe)
    if flip.part == "thresholds":
        return f"{unit.name}_thresholds.mem", fold, lane * unit.bits + flip.bit
    column, at = divmod(flip.bit, unit.simd)
    folds = unit.signs.shape[1] // unit.simd
    if unit.turned:
        second, column = divmod(column, folds // 2)
        column = 2 * column + second
    return f"{unit.name}_weights.mem", fold * folds + column, lane * unit.simd + at


def with_bit_flipped(memory: str, word: int, bit: int) -> str:
    """Text of a memory file."""
    lines = memory.splitlines()
    lines[word] = f"{int(lines[word], 16) ^ (1 << bit):0{len(lines[word])}x}"
    return "\n".join([*lines, ""])
