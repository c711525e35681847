"""Of a net of members, beside its matrices: sums played again, thresholds of every member, scores added."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..memories import LUT_ROM
from ..packing import Beats, integer_bits, integers, memory_file
from ..parts import Family
from .primitives import counter_bits, replay, rom, together
from .stage import FoldingError, Parameters, Primitives, check_divides, stage


@stage
@dataclass(frozen=True)
class Replay:
    """Every vector of `in_beats` beats, `times` times."""

    name: str
    width: int
    in_beats: int
    times: int

    module: ClassVar[str] = "replay"
    estimated_with: ClassVar[str] = "matrix"

    @property
    def in_width(self) -> int:
        return self.width

    out_width = in_width

    @property
    def out_beats(self) -> int:
        return self.in_beats * self.times

    cycles = out_beats

    def parameters(self) -> Parameters:
        return {"WIDTH": self.width, "BEATS": self.in_beats, "TIMES": self.times}

    def memories(self) -> Mapping[str, str]:
        return {}

    def features(self) -> Parameters:
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        width, beats, times = (int(features[key]) for key in ("WIDTH", "BEATS", "TIMES"))
        return replay(width, beats, times, family)

    def lanes(self) -> Mapping[str, int]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        frames = beats.reshape(-1, 1, self.in_beats, self.width)
        return np.repeat(frames, self.times, axis=1).reshape(-1, self.width)


@stage
@dataclass(frozen=True, eq=False)
class Thresholding:
    """code[k, r] = sum[k, r] >= threshold[k, r], `pe` rows a beat.

    threshold   (passes, rows) int, 0 .. 2^sum_bits − 1
    """

    name: str
    threshold: NDArray[np.integer]
    pe: int
    sum_bits: int

    module: ClassVar[str] = "thresholding"
    estimated_with: ClassVar[str] = "thresholding"
    out_bits: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_divides(self.name, "PE", self.pe, self.threshold.shape[1], "rows")

    @property
    def in_width(self) -> int:
        return self.pe * self.sum_bits

    @property
    def out_width(self) -> int:
        return self.pe

    @property
    def in_beats(self) -> int:
        return self.threshold.size // self.pe

    out_beats = in_beats
    cycles = in_beats

    def parameters(self) -> Parameters:
        sizes = {"ROWS": self.threshold.size, "PE": self.pe, "WIDTH": self.sum_bits, "COUNT": 1}
        return {**sizes, "THRESHOLDS": f"{self.name}_thresholds.mem"}

    def memories(self) -> Mapping[str, str]:
        return {f"{self.name}_thresholds.mem": memory_file(self._words())}

    def _words(self) -> Beats:
        return integer_bits(self.threshold.reshape(-1, self.pe), self.sum_bits)

    def features(self) -> Parameters:
        """VARYING   bits of a word that are not the same in all: sums are wider than what thresholds differ in. Of
        lanes that are all alike synthesis keeps one.
        """
        by_word, words = self.threshold.reshape(-1, self.pe), self._words()
        if (by_word == by_word[:, :1]).all():
            words = words[:, : self.sum_bits]
        return {**self.parameters(), "VARYING": int((words != words[0]).any(axis=0).sum())}

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        rows, pe, width = (int(features[key]) for key in ("ROWS", "PE", "WIDTH"))
        counts: dict[str, float] = {
            "stage": 1,
            "compared bit": pe * width,
            "output bit": pe,
            "counter bit": counter_bits(rows // pe),
        }
        words, varying = rows // pe, int(features["VARYING"])
        made = rom("threshold", words, varying, family)
        if (
            family in ("xc7", "xcup") and words > LUT_ROM and not made.blocks
        ):  # thresholds there are split as on four inputs
            made = Primitives({"threshold ROM leaf": varying * math.ceil(words / LUT_ROM), "ROM register": varying})
        return together(Primitives(counts), made)

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe}

    def __call__(self, beats: Beats) -> Beats:
        sums = integers(beats, self.sum_bits).reshape(-1, *self.threshold.shape)
        return (sums >= self.threshold).reshape(-1, self.pe)


@stage
@dataclass(frozen=True)
class PassSum:
    """sum[c] and spread[c] of the scores of `passes` members, `pe` classes a beat.

    top   the highest score of a member
    """

    name: str
    classes: int
    passes: int
    pe: int
    top: int

    module: ClassVar[str] = "pass_sum"
    estimated_with: ClassVar[str] = "pass_sum"

    def __post_init__(self) -> None:
        check_divides(self.name, "PE", self.pe, self.classes, "classes")
        if self.pe > self.passes:
            raise FoldingError(
                f"{self.name}: PE={self.pe} for {self.passes} members; sums would come faster than one a cycle, as "
                f"they are compared; choose at most {self.passes}"
            )

    @property
    def bits(self) -> int:
        """Of a member's score, and of the spread of a class."""
        return self.top.bit_length()

    @property
    def sum_bits(self) -> int:
        return (self.passes * self.top).bit_length()

    @property
    def total_bits(self) -> int:
        """Of the spreads of all classes together."""
        return (self.classes * self.top).bit_length()

    @property
    def out_bits(self) -> int:
        """Of a sum with its spread above."""
        return self.sum_bits + self.bits

    @property
    def in_width(self) -> int:
        return self.pe * self.bits

    @property
    def out_width(self) -> int:
        return self.pe * self.out_bits

    @property
    def out_beats(self) -> int:
        return self.classes // self.pe

    @property
    def in_beats(self) -> int:
        return self.passes * self.out_beats

    cycles = in_beats

    def parameters(self) -> Parameters:
        sizes = {"CLASSES": self.classes, "PASSES": self.passes, "PE": self.pe}
        return {**sizes, "BITS": self.bits, "SUM_BITS": self.sum_bits}

    def memories(self) -> Mapping[str, str]:
        return {}

    def features(self) -> Parameters:
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        classes, passes, pe, bits, sum_bits = (
            int(features[key]) for key in ("CLASSES", "PASSES", "PE", "BITS", "SUM_BITS")
        )
        held = sum_bits + 2 * bits
        shifted = family in ("xc7", "xcup") and classes > 2 * pe  # a LUT there is a register of up to 32 bits in a row
        return Primitives(
            {
                "stage": 1,
                "added bit": pe * sum_bits,
                "compared bit": pe * bits,
                "held bit": (pe if shifted else classes) * held,
                "shifted bit": pe * held if shifted else 0,
                "counter bit": counter_bits(passes) + counter_bits(classes // pe),
            }
        )

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe}

    def parted(self, beats: Beats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(n, classes) sums and spreads of what leaves."""
        both = integers(beats, self.out_bits).reshape(-1, self.classes)
        return both & ((1 << self.sum_bits) - 1), both >> self.sum_bits

    def __call__(self, beats: Beats) -> Beats:
        members = integers(beats.reshape(-1, self.bits), self.bits).reshape(-1, self.passes, self.classes)
        both = members.sum(axis=1) | np.ptp(members, axis=1) << self.sum_bits
        return integer_bits(both.reshape(-1, self.pe), self.out_bits)
