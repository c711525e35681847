"""Neurons that keep a state over the steps of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats, integer_bits, integers, memory_file
from ..parts import Family
from .primitives import counter_bits, rom, together
from .stage import FoldingError, Parameters, Primitives, check_divides, stage


@stage
@dataclass(frozen=True, eq=False)
class Integrate:
    """v = state + sum − leak; a row fires where v reaches its theta, and the state is then v − theta, otherwise v.

    leak, theta   (rows,) int; theta positive
    steps         of a frame, at whose start every state is 0
    sum_bits      of a sum, unsigned
    top           the highest sum that there is
    """

    name: str
    leak: NDArray[np.integer]
    theta: NDArray[np.integer]
    steps: int
    pe: int
    sum_bits: int
    top: int

    module: ClassVar[str] = "integrate"
    estimated_with: ClassVar[str] = "integrate"
    out_bits: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_divides(self.name, "PE", self.pe, len(self.leak), "rows")
        if self.theta.min() < 1:
            raise FoldingError(f"{self.name}: a theta of {self.theta.min()}; a row that fires has to come down")

    @property
    def state_bits(self) -> int:
        """Of v in two's complement: after every step that fires it falls, and otherwise it lies below theta."""
        lowest = self.steps * int(min(0, -self.leak.max()))
        highest = self.steps * max(int((self.top - self.leak).max()), 0)
        return max(max(highest, -lowest - 1, int(self.theta.max()), int(np.abs(self.leak).max())).bit_length(), 1) + 1

    @property
    def in_width(self) -> int:
        return self.pe * self.sum_bits

    @property
    def out_width(self) -> int:
        return self.pe

    @property
    def in_beats(self) -> int:
        return self.steps * len(self.leak) // self.pe

    out_beats = in_beats
    cycles = in_beats

    def parameters(self) -> Parameters:
        sizes = {"ROWS": len(self.leak), "PE": self.pe, "STEPS": self.steps}
        widths = {"SUM_BITS": self.sum_bits, "STATE_BITS": self.state_bits}
        return {**sizes, **widths, "LEAKS": f"{self.name}_leaks.mem", "THETAS": f"{self.name}_thetas.mem"}

    def memories(self) -> Mapping[str, str]:
        return {f"{self.name}_{what}.mem": memory_file(words) for what, words in self._words().items()}

    def _words(self) -> Mapping[str, Beats]:
        both = {"leaks": self.leak, "thetas": self.theta}
        return {what: integer_bits(values.reshape(-1, self.pe), self.state_bits) for what, values in both.items()}

    def features(self) -> Parameters:
        """LEAK, THETA   bits of a word that are not the same in all"""
        varying = [int((words != words[0]).any(axis=0).sum()) for words in self._words().values()]
        return {**self.parameters(), **dict(zip(("LEAK", "THETA"), varying, strict=True))}

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        rows, pe, steps, width = (int(features[key]) for key in ("ROWS", "PE", "STEPS", "STATE_BITS"))
        folds = rows // pe
        shifted = family in ("xc7", "xcup") and folds > 2  # a LUT there is a register of up to 32 bits in a row
        counts: dict[str, float] = {
            "stage": 1,
            "sum bit": pe * int(features["SUM_BITS"]),
            "output bit": pe,
            "added bit": pe * width,
            "held bit": 0 if shifted else rows * width,
            "shifted bit": pe * width if shifted else 0,
            "counter bit": counter_bits(steps) + counter_bits(folds),
        }
        tables = (rom("constant", folds, int(features[what]), family) for what in ("LEAK", "THETA"))
        return together(Primitives(counts), *tables)

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe}

    def __call__(self, beats: Beats) -> Beats:
        sums = integers(beats, self.sum_bits).reshape(-1, self.steps, len(self.leak))
        state, codes = np.zeros((len(sums), len(self.leak)), np.int64), np.zeros(sums.shape, np.bool_)
        for step in range(self.steps):
            v = state + sums[:, step] - self.leak
            codes[:, step] = v >= self.theta
            state = np.where(codes[:, step], v - self.theta, v)
        return codes.reshape(-1, self.pe)
