"""A net of maps as a list: convolutions and pools, then dense layers; and what shape each of them emits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import prod
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from .strict import Strict

Kind = Literal["conv", "pool", "dense"]
Shape: TypeAlias = tuple[int, ...]
"""Of what a layer emits for one sample: (height, width, channels), in that order in a code, or (neurons,)."""

KERNEL = 3


class LayerConfig(Strict):
    """One layer: `conv = 64`, `pool = 2` or `dense = 512`; the last one is dense, and its neurons are the classes."""

    conv: Annotated[int | None, Field(ge=1, description="channels of a convolution")] = None
    pool: Annotated[int | None, Field(ge=1, description="side of the windows of which the largest bit stays")] = None
    dense: Annotated[int | None, Field(ge=1, description="neurons of a dense layer")] = None
    kernel: Annotated[int | None, Field(ge=1, description=f"side of a conv's windows; by default {KERNEL}")] = None
    stride: Annotated[
        int | None, Field(ge=1, description="from one window to the next; by default 1 of a conv, its side of a pool")
    ] = None
    padding: Annotated[
        int | None, Field(ge=1, description="places around a conv's map, of -1, or of pixel 0; by default none")
    ] = None

    @model_validator(mode="after")
    def _one_kind(self) -> LayerConfig:
        said = [kind for kind in ("conv", "pool", "dense") if getattr(self, kind) is not None]
        if len(said) != 1:
            raise ValueError(f"a layer is one of conv, pool and dense; here stand {' and '.join(said) or 'none'}")
        strange = [name for name in ("kernel", "stride", "padding") if name not in KNOWS[self.kind]]
        if wrong := [name for name in strange if getattr(self, name) is not None]:
            raise ValueError(f"a {self.kind} layer has no {wrong[0]}")
        if self.around >= self.side:
            raise ValueError(f"padding {self.around} makes windows of nothing else; kernel {self.side}")
        return self

    @model_serializer(mode="wrap")
    def _what_is_said(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dumped(self).items() if value is not None}

    @property
    def kind(self) -> Kind:
        return "conv" if self.conv is not None else "pool" if self.pool is not None else "dense"

    @property
    def side(self) -> int:
        """Of a window."""
        return self.pool or self.kernel or KERNEL

    @property
    def step(self) -> int:
        return self.stride or self.pool or 1

    @property
    def around(self) -> int:
        return self.padding or 0

    def emitted(self, shape: Shape) -> Shape:
        """What it makes of a sample of this shape. Raises ValueError where its windows do not fit there."""
        if self.dense is not None:
            return (self.dense,)
        if len(shape) != 3:
            raise ValueError(f"a {self.kind} layer stands behind a dense one; it takes a map, and there is none left")
        height, width, channels = shape
        if self.side > min(height, width) + 2 * self.around:
            raise ValueError(f"windows of {self.side} x {self.side} over a map of {height} x {width}: none fits")
        rows, columns = ((size + 2 * self.around - self.side) // self.step + 1 for size in (height, width))
        return (rows, columns, self.conv or channels)

    def fan_in(self, shape: Shape) -> int:
        """Elements of such a sample that one of its neurons looks at."""
        return prod(shape) if self.dense is not None else self.side**2 * shape[2]

    @property
    def channels(self) -> int:
        """Rows of weights: channels of a conv, neurons of a dense layer; 0 of a pool."""
        return self.conv or self.dense or 0

    def __str__(self) -> str:
        """`64c`, `64c5/2+1` (a kernel of 5, a stride of 2, a padding of 1), `2p`, `512`."""
        window = {"": self.kernel, "/": self.stride, "+": self.padding}
        kind = {"conv": "c", "pool": "p", "dense": ""}[self.kind]
        of_window = "".join(f"{mark}{said}" for mark, said in window.items() if said)
        return f"{self.conv or self.pool or self.dense}{kind}{of_window}"


def layers_of(text: str) -> Iterator[LayerConfig]:
    """Of `16c+1-16c-2p-10`, each layer as it prints itself."""
    for word in text.split("-"):
        said = WORD.fullmatch(word)
        assert said is not None, word
        kind = {"c": "conv", "p": "pool", "": "dense"}[said["kind"]]
        window = {name: int(said[name]) for name in ("kernel", "stride", "padding") if said[name]}
        yield LayerConfig.model_validate({kind: int(said["size"]), **window})


WORD = re.compile(r"(?P<size>\d+)(?P<kind>[cp]?)(?P<kernel>\d*)(?:/(?P<stride>\d+))?(?:\+(?P<padding>\d+))?")
KNOWS: dict[Kind, tuple[str, ...]] = {"conv": ("kernel", "stride", "padding"), "pool": ("stride",), "dense": ()}


def named(layers: Sequence[LayerConfig]) -> Iterator[tuple[str, LayerConfig]]:
    """Each with the name that a reader gives it: conv1, conv2, pool1, dense1 …, and `scores`."""
    counts = dict.fromkeys(("conv", "pool", "dense"), 0)
    for layer in layers[:-1]:
        counts[layer.kind] += 1
        yield f"{layer.kind}{counts[layer.kind]}", layer
    yield "scores", layers[-1]


def shapes(entering: Shape, layers: Sequence[LayerConfig]) -> tuple[Shape, ...]:
    """Of the sample, and of what each layer emits. Raises ValueError naming the layer that cannot take what comes."""
    found = [entering]
    for name, layer in named(layers):
        try:
            found.append(layer.emitted(found[-1]))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return tuple(found)


def check(entering: Shape, layers: Sequence[LayerConfig]) -> None:
    """Raises ValueError where these are no net of maps."""
    if not entering:
        raise ValueError("shape: height, width and channels of a sample are not given, and layers need them")
    if layers[0].kind != "conv" or layers[-1].kind != "dense":
        raise ValueError(
            f"layers: from {layers[0].kind} to {layers[-1].kind}; the first is a conv, the last a dense one with a "
            "neuron for each class; a net of dense layers alone is said by its widths"
        )
    shapes(entering, layers)
