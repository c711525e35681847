"""Elements to levels, each at its own place: pixels to codes, and codes to other codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .layer import Shape, kind
from .levels import BIPOLAR, GraphError, Levels
from .packed import Edge, Packed, Plain
from .weighted import check_thresholds, takes_and_emits, unusual
from .windows import numbers


@kind
@dataclass(frozen=True, eq=False)
class Binarize:
    """code[j] = pixel[j] >= threshold[j].

    threshold   (width,) int32, 0 .. 2^bits: 0 always fires, 2^bits never
    bits        of one pixel, unsigned, 2 .. 8
    """

    name: str
    threshold: NDArray[np.int32]
    bits: int

    unit: ClassVar[str] = "of the pixel"
    one_bit: ClassVar[bool] = True
    fan_in: ClassVar[int] = 1
    emits: ClassVar[Levels] = BIPOLAR

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise GraphError(f"{self.name}: pixels of {self.bits} bits; 2 .. 8 are supported, 1 needs no Binarize")
        if self.threshold.ndim != 1:
            raise GraphError(f"{self.name}: thresholds must be (width,) int32, got {self.threshold.shape}")
        check_thresholds(self.name, self.threshold, len(self.threshold), (1 << self.bits) - 1, BIPOLAR)

    @property
    def inputs(self) -> int:
        return len(self.threshold)

    outputs = inputs

    @property
    def out_shape(self) -> Shape:
        return (self.outputs,)

    @property
    def takes(self) -> int:
        return 1 << self.bits

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        words, each, few = -(-self.inputs // 32), -(-self.inputs // 8), max(32 - self.inputs, 0)
        at = np.pad(self.threshold, (0, few), constant_values=256)
        bits = np.packbits(at > 255, bitorder="little")
        never = np.pad(bits, (0, 4 * words - len(bits))).view(np.uint32)
        threshold = np.minimum(at, 255).astype(np.uint8)

        def emit(edge: Edge) -> Packed:
            from .lanes import binarize

            pixels = np.pad(edge.levels(), ((0, 0), (0, few))) if few else edge.levels()
            answers = np.empty(len(pixels) * each + 8, np.uint8)
            binarize(pixels.ravel(), len(at), threshold, never, each, answers)
            return Packed(answers[:-8].reshape(-1, 1, 1, each), self.outputs, 1)

        return emit

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        return values[:, neuron].astype(np.int64)

    def thresholds_of(self, neuron: int) -> NDArray[np.int64]:
        return self.threshold[neuron : neuron + 1].astype(np.int64)

    def fields(self) -> Mapping[str, NDArray]:
        return {"threshold": self.threshold}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Binarize:
        return cls(name, fields["threshold"], input_bits)


@kind
@dataclass(frozen=True, eq=False)
class Cut:
    """level[j] = table[j mod rows, what enters at j]: an entry for every level that can enter.

    table   (1, takes) one for all elements, (channels, takes) or (elements, takes); emits.dtype
    shape   of what enters, and leaves
    """

    name: str
    table: NDArray
    shape: Shape
    emits: Levels = BIPOLAR

    unit: ClassVar[str] = "of the element"
    one_bit: ClassVar[bool] = False
    fan_in: ClassVar[int] = 1

    def __post_init__(self) -> None:
        table = self.table
        if table.ndim != 2 or table.dtype != self.emits.dtype or table.shape[1] < 2 or not len(table):
            due = np.dtype(self.emits.dtype)
            raise GraphError(f"{self.name}: a table must be (rows, levels) {due}, got {table.shape} {table.dtype}")
        if len(table) not in (1, self.shape[-1], self.inputs) or min(self.shape) < 1:
            raise GraphError(f"{self.name}: tables of {len(table)} elements for a shape of {self.shape}")
        if int(table.max()) > self.emits.top:
            raise GraphError(f"{self.name}: a table with level {table.max()}, of {self.emits.count} levels")

    @property
    def inputs(self) -> int:
        return int(np.prod(self.shape))

    outputs = inputs

    @property
    def out_shape(self) -> Shape:
        return self.shape

    @property
    def takes(self) -> int:
        return self.table.shape[1]

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        def emit(edge: Edge) -> Plain:
            from .kernels import cut

            elements = edge.levels()
            levels = np.empty(elements.shape, self.emits.dtype)
            cut(elements.view(np.uint8) if elements.dtype == np.bool_ else elements, self.table, levels)
            return Plain(levels, self.emits.bits)

        return emit

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        return values[:, neuron].astype(np.int64)

    def thresholds_of(self, neuron: int) -> NDArray[np.int64] | None:
        """Where the table of this element rises; None where it falls somewhere."""
        row = self.table[neuron % len(self.table)].astype(np.int64)
        if (np.diff(row) < 0).any():
            return None
        return np.searchsorted(row, np.arange(1, self.emits.count), side="left")

    def fields(self) -> Mapping[str, NDArray]:
        return {"table": self.table, "shape": np.array(self.shape), **unusual(2, self.emits)}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Cut:
        return cls(name, fields["table"], numbers(fields["shape"], fields["shape"].size), takes_and_emits(fields)[1])
