"""Layers that a frame passes several times: the same weights for every pass, and beside them what differs.

Elements come pass after pass. A net of threshold sets is a crowd of nets with one memory of weights: each pass is one
of them, a *member*. Their scores are added, and how far they lie apart says how sure the crowd is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .dense import Dense, Scores
from .layer import Layer, Shape, kind
from .levels import BIPOLAR, GraphError, Levels
from .packed import Edge, Plain
from .weighted import Weighted, check_thresholds, product

MOST_PASSES = 16


class Passed(Weighted):
    """Dense ±1 weights and 1-bit inputs, summed once for each pass.

    weight   (rows, fan_in) bool, True is +1
    """

    name: str
    weight: NDArray[np.bool_]
    passes: int

    takes: ClassVar[int] = 2  # type: ignore[misc]
    one_bit: ClassVar[bool] = True

    def check(self, name: str) -> None:
        self.check_weights(name, 2)
        if self.weight.dtype != np.bool_:
            raise GraphError(f"{name}: a layer of {self.passes} passes has ±1 weights, got {self.weight.dtype}")
        if not 2 <= self.passes <= MOST_PASSES:
            raise GraphError(f"{name}: {self.passes} passes; 2 .. {MOST_PASSES} are supported")

    @property
    def inputs(self) -> int:
        return self.passes * self.fan_in

    @property
    def outputs(self) -> int:
        return self.passes * self.rows

    @property
    def out_shape(self) -> Shape:
        return (self.outputs,)

    def agreeing(self) -> Callable[[Edge], NDArray[np.float32]]:
        """(n · passes, rows) agreeing bits of an edge, or (n, rows) where all passes see the same."""
        matrix, lifts = product(self.integers(), self.fan_in), self.lifts().astype(np.float32)
        return lambda edge: edge.levels().reshape(-1, self.fan_in).astype(np.float32) @ matrix + lifts

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        number, row = divmod(neuron, self.rows)
        seen = values if values.shape[1] == self.fan_in else values.reshape(len(values), self.passes, -1)[:, number]
        return (seen.astype(np.bool_) == self.weight[row]).sum(axis=1)


@kind
@dataclass(frozen=True, eq=False)
class SetDense(Passed):
    """code[k, r] = accumulator of row r in pass k >= threshold[k, r].

    threshold   (passes, rows) int32, 0 .. fan_in + 1, which never fires
    shared      all passes see the same inputs, so that there is one accumulator for all
    """

    name: str
    weight: NDArray[np.bool_]
    threshold: NDArray[np.int32]
    shared: bool = False

    emits: ClassVar[Levels] = BIPOLAR

    def __post_init__(self) -> None:
        if self.threshold.ndim != 2:
            raise GraphError(f"{self.name}: thresholds must be (passes, rows) int32, got {self.threshold.shape}")
        self.check(self.name)
        for one in self.threshold:
            check_thresholds(self.name, one, self.rows, self.spans(), BIPOLAR)

    @property
    def passes(self) -> int:  # type: ignore[override]
        return len(self.threshold)

    @property
    def inputs(self) -> int:
        return self.fan_in if self.shared else super().inputs

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        agreeing, at = self.agreeing(), self.threshold.astype(np.float32)
        seen = 1 if self.shared else self.passes

        def emit(edge: Edge) -> Plain:
            reached = agreeing(edge).reshape(-1, seen, self.rows) >= at
            return Plain(reached.reshape(-1, self.outputs), 1)

        return emit

    def thresholds_of(self, neuron: int) -> NDArray[np.int64]:
        return self.threshold.ravel()[neuron : neuron + 1].astype(np.int64)

    def fields(self) -> Mapping[str, NDArray]:
        return {"weight": self.weight, "threshold": self.threshold, "shared": np.array(self.shared)}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> SetDense:
        return cls(name, fields["weight"], fields["threshold"], bool(fields["shared"]))


@kind
@dataclass(frozen=True, eq=False)
class PassScores(Passed):
    """level[k, r] = accumulator of row r in pass k: the scores of every member, or step, as levels."""

    weight: NDArray[np.bool_]
    passes: int
    name: str = "members"

    def __post_init__(self) -> None:
        self.check(self.name)

    @property
    def emits(self) -> Levels:
        return Levels(0, 1, self.fan_in + 1)

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        agreeing, emits = self.agreeing(), self.emits
        return lambda edge: Plain(agreeing(edge).reshape(-1, self.outputs).astype(emits.dtype), emits.bits)

    def thresholds_of(self, neuron: int) -> None:
        return None

    def fields(self) -> Mapping[str, NDArray]:
        return {"weight": self.weight, "passes": np.array(self.passes)}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> PassScores:
        return cls(fields["weight"], int(fields["passes"]), name)


@kind
@dataclass(frozen=True, eq=False)
class PassSum:
    """score[r] = sum of level[k, r] over the passes k; the class is the first maximum.

    classes   scores of a pass
    takes     levels of each
    """

    classes: int
    passes: int
    takes: int

    name: ClassVar[str] = "scores"
    unit: ClassVar[str] = "agreeing bits of all passes"
    one_bit: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.classes < 2 or not 2 <= self.passes <= MOST_PASSES or not 2 <= self.takes <= 1 << 16:
            raise GraphError(f"scores: {self.passes} passes of {self.classes} classes, {self.takes} levels each")

    @property
    def inputs(self) -> int:
        return self.passes * self.classes

    @property
    def outputs(self) -> int:
        return self.classes

    @property
    def out_shape(self) -> Shape:
        return (self.classes,)

    @property
    def fan_in(self) -> int:
        return self.passes

    @property
    def top(self) -> int:
        """The highest score that there can be."""
        return self.passes * (self.takes - 1)

    @property
    def emits(self) -> Levels:
        raise AttributeError("scores leave the net as they are")

    @property
    def spread_bits(self) -> int:
        return (self.classes * (self.takes - 1)).bit_length()

    def by_pass(self, levels: NDArray) -> NDArray[np.int64]:
        """(n, passes, classes) of what enters."""
        return levels.reshape(len(levels), self.passes, self.classes).astype(np.int64)

    def spread(self, levels: NDArray) -> NDArray[np.int64]:
        """(n,) of what enters: the highest score of a class less the lowest, summed over all classes."""
        return np.ptp(self.by_pass(levels), axis=1).sum(axis=1)

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        return lambda edge: Plain(self.by_pass(edge.levels()).sum(axis=1), self.top.bit_length())

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        return self.by_pass(values)[:, :, neuron].sum(axis=1)

    def thresholds_of(self, neuron: int) -> None:
        return None

    def fields(self) -> Mapping[str, NDArray]:
        return {name: np.array(getattr(self, name)) for name in ("classes", "passes", "takes")}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> PassSum:
        return cls(int(fields["classes"]), int(fields["passes"]), int(fields["takes"]))


def joined(members: tuple[tuple[Layer, ...], ...]) -> tuple[Layer, ...]:
    """Nets that differ in nothing but the thresholds of their 1-bit dense layers, as one of so many sets of them.

    Raises GraphError where they differ in more.
    """
    first, layers, passes = members[0], list[Layer](), len(members)
    for index, layer in enumerate(first):
        of_all = [each[index] for each in members]
        if not all(type(each) is type(layer) for each in of_all) or not layer.one_bit:
            raise GraphError(f"{layer.name}: members are nets of bits and dense layers, and alike; this one is not")
        if isinstance(layer, Dense):
            _check_alike(layer.name, [each.weight for each in of_all])  # type: ignore[attr-defined]
            at = np.stack([each.threshold for each in of_all])  # type: ignore[attr-defined]
            shared = not any(isinstance(before, SetDense) for before in layers)
            layers.append(SetDense(layer.name, layer.weight.astype(np.bool_), at, shared))
        elif isinstance(layer, Scores):
            _check_alike(layer.name, [each.weight for each in of_all])  # type: ignore[attr-defined]
            layers.append(PassScores(layer.weight.astype(np.bool_), passes))
            layers.append(PassSum(layer.rows, passes, layer.fan_in + 1))
        else:
            _check_alike(layer.name, [each.threshold for each in of_all])  # type: ignore[attr-defined]
            layers.append(layer)
    if not isinstance(layers[-1], PassSum) or not any(isinstance(layer, SetDense) for layer in layers):
        raise GraphError("members have a dense layer at least, and then scores")
    return tuple(layers)


def _check_alike(name: str, arrays: list[NDArray]) -> None:
    if any(not np.array_equal(each, arrays[0]) for each in arrays):
        raise GraphError(f"{name}: members share weights and cuts of pixels, and here they differ")
