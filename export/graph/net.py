"""Layers in a chain, and the golden model of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Codes, CodesError, Trace, array_of, concatenate
from .binarize import Binarize
from .dense import Dense, Scores
from .layer import KINDS, GraphError, Layer

BLOCK = 512  # samples at a time: temporaries stay in cache, and too small for malloc to map and unmap pages


@dataclass(frozen=True, eq=False)
class Graph:
    """A chain of layers and the golden model of it.

    input_bits   of one input element, unsigned; 1 means the input is a code itself and there is no Binarize
    layers       in order, from input to output; the last one is `Scores`
    """

    name: str
    input_bits: int
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        kinds = [type(layer) for layer in self.layers]
        head: list[type] = [Binarize] if self.input_bits > 1 else []
        if kinds != [*head, *[Dense] * (len(kinds) - len(head) - 1), Scores]:
            order = " → ".join(kind.__name__ for kind in kinds)
            start = "Binarize, " if head else ""
            raise GraphError(f"{self.name}: {self.input_bits}-bit inputs need {start}Dense …, Scores; got {order}")
        if head and self.layers[0].bits != self.input_bits:  # type: ignore[attr-defined]
            raise GraphError(f"{self.name}: {self.input_bits}-bit inputs into a Binarize of other width")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.outputs != after.inputs:
                raise GraphError(f"{before.name} emits {before.outputs} bits but {after.name} takes {after.inputs}")
        if len(set(layer.name for layer in self.layers)) != len(self.layers):
            raise GraphError(f"{self.name}: two layers of one name: {[layer.name for layer in self.layers]}")

    @property
    def inputs(self) -> int:
        return self.layers[0].inputs

    @property
    def classes(self) -> int:
        return self.layers[-1].outputs

    def __getitem__(self, name: str) -> Layer:
        return {layer.name: layer for layer in self.layers}[name]

    def __call__(self, x: NDArray[np.uint8]) -> Trace:
        """Every layer's codes and the scores of x, (n, inputs) uint8 in 0 .. 2^input_bits - 1."""
        if x.ndim != 2 or x.shape[1] != self.inputs or x.dtype != np.uint8 or not len(x):
            raise GraphError(f"{self.name} takes (n, {self.inputs}) uint8, got {x.shape} {x.dtype}")
        if self.input_bits < 8 and x.max() >> self.input_bits:
            raise GraphError(f"{self.name} takes {self.input_bits}-bit inputs, got {x.max()}")
        emit = [layer.emitter() for layer in self.layers]
        return concatenate([self._block(x[start : start + BLOCK], emit) for start in range(0, len(x), BLOCK)])

    def _block(self, x: NDArray[np.uint8], emit: list[Callable[[NDArray], NDArray]]) -> Trace:
        codes: dict[str, Codes] = {}
        values: NDArray = x
        for layer, answer in zip(self.layers[:-1], emit, strict=False):
            values = answer(values)
            codes[layer.name] = Codes.pack(values)
        return Trace("graph", codes, emit[-1](values), self.layers[-1].inputs)

    def arrays(self) -> dict[str, NDArray]:
        """For one .npz file; `from_arrays` reads it back."""
        return {"name": np.array(self.name), "input_bits": np.array(self.input_bits)} | {
            f"{index:02d}/{type(layer).__name__}/{layer.name}/{field}": value
            for index, layer in enumerate(self.layers)
            for field, value in layer.fields().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Graph:
        """Raises GraphError for anything that `arrays` did not write."""
        try:
            name, input_bits = array_of(arrays, "name", "U", 0), int(array_of(arrays, "input_bits", "iu", 0))
        except CodesError as error:
            raise GraphError(f"not a graph: {error}") from None
        return cls(str(name), input_bits, tuple(_layers(arrays, input_bits)))


def _layers(arrays: Mapping[str, NDArray], input_bits: int) -> Iterator[Layer]:
    prefixes = sorted({key.rpartition("/")[0] for key in arrays if "/" in key})
    for number, prefix in enumerate(prefixes):
        index, kind, name, *more = [*prefix.split("/"), "", ""]
        if index != f"{number:02d}" or any(more):
            raise GraphError(f"not a graph: {prefix!r} where layer {number:02d} belongs")
        if kind not in KINDS:
            raise GraphError(f"not a graph: unknown layer kind {kind!r}")
        fields = {key.rpartition("/")[2]: value for key, value in arrays.items() if key.rpartition("/")[0] == prefix}
        try:
            layer = KINDS[kind].of_fields(name, fields, input_bits)
        except KeyError as error:
            raise GraphError(f"not a graph: {prefix} has no {error.args[0]}") from None
        if layer.name != name or layer.fields().keys() != fields.keys():
            due = ", ".join(layer.fields())
            raise GraphError(f"not a graph: {prefix} holds {', '.join(fields)}; {due} of {layer.name} belong there")
        yield layer
