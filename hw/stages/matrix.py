"""Weights times codes, folded or a frame a cycle: with thresholds, or as scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats, integer_bits, memory_file, weight_words
from .stage import FoldingError, RomStyle, check_divides


@dataclass(frozen=True, eq=False)
class _Matrix:
    """What the two matrix-vector stages share: the weights, the folding, and what follows from them.

    weight      (rows, cols) bool, True is +1
    rom_style   where folded weights lie: "block" memory, "distributed" in LUTs, "auto" as synthesis sees fit
    """

    name: str
    weight: NDArray[np.bool_]
    pe: int
    simd: int
    _: KW_ONLY
    rom_style: RomStyle = "auto"

    def __post_init__(self) -> None:
        rows, cols = self.weight.shape
        check_divides(self.name, "PE", self.pe, rows, "rows")
        check_divides(self.name, "SIMD", self.simd, cols, "inputs")

    @property
    def in_width(self) -> int:
        return self.simd

    @property
    def in_beats(self) -> int:
        return self.weight.shape[1] // self.simd

    @property
    def out_beats(self) -> int:
        return len(self.weight) // self.pe

    @property
    def cycles(self) -> int:
        return self.in_beats * self.out_beats

    def parameters(self) -> Mapping[str, int | str]:
        rows, cols = self.weight.shape
        return {
            "ROWS": rows,
            "COLS": cols,
            "PE": self.pe,
            "SIMD": self.simd,
            "WEIGHTS": f"{self.name}_weights.mem",
            "ROM_STYLE": self.rom_style,
        }

    def memories(self) -> Mapping[str, str]:
        return {f"{self.name}_weights.mem": memory_file(weight_words(self.weight, self.pe, self.simd))}

    def agreeing(self, beats: Beats) -> NDArray[np.int64]:
        """(frames, rows) accumulators of the frames in `beats`."""
        x = beats.reshape(-1, self.weight.shape[1])
        return x.astype(np.int64) @ self.weight.T + (~x).astype(np.int64) @ ~self.weight.T


@dataclass(frozen=True, eq=False)
class Mvtu(_Matrix):
    """Matrix-vector-threshold unit: code[r] = agreeing bits of weight[r] and x >= threshold[r].

    threshold   (rows,) int, in agreeing bits, 0 .. cols + 1; cols + 1 never fires
    """

    threshold: NDArray[np.int32]

    module: ClassVar[str] = "mvtu"

    @property
    def out_width(self) -> int:
        return self.pe

    def parameters(self) -> Mapping[str, int | str]:
        return {**super().parameters(), "THRESHOLDS": f"{self.name}_thresholds.mem"}

    def memories(self) -> Mapping[str, str]:
        accumulator_width = self.weight.shape[1].bit_length() + 1
        words = integer_bits(-self.threshold.reshape(-1, self.pe), accumulator_width)
        return {**super().memories(), f"{self.name}_thresholds.mem": memory_file(words)}

    def __call__(self, beats: Beats) -> Beats:
        return (self.agreeing(beats) >= self.threshold).reshape(-1, self.pe)


@dataclass(frozen=True, eq=False)
class Scores(_Matrix):
    """The last layer: score[r] = agreeing bits of weight[r] and x; a beat is `pe` scores."""

    module: ClassVar[str] = "scores"

    @property
    def score_width(self) -> int:
        return self.weight.shape[1].bit_length()

    @property
    def out_width(self) -> int:
        return self.pe * self.score_width

    def __call__(self, beats: Beats) -> Beats:
        return integer_bits(self.agreeing(beats).reshape(-1, self.pe), self.score_width)


@dataclass(frozen=True, eq=False)
class _Unrolled(_Matrix):
    """What the two matrix stages of one frame a cycle share: their folding covers the whole layer, PE = rows and
    SIMD = inputs, so that every weight is a constant.

    group   inputs that are counted before a register: fewer are faster, and each takes an adder of its own
    """

    _: KW_ONLY
    group: int = 128

    def __post_init__(self) -> None:
        if not covers(self.weight, self.pe, self.simd):
            rows, cols = self.weight.shape
            raise FoldingError(f"{self.name}: PE={self.pe}, SIMD={self.simd}; unrolled they are {rows} and {cols}")

    def parameters(self) -> Mapping[str, int | str]:
        folded_only = ("PE", "SIMD", "ROM_STYLE")
        values = {key: value for key, value in super().parameters().items() if key not in folded_only}
        return {**values, "GROUP": self.group}


def covers(weight: NDArray[np.bool_], pe: int, simd: int) -> bool:
    """Whether the folding takes the whole matrix in one cycle."""
    return (pe, simd) == weight.shape


@dataclass(frozen=True, eq=False)
class Dense(_Unrolled, Mvtu):
    """`Mvtu` at one frame a cycle, weights and thresholds constants."""

    module: ClassVar[str] = "dense"


@dataclass(frozen=True, eq=False)
class DenseScores(_Unrolled, Scores):
    """`Scores` at one frame a cycle, weights constants."""

    module: ClassVar[str] = "dense_scores"
