"""Layers in a chain, and the golden model of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Codes, CodesError, Trace, array_of
from .dense import Scores
from .layer import KINDS, Layer, Shape
from .levels import GraphError, Levels
from .packed import Edge, Plain
from .passes import PassSum
from .windows import numbers

SPREAD = "spread"  # beside the scores of a net of several passes
ELEMENTS = 1 << 21  # of the widest edge of the samples that are computed at a time: packed, it stays in cache


@dataclass(frozen=True, eq=False)
class Graph:
    """A chain of layers and the golden model of it.

    input_bits   of one input element, unsigned; 1 means that the input is a code itself
    layers       in order, from input to output. What the last one says is called the scores: those of `Scores`, or the
                 levels of a net that ends in codes
    shape        of one sample, (height, width, channels); where it is not said, a row of elements
    entering     what the levels of the input stand for, where that is known
    """

    name: str
    input_bits: int
    layers: tuple[Layer, ...]
    shape: Shape = ()
    entering: Levels | None = None

    def __post_init__(self) -> None:
        if not self.layers or not 1 <= self.input_bits <= 8:
            raise GraphError(f"{self.name}: {self.input_bits}-bit inputs into {len(self.layers)} layers")
        first = self.layers[0]
        count = 1 << self.input_bits if self.entering is None else self.entering.count
        if (count - 1).bit_length() != self.input_bits or first.takes != count:
            raise GraphError(
                f"{self.name}: {self.input_bits}-bit inputs of {count} levels; {first.name} takes {first.takes}"
            )
        if self.shape and int(np.prod(self.shape)) != first.inputs:
            raise GraphError(f"{self.name}: samples of {self.shape}; {first.name} takes {first.inputs} elements")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if isinstance(before, Scores | PassSum):
                raise GraphError(f"{self.name}: scores are the last layer, not before {after.name}")
            if before.outputs != after.inputs:
                raise GraphError(f"{before.name} emits {before.outputs} elements but {after.name} takes {after.inputs}")
            if before.emits.count != after.takes:
                raise GraphError(
                    f"{before.name} emits {before.emits.count} levels but {after.name} takes {after.takes}"
                )
            if len(getattr(after, "shape", ())) == 3 and before.out_shape != after.shape:  # type: ignore[attr-defined]
                raise GraphError(f"{before.name} emits a map of {before.out_shape}, {after.name} takes another")
        if len(set(layer.name for layer in self.layers)) != len(self.layers):
            raise GraphError(f"{self.name}: two layers of one name: {[layer.name for layer in self.layers]}")

    @property
    def inputs(self) -> int:
        return self.layers[0].inputs

    @property
    def classes(self) -> int:
        return self.layers[-1].outputs

    @property
    def ends_in_code(self) -> bool:
        """Its last layer quantises, as a detector's."""
        return not isinstance(self.layers[-1], Scores | PassSum)

    @cached_property
    def top(self) -> int:
        """The highest score that there can be."""
        last = self.layers[-1]
        return last.top if isinstance(last, Scores | PassSum) else last.emits.top

    @property
    def passes(self) -> int:
        """How often a frame passes: once for every member, or step."""
        last = self.layers[-1]
        return last.passes if isinstance(last, PassSum) else 1

    @cached_property
    def coded(self) -> dict[str, int]:
        """Bits of every code that a trace of it holds, by name: layers but the last, and of passes their spread."""
        last = self.layers[-1]
        beside = {SPREAD: last.spread_bits} if isinstance(last, PassSum) else {}
        return {layer.name: layer.outputs * layer.emits.bits for layer in self.layers[:-1]} | beside

    def __getitem__(self, name: str) -> Layer:
        return {layer.name: layer for layer in self.layers}[name]

    def __call__(self, x: NDArray[np.uint8]) -> Trace:
        """Every layer's codes and the scores of x, (n, inputs) uint8: levels of the input, pixels as they are."""
        if x.ndim != 2 or x.shape[1] != self.inputs or x.dtype != np.uint8 or not len(x):
            raise GraphError(f"{self.name} takes (n, {self.inputs}) uint8, got {x.shape} {x.dtype}")
        if self.layers[0].takes < 256 and x.max() >= self.layers[0].takes:
            of = "" if self.entering is None else f" of {self.entering.count} levels"
            raise GraphError(f"{self.name} takes {self.input_bits}-bit inputs{of}, got {x.max()}")
        emit, last = self._emitters, self.layers[-1]
        packed = [np.empty((len(x), -(-width // 8)), np.uint8) for width in self.coded.values()]
        scores = np.empty((len(x), self.classes), np.int32)
        block = max(1, ELEMENTS // max(layer.inputs for layer in self.layers))
        for start in range(0, len(x), block):
            here = slice(start, start + block)
            edge: Edge = Plain(x[here], self.input_bits)
            for answer, into in zip(emit[:-1], packed, strict=False):
                edge = answer(edge)
                edge.codes(into[here])
            if isinstance(last, PassSum):
                spread = last.spread(edge.levels())[:, None]
                packed[-1][here] = Codes.pack_integers(spread, last.spread_bits).packed
            scores[here] = emit[-1](edge).levels()
        codes = {name: Codes(each, width) for (name, width), each in zip(self.coded.items(), packed, strict=True)}
        return Trace("graph", codes, scores, self.top, self.ends_in_code)

    @cached_property
    def _emitters(self) -> list[Callable[[Edge], Edge]]:
        shapes: list[Shape] = [(self.inputs,), *(layer.out_shape for layer in self.layers)]
        return [layer.emitter(shape) for layer, shape in zip(self.layers, shapes, strict=False)]

    def arrays(self) -> dict[str, NDArray]:
        """For one .npz file; `from_arrays` reads it back."""
        head = {"name": np.array(self.name), "input_bits": np.array(self.input_bits)}
        if self.shape:
            head["shape"] = np.array(self.shape)
        if self.entering is not None:
            head["entering"] = self.entering.array()
        return head | {
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
        shape = numbers(arrays["shape"], arrays["shape"].size) if "shape" in arrays else ()
        entering = Levels.of_array(arrays["entering"]) if "entering" in arrays else None
        return cls(str(name), input_bits, tuple(_layers(arrays, input_bits)), shape, entering)


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
        except (TypeError, ValueError) as error:
            raise GraphError(f"not a graph: {prefix}: {error}") from None
        if layer.name != name or layer.fields().keys() != fields.keys():
            due = ", ".join(layer.fields())
            raise GraphError(f"not a graph: {prefix} holds {', '.join(fields)}; {due} of {layer.name} belong there")
        yield layer
