"""Pixels to codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .layer import GraphError, check_range, kind


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
    fan_in: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise GraphError(f"{self.name}: pixels of {self.bits} bits; 2 .. 8 are supported, 1 needs no Binarize")
        check_range(self.name, self.threshold, 1 << self.bits)

    @property
    def inputs(self) -> int:
        return len(self.threshold)

    outputs = inputs

    def emitter(self) -> Callable[[NDArray], NDArray]:
        reachable = self.threshold <= 255
        threshold = np.minimum(self.threshold, 255).astype(np.uint8)  # bytes with bytes: four times as fast
        return (lambda x: x >= threshold) if reachable.all() else (lambda x: (x >= threshold) & reachable)

    def accumulated(self, values: NDArray, row: int) -> NDArray[np.int64]:
        return values[:, row].astype(np.int64)

    def fires_from(self, row: int) -> int:
        return int(self.threshold[row])

    def fields(self) -> Mapping[str, NDArray]:
        return {"threshold": self.threshold}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Binarize:
        return cls(name, fields["threshold"], input_bits)
