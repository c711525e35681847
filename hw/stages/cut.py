"""Pixels to codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats, integer_bits, integers, memory_file
from .stage import check_divides


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
        check_divides(self.name, "PE", self.pe, len(self.threshold), "pixels")

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
