"""Pixels to codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...export import graph as g
from ..memories import placement, table_facts
from ..packing import Beats, integer_bits, integers, memory_file
from ..parts import Family
from .primitives import counter_bits
from .stage import Folding, Output, Parameters, Primitives, Stage, check_divides, divisors, lowers, stage


@lowers(g.Binarize)
@stage
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
    estimated_with: ClassVar[str] = "binarize"
    element_bits: ClassVar[int] = 8
    elementwise: ClassVar[bool] = True
    simd: ClassVar[int] = 1

    @classmethod
    def of(cls, layer: g.Binarize, folding: Folding) -> Binarize:
        return cls(layer.name, layer.threshold, layer.bits, folding.pe)

    @classmethod
    def foldings(cls, layer: g.Binarize) -> Iterator[Folding]:
        return (Folding(pe) for pe in divisors(layer.outputs))

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

    def parameters(self) -> Parameters:
        return {
            "COLS": len(self.threshold),
            "PE": self.pe,
            "BITS": self.bits,
            "THRESHOLDS": f"{self.name}_thresholds.mem",
        }

    def memories(self) -> Mapping[str, str]:
        words = integer_bits(self.threshold.reshape(-1, self.pe), self.bits + 1)
        return {f"{self.name}_thresholds.mem": memory_file(words)}

    def features(self) -> Parameters:
        """Trained thresholds are far from random, so what is equal in them counts."""
        return {**self.parameters(), **table_facts(integer_bits(self.threshold.reshape(-1, self.pe), self.bits))}

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        cols, pe, bits, varying = (int(features[key]) for key in ("COLS", "PE", "BITS", "VARYING"))
        if cols == pe:
            return Primitives({"constant pixel": pe, "constant pixel bit": pe * bits})
        place = placement(cols // pe, varying, family)
        rom = {f"threshold ROM {what}": int(features[what.upper()]) for what in ("column", "leaf", "mux")}
        return Primitives(
            {
                "stage": 1,
                "pixel": pe,
                "pixel bit": pe * bits,
                "varying bit of blocks" if place.blocks else "varying bit": varying,
                "counter bit": counter_bits(cols // pe),
                **({} if place.blocks else rom),
            },
            place.blocks,
        )

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe}

    def values(self, beats: Beats) -> NDArray[np.bool_]:
        return beats.reshape(-1, len(self.threshold))

    def beats(self, values: NDArray[np.bool_]) -> Beats:
        return values.reshape(-1, self.pe)

    def tail(self, output: Output) -> list[Stage]:
        return []

    def decided(self, beats: Beats) -> None:
        return None

    def __call__(self, beats: Beats) -> Beats:
        pixels = integers(beats, 8) & ((1 << self.bits) - 1)
        return (pixels.reshape(-1, len(self.threshold)) >= self.threshold).reshape(-1, self.pe)
