"""What every stage answers, which modules there are, and which stage a layer of the graph becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, cast

from numpy.typing import NDArray

from ...export.graph import Layer
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
    """

    pe: int
    simd: int = 1
    rom_style: RomStyle = "auto"


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
    def decided(self, beats: Beats) -> NDArray | None: ...  # (frames,) the class, where it is what the stage emits
    def __call__(self, beats: Beats) -> Beats: ...


class LayerStage(Stage, Protocol):
    """A stage that is a layer of the graph.

    element_bits   of one input in a beat: a byte for a pixel, a bit for a bit
    elementwise    an output for each input: only PE counts, and follows the beats that the next stage reads
    """

    element_bits: ClassVar[int]
    elementwise: ClassVar[bool]

    @classmethod
    def of(cls, layer: Any, folding: Folding) -> LayerStage: ...
    @classmethod
    def foldings(cls, layer: Any) -> Iterable[Folding]: ...  # every legal one, wherever the weights may lie
    def values(self, beats: Beats) -> NDArray: ...  # the output beats of whole frames as (frames, outputs)
    def beats(self, values: NDArray) -> Beats: ...  # and back
    def tail(self, output: Output) -> list[Stage]: ...  # what follows it, whatever comes next
    @property
    def pe(self) -> int: ...
    @property
    def simd(self) -> int: ...


D = TypeVar("D", bound="type[Stage]")
MODULES: dict[str, type[Stage]] = {}
LAYERS: dict[type, type[LayerStage]] = {}


def stage(descriptor: D) -> D:
    """Makes a module known to the estimates and their calibration."""
    MODULES[descriptor.module] = descriptor
    return descriptor


def lowers(layer: type) -> Callable[[D], D]:
    """Makes a descriptor the one that a kind of layer becomes; its `of` may give a relative."""

    def registered(descriptor: D) -> D:
        LAYERS[layer] = cast(type[LayerStage], descriptor)
        return descriptor

    return registered


def lowering(layer: Layer) -> type[LayerStage]:
    """What the layer becomes in hardware. Raises FoldingError where there is no RTL for it."""
    if type(layer) not in LAYERS or not layer.one_bit:
        raise FoldingError(
            f"{layer.name}: no RTL yet for a {type(layer).__name__.lower()} of {layer.takes} levels; so far nets of ±1 "
            "weights and codes, dense layer behind dense layer, become hardware"
        )
    return LAYERS[type(layer)]


def stage_of(layer: Layer, folding: Folding) -> LayerStage:
    """The layer in hardware."""
    return lowering(layer).of(layer, folding)


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def check_divides(name: str, what: str, value: int, total: int, of: str) -> None:
    if value < 1 or total % value:
        raise FoldingError(f"{name}: {what}={value} does not divide {total} {of}; choose one of {divisors(total)}")
