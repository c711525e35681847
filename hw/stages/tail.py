"""Scores to a class: what follows the last layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats, integer_bits, integers
from ..parts import Family
from .passes import ArgmaxSpread, PassSum
from .primitives import counter_bits
from .stage import LayerStage, Output, Parameters, Primitives, Stage, stage
from .stream import converters


@dataclass(frozen=True)
class _Argmax:
    """Index of the largest of `classes` scores; the first maximum wins."""

    name: str
    classes: int
    score_width: int

    out_beats: ClassVar[int] = 1

    @property
    def out_width(self) -> int:
        return max(1, (self.classes - 1).bit_length())

    def parameters(self) -> Parameters:
        return {"CLASSES": self.classes, "SCORE_WIDTH": self.score_width}

    def memories(self) -> Mapping[str, str]:
        return {}

    def features(self) -> Parameters:
        return self.parameters()

    def lanes(self) -> Mapping[str, int]:
        return {}

    def decided(self, beats: Beats) -> NDArray[np.int64]:
        return integers(beats, self.out_width)[:, 0]

    def __call__(self, beats: Beats) -> Beats:
        winners = integers(beats, self.score_width).reshape(-1, self.classes).argmax(axis=1)
        return integer_bits(winners[:, None], self.out_width)


@stage
class Argmax(_Argmax):
    """One score a beat."""

    module: ClassVar[str] = "argmax"
    estimated_with: ClassVar[str] = "argmax"

    @property
    def in_width(self) -> int:
        return self.score_width

    @property
    def in_beats(self) -> int:
        return self.classes

    cycles = in_beats

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        classes, width = int(features["CLASSES"]), int(features["SCORE_WIDTH"])
        return Primitives({"stage": 1, "score bit": width, "class bit": counter_bits(classes)})


@stage
class ArgmaxTree(_Argmax):
    """All scores in one beat, a frame a cycle; two classes at least."""

    module: ClassVar[str] = "argmax_tree"
    estimated_with: ClassVar[str] = "argmax_tree"
    in_beats: ClassVar[int] = 1
    cycles: ClassVar[int] = 1

    @property
    def in_width(self) -> int:
        return self.classes * self.score_width

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        classes, width = int(features["CLASSES"]), int(features["SCORE_WIDTH"])
        return Primitives({"stage": 1, "match": classes - 1, "match bit": (classes - 1) * width})


DECIDES = (Argmax, ArgmaxTree, ArgmaxSpread)
"""Stages that say a class."""


def tail(last: LayerStage, outputs: int, output: Output) -> Iterator[Stage]:
    """One score a beat, or all in one where they come in fewer cycles than there are classes; then the class.

    So these stages are never slower than the last layer is. A single code is a class already. Sums of members come one
    a beat, each with its spread, and the spread of all classes leaves beside the class.
    """
    if outputs == 1:
        return
    if isinstance(last, PassSum):
        yield from converters(last, last.out_bits, "score")
        if output == "class":
            yield ArgmaxSpread("argmax", outputs, last.sum_bits, last.bits, last.total_bits)
        return
    serial = last.cycles >= outputs
    yield from converters(last, last.out_bits * (1 if serial else outputs), "score")
    if output == "class":
        yield (Argmax if serial else ArgmaxTree)("argmax", outputs, last.out_bits)
