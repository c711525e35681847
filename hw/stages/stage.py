"""What every stage answers, and which modules there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol, TypeVar

from ..memories import RomStyle
from ..packing import Beats
from ..parts import Family

Output = Literal["class", "scores"]
Parameters = Mapping[str, int | str]


class FoldingError(ValueError):
    """A folding or stream width that the hardware cannot have."""


@dataclass(frozen=True)
class Folding:
    """PE × SIMD lanes: rows/PE · inputs/SIMD cycles a frame. Of an elementwise layer only PE counts.

    rom_style   where the weights lie; all in one fold they are constants and lie nowhere
    coded       whether 3 x 3 kernels that repeat lie as a codebook and numbers of its words, where SIMD is whole ones
    turned      whether of [[A, −B], [B, A]], weights of complex numbers, half is stored, where both folds are even
    """

    pe: int
    simd: int = 1
    rom_style: RomStyle = "auto"
    coded: bool = True
    turned: bool = True


class Primitives(NamedTuple):
    """How many of each thing a stage is made of, by its name in the coefficients, and its memory blocks."""

    counts: dict[str, float]
    blocks: int = 0


class Stage(Protocol):
    """One instance of an RTL module.

    estimated_with   the group of coefficients that it shares with its relatives
    """

    module: ClassVar[str]
    estimated_with: ClassVar[str]

    @property
    def name(self) -> str: ...  # of the instance; the layer's name where the stage is a layer
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
    def parameters(self) -> Parameters: ...
    def memories(self) -> Mapping[str, str]: ...  # file name -> text
    def features(self) -> Parameters: ...  # all that its size hangs on: parameters, and facts about its constants
    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives: ...
    def lanes(self) -> Mapping[str, int]: ...  # of its folding, for tables
    def __call__(self, beats: Beats) -> Beats: ...


class LayerStage(Stage, Protocol):
    """A stage whose output is that of a layer.

    out_bits   of one of its elements
    """

    @property
    def out_bits(self) -> int: ...


D = TypeVar("D", bound="type[Stage]")
MODULES: dict[str, type[Stage]] = {}


def stage(descriptor: D) -> D:
    """Makes a module known to the estimates and their calibration."""
    MODULES[descriptor.module] = descriptor
    return descriptor


def unused(stage: Stage) -> Collection[str]:
    """Modules that are written inside its own, and that its parameters leave out. Only matrices have a choice."""
    return getattr(stage, "leaves_out", ())


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def check_divides(name: str, what: str, value: int, total: int, of: str) -> None:
    if value < 1 or total % value:
        raise FoldingError(f"{name}: {what}={value} does not divide {total} {of}; choose one of {divisors(total)}")
