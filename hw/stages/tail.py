"""Scores to a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..packing import Beats, integer_bits, integers


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

    def parameters(self) -> Mapping[str, int | str]:
        return {"CLASSES": self.classes, "SCORE_WIDTH": self.score_width}

    def memories(self) -> Mapping[str, str]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        winners = integers(beats, self.score_width).reshape(-1, self.classes).argmax(axis=1)
        return integer_bits(winners[:, None], self.out_width)


class Argmax(_Argmax):
    """One score a beat."""

    module: ClassVar[str] = "argmax"

    @property
    def in_width(self) -> int:
        return self.score_width

    @property
    def in_beats(self) -> int:
        return self.classes

    cycles = in_beats


class ArgmaxTree(_Argmax):
    """All scores in one beat, a frame a cycle; two classes at least."""

    module: ClassVar[str] = "argmax_tree"
    in_beats: ClassVar[int] = 1
    cycles: ClassVar[int] = 1

    @property
    def in_width(self) -> int:
        return self.classes * self.score_width
