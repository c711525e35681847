"""What every layer of a graph answers, and the kinds there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray


class GraphError(ValueError):
    """Layers that do not chain, or numbers outside their range."""


class Layer(Protocol):
    """One layer. Its values are what enters it: (n, inputs) pixels, or bits as bool or 0 and 1.

    unit   of what a neuron accumulates
    """

    unit: ClassVar[str]

    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def fan_in(self) -> int: ...  # inputs that one neuron looks at
    def emitter(self) -> Callable[[NDArray], NDArray]: ...  # values -> (n, outputs) bool codes, or int32 scores
    def accumulated(self, values: NDArray, row: int) -> NDArray[np.int64]: ...  # (n,), the slow way, bit by bit
    def fires_from(self, row: int) -> int | None: ...  # the accumulator; None where the accumulator itself is emitted
    def fields(self) -> Mapping[str, NDArray]: ...  # for a file
    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Layer: ...  # and back


Kind = TypeVar("Kind", bound=type)
KINDS: dict[str, type[Layer]] = {}


def kind(layer: Kind) -> Kind:
    """Makes a layer readable from files, under the name of its class."""
    KINDS[layer.__name__] = layer
    return layer


def check_weight(name: str, weight: NDArray[np.bool_]) -> None:
    if weight.ndim != 2 or weight.dtype != np.bool_ or not weight.size:
        raise GraphError(f"{name}: weights must be (rows, fan_in) bool, got {weight.shape} {weight.dtype}")
    if weight.shape[1] >= 1 << 23:
        raise GraphError(f"{name}: fan-in {weight.shape[1]} is beyond the 2^23 that float32 sums exactly")


def check_range(name: str, threshold: NDArray[np.int32], high: int) -> None:
    if threshold.ndim != 1 or threshold.dtype != np.int32 or not len(threshold):
        raise GraphError(f"{name}: thresholds must be (rows,) int32, got {threshold.shape} {threshold.dtype}")
    if threshold.min() < 0 or threshold.max() > high:
        raise GraphError(f"{name}: thresholds must lie in 0 .. {high}, got {threshold.min()} .. {threshold.max()}")
