"""Weights times codes, folded or a frame a cycle: with thresholds, or as scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from itertools import product
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from ...export import graph as g
from ..memories import RomStyle
from ..packing import Beats, integer_bits, integers, memory_file, weight_words
from ..parts import Family
from .primitives import counter_bits, replay, rom, together
from .stage import Folding, FoldingError, Output, Parameters, Primitives, Stage, check_divides, divisors, lowers, stage
from .stream import converters
from .tail import Argmax, ArgmaxTree

STYLES: tuple[RomStyle, ...] = ("auto", "block")  # where weights may lie; what yosys puts there anyway is not tried


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

    estimated_with: ClassVar[str] = "matrix"
    element_bits: ClassVar[int] = 1
    elementwise: ClassVar[bool] = False

    @classmethod
    def foldings(cls, layer: g.Dense | g.Scores) -> Iterator[Folding]:
        """Unrolled weights lie nowhere, but the search knows that by the cost."""
        for pe, simd, style in product(divisors(layer.outputs), divisors(layer.inputs), STYLES):
            yield Folding(pe, simd, style)

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

    def parameters(self) -> Parameters:
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

    def features(self) -> Parameters:
        """Weights and thresholds are not looked at: the estimate is of random ones."""
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        rows, cols, pe, simd = (int(features[key]) for key in ("ROWS", "COLS", "PE", "SIMD"))
        threshold = "THRESHOLDS" in features
        row_folds, col_folds = rows // pe, cols // simd
        folds = row_folds * col_folds
        width = cols.bit_length() + threshold
        leaves = [6] * (simd // 6) + ([simd % 6] if simd % 6 else [])
        leaf_bits = sum(leaf.bit_length() for leaf in leaves)
        style = cast(RomStyle, features.get("ROM_STYLE", "auto"))
        half, deviation = cols // 2, math.ceil(1.5 * cols**0.5)  # thresholds lie within 3 σ of half the inputs:
        varying = min(width, ((deviation - half) ^ (-deviation - half)).bit_length())  # bits above are the same in all
        counters = sum(counter_bits(n) for n in (row_folds, col_folds) if n > 1)
        own: dict[str, float] = {
            "stage": 1,
            "counter bit": (counter_bits(folds) if folds > 1 else 0) + counters,
            "synapse": pe * simd,
            "popcount register": pe * leaf_bits,
            "compressor": pe * (leaf_bits - simd.bit_length()),
            "accumulator bit": pe * width if col_folds > 1 and threshold else 0,
            "score bit": pe * width if col_folds > 1 and not threshold else 0,
            "offset bit": pe * width if col_folds == 1 else 0,
            "input bit": simd,
            "output bit": pe * (1 if threshold else width),
        }
        return together(
            Primitives(own),
            rom("weight", folds, pe * simd, family, style),
            rom("threshold", row_folds if threshold else 1, pe * varying, family),
            replay(simd, col_folds, row_folds, family),
        )

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe, "SIMD": self.simd}

    def decided(self, beats: Beats) -> None:
        return None

    def agreeing(self, beats: Beats) -> NDArray[np.int64]:
        """(frames, rows) accumulators of the frames in `beats`."""
        x = beats.reshape(-1, self.weight.shape[1])
        return x.astype(np.int64) @ self.weight.T + (~x).astype(np.int64) @ ~self.weight.T


@lowers(g.Dense)
@stage
@dataclass(frozen=True, eq=False)
class Mvtu(_Matrix):
    """Matrix-vector-threshold unit: code[r] = agreeing bits of weight[r] and x >= threshold[r].

    threshold   (rows,) int, in agreeing bits, 0 .. cols + 1; cols + 1 never fires
    """

    threshold: NDArray[np.int32]

    module: ClassVar[str] = "mvtu"

    @classmethod
    def of(cls, layer: g.Dense, folding: Folding) -> Mvtu:
        """The unrolled one where the folding covers the layer."""
        if covers(layer.signs, folding.pe, folding.simd):
            return Dense(layer.name, layer.signs, folding.pe, folding.simd, layer.threshold)
        return cls(layer.name, layer.signs, folding.pe, folding.simd, layer.threshold, rom_style=folding.rom_style)

    @property
    def out_width(self) -> int:
        return self.pe

    def parameters(self) -> Parameters:
        return {**super().parameters(), "THRESHOLDS": f"{self.name}_thresholds.mem"}

    def memories(self) -> Mapping[str, str]:
        accumulator_width = self.weight.shape[1].bit_length() + 1
        words = integer_bits(-self.threshold.reshape(-1, self.pe), accumulator_width)
        return {**super().memories(), f"{self.name}_thresholds.mem": memory_file(words)}

    def values(self, beats: Beats) -> NDArray[np.bool_]:
        return beats.reshape(-1, len(self.weight))

    def beats(self, values: NDArray[np.bool_]) -> Beats:
        return values.reshape(-1, self.pe)

    def tail(self, output: Output) -> list[Stage]:
        return []

    def __call__(self, beats: Beats) -> Beats:
        return self.beats(self.agreeing(beats) >= self.threshold)


@lowers(g.Scores)
@stage
@dataclass(frozen=True, eq=False)
class Scores(_Matrix):
    """The last layer: score[r] = agreeing bits of weight[r] and x; a beat is `pe` scores."""

    module: ClassVar[str] = "scores"

    @classmethod
    def of(cls, layer: g.Scores, folding: Folding) -> Scores:
        """The unrolled one where the folding covers the layer."""
        if covers(layer.signs, folding.pe, folding.simd):
            return DenseScores(layer.name, layer.signs, folding.pe, folding.simd)
        return cls(layer.name, layer.signs, folding.pe, folding.simd, rom_style=folding.rom_style)

    @property
    def score_width(self) -> int:
        return self.weight.shape[1].bit_length()

    @property
    def out_width(self) -> int:
        return self.pe * self.score_width

    def values(self, beats: Beats) -> NDArray[np.int32]:
        return integers(beats, self.score_width).reshape(-1, len(self.weight)).astype(np.int32)

    def beats(self, values: NDArray[np.integer]) -> Beats:
        return integer_bits(values.reshape(-1, self.pe), self.score_width)

    def tail(self, output: Output) -> list[Stage]:
        """One score a beat, or all in one where they come in fewer cycles than there are classes; then the class.

        So these stages are never slower than the scores are.
        """
        classes = len(self.weight)
        serial = self.cycles >= classes
        chain = list(converters(self, self.score_width * (1 if serial else classes), "score"))
        if output == "class":
            chain.append((Argmax if serial else ArgmaxTree)("argmax", classes, self.score_width))
        return chain

    def __call__(self, beats: Beats) -> Beats:
        return self.beats(self.agreeing(beats))


@dataclass(frozen=True, eq=False)
class _Unrolled(_Matrix):
    """What the two matrix stages of one frame a cycle share: their folding covers the whole layer, PE = rows and
    SIMD = inputs, so that every weight is a constant.

    group   inputs that are counted before a register: fewer are faster, and each takes an adder of its own
    """

    _: KW_ONLY
    group: int = 128

    estimated_with: ClassVar[str] = "unrolled"

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        rows, cols = int(features["ROWS"]), int(features["COLS"])
        threshold = "THRESHOLDS" in features
        return Primitives(
            {
                "stage": 1,
                "constant synapse": rows * cols,
                "row": rows if threshold else 0,
                "score bit": 0 if threshold else rows * cols.bit_length(),
                "further group": rows * ((cols - 1) // int(features["GROUP"])),
                "input bit": cols,
            }
        )

    def __post_init__(self) -> None:
        if not covers(self.weight, self.pe, self.simd):
            rows, cols = self.weight.shape
            raise FoldingError(f"{self.name}: PE={self.pe}, SIMD={self.simd}; unrolled they are {rows} and {cols}")

    def parameters(self) -> Parameters:
        folded_only = ("PE", "SIMD", "ROM_STYLE")
        values = {key: value for key, value in super().parameters().items() if key not in folded_only}
        return {**values, "GROUP": self.group}


def covers(weight: NDArray[np.bool_], pe: int, simd: int) -> bool:
    """Whether the folding takes the whole matrix in one cycle."""
    return (pe, simd) == weight.shape


@stage
@dataclass(frozen=True, eq=False)
class Dense(_Unrolled, Mvtu):
    """`Mvtu` at one frame a cycle, weights and thresholds constants."""

    module: ClassVar[str] = "dense"


@stage
@dataclass(frozen=True, eq=False)
class DenseScores(_Unrolled, Scores):
    """`Scores` at one frame a cycle, weights constants."""

    module: ClassVar[str] = "dense_scores"
