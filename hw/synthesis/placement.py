"""Placing with one seed after the other, until every clock is met."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .targets import REPORT, Tool

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Clock:
    """What the placer's report says of one: MHz that it takes, and that are asked of it."""

    name: str
    mhz: float
    asked_mhz: float

    @property
    def margin(self) -> float:
        """1 where it takes exactly what is asked, less where it is not met."""
        return self.mhz / self.asked_mhz

    def __str__(self) -> str:
        return f"{self.name} takes {self.mhz:.1f} of {self.asked_mhz:g} MHz"


@dataclass(frozen=True)
class Placement:
    """With one seed.

    said      the placer's words
    tightest  the clock with the least margin
    written   files of the placer, their content by path
    """

    seed: int
    said: str
    tightest: Clock
    written: Mapping[Path, bytes]


def tightest(report: Path) -> Clock:
    found = json.loads(report.read_text())["fmax"].items()
    clocks = (Clock(name.removeprefix("$glbnet$"), mhz["achieved"], mhz["constraint"]) for name, mhz in found)
    return min(clocks, key=lambda clock: clock.margin)


def place(placers: Mapping[int, Tool], folder: Path, call: Callable[[Tool, Tell], str], tell: Tell) -> tuple[int, str]:
    """The first seed with which every clock is met, else the one that comes nearest; and what the placer said then.

    placers   by seed, in the order in which they are tried
    folder    where they write; of all that they wrote, that of the returned seed lies there afterwards
    call      runs one of them, which tells what it is at
    """
    there = set(folder.iterdir())
    best: Placement | None = None

    def heard(what: str) -> None:
        tell(what if best is None else f"seed {best.seed}: {best.tightest}; next seed: {what}")

    for seed, placer in placers.items():
        said = call(placer, heard)
        clock = tightest(folder / REPORT)
        if best is None or clock.margin > best.tightest.margin:
            written = {path: path.read_bytes() for path in set(folder.iterdir()) - there}
            best = Placement(seed, said, clock, written)
        if clock.margin >= 1:
            break
    assert best is not None, "no seed"
    for path, content in best.written.items():
        path.write_bytes(content)
    return best.seed, best.said
