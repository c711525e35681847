"""A graph as what counts over all inputs takes it: matrices of bits, and who goes before whom among the classes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...export.graph import Binarize, Dense, Graph, Scores
from .compiled import ExactError


@dataclass(frozen=True, eq=False)
class Rows:
    """row holds where at least `threshold` of its elements agree with `weight`, of those `among`. Rows of one
    `among` that follow each other share adders.

    weight, among   (rows, fan_in) bool
    threshold       (rows,) int32
    """

    weight: NDArray[np.bool_]
    among: NDArray[np.bool_]
    threshold: NDArray[np.int32]

    def __call__(self, x: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(n, rows) of x (n, fan_in), the slow way."""
        signs = np.where(self.among, np.where(self.weight, 1, -1), 0).astype(np.float32)
        sums = np.where(x, 1, -1).astype(np.float32) @ signs.T
        return (sums + self.among.sum(axis=1)) / 2 >= self.threshold


@dataclass(frozen=True, eq=False)
class BitNet:
    """Hidden layers and classes of a 1-bit net, from the code that enters its first matrix.

    hidden   at least one
    versus   of each class: a row for each other class, in their order, which holds where that one goes before it
    """

    hidden: tuple[Rows, ...]
    versus: tuple[Rows, ...]

    @classmethod
    def of(cls, graph: Graph) -> BitNet:
        """Raises ExactError for a graph of anything but bits, dense layers and plain scores."""
        if graph.passes > 1:
            raise ExactError(f"{graph.name}: a frame passes {graph.passes} times; nets that it passes once are counted")
        *layers, last = [layer for layer in graph.layers if not isinstance(layer, Binarize)]
        if not isinstance(last, Scores) or last.multiplier is not None or last.weight.dtype != np.bool_:
            raise ExactError(
                f"{graph.name}: classes are counted by ±1 weights and no multiplier; {last.name} has others"
            )
        hidden = []
        for layer in layers:
            if not isinstance(layer, Dense) or not layer.one_bit:
                raise ExactError(f"{graph.name}: {layer.name} is no dense layer of 1-bit weights and codes")
            weight = layer.weight.astype(np.bool_)
            hidden.append(Rows(weight, np.ones_like(weight), layer.threshold))
        if not hidden:
            raise ExactError(f"{graph.name} has no hidden layer")
        if graph.input_bits > 1 and not isinstance(graph.layers[0], Binarize):
            raise ExactError(f"{graph.name} takes {graph.input_bits}-bit inputs that no first layer cuts into bits")
        return cls(tuple(hidden), tuple(_versus(last, right) for right in range(last.outputs)))

    @property
    def inputs(self) -> int:
        return self.hidden[0].weight.shape[1]

    def classes(self, x: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(n,) of x (n, inputs), the slow way."""
        for rows in self.hidden:
            x = rows(x)
        return self.last_classes(x)

    def last_classes(self, x: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(n,) of codes of the last hidden layer, the slow way."""
        return np.stack([~rows(x).any(axis=1) for rows in self.versus], axis=1).argmax(axis=1)

    def fixed(self, x: NDArray[np.bool_], free: NDArray[np.integer]) -> BitNet:
        """The net of the elements `free` alone, in their order, where all others are those of x, (inputs,)."""
        first = self.hidden[0]
        agreeing = (first.weight == x).sum(axis=1) - (first.weight[:, free] == x[free]).sum(axis=1)
        columns = np.ascontiguousarray(first.weight[:, free])
        rows = Rows(columns, np.ones_like(columns), (first.threshold - agreeing).astype(np.int32))
        return BitNet((rows, *self.hidden[1:]), self.versus)

    def __reduce__(self) -> tuple[type[BitNet], tuple[tuple[Rows, ...], tuple[Rows, ...]]]:
        return BitNet, (self.hidden, self.versus)

    @cached_property
    def native(self) -> Native:
        return Native(self)


def _versus(scores: Scores, right: int) -> Rows:
    """Score r ≥ score c is 2a − m + offset r − offset c ≥ 0, where a of the m elements agree in which rows differ."""
    others = np.delete(np.arange(scores.outputs), right)
    among = scores.weight[others] != scores.weight[right]
    offset = np.zeros(scores.outputs, np.int64) if scores.offset is None else scores.offset
    late = others > right  # the first maximum wins
    needed = -(-(among.sum(axis=1) + offset[right] - offset[others] + late) // 2)
    return Rows(scores.weight[others].astype(np.bool_), among, needed.astype(np.int32))


class _Matrix(ctypes.Structure):
    """`struct Matrix` of neurons.h."""

    _fields_ = (
        ("rows", ctypes.c_int32),
        ("fan_in", ctypes.c_int32),
        ("weight", ctypes.c_void_p),
        ("among", ctypes.c_void_p),
        ("threshold", ctypes.c_void_p),
    )


class _Net(ctypes.Structure):
    """`struct Net` of net.h."""

    _fields_ = (
        ("layers", ctypes.c_int32),
        ("classes", ctypes.c_int32),
        ("layer", ctypes.POINTER(_Matrix)),
        ("versus", ctypes.POINTER(_Matrix)),
    )


class Native:
    """A net in memory as the library reads it; to be kept as long as that does."""

    def __init__(self, net: BitNet) -> None:
        self._arrays: list[NDArray] = []
        layers = [self._matrix(rows) for rows in net.hidden]
        versus = [self._matrix(rows) for rows in net.versus]
        self._structs = (_Matrix * len(layers))(*layers), (_Matrix * len(versus))(*versus)
        self.struct = _Net(len(layers), len(versus), *self._structs)

    def _matrix(self, rows: Rows) -> _Matrix:
        threshold = np.ascontiguousarray(rows.threshold, np.int32)
        arrays = words(rows.weight), words(rows.among), threshold
        self._arrays += arrays
        return _Matrix(*rows.weight.shape, *(array.ctypes.data for array in arrays))


def words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """(rows, n) bool as (rows, words): bit j is bit j % 64 of word j // 64."""
    packed = np.packbits(bits, axis=1, bitorder="little")
    return np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)
