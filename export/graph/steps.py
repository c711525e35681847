"""A frame in steps: its pixels cut at another level at each, and neurons that integrate over them and fire.

Elements come step after step. The state of every neuron begins a frame at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .layer import Shape, kind
from .levels import BIPOLAR, GraphError, Levels
from .packed import Edge, Plain
from .passes import MOST_PASSES, Passed
from .weighted import check_thresholds

STEPS = "steps"
"""What the scores of every step are called."""


@kind
@dataclass(frozen=True, eq=False)
class StepCuts:
    """code[t, j] = pixel[j] >= threshold[t].

    threshold   (steps,) int32, 0 .. 2^bits: 0 always fires, 2^bits never
    pixels      of a frame
    bits        of one pixel, unsigned, 2 .. 8
    """

    name: str
    threshold: NDArray[np.int32]
    pixels: int
    bits: int

    unit: ClassVar[str] = "of the pixel"
    one_bit: ClassVar[bool] = True
    fan_in: ClassVar[int] = 1
    emits: ClassVar[Levels] = BIPOLAR

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8 or self.pixels < 1:
            raise GraphError(f"{self.name}: {self.pixels} pixels of {self.bits} bits; 2 .. 8 bits are supported")
        if self.threshold.ndim != 1 or not 2 <= self.steps <= MOST_PASSES:
            raise GraphError(
                f"{self.name}: thresholds must be (steps,), 2 .. {MOST_PASSES} steps, got {self.threshold.shape}"
            )
        check_thresholds(self.name, self.threshold, self.steps, (1 << self.bits) - 1, BIPOLAR)

    @property
    def steps(self) -> int:
        return len(self.threshold)

    @property
    def inputs(self) -> int:
        return self.pixels

    @property
    def outputs(self) -> int:
        return self.steps * self.pixels

    @property
    def out_shape(self) -> Shape:
        return (self.outputs,)

    @property
    def takes(self) -> int:
        return 1 << self.bits

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        at = self.threshold[:, None]
        return lambda edge: Plain((edge.levels()[:, None] >= at).reshape(-1, self.outputs), 1)

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        return values[:, neuron % self.pixels].astype(np.int64)

    def thresholds_of(self, neuron: int) -> NDArray[np.int64]:
        return self.threshold[neuron // self.pixels, None].astype(np.int64)

    def fields(self) -> Mapping[str, NDArray]:
        return {"threshold": self.threshold, "pixels": np.array(self.pixels)}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> StepCuts:
        return cls(name, fields["threshold"], int(fields["pixels"]), input_bits)


@kind
@dataclass(frozen=True, eq=False)
class IntegrateDense(Passed):
    """v = state[r] + accumulator of row r in step t − leak[r]; code[t, r] = v >= theta[r]; the state is then
    v − theta[r] where it fires, otherwise v.

    leak    (rows,) int32, -theta .. fan_in: a row fires at every step, or at none
    theta   (rows,) int32, 1 .. passes · fan_in
    """

    name: str
    weight: NDArray[np.bool_]
    leak: NDArray[np.int32]
    theta: NDArray[np.int32]
    passes: int

    emits: ClassVar[Levels] = BIPOLAR

    def __post_init__(self) -> None:
        self.check(self.name)
        for what, values in (("leaks", self.leak), ("thetas", self.theta)):
            if values.shape != (self.rows,) or values.dtype != np.int32:
                raise GraphError(f"{self.name}: {what} must be ({self.rows},) int32, got {values.shape} {values.dtype}")
        if self.theta.min() < 1 or self.theta.max() > self.passes * self.fan_in:
            raise GraphError(
                f"{self.name}: thetas must lie in 1 .. {self.passes * self.fan_in}, got {self.theta.min()} .. "
                f"{self.theta.max()}"
            )
        if (self.leak < -self.theta).any() or (self.leak > self.fan_in).any():
            raise GraphError(f"{self.name}: leaks must lie in -theta .. {self.fan_in}")

    def emitter(self, shape: Shape) -> Callable[[Edge], Edge]:
        agreeing = self.agreeing()

        def emit(edge: Edge) -> Plain:
            fired = [v >= self.theta for v in self._states(agreeing(edge).reshape(-1, self.passes, self.rows))]
            return Plain(np.stack(fired, axis=1).reshape(-1, self.outputs), 1)

        return emit

    def _states(self, sums: NDArray) -> list[NDArray]:
        """v of every step, of (n, passes, rows) agreeing bits."""
        state, found = np.zeros_like(sums[:, 0]), []
        for each in sums.swapaxes(0, 1):
            found.append(state + each - self.leak)
            state = found[-1] - self.theta * (found[-1] >= self.theta)
        return found

    def accumulated(self, values: NDArray, neuron: int) -> NDArray[np.int64]:
        """v of the step."""
        step, row = divmod(neuron, self.rows)
        seen = values.reshape(len(values), self.passes, 1, -1).astype(np.bool_)
        return self._states((seen == self.weight).sum(axis=-1))[step][:, row]

    def thresholds_of(self, neuron: int) -> NDArray[np.int64]:
        return self.theta[neuron % self.rows, None].astype(np.int64)

    def fields(self) -> Mapping[str, NDArray]:
        return {"weight": self.weight, "leak": self.leak, "theta": self.theta, "passes": np.array(self.passes)}

    @classmethod
    def of_fields(cls, name: str, fields: Mapping[str, NDArray], input_bits: int) -> IntegrateDense:
        return cls(name, fields["weight"], fields["leak"], fields["theta"], int(fields["passes"]))
