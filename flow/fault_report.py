"""faults.json: what was found of a design's faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, FiniteFloat

from ..hw.faults import Part
from ..hw.synthesis.bitstream import Digest, design_digest
from .files import read_record
from .folder import RunFolder, is_there

Share = Annotated[FiniteFloat, Field(ge=-1, le=1)]


@dataclass(frozen=True)
class OfMemory:
    """Single flips of one layer's weights or thresholds.

    bits        stored
    mean, most  share of the samples that one flip costs, over all of them
    harmless    share of the bits that cost nothing
    h_t, i_ty   bits of the layer's own codes over these samples, as they are
    h_t_lost    of them what one flip costs, the mean of `counted`
    """

    layer: str
    part: Part
    bits: int
    mean: Share
    most: Share
    harmless: Share
    counted: int = 0
    h_t: FiniteFloat | None = None
    i_ty: FiniteFloat | None = None
    h_t_lost: FiniteFloat | None = None
    i_ty_lost: FiniteFloat | None = None


@dataclass(frozen=True)
class Costly:
    """One fault, in words, and the share of the samples that it costs."""

    what: str
    loss: Share


@dataclass(frozen=True)
class AtOnce:
    """Share of the samples that are right after so many flips at random places: median, 5th and 95th of 100."""

    flips: int
    median: Share
    low: Share
    high: Share


@dataclass(frozen=True)
class Guard:
    """The columns of memories that cost most, each stored three times behind a vote.

    removed   of what a flip at a random place costs
    luts      more of them, or blocks, estimated
    """

    columns: int
    of: int
    removed: Share
    luts: int
    blocks: int


@dataclass(frozen=True)
class FaultReport:
    """faults.json.

    single      flips that were tried, every bit that is stored; `seconds` for them
    worst       of all single flips; `stuck`, of all wires
    parity      LUTs and blocks for a bit of parity for every word: it tells of a flip and mends none
    replayed    flips that went through the RTL, over all samples
    """

    design: Digest
    samples: Annotated[int, Field(ge=1)]
    accuracy: Share
    target: str
    single: int
    seconds: Annotated[FiniteFloat, Field(ge=0)] = field(compare=False)
    memories: tuple[OfMemory, ...]
    worst: tuple[Costly, ...]
    wires: int
    stuck: tuple[Costly, ...]
    at_once: tuple[AtOnce, ...]
    guards: tuple[Guard, ...]
    parity: tuple[int, int]
    replayed: int
    differences: tuple[str, ...]


def faults_of(folder: RunFolder, files: Mapping[str, str]) -> FaultReport | None:
    """What was found of the design of these files; None where nothing was."""
    if not is_there(folder.faults):
        return None
    report = read_record(folder.faults, FaultReport)
    return report if report.design == design_digest(files) else None
