"""The net in integers and bits: what hardware is built from, and the golden model that says what it must answer.

A graph is a chain. `Binarize` (only where pixels have more than one bit), then any number of `Dense`, then `Scores`.
Everything counts in *agreeing bits*: the popcount of XNOR between a weight row and a code, 0 .. fan-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes, Trace, concatenate

BLOCK = 512  # samples at a time: temporaries stay in cache, and too small for malloc to map and unmap pages


class GraphError(ValueError):
    """Layers that do not chain, or numbers outside their range."""


@dataclass(frozen=True, eq=False)
class Binarize:
    """code[j] = pixel[j] >= threshold[j].

    threshold   (width,) int32, 0 .. 2^bits: 0 always fires, 2^bits never
    bits        of one pixel, unsigned, 2 .. 8
    """

    name: str
    threshold: NDArray[np.int32]
    bits: int

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise GraphError(f"{self.name}: pixels of {self.bits} bits; 2 .. 8 are supported, 1 needs no Binarize")
        _check_range(self.name, self.threshold, 1 << self.bits)

    @property
    def inputs(self) -> int:
        return len(self.threshold)

    outputs = inputs


@dataclass(frozen=True, eq=False)
class Dense:
    """code[r] = agreeing bits of weight[r] and x >= threshold[r].

    weight      (rows, fan_in) bool, True is +1
    threshold   (rows,) int32, 0 .. fan_in + 1: 0 always fires, fan_in + 1 never
    """

    name: str
    weight: NDArray[np.bool_]
    threshold: NDArray[np.int32]

    def __post_init__(self) -> None:
        _check_weight(self.name, self.weight)
        if self.threshold.shape != (len(self.weight),):
            raise GraphError(f"{self.name}: {len(self.weight)} rows but thresholds of shape {self.threshold.shape}")
        _check_range(self.name, self.threshold, self.weight.shape[1] + 1)

    @property
    def inputs(self) -> int:
        return self.weight.shape[1]

    @property
    def outputs(self) -> int:
        return len(self.weight)


@dataclass(frozen=True, eq=False)
class Scores:
    """score[r] = agreeing bits of weight[r] and x; the class is the first maximum.

    weight   (classes, fan_in) bool, True is +1
    """

    weight: NDArray[np.bool_]

    name: ClassVar[str] = "scores"

    def __post_init__(self) -> None:
        _check_weight(self.name, self.weight)

    @property
    def inputs(self) -> int:
        return self.weight.shape[1]

    @property
    def outputs(self) -> int:
        return len(self.weight)


@dataclass(frozen=True, eq=False)
class Graph:
    """A chain of layers and the golden model of it.

    input_bits   of one input element, unsigned; 1 means the input is a code itself and there is no Binarize
    layers       in order, from input to output; the last one is `Scores`
    """

    name: str
    input_bits: int
    layers: tuple[Binarize | Dense | Scores, ...]

    def __post_init__(self) -> None:
        kinds = [type(layer) for layer in self.layers]
        head = [Binarize] if self.input_bits > 1 else []
        if kinds != [*head, *[Dense] * (len(kinds) - len(head) - 1), Scores]:
            order = " → ".join(kind.__name__ for kind in kinds)
            start = "Binarize, " if head else ""
            raise GraphError(f"{self.name}: {self.input_bits}-bit inputs need {start}Dense …, Scores; got {order}")
        if head and self.layers[0].bits != self.input_bits:  # type: ignore[union-attr]
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

    def __getitem__(self, name: str) -> Binarize | Dense | Scores:
        return {layer.name: layer for layer in self.layers}[name]

    def __call__(self, x: NDArray[np.uint8]) -> Trace:
        """Every layer's codes and the scores of x, (n, inputs) uint8 in 0 .. 2^input_bits - 1.

        Agreeing bits come from a float32 matrix product, which is exact: see `_dots`.
        """
        if x.ndim != 2 or x.shape[1] != self.inputs or x.dtype != np.uint8 or not len(x):
            raise GraphError(f"{self.name} takes (n, {self.inputs}) uint8, got {x.shape} {x.dtype}")
        if self.input_bits < 8 and x.max() >> self.input_bits:
            raise GraphError(f"{self.name} takes {self.input_bits}-bit inputs, got {x.max()}")
        emit = [_emitter(layer) for layer in self.layers]
        return concatenate([self._block(x[start : start + BLOCK], emit) for start in range(0, len(x), BLOCK)])

    def _block(self, x: NDArray[np.uint8], emit: list[Callable[[NDArray], NDArray]]) -> Trace:
        codes: dict[str, Codes] = {}
        values: NDArray = x
        for layer, answer in zip(self.layers[:-1], emit, strict=False):
            values = answer(values)
            codes[layer.name] = Codes.pack(values)
        return Trace("graph", codes, emit[-1](values), self.layers[-1].inputs)

    def agreeing_bits(self, layer: Dense | Scores, x: Codes, row: int) -> NDArray[np.int64]:
        """(n,) what `row` of `layer` accumulates for the codes x that enter it: the slow way, bit by bit."""
        return (x.bits() == layer.weight[row]).sum(axis=1)

    def arrays(self) -> dict[str, NDArray]:
        """For one .npz file; `from_arrays` reads it back."""
        return {"name": np.array(self.name), "input_bits": np.array(self.input_bits)} | {
            f"{index:02d}/{type(layer).__name__}/{layer.name}/{field}": value
            for index, layer in enumerate(self.layers)
            for field, value in _fields(layer)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Graph:
        """Raises GraphError where the arrays are not a graph."""
        try:
            input_bits = int(arrays["input_bits"])
            return cls(str(arrays["name"]), input_bits, tuple(_layers(arrays, input_bits)))
        except KeyError as error:
            raise GraphError(f"not a graph: {error.args[0]}") from None


def _fields(layer: Binarize | Dense | Scores) -> Iterator[tuple[str, NDArray]]:
    if not isinstance(layer, Binarize):
        yield "weight", layer.weight
    if not isinstance(layer, Scores):
        yield "threshold", layer.threshold


def _layers(arrays: Mapping[str, NDArray], input_bits: int) -> Iterator[Binarize | Dense | Scores]:
    for prefix in sorted({key.rpartition("/")[0] for key in arrays if "/" in key}):
        _, kind, name = prefix.split("/")
        if kind == "Binarize":
            yield Binarize(name, arrays[f"{prefix}/threshold"], input_bits)
        elif kind == "Dense":
            yield Dense(name, arrays[f"{prefix}/weight"], arrays[f"{prefix}/threshold"])
        elif kind == "Scores":
            yield Scores(arrays[f"{prefix}/weight"])
        else:
            raise GraphError(f"not a graph: unknown layer kind {kind}")


def _emitter(layer: Binarize | Dense | Scores) -> Callable[[NDArray], NDArray]:
    """What turns the (n, inputs) values that enter a layer into what it emits: bool codes, or int32 scores.

    With bits as 0 and 1 and weights as ±1, x · w is the agreeing bits less the row's number of zeros, a constant.
    """
    if isinstance(layer, Binarize):
        reachable = layer.threshold <= 255
        threshold = np.minimum(layer.threshold, 255).astype(
            np.uint8
        )  # comparing bytes with bytes is four times as fast
        return (lambda x: x >= threshold) if reachable.all() else (lambda x: (x >= threshold) & reachable)
    signs = np.where(layer.weight, np.float32(1), np.float32(-1)).T.copy()
    zeros = (~layer.weight).sum(axis=1)
    if isinstance(layer, Scores):
        return lambda bits: (_dots(bits, signs) + zeros).astype(np.int32)
    first_firing = (layer.threshold - zeros).astype(np.float32)
    return lambda bits: _dots(bits, signs) >= first_firing


def _dots(bits: NDArray[np.bool_], signs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, rows) of (n, fan-in) bits, as 0 and 1, times (fan-in, rows) ±1; the exact integers.

    Partial sums are integers below 2^24 in magnitude, which float32 holds: the order in which BLAS adds cannot matter.
    Up to a fan-in of 2047 a sum has room for two samples, one at scale 1 and one at 4096, which halves the cost: BLAS
    is where the time goes.
    """
    half = -(-len(bits) // 2)
    if len(signs) > 2047:
        return bits.astype(np.float32) @ signs
    low, high = bits[:half].astype(np.uint16), bits[half:].astype(np.uint16)
    high <<= 12
    low[: len(high)] |= high
    both = low.astype(np.float32) @ signs
    dots = np.empty((len(bits), signs.shape[1]), dtype=np.float32)
    upper = np.rint(both / 4096)  # the lower dot product is below half of 4096 in magnitude
    dots[half:] = upper[: len(high)]
    upper *= 4096
    np.subtract(both, upper, out=dots[:half])
    return dots


def _check_weight(name: str, weight: NDArray[np.bool_]) -> None:
    if weight.ndim != 2 or weight.dtype != np.bool_ or not weight.size:
        raise GraphError(f"{name}: weights must be (rows, fan_in) bool, got {weight.shape} {weight.dtype}")
    if weight.shape[1] >= 1 << 23:
        raise GraphError(f"{name}: fan-in {weight.shape[1]} is beyond the 2^23 that float32 sums exactly")


def _check_range(name: str, threshold: NDArray[np.int32], high: int) -> None:
    if threshold.ndim != 1 or threshold.dtype != np.int32 or not len(threshold):
        raise GraphError(f"{name}: thresholds must be (rows,) int32, got {threshold.shape} {threshold.dtype}")
    if threshold.min() < 0 or threshold.max() > high:
        raise GraphError(f"{name}: thresholds must lie in 0 .. {high}, got {threshold.min()} .. {threshold.max()}")
