"""One descriptor per RTL module: `Mvtu` is `rtl/mvtu.sv`, its field `pe` is the parameter `PE`.

A stage has one AXI4-Stream in and one out. It answers what the generator, the simulator and the tests ask, and manages
nothing. Calling it on the input beats of whole frames gives the output beats that the hardware must give, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .packing import Beats, integer_bits, integers, memory_file, weight_words


class FoldingError(ValueError):
    """A folding or stream width that the hardware cannot have."""


RomStyle = Literal["auto", "block", "distributed"]


class Stage(Protocol):
    @property
    def name(self) -> str: ...  # of the instance; the layer's name where the stage is a layer
    @property
    def module(self) -> str: ...
    @property
    def in_width(self) -> int: ...  # bits of a beat
    @property
    def out_width(self) -> int: ...
    @property
    def in_beats(self) -> int: ...  # per frame
    @property
    def out_beats(self) -> int: ...
    @property
    def cycles(self) -> int: ...  # per frame, back to back, no stalls
    def parameters(self) -> Mapping[str, int | str]: ...
    def memories(self) -> Mapping[str, str]: ...  # file name -> text
    def __call__(self, beats: Beats) -> Beats: ...


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _check_divides(name: str, what: str, value: int, total: int, of: str) -> None:
    if value < 1 or total % value:
        raise FoldingError(f"{name}: {what}={value} does not divide {total} {of}; choose one of {divisors(total)}")


@dataclass(frozen=True, eq=False)
class Binarize:
    """Pixel against threshold: code[j] = pixel[j] >= threshold[j]. A beat is `pe` pixels, one byte each.

    threshold   (cols,) int, 0 .. 2^bits; 2^bits never fires
    """

    name: str
    threshold: NDArray[np.int32]
    bits: int
    pe: int

    module: ClassVar[str] = "binarize"

    def __post_init__(self) -> None:
        _check_divides(self.name, "PE", self.pe, len(self.threshold), "pixels")

    @property
    def in_width(self) -> int:
        return 8 * self.pe

    @property
    def out_width(self) -> int:
        return self.pe

    @property
    def in_beats(self) -> int:
        return len(self.threshold) // self.pe

    out_beats = cycles = in_beats

    def parameters(self) -> Mapping[str, int | str]:
        return {
            "COLS": len(self.threshold),
            "PE": self.pe,
            "BITS": self.bits,
            "THRESHOLDS": f"{self.name}_thresholds.mem",
        }

    def memories(self) -> Mapping[str, str]:
        words = integer_bits(self.threshold.reshape(-1, self.pe), self.bits + 1)
        return {f"{self.name}_thresholds.mem": memory_file(words)}

    def __call__(self, beats: Beats) -> Beats:
        pixels = integers(beats, 8) & ((1 << self.bits) - 1)
        return (pixels.reshape(-1, len(self.threshold)) >= self.threshold).reshape(-1, self.pe)


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
        _check_divides(self.name, "PE", self.pe, rows, "rows")
        _check_divides(self.name, "SIMD", self.simd, cols, "inputs")

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


@dataclass(frozen=True)
class _Argmax:
    """Index of the largest of `classes` scores; the first maximum wins."""

    name: str
    classes: int
    score_width: int

    out_beats: ClassVar[int] = 1

    @property
    def out_width(self) -> int:
        return max(1, (self.classes - 1).bit_length())

    def parameters(self) -> Mapping[str, int | str]:
        return {"CLASSES": self.classes, "SCORE_WIDTH": self.score_width}

    def memories(self) -> Mapping[str, str]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        winners = integers(beats, self.score_width).reshape(-1, self.classes).argmax(axis=1)
        return integer_bits(winners[:, None], self.out_width)


class Argmax(_Argmax):
    """One score a beat."""

    module: ClassVar[str] = "argmax"

    @property
    def in_width(self) -> int:
        return self.score_width

    @property
    def in_beats(self) -> int:
        return self.classes

    cycles = in_beats


class ArgmaxTree(_Argmax):
    """All scores in one beat, a frame a cycle; two classes at least."""

    module: ClassVar[str] = "argmax_tree"
    in_beats: ClassVar[int] = 1
    cycles: ClassVar[int] = 1

    @property
    def in_width(self) -> int:
        return self.classes * self.score_width


@dataclass(frozen=True)
class _WidthConverter:
    """s_width bits a beat to m_width; one is a multiple of the other. in_beats beats a frame come in."""

    name: str
    s_width: int
    m_width: int
    in_beats: int

    def __post_init__(self) -> None:
        wide, narrow = max(self.s_width, self.m_width), min(self.s_width, self.m_width)
        frame = self.in_beats * self.s_width
        if wide == narrow or wide % narrow or frame % wide:
            raise FoldingError(f"{self.name}: no converter from {self.s_width} to {self.m_width} bits, {frame} a frame")

    @property
    def in_width(self) -> int:
        return self.s_width

    @property
    def out_width(self) -> int:
        return self.m_width

    @property
    def out_beats(self) -> int:
        return self.in_beats * self.s_width // self.m_width

    @property
    def cycles(self) -> int:
        return max(self.in_beats, self.out_beats)

    def parameters(self) -> Mapping[str, int | str]:
        return {"S_WIDTH": self.s_width, "M_WIDTH": self.m_width}

    def memories(self) -> Mapping[str, str]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        return beats.reshape(-1, self.m_width)


class DwcUp(_WidthConverter):
    """Width converter, narrow to wide: the first beat becomes the lowest bits."""

    module: ClassVar[str] = "dwc_up"


class DwcDown(_WidthConverter):
    """Width converter, wide to narrow: the lowest bits go first."""

    module: ClassVar[str] = "dwc_down"


@dataclass(frozen=True)
class Fifo:
    """First-in first-out buffer of `depth` beats; in_beats a frame pass."""

    name: str
    width: int
    depth: int
    in_beats: int

    module: ClassVar[str] = "fifo"

    def __post_init__(self) -> None:
        if self.depth < 2:
            raise FoldingError(f"{self.name}: depth={self.depth}; a Fifo needs 2 to take and give a beat a cycle")

    @property
    def in_width(self) -> int:
        return self.width

    out_width = in_width

    @property
    def out_beats(self) -> int:
        return self.in_beats

    cycles = out_beats

    def parameters(self) -> Mapping[str, int | str]:
        return {"WIDTH": self.width, "DEPTH": self.depth}

    def memories(self) -> Mapping[str, str]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        return beats
