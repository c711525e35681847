"""attack.json: how a run's net stands up to flipped input bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, FiniteFloat

from ..hw.synthesis.bitstream import Digest, design_digest
from .files import read_record
from .folder import RunFolder, is_there

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Curve:
    """right   of the samples, after so many `flips` each; the first without any"""

    by: str
    flips: tuple[Count, ...]
    right: tuple[Count, ...]


@dataclass(frozen=True)
class AttackReport:
    """attack.json.

    samples    the first of the run's
    bits       that may be flipped, of those that enter the first weights
    slope      of the exact attack's gradient; `candidates`, bits that it tries at each step
    summed     the same net with its first layer drawn `draws` times and scores summed, a `share` of its weights flipped
    broken     samples that the exact attack turned, and the median of flips that it took
    witness    of them one that took fewest: number, its class, the class then, its bits that were flipped
    replayed   attacked samples that went through the RTL
    """

    design: Digest
    samples: Annotated[int, Field(ge=1)]
    bits: Count
    slope: Annotated[FiniteFloat, Field(gt=0)]
    candidates: Annotated[int, Field(ge=1)]
    curves: tuple[Curve, ...]
    summed: tuple[Curve, ...]
    share: Share
    draws: Annotated[int, Field(ge=1)]
    broken: Count
    median: FiniteFloat | None
    witness: tuple[Count, Count, Count, tuple[Count, ...]] | None
    replayed: Count
    differences: tuple[str, ...]

    def interval(self, right: int) -> tuple[float, float]:
        """Between which a share lies of which so many samples were drawn, at 95 %. Source: Wilson 1927."""
        n, z = self.samples, 1.959964
        p, wide = right / n, z * z / n
        half = z * math.sqrt(p * (1 - p) / n + wide / (4 * n))
        return (p + wide / 2 - half) / (1 + wide), (p + wide / 2 + half) / (1 + wide)


def attack_of(folder: RunFolder, files: Mapping[str, str]) -> AttackReport | None:
    """What was found of the design of these files; None where nothing was."""
    if not is_there(folder.attack):
        return None
    report = read_record(folder.attack, AttackReport)
    return report if report.design == design_digest(files) else None
