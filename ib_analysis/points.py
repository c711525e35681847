"""The points of an information plane: a layer at an epoch as two Estimates; and all of them as a table to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from .brackets import Bracket
from .diagnostics import SATURATED_DATASET, Verdict
from .entropy import chao_wang_jost, plug_in
from .information import Estimate

NSB_GAP = "(NSB +0.000): how much more a second estimator says; a gap of more than .1 bit leaves the number in doubt."


CHANCE = (
    "By chance: what I(T;Y) would be on average, had the labels been dealt at random to these codes. Not subtracted."
)


BRACKET = (
    "19.9 … 29.6: too few samples for a number, and two ends that the population's lies between. I(X;T), below: the "
    "least entropy that would show such counts, or coincidences; above: what held-out codes cost in bits under a model "
    "of the others. I(T;Y), below: a probe; above: H(Y)."
)


HEAD = (
    "layer",
    "width",
    "codes seen",
    "I(X;T) bits",
    "verdict",
    "I(T;Y) bits",
    "verdict",
    "by chance",
    "coverage T",
    "T,Y",
)


class PlaneError(ValueError):
    """Codes, labels or points that make no information plane together."""


@dataclass(frozen=True)
class Known:
    """One of a point's two numbers as far as it is known: the estimate; where that is refused, the ends of its bracket.

    A picture's mark stands at `place`; a bar shows its `ends`.
    """

    estimate: Estimate
    bracket: Bracket | None

    @property
    def bracketed(self) -> bool:
        """There is no number, but a bracket."""
        return self.estimate.verdict.refused and self.bracket is not None

    @property
    def place(self) -> float | None:
        """Bits: the number, or the lower end of its bracket. None where nothing is known."""
        if self.bracket is not None and self.estimate.verdict.refused:
            return self.bracket.low_bits
        return None if self.estimate.verdict.refused else self.estimate.bits

    @property
    def ends(self) -> tuple[float, float] | None:
        """Bits: of the interval, or of the bracket. None where there is neither, or where both are one."""
        if self.bracket is not None and self.estimate.verdict.refused:
            return self.bracket.low_bits, self.bracket.high_bits
        low, high = self.estimate.low, self.estimate.high
        return None if self.estimate.verdict.refused or low is None or high is None or low == high else (low, high)

    @property
    def saturated(self) -> bool:
        """The place says how many samples there are, and nothing of the network."""
        return self.estimate.saturated and not self.bracketed

    def __str__(self) -> str:
        """The number; where it is refused its bracket, and beside a WEAK one both."""
        if self.bracket is None:
            return str(self.estimate)
        return str(self.bracket) if self.estimate.verdict.refused else f"{self.estimate}, {self.bracket}"


@dataclass(frozen=True)
class PlanePoint:
    """One layer at one epoch.

    width         bits of the layer's codes
    h_y_bits      H(Y), the most that I(T;Y) can be
    chance_bits   what counting would give for I(T;Y), on average, had the labels been dealt at random to these codes;
                  None where it was not asked for. Never subtracted: `nulls` says why.
    *_bracket     ends of the population's number, where the Estimate is of a population and not solid and they were
                  asked for; None elsewhere, and in files written before there were any
    """

    layer: Annotated[str, Field(min_length=1)]
    epoch: Annotated[int, Field(ge=0)]
    i_xt: Estimate
    i_ty: Estimate
    width: Annotated[int, Field(ge=1)]
    h_y_bits: Annotated[FiniteFloat, Field(ge=0)]
    chance_bits: FiniteFloat | None = None
    xt_bracket: Bracket | None = None
    ty_bracket: Bracket | None = None

    @property
    def xt(self) -> Known:
        return Known(self.i_xt, self.xt_bracket)

    @property
    def ty(self) -> Known:
        return Known(self.i_ty, self.ty_bracket)

    @property
    def ceiling_bits(self) -> float:
        """min(width, log2 N): the most that I(X;T) can be in these samples."""
        return min(float(self.width), math.log2(self.i_xt.samples))


def last_epoch(points: Sequence[PlanePoint]) -> int:
    """The largest epoch. Raises PlaneError where there is no point."""
    if not points:
        raise PlaneError("no points: the information plane is empty")
    return max(point.epoch for point in points)


def summary(points: Sequence[PlanePoint], epoch: int | None = None) -> str:
    """The layers at one epoch, the last unless told, as a table in plain text, with what its verdicts mean below."""
    epoch = last_epoch(points) if epoch is None else epoch
    chosen = [point for point in points if point.epoch == epoch]
    if not chosen:
        epochs = sorted({point.epoch for point in points})
        raise PlaneError(f"no point at epoch {epoch}; choose one of {epochs}")
    table = aligned([HEAD, *map(cells, chosen)], left=(0, 3, 4, 5, 6))
    return "\n".join([caption(chosen, f"Epoch {epoch}."), "", *table, "", *legend(chosen)])


def aligned(lines: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Cells as lines of equal columns, those of `left` flush left."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def caption(points: Sequence[PlanePoint], opening: str = "") -> str:
    """What every table and picture of these points has to state: target, N, estimator."""
    if not points:
        raise PlaneError("no points: the information plane is empty")
    first = points[0]
    names = {plug_in.__name__: "plug-in", chao_wang_jost.__name__: "Chao-Wang-Jost"}
    estimator = names.get(first.i_xt.estimator, first.i_xt.estimator)
    exact = ", exact" if first.i_xt.target != "population" else ""
    counted = f"Target: {first.i_xt.target}. N = {first.i_xt.samples:,}. Estimator: {estimator}{exact}."
    return f"{opening} {counted} H(Y) = {first.h_y_bits:.3f} bits.".strip()


def legend(points: Sequence[PlanePoint]) -> list[str]:
    """One line for each verdict that occurs: what it means."""
    estimates = [estimate for point in points for estimate in (point.i_xt, point.i_ty)]
    verdicts = {estimate.verdict for estimate in estimates}
    lines = [f"{verdict}: {verdict.explanation}" for verdict in Verdict if verdict in verdicts]
    if any(point.chance_bits is not None for point in points):
        lines.append(CHANCE)
    if any(estimate.saturated and not estimate.verdict.refused for estimate in estimates):
        lines.append(SATURATED_DATASET)
    if any(estimate.nsb_gap_bits is not None for estimate in estimates):
        lines.append(NSB_GAP)
    if any(point.xt_bracket or point.ty_bracket for point in points):
        lines.append(BRACKET)
    return lines


def row_of(point: PlanePoint) -> dict[str, Any]:
    """Names and plain numbers of one point, for a table of any kind. None: bits and interval of a refused number, and
    an interval that would not cover what it promises; the ends of a bracket, and how each was had, where there is none.
    """
    row: dict[str, Any] = {"epoch": point.epoch, "layer": point.layer, "width": point.width}
    for name, known in (("i_xt", point.xt), ("i_ty", point.ty)):
        estimate, bracket = known.estimate, known.bracket
        refused = estimate.verdict.refused
        row[f"{name}_bits"] = None if refused else estimate.bits
        row[f"{name}_low_bits"] = None if refused else estimate.low
        row[f"{name}_high_bits"] = None if refused else estimate.high
        row[f"{name}_verdict"] = str(estimate.verdict)
        row[f"{name}_coverage"] = estimate.coverage
        row[f"{name}_at_least_bits"] = bracket.low_bits if bracket else None
        row[f"{name}_at_most_bits"] = bracket.high_bits if bracket else None
        row[f"{name}_at_least_by"] = bracket.low_method if bracket else None
        row[f"{name}_at_most_by"] = bracket.high_method if bracket else None
    row |= {"saturated": point.i_xt.saturated, "codes_seen": point.i_xt.symbols, "h_y_bits": point.h_y_bits}
    row |= {"chance_bits": point.chance_bits, "target": point.i_xt.target, "samples": point.i_xt.samples}
    return row | {"estimator": point.i_xt.estimator}


def cells(point: PlanePoint) -> tuple[str, ...]:
    """One line of the table: see HEAD."""
    xt, ty = point.i_xt, point.i_ty
    return (
        point.layer,
        str(point.width),
        f"{xt.symbols:,}",
        str(point.xt),
        xt.standing,
        str(point.ty),
        ty.standing,
        "-" if point.chance_bits is None else f"{point.chance_bits:.3f}",
        f"{xt.coverage:.3f}",
        f"{ty.coverage:.3f}",
    )
