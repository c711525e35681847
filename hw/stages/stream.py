"""What changes a stream's shape in time and not its bits: width converters and buffers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..packing import Beats
from .stage import FoldingError


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
