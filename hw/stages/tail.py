"""Scores to a class, of members with their spread: what follows the last layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats, integer_bits, integers
from ..parts import Family
from .passes import PassSum
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


@stage
@dataclass(frozen=True)
class ArgmaxSpread:
    """Index of the largest of `classes` sums, one a beat, the first maximum wins; above it the spread of all.

    score_width, spread_width   of a class
    total_width                 of the spreads of all classes together
    """

    name: str
    classes: int
    score_width: int
    spread_width: int
    total_width: int

    module: ClassVar[str] = "argmax_spread"
    estimated_with: ClassVar[str] = "argmax_spread"
    out_beats: ClassVar[int] = 1

    @property
    def in_width(self) -> int:
        return self.score_width + self.spread_width

    @property
    def in_beats(self) -> int:
        return self.classes

    cycles = in_beats

    @property
    def class_width(self) -> int:
        return counter_bits(self.classes)

    @property
    def out_width(self) -> int:
        return self.total_width + self.class_width

    def parameters(self) -> Parameters:
        widths = {"SPREAD_WIDTH": self.spread_width, "TOTAL_WIDTH": self.total_width}
        return {"CLASSES": self.classes, "SCORE_WIDTH": self.score_width, **widths}

    def memories(self) -> Mapping[str, str]:
        return {}

    def features(self) -> Parameters:
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        classes, score, total = (int(features[key]) for key in ("CLASSES", "SCORE_WIDTH", "TOTAL_WIDTH"))
        return Primitives({"stage": 1, "score bit": score, "class bit": counter_bits(classes), "total bit": total})

    def lanes(self) -> Mapping[str, int]:
        return {}

    def decided(self, beats: Beats) -> NDArray[np.int64]:
        return integers(beats, self.out_width)[:, 0] & ((1 << self.class_width) - 1)

    def spread(self, beats: Beats) -> NDArray[np.int64]:
        """(n,)"""
        return integers(beats, self.out_width)[:, 0] >> self.class_width

    def __call__(self, beats: Beats) -> Beats:
        both = integers(beats, self.in_width).reshape(-1, self.classes)
        winners = (both & ((1 << self.score_width) - 1)).argmax(axis=1)
        total = (both >> self.score_width).sum(axis=1)
        return integer_bits((winners | total << self.class_width)[:, None], self.out_width)


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
