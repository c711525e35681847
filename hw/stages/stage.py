"""What every stage answers, and the error of one that cannot be built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from ..packing import Beats


class FoldingError(ValueError):
    """A folding or stream width that the hardware cannot have."""


RomStyle = Literal["auto", "block", "distributed"]


class Stage(Protocol):
    @property
    def name(self) -> str: ...  # of the instance; the layer's name where the stage is a layer
    @property
    def module(self) -> str: ...
    @property
    def in_width(self) -> int: ...  # bits of a beat
    @property
    def out_width(self) -> int: ...
    @property
    def in_beats(self) -> int: ...  # per frame
    @property
    def out_beats(self) -> int: ...
    @property
    def cycles(self) -> int: ...  # per frame, back to back, no stalls
    def parameters(self) -> Mapping[str, int | str]: ...
    def memories(self) -> Mapping[str, str]: ...  # file name -> text
    def __call__(self, beats: Beats) -> Beats: ...


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def check_divides(name: str, what: str, value: int, total: int, of: str) -> None:
    if value < 1 or total % value:
        raise FoldingError(f"{name}: {what}={value} does not divide {total} {of}; choose one of {divisors(total)}")
