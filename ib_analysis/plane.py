"""The information plane: every layer at every epoch as two Estimates, and as a table to read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from numpy.typing import ArrayLike
from pydantic import Field, FiniteFloat

from .codes import Codes
from .diagnostics import SATURATED_DATASET, Target, Verdict
from .entropy import chao_wang_jost, plug_in
from .information import ESTIMATORS, Estimate, i_ty, i_xt
from .symbols import Symbols, label_symbols, symbols

NSB_GAP = "(NSB +0.000): how much more a second estimator says; a gap of more than .1 bit leaves the number in doubt."
LayerCodes: TypeAlias = Mapping[str, Codes]


CHANCE = (
    "By chance: what I(T;Y) would be on average, had the labels been dealt at random to these codes. Not subtracted."
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
class PlanePoint:
    """One layer at one epoch.

    width         bits of the layer's codes
    h_y_bits      H(Y), the most that I(T;Y) can be
    chance_bits   what counting would give for I(T;Y), on average, had the labels been dealt at random to these codes;
                  None where it was not asked for. Never subtracted: `nulls` says why.
    """

    layer: Annotated[str, Field(min_length=1)]
    epoch: Annotated[int, Field(ge=0)]
    i_xt: Estimate
    i_ty: Estimate
    width: Annotated[int, Field(ge=1)]
    h_y_bits: Annotated[FiniteFloat, Field(ge=0)]
    chance_bits: FiniteFloat | None = None

    @property
    def ceiling_bits(self) -> float:
        """min(width, log2 N): the most that I(X;T) can be in these samples."""
        return min(float(self.width), math.log2(self.i_xt.samples))


def plane(
    codes: Mapping[int, LayerCodes] | Iterable[tuple[int, LayerCodes]],
    labels: ArrayLike,
    target: Target,
    chance: bool = False,
) -> tuple[PlanePoint, ...]:
    """Every layer at every epoch, in the order given.

    codes    codes by layer for each epoch, or (epoch, codes by layer) one after the other, so that a run larger than
             memory can be streamed; layers from input to output
    labels   (n,) integers, the same samples in the same order
    chance   compute `chance_bits`, too: some milliseconds a point

    Raises PlaneError where a layer has other samples than the labels.
    """
    y = label_symbols(labels)
    if target not in ESTIMATORS:
        raise PlaneError(f"target {target!r}; choose one of {list(ESTIMATORS)}")
    if not y.samples:
        raise PlaneError("an information plane needs at least one labelled sample, got 0")
    h_y_bits = ESTIMATORS[target](y.counts)
    points = []
    for epoch, layers in codes.items() if isinstance(codes, Mapping) else codes:
        for layer, code in layers.items():
            if len(code) != y.samples:
                raise PlaneError(
                    f"{layer}, epoch {epoch}: {len(code)} codes against {y.samples} labels; both need the same samples"
                )
            t = symbols(code)
            floor = _chance_bits(t, y) if chance else None
            both = i_xt(t, code.width, target), i_ty(t, y, code.width, target)
            points.append(PlanePoint(layer, epoch, *both, code.width, h_y_bits, floor))
    return tuple(points)


def _chance_bits(t: Symbols, y: Symbols) -> float | None:
    from .nulls import NullError, null_mean_bits  # scikit-learn: half a second that only who asks should wait for

    try:
        return null_mean_bits(t, y)
    except NullError:
        return None


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
    table = aligned([HEAD, *map(_cells, chosen)], left=(0, 3, 4, 5, 6))
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
    return lines


def _cells(point: PlanePoint) -> tuple[str, ...]:
    xt, ty = point.i_xt, point.i_ty
    return (
        point.layer,
        str(point.width),
        f"{xt.symbols:,}",
        str(xt),
        xt.standing,
        str(ty),
        ty.standing,
        "-" if point.chance_bits is None else f"{point.chance_bits:.3f}",
        f"{xt.coverage:.3f}",
        f"{ty.coverage:.3f}",
    )
