"""Matrices: layers whose neurons each look at all inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .layer import Shape, kind
from .levels import BIPOLAR, GraphError, Levels
from .packed import Edge, Lookups, Plain
from .weighted import Thresholded, Weighted, check_thresholds, product, reached, steps, takes_and_emits, unusual

ONE_WINDOW = np.zeros(1, dtype=np.int64)


class _Matrix(Weighted):
    @property
    def inputs(self) -> int:
        return self.weight.shape[1]

    @property
    def outputs(self) -> int:
        return self.rows

    @property
    def out_shape(self) -> Shape:
        return (self.rows,)

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        weight = self.integers()[neuron]
        top = np.where(weight < 0, self.takes - 1, 0)
        return (np.abs(weight) * np.abs(values.astype(np.int64) - top)).sum(axis=1)

    def _by_place(self, shape: Shape) -> NDArray[np.int64]:
        """Weights (rows, places, channels) of what enters; odd channels would leave holes."""
        channels = shape[-1] if shape[-1] % 8 == 0 else self.inputs
        return self.integers().reshape(self.rows, -1, channels)

    def _product(self) -> Callable[[Edge], NDArray]:
        matrix = product(self.integers(), int(self.spans().max()))
        return lambda edge: edge.levels().astype(matrix.dtype) @ matrix


@kind
@dataclass(frozen=True, eq=False)
class Dense(_Matrix, Thresholded):
    """level[r] = how many of threshold[r] the accumulator of row r reaches.

    weight      (rows, fan_in) bool, True is +1; or int8
    threshold   (rows,) int32, or (rows, emits.count − 1) rising: 0 is always reached, the row's span + 1 never
    takes       levels of an element that enters
    """

    name: str
    weight: NDArray[np.bool_] | NDArray[np.integer]
    threshold: NDArray[np.int32]
    takes: int = 2
    emits: Levels = BIPOLAR

    def __post_init__(self) -> None:
        self.check_weights(self.name, 2)
        check_thresholds(self.name, self.threshold, self.rows, self.spans(), self.emits)

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        weight = self._by_place(shape)
        _, places, channels = weight.shape
        if emit := self.by_lookup(weight, np.arange(places), ONE_WINDOW, lambda edge: edge.packed(channels)):
            return emit
        sums = self._product()
        at = np.ascontiguousarray((steps(self.threshold) - self.lifts()[:, None]).astype(np.float64))
        return lambda edge: Plain(reached(sums(edge), at, self.emits.count), self.emits.bits)

    @property
    def one_bit(self) -> bool:
        return self.weight.dtype == np.bool_ and self.takes == self.emits.count == 2

    def thresholds_of(self, neuron: int) -> NDArray[np.int64]:
        return steps(self.threshold)[neuron].astype(np.int64)

    def fields(self) -> Mapping[str, NDArray]:
        return {"weight": self.weight, "threshold": self.threshold, **unusual(self.takes, self.emits)}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Dense:
        return cls(name, fields["weight"], fields["threshold"], *takes_and_emits(fields))


@kind
@dataclass(frozen=True, eq=False)
class Scores(_Matrix):
    """score[r] = multiplier[r] · accumulator of row r + offset[r]; the class is the first maximum.

    weight       (classes, fan_in) bool, True is +1; or int8
    takes        levels of an element that enters
    offset       (classes,) int64; the least score that there can be is 0 or more
    multiplier   (classes,) int64, positive
    """

    weight: NDArray[np.bool_] | NDArray[np.integer]
    takes: int = 2
    offset: NDArray[np.int64] | None = None
    multiplier: NDArray[np.int64] | None = None

    name: ClassVar[str] = "scores"

    def __post_init__(self) -> None:
        self.check_weights("scores", 2)
        for what, given, least in (("offset", self.offset, 0), ("multiplier", self.multiplier, 1)):
            if given is None:
                continue
            if given.shape != (self.rows,) or given.dtype != np.int64:
                raise GraphError(f"scores: {what} must be ({self.rows},) int64, got {given.shape} {given.dtype}")
            if given.min() < least or given.max() >= 1 << 31:
                raise GraphError(f"scores: {what} must lie in {least} .. 2^31, got {given.min()} .. {given.max()}")
        if self.top >= 1 << 31:
            raise GraphError(f"scores reach {self.top}; below 2^31 is supported")

    @property
    def top(self) -> int:
        """The highest score that there can be."""
        return int((self._multiplier * self.spans() + self._offset).max())

    @property
    def emits(self) -> Levels:
        raise AttributeError("scores leave the net as they are")

    @property
    def _offset(self) -> NDArray[np.int64]:
        return np.zeros(self.rows, dtype=np.int64) if self.offset is None else self.offset

    @property
    def _multiplier(self) -> NDArray[np.int64]:
        return np.ones(self.rows, dtype=np.int64) if self.multiplier is None else self.multiplier

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        weight, bits = self._by_place(shape), self.top.bit_length()
        _, places, channels = weight.shape
        found = Lookups.of(weight, self.takes, np.arange(places), ONE_WINDOW)
        if found is None:
            sums, offset = self._product(), self._offset + self._multiplier * self.lifts()
            return lambda edge: Plain(sums(edge).astype(np.int64) * self._multiplier + offset, bits)
        if self.offset is None and self.multiplier is None:
            return lambda edge: Plain(found.sums(edge.packed(channels)), bits)

        def emit(edge: Edge) -> Plain:
            sums = found.sums(edge.packed(channels))
            return Plain(sums * self._multiplier + self._offset, bits)

        return emit

    @property
    def one_bit(self) -> bool:
        return self.weight.dtype == np.bool_ and self.takes == 2 and self.offset is None and self.multiplier is None

    def thresholds_of(self, neuron: int) -> None:
        return None

    def fields(self) -> Mapping[str, NDArray]:
        more = {"offset": self.offset, "multiplier": self.multiplier}
        given = {name: value for name, value in more.items() if value is not None}
        return {"weight": self.weight, **unusual(self.takes, None), **given}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Scores:
        return cls(fields["weight"], takes_and_emits(fields)[0], fields.get("offset"), fields.get("multiplier"))
