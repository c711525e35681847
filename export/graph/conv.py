"""Convolutions: the neurons of one row look at every window of a map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .layer import Shape, kind
from .levels import BIPOLAR, GraphError, Levels
from .packed import Edge, Packed, Plain
from .weighted import Thresholded, check_thresholds, product, reached, steps, takes_and_emits, unusual
from .windows import Padding, Pair, Windowed, numbers


@kind
@dataclass(frozen=True, eq=False)
class Conv(Thresholded, Windowed):
    """level[y, x, r] = how many of threshold[r] the accumulator of row r over the window at y, x reaches.

    weight      (rows, kernel rows, kernel columns, channels / groups) bool, True is +1; or int8
    threshold   (rows,) int32, or (rows, emits.count − 1) rising, as of `Dense`
    shape       (height, width, channels) of the map that enters
    pad         the level around it
    groups      rows and channels are cut into as many; a row looks at the channels of its group
    """

    name: str
    weight: NDArray[np.bool_] | NDArray[np.integer]
    threshold: NDArray[np.int32]
    shape: Shape
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    pad: int = 0
    groups: int = 1
    takes: int = 2
    emits: Levels = BIPOLAR

    one_bit: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.check_weights(self.name, 4)
        self.check_windows()
        channels = self.shape[2]
        if self.groups < 1 or self.rows % self.groups or channels != self.weight.shape[3] * self.groups:
            raise GraphError(
                f"{self.name}: {self.rows} rows and {channels} channels in {self.groups} groups, with weights of "
                f"{self.weight.shape}"
            )
        if not 0 <= self.pad < self.takes:
            raise GraphError(f"{self.name}: padding of level {self.pad}, of {self.takes} levels")
        check_thresholds(self.name, self.threshold, self.rows, self.spans(), self.emits)

    @property
    def kernel(self) -> Pair:  # type: ignore[override]
        return self.weight.shape[1], self.weight.shape[2]

    @property
    def out_shape(self) -> Shape:
        return (*self.places, self.rows)

    @property
    def outputs(self) -> int:
        return self.places[0] * self.places[1] * self.rows

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        y, x, row = self.place_of(neuron, self.rows)
        entering = self._of_group(self.windows(values, self.pad)[:, y, x], row * self.groups // self.rows)
        weight = self.integers()[row]
        top = np.where(weight < 0, self.takes - 1, 0)
        return (np.abs(weight) * np.abs(entering.reshape(len(values), -1).astype(np.int64) - top)).sum(axis=1)

    def _of_group(self, windows: NDArray, group: int) -> NDArray:
        each = self.weight.shape[3]
        return windows[..., group * each : (group + 1) * each]

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        channels, across = self.shape[2], self.padded[1]
        places, windows = (
            (np.arange(rows)[:, None] * (down * across) + np.arange(columns) * right).ravel()
            for (rows, columns), (down, right) in ((self.kernel, (1, 1)), (self.places, self.stride))
        )

        def maps(edge: Edge) -> Packed:
            packed = edge.packed(channels)
            return packed.around(self.shape, self.padding, self.pad) if any(self.padding) else packed

        return self.by_lookup(self._over_all_channels(), places, windows, maps) or self._by_product()

    def _over_all_channels(self) -> NDArray[np.int64]:
        """(rows, places of the kernel, channels): 0 for those of other groups."""
        weight = self.integers().reshape(self.groups, self.rows // self.groups, -1, self.weight.shape[3])
        whole = np.zeros((*weight.shape[:3], self.groups, self.weight.shape[3]), dtype=np.int64)
        for group, rows in enumerate(weight):
            whole[group, :, :, group] = rows
        return whole.reshape(self.rows, -1, self.shape[2])

    def _by_product(self) -> Callable[[Edge], Edge]:
        each = self.rows // self.groups
        highest = int(self.spans().max())
        matrices = [product(rows, highest) for rows in np.split(self.integers(), self.groups)]
        at = np.ascontiguousarray((steps(self.threshold) - self.lifts()[:, None]).astype(np.float64))

        def emit(edge: Edge) -> Plain:
            values = edge.levels()
            windows = self.windows(values, self.pad)
            places = len(values) * self.places[0] * self.places[1]
            levels = np.empty((places, self.rows), dtype=self.emits.dtype)
            for group, matrix in enumerate(matrices):
                entering = self._of_group(windows, group).reshape(places, -1).astype(matrix.dtype)
                mine = slice(group * each, (group + 1) * each)
                levels[:, mine] = reached(entering @ matrix, at[mine], self.emits.count)
            return Plain(levels.reshape(len(values), -1), self.emits.bits)

        return emit

    def thresholds_of(self, neuron: int) -> NDArray[np.int64]:
        return steps(self.threshold)[neuron % self.rows].astype(np.int64)

    def fields(self) -> Mapping[str, NDArray]:
        return {
            "weight": self.weight,
            "threshold": self.threshold,
            **self.geometry(),
            "pad": np.array(self.pad),
            "groups": np.array(self.groups),
            **unusual(self.takes, self.emits),
        }

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Conv:
        return cls(
            name,
            fields["weight"],
            fields["threshold"],
            numbers(fields["shape"], 3),
            numbers(fields["stride"], 2),  # type: ignore[arg-type]
            numbers(fields["padding"], 4),  # type: ignore[arg-type]
            int(fields["pad"]),
            int(fields["groups"]),
            *takes_and_emits(fields),
        )
