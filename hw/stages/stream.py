"""What changes a stream's shape in time and not its bits: width converters and buffers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..memories import placement
from ..packing import Beats
from ..parts import Family
from .primitives import counter_bits
from .stage import FoldingError, Parameters, Primitives, Stage, stage


class _Stream:
    """What changes no bit: no memories, no lanes, no class."""

    def memories(self) -> Mapping[str, str]:
        return {}

    def features(self) -> Parameters:
        return self.parameters()  # type: ignore[attr-defined]

    def lanes(self) -> Mapping[str, int]:
        return {}


@dataclass(frozen=True)
class _WidthConverter(_Stream):
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

    def parameters(self) -> Parameters:
        return {"S_WIDTH": self.s_width, "M_WIDTH": self.m_width}

    def __call__(self, beats: Beats) -> Beats:
        return beats.reshape(-1, self.m_width)


@stage
class DwcUp(_WidthConverter):
    """Width converter, narrow to wide: the first beat becomes the lowest bits."""

    module: ClassVar[str] = "dwc_up"
    estimated_with: ClassVar[str] = "dwc_up"

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        narrow, wide = int(features["S_WIDTH"]), int(features["M_WIDTH"])
        return Primitives({"stage": 1, "bit": wide, "counter bit": counter_bits(wide // narrow)})


@stage
class DwcDown(_WidthConverter):
    """Width converter, wide to narrow: the lowest bits go first."""

    module: ClassVar[str] = "dwc_down"
    estimated_with: ClassVar[str] = "dwc_down"

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        wide, narrow = int(features["S_WIDTH"]), int(features["M_WIDTH"])
        return Primitives({"stage": 1, "bit": wide, "last bit": narrow, "counter bit": counter_bits(wide // narrow)})


def converters(before: Stage, width: int, name: str) -> Iterator[Stage]:
    """From the stream of `before` to `width` bits a beat, by way of their least common multiple."""
    wide = math.lcm(before.out_width, width)
    beats = before.out_beats
    if wide > before.out_width:
        yield DwcUp(f"{name}_up", before.out_width, wide, beats)
        beats = beats * before.out_width // wide
    if wide > width:
        yield DwcDown(f"{name}_down", wide, width, beats)


@stage
@dataclass(frozen=True)
class Fifo(_Stream):
    """First-in first-out buffer of `depth` beats; in_beats a frame pass."""

    name: str
    width: int
    depth: int
    in_beats: int

    module: ClassVar[str] = "fifo"
    estimated_with: ClassVar[str] = "fifo"

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

    def parameters(self) -> Parameters:
        return {"WIDTH": self.width, "DEPTH": self.depth}

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        width, depth = int(features["WIDTH"]), int(features["DEPTH"])
        place = placement(depth, width, family, writable=True)
        counts: dict[str, float] = {
            "stage": 1,
            "bit": width,
            "counter bit": counter_bits(depth),
            "RAM LUT": place.luts,
            "bit in logic": 0 if place.blocks or place.luts else width * depth,
        }
        return Primitives(counts, place.blocks)

    def __call__(self, beats: Beats) -> Beats:
        return beats
