"""Feature maps and the windows that slide over them: what convolutions and pools share."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .layer import Shape
from .levels import GraphError

Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]
"""Rows above, columns left, rows below, columns right."""


class Windowed:
    """shape     (height, width, channels) of the map that enters; height is 1 where it has one dimension
    kernel    rows and columns of a window
    stride    from one window to the next
    padding   around the map
    """

    name: str
    shape: Shape
    kernel: Pair
    stride: Pair
    padding: Padding

    @property
    def inputs(self) -> int:
        height, width, channels = self.shape
        return height * width * channels

    @property
    def padded(self) -> Pair:
        """Rows and columns, with padding."""
        top, left, bottom, right = self.padding
        return self.shape[0] + top + bottom, self.shape[1] + left + right

    @property
    def places(self) -> Pair:
        """Rows and columns of windows."""
        rows, columns = (
            (size - kernel) // stride + 1
            for size, kernel, stride in zip(self.padded, self.kernel, self.stride, strict=True)
        )
        return rows, columns

    def check_windows(self) -> None:
        numbers = (*self.shape, *self.kernel, *self.stride)
        if len(self.shape) != 3 or len(self.padding) != 4 or min(numbers) < 1 or min(self.padding) < 0:
            raise GraphError(
                f"{self.name}: a window of {self.kernel}, stride {self.stride}, padding {self.padding} over a map of "
                f"{self.shape}; maps are (height, width, channels)"
            )
        if any(kernel > size for kernel, size in zip(self.kernel, self.padded, strict=True)):
            raise GraphError(f"{self.name}: a window of {self.kernel} over a map of {self.padded}, padding included")
        top, left, bottom, right = self.padding
        if max(top, bottom) >= self.kernel[0] or max(left, right) >= self.kernel[1]:
            raise GraphError(f"{self.name}: padding {self.padding} makes windows of nothing else; kernel {self.kernel}")

    def windows(self, values: NDArray, level: int) -> NDArray:
        """(n, rows, columns, kernel rows, kernel columns, channels) of (n, inputs), a view; around it is `level`."""
        maps = values.reshape(-1, *self.shape)
        if any(self.padding):
            top, left, bottom, right = self.padding
            around = ((0, 0), (top, bottom), (left, right), (0, 0))
            maps = np.pad(maps, around, constant_values=level)
        every = sliding_window_view(maps, self.kernel, axis=(1, 2))  # type: ignore[call-overload]
        return every[:, :: self.stride[0], :: self.stride[1]].transpose(0, 1, 2, 4, 5, 3)

    def place_of(self, neuron: int, channels: int) -> tuple[int, int, int]:
        """Row, column and channel of an element of the map that leaves."""
        place, channel = divmod(neuron, channels)
        return *divmod(place, self.places[1]), channel

    def geometry(self) -> dict[str, NDArray]:
        """For a file."""
        return {
            "shape": np.array(self.shape),
            "stride": np.array(self.stride),
            "padding": np.array(self.padding),
        }


def numbers(array: NDArray, count: int) -> tuple[int, ...]:
    """A row of whole numbers out of a file."""
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise GraphError(f"{count} whole numbers belong there, got {array.shape} {array.dtype}")
    return tuple(int(value) for value in array)
