"""What every layer of a graph answers, and the kinds there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from .levels import Levels
from .packed import Edge

Shape: TypeAlias = tuple[int, ...]
"""Of what one sample is on an edge: (height, width, channels), in that order in its stream, or (elements,)."""


class Layer(Protocol):
    """One layer. Its values are what enters it: (n, inputs) levels in stream order, as bool where there are two.

    unit   of what a neuron accumulates
    """

    @property
    def unit(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> int: ...  # elements of one sample
    @property
    def outputs(self) -> int: ...
    @property
    def out_shape(self) -> Shape: ...  # outputs is their product
    @property
    def takes(self) -> int: ...  # levels of an element that enters
    @property
    def emits(self) -> Levels: ...
    @property
    def one_bit(self) -> bool: ...  # ±1 goes in and comes out, and weights are ±1: it counts agreeing bits, no more
    @property
    def fan_in(self) -> int: ...  # inputs that one neuron looks at
    def emitter(
        self, shape: Shape
    ) -> Callable[[Edge], Edge]: ...  # of what enters in this shape: levels, or int64 scores
    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]: ...  # (n,), the slow way
    def thresholds_of(self, neuron: int) -> NDArray[np.int64] | None: ...  # rising; None where the sum itself leaves
    def fields(self) -> Mapping[str, NDArray]: ...  # for a file
    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> Layer: ...  # and back


Kind = TypeVar("Kind", bound=type)
KINDS: dict[str, type[Layer]] = {}


def kind(layer: Kind) -> Kind:
    """Makes a layer readable from files, under the name of its class."""
    KINDS[layer.__name__] = layer
    return layer
