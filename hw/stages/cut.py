"""Elements to levels, each at its own place: pixels to codes, codes to codes, and sums to levels step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from ..memories import RomStyle, placement, table_facts
from ..packing import Beats, integer_bits, integers, memory_file
from ..parts import Family
from .primitives import counter_bits, rom, together
from .stage import Parameters, Primitives, check_divides, stage

SIMPLE = 32  # LUTs of a table that goes into no memory block, though it had as many words: a cut, levels as they are


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
    out_bits: ClassVar[int] = 1

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

    def __call__(self, beats: Beats) -> Beats:
        pixels = integers(beats, 8) & ((1 << self.bits) - 1)
        return (pixels.reshape(-1, len(self.threshold)) >= self.threshold).reshape(-1, self.pe)


@stage
@dataclass(frozen=True, eq=False)
class Cut:
    """Every element looked up: level[j] = table[j mod rows, element[j]].

    table      (rows, 2^in_bits) of levels; one row for all elements, or `pe` divides them
    elements   of a frame
    lane       bits of an element in a beat; the low in_bits of them count
    out_bits   of a level
    """

    name: str
    table: NDArray
    elements: int
    pe: int
    lane: int
    out_bits: int

    module: ClassVar[str] = "cut"
    estimated_with: ClassVar[str] = "cut"

    def __post_init__(self) -> None:
        check_divides(self.name, "PE", self.pe, len(self.table) if len(self.table) > 1 else self.elements, "elements")

    @property
    def in_bits(self) -> int:
        return int(self.table.shape[1] - 1).bit_length()

    @property
    def element_bits(self) -> int:
        return self.lane

    @property
    def in_width(self) -> int:
        return self.pe * self.lane

    @property
    def out_width(self) -> int:
        return self.pe * self.out_bits

    @property
    def in_beats(self) -> int:
        return self.elements // self.pe

    out_beats = cycles = in_beats

    def parameters(self) -> Parameters:
        facts = self._facts()
        return {
            "PE": self.pe,
            "ROWS": len(self.table),
            "LANE": self.lane,
            "IN_BITS": self.in_bits,
            "OUT_BITS": self.out_bits,
            "TABLE": f"{self.name}_table.mem",
            "ROM_STYLE": "logic" if facts["LEAF"] + facts["MUX"] <= SIMPLE else "auto",
        }

    def _words(self) -> NDArray[np.bool_]:
        return integer_bits(self.table.reshape(-1, 1).astype(np.int64), self.out_bits)

    def memories(self) -> Mapping[str, str]:
        return {f"{self.name}_table.mem": memory_file(self._words())}

    def features(self) -> Parameters:
        """What is equal in the tables counts, as in those of thresholds."""
        return {**self.parameters(), **self._facts()}

    def _facts(self) -> dict[str, int]:
        """Of the bits that are not wires: a bit of the element, passed on as it is."""
        words = self._words()
        bits = integer_bits(np.arange(len(words))[:, None], max(1, (len(words) - 1).bit_length()))
        wires = (words[:, :, None] == bits[:, None]).all(axis=0).any(axis=1)
        return table_facts(words[:, ~wires])

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        pe, rows, in_bits, out_bits = (int(features[key]) for key in ("PE", "ROWS", "IN_BITS", "OUT_BITS"))
        place = placement(rows << in_bits, out_bits, family, style=cast(RomStyle, features["ROM_STYLE"]))
        tables = pe if rows == 1 else 1  # in all lanes together
        facts = {f"table {what}": tables * int(features[what.upper()]) for what in ("leaf", "mux")}
        counts: dict[str, float] = {
            "stage": 1,
            "level bit": pe * out_bits,
            "counter bit": counter_bits(rows // pe) if rows > pe else 0,
            **({} if place.blocks else facts),
        }
        return Primitives(counts, place.blocks * pe)

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe}

    def __call__(self, beats: Beats) -> Beats:
        elements = integers(beats, self.lane).reshape(-1, self.elements) & ((1 << self.in_bits) - 1)
        rows = np.arange(self.elements) % len(self.table)
        return integer_bits(self.table[rows, elements].reshape(-1, self.pe).astype(np.int64), self.out_bits)


@stage
@dataclass(frozen=True, eq=False)
class ThresholdStep:
    """One step of a binary search: a sum above the `done` upper bits of its level, and one bit more.

    threshold   (rows, 2^bits − 1) int, rising, below 2^width; the sums of a frame go through them in turn
    width       of a sum
    sums        of a frame
    """

    name: str
    threshold: NDArray[np.integer]
    width: int
    done: int
    sums: int

    module: ClassVar[str] = "threshold_step"
    estimated_with: ClassVar[str] = "threshold_step"

    @property
    def bits(self) -> int:
        return int(self.threshold.shape[1]).bit_length()

    @property
    def last(self) -> bool:
        return self.done == self.bits - 1

    @property
    def out_bits(self) -> int:
        return self.done + 1

    @property
    def in_width(self) -> int:
        return self.width + self.done

    @property
    def out_width(self) -> int:
        return self.out_bits + (0 if self.last else self.width)

    @property
    def in_beats(self) -> int:
        return self.sums

    out_beats = cycles = in_beats

    def parameters(self) -> Parameters:
        return {
            "ROWS": len(self.threshold),
            "WIDTH": self.width,
            "DONE": self.done,
            "LAST": int(self.last),
            "THRESHOLDS": f"{self.name}_thresholds.mem",
        }

    def middles(self) -> NDArray[np.int64]:
        """(rows, 2^done) the threshold that is asked next, by the bits found so far."""
        left = self.bits - 1 - self.done  # bits to be found after this one
        found = np.arange(1 << self.done)
        return self.threshold[:, (found << (left + 1)) + (1 << left) - 1].astype(np.int64)

    def memories(self) -> Mapping[str, str]:
        return {f"{self.name}_thresholds.mem": memory_file(integer_bits(self.middles().reshape(-1, 1), self.width))}

    def features(self) -> Parameters:
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        rows, width, done = (int(features[key]) for key in ("ROWS", "WIDTH", "DONE"))
        counts: dict[str, float] = {
            "stage": 1,
            "sum bit": width,
            "found bit": done,
            "counter bit": counter_bits(rows),
        }
        return together(Primitives(counts), rom("threshold", rows << done, width, family))

    def lanes(self) -> Mapping[str, int]:
        return {"PE": 1}

    def __call__(self, beats: Beats) -> Beats:
        words = integers(beats, self.in_width)[:, 0]
        sums, found = words >> self.done, words & ((1 << self.done) - 1)
        rows = np.arange(len(words)) % len(self.threshold)
        found = 2 * found + (sums >= self.middles()[rows, found])
        return integer_bits((found if self.last else found | sums << (self.done + 1))[:, None], self.out_width)
