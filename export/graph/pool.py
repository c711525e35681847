"""Pools: the largest, the smallest or the sum of the levels in every window of a channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .layer import Shape, kind
from .levels import BIPOLAR, GraphError, Levels, dtype_of
from .packed import Edge, Packed, Plain
from .weighted import takes_and_emits, unusual
from .windows import Padding, Pair, Windowed, numbers

Of = Literal["max", "min", "sum"]


@kind
@dataclass(frozen=True, eq=False)
class Pool(Windowed):
    """of        of the levels in a window: max, min or sum, one for each channel or one for all
    kernel    rows and columns of a window
    padding   around the map, which is never the answer of max and min, and 0 in a sum
    emits     as many levels as enter; of a sum, (takes − 1) · kernel + 1
    """

    name: str
    shape: Shape
    of: tuple[Of, ...]
    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)
    takes: int = 2
    emits: Levels = BIPOLAR

    unit: ClassVar[str] = "of the window"
    one_bit: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.check_windows()
        channels = self.shape[2]
        if not self.of or any(each not in get_args(Of) for each in self.of) or len(self.of) not in (1, channels):
            raise GraphError(f"{self.name}: {self.of} over {channels} channels; give one of {get_args(Of)} for each")
        if "sum" in self.of and len(set(self.of)) > 1:
            raise GraphError(f"{self.name}: sums have other levels than max and min; all channels or none")
        due = (self.takes - 1) * self.fan_in + 1 if self.of[0] == "sum" else self.takes
        if self.emits.count != due:
            raise GraphError(f"{self.name} makes {due} levels, it says {self.emits.count}")

    @property
    def fan_in(self) -> int:
        return self.kernel[0] * self.kernel[1]

    @property
    def out_shape(self) -> Shape:
        return (*self.places, self.shape[2])

    @property
    def outputs(self) -> int:
        return self.places[0] * self.places[1] * self.shape[2]

    def _of(self, channel: int) -> Of:
        return self.of[channel % len(self.of)]

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        channels = self.shape[2]
        least = np.array([self._of(channel) == "min" for channel in range(channels)])
        if self.of[0] != "sum" and self.emits.bits <= 2:
            return self._of_packed(least)
        # A channel's least level is its mirror's largest: one maximum for both.
        mirror = np.where(least, self.takes - 1, 0).astype(dtype_of(max(self.takes, 3)))

        def emit(edge: Edge) -> Plain:
            values = edge.levels()
            maps = values.astype(mirror.dtype).reshape(-1, channels)
            if self.of[0] == "sum":
                sums = self.windows(maps, 0).sum(axis=(3, 4), dtype=np.int64)
                return Plain(sums.reshape(len(values), -1).astype(self.emits.dtype), self.emits.bits)
            mirrored = np.where(least, mirror - maps, maps)
            windows = self.windows(mirrored, 0)
            largest = windows[:, :, :, 0, 0].copy()
            for row in range(self.kernel[0]):
                for column in range(self.kernel[1]):
                    np.maximum(largest, windows[:, :, :, row, column], out=largest)
            answer = np.where(least, mirror - largest, largest)
            return Plain(answer.reshape(len(values), -1).astype(self.emits.dtype), self.emits.bits)

        return emit

    def _of_packed(self, least: NDArray[np.bool_]) -> Callable[[Edge], Edge]:
        (height, width, channels), bits = self.shape, self.emits.bits
        corner = -self.padding[0], -self.padding[1]
        flipped = Plain(least[None] * np.uint8((1 << bits) - 1), bits).packed(channels).maps.ravel()

        def emit(edge: Edge) -> Packed:
            from .kernels import pooled

            maps = edge.packed(channels).maps.reshape(-1, height, width, len(flipped))
            answers = np.zeros((len(maps), *self.places, len(flipped)), np.uint8)
            pooled(maps, flipped, bits, self.stride, self.kernel, corner, answers)
            return Packed(answers.reshape(len(maps), 1, -1, len(flipped)), channels, bits)

        return emit

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        y, x, channel = self.place_of(neuron, self.shape[2])
        of = self._of(channel)
        around = self.takes - 1 if of == "min" else 0
        window = self.windows(values.astype(np.int64), around)[:, y, x, :, :, channel].reshape(len(values), -1)
        return window.max(axis=1) if of == "max" else window.min(axis=1) if of == "min" else window.sum(axis=1)

    def thresholds_of(self, neuron: int) -> None:
        return None

    def fields(self) -> Mapping[str, NDArray]:
        kernel = {"of": np.array(self.of), "kernel": np.array(self.kernel)}
        return {**self.geometry(), **kernel, **unusual(self.takes, self.emits)}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Pool:
        return cls(
            name,
            numbers(fields["shape"], 3),
            tuple(fields["of"].tolist()),
            numbers(fields["kernel"], 2),  # type: ignore[arg-type]
            numbers(fields["stride"], 2),  # type: ignore[arg-type]
            numbers(fields["padding"], 4),  # type: ignore[arg-type]
            *takes_and_emits(fields),
        )
