"""Feature maps: the windows that slide over them, and what a pool makes of one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...export.graph.windows import Padding, Pair, Windowed
from ..memories import placement
from ..packing import Beats, integer_bits, integers, memory_file
from ..parts import Family
from .primitives import counter_bits
from .stage import Parameters, Primitives, check_divides, stage


@stage
@dataclass(frozen=True, eq=False)
class Window(Windowed):
    """Every window of a map, element by element, `lanes` channels a beat.

    shape, kernel, stride, padding   as of a `Conv` or `Pool`
    element_bits   of a level
    pads           (channels,) the level around the map
    by_fold        beats in the order (channels, ky, kx), as a pool takes them; else (ky, kx, channels)
    """

    name: str
    shape: tuple[int, int, int]
    kernel: Pair
    stride: Pair
    padding: Padding
    lanes_wide: int
    element_bits: int
    pads: NDArray[np.integer]
    by_fold: bool = False

    module: ClassVar[str] = "window"
    estimated_with: ClassVar[str] = "window"

    def __post_init__(self) -> None:
        self.check_windows()
        check_divides(self.name, "lanes", self.lanes_wide, self.shape[2], "channels")

    @property
    def folds(self) -> int:
        """Beats of a place."""
        return self.shape[2] // self.lanes_wide

    @property
    def in_width(self) -> int:
        return self.lanes_wide * self.element_bits

    out_width = in_width

    @property
    def in_beats(self) -> int:
        return self.shape[0] * self.shape[1] * self.folds

    @property
    def out_beats(self) -> int:
        return math.prod(self.places) * math.prod(self.kernel) * self.folds

    @property
    def cycles(self) -> int:
        return max(self.in_beats, self.out_beats)

    def parameters(self) -> Parameters:
        top, left, bottom, right = self.padding
        padding = {"TOP": top, "LEFT": left, "BOTTOM": bottom, "RIGHT": right}
        return {
            "BEAT_WIDTH": self.in_width,
            "MAP_HEIGHT": self.shape[0],
            "MAP_WIDTH": self.shape[1],
            "FOLDS": self.folds,
            "KERNEL_HEIGHT": self.kernel[0],
            "KERNEL_WIDTH": self.kernel[1],
            "STRIDE_DOWN": self.stride[0],
            "STRIDE_RIGHT": self.stride[1],
            **({**padding, "PADS": f"{self.name}_pads.mem"} if any(self.padding) else {}),
            "BY_FOLD": int(self.by_fold),
        }

    def memories(self) -> Mapping[str, str]:
        if not any(self.padding):
            return {}
        words = integer_bits(self.pads.reshape(self.folds, -1), self.element_bits)
        return {f"{self.name}_pads.mem": memory_file(words)}

    def features(self) -> Parameters:
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        width, columns, folds = (int(features[key]) for key in ("BEAT_WIDTH", "MAP_WIDTH", "FOLDS"))
        kernel = int(features["KERNEL_HEIGHT"]), int(features["KERNEL_WIDTH"])
        sides = [int(features.get(side, 0)) for side in ("TOP", "LEFT", "BOTTOM", "RIGHT")]
        rows_out = (int(features["MAP_HEIGHT"]) + sides[0] + sides[2] - kernel[0]) // int(features["STRIDE_DOWN"]) + 1
        cols_out = (columns + sides[1] + sides[3] - kernel[1]) // int(features["STRIDE_RIGHT"]) + 1
        words = 2 * kernel[0] * columns * folds
        place = placement(words, width, family, writable=True)
        address = counter_bits(words)
        counted = (*kernel, folds, rows_out, cols_out, int(features["MAP_HEIGHT"]), columns * folds)
        counts: dict[str, float] = {
            "stage": 1,
            "counter bit": sum(counter_bits(n) for n in counted if n > 1),
            "address bit": address,
            "place address bit": address if cols_out > 1 else 0,
            "turn address bit": address if int(features["BY_FOLD"]) and folds > 1 else 0,
            "beat bit": width,
            "ring LUT": place.luts,
            "ring row bit": width * (place.rows - 1),
            "ring bit in logic": 0 if place.blocks or place.luts else words * width,
            "padding": int("PADS" in features),
        }
        return Primitives(counts, place.blocks)

    def lanes(self) -> Mapping[str, int]:
        return {"SIMD": self.lanes_wide}

    def __call__(self, beats: Beats) -> Beats:
        rows, columns, channels = self.shape
        bits = beats.reshape(-1, rows, columns, channels * self.element_bits)
        top, left, bottom, right = self.padding
        maps = np.pad(bits, ((0, 0), (top, bottom), (left, right), (0, 0)))
        if any(self.padding):
            outside = np.pad(np.zeros((rows, columns), bool), ((top, bottom), (left, right)), constant_values=True)
            maps[:, outside] = integer_bits(self.pads[None], self.element_bits)[0]
        at = np.lib.stride_tricks.sliding_window_view(maps, self.kernel, axis=(1, 2))  # type: ignore[call-overload]
        at = at[:, :: self.stride[0], :: self.stride[1]].transpose(0, 1, 2, 4, 5, 3)
        each = at.reshape(*at.shape[:5], self.folds, self.in_width)
        order = (0, 1, 2, 5, 3, 4, 6) if self.by_fold else (0, 1, 2, 3, 4, 5, 6)
        return each.transpose(order).reshape(-1, self.in_width)


@dataclass(frozen=True, eq=False)
class _Pool:
    """`taps` beats of every group of channels in turn become one.

    channels   of the map; `pe` of them in a beat
    places     of the window, in a frame
    """

    name: str
    channels: int
    pe: int
    element_bits: int
    taps: int
    places: int

    def __post_init__(self) -> None:
        check_divides(self.name, "PE", self.pe, self.channels, "channels")

    @property
    def in_width(self) -> int:
        return self.pe * self.element_bits

    @property
    def out_beats(self) -> int:
        return self.places * self.channels // self.pe

    @property
    def in_beats(self) -> int:
        return self.out_beats * self.taps

    cycles = in_beats

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe}

    def tapped(self, beats: Beats) -> NDArray[np.int64]:
        """(frames · places, groups, taps, pe)."""
        return integers(beats, self.element_bits).reshape(-1, self.channels // self.pe, self.taps, self.pe)


@stage
@dataclass(frozen=True, eq=False)
class Pool(_Pool):
    """The largest level of a window, or the smallest.

    smallest   (channels,) bool, where the smallest is wanted
    """

    smallest: NDArray[np.bool_]

    module: ClassVar[str] = "pool"
    estimated_with: ClassVar[str] = "pool"

    @property
    def out_bits(self) -> int:
        return self.element_bits

    @property
    def out_width(self) -> int:
        return self.in_width

    def parameters(self) -> Parameters:
        return {
            "LANES": self.pe,
            "BITS": self.element_bits,
            "TAPS": self.taps,
            "FOLDS": self.channels // self.pe,
            "SMALLEST": f"{self.name}_smallest.mem",
        }

    def memories(self) -> Mapping[str, str]:
        return {f"{self.name}_smallest.mem": memory_file(self.smallest.reshape(-1, self.pe))}

    def features(self) -> Parameters:
        mixed = int(len(np.unique(self.smallest)) > 1)
        return {**self.parameters(), "MIXED": mixed}

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        lanes, bits, taps, folds, mixed = (int(features[key]) for key in ("LANES", "BITS", "TAPS", "FOLDS", "MIXED"))
        return Primitives(
            {
                "stage": 1,
                "code bit": lanes if bits == 1 else 0,
                "level": lanes if bits > 1 else 0,
                "level bit": lanes * bits if bits > 1 else 0,
                "mixed code bit": lanes * mixed if bits == 1 else 0,
                "mixed level": lanes * mixed if bits > 1 else 0,
                "mixed level bit": lanes * bits * mixed if bits > 1 else 0,
                "counter bit": counter_bits(taps) + (counter_bits(folds) if mixed else 0),
            }
        )

    def __call__(self, beats: Beats) -> Beats:
        taps = self.tapped(beats)
        least = self.smallest.reshape(-1, self.pe)
        return integer_bits(np.where(least, taps.min(axis=2), taps.max(axis=2)).reshape(-1, self.pe), self.out_bits)


@stage
@dataclass(frozen=True, eq=False)
class PoolSum(_Pool):
    """The sum of the levels of a window.

    out_bits   of the highest level, `taps` times
    """

    out_bits: int

    module: ClassVar[str] = "pool_sum"
    estimated_with: ClassVar[str] = "pool_sum"

    @property
    def out_width(self) -> int:
        return self.pe * self.out_bits

    def parameters(self) -> Parameters:
        return {"LANES": self.pe, "BITS": self.element_bits, "TAPS": self.taps, "SUM_BITS": self.out_bits}

    def memories(self) -> Mapping[str, str]:
        return {}

    def features(self) -> Parameters:
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        lanes, taps, width = (int(features[key]) for key in ("LANES", "TAPS", "SUM_BITS"))
        return Primitives({"stage": 1, "sum bit": lanes * width, "counter bit": counter_bits(taps)})

    def __call__(self, beats: Beats) -> Beats:
        return integer_bits(self.tapped(beats).sum(axis=2).reshape(-1, self.pe), self.out_bits)
