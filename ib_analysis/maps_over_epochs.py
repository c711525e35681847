"""What the codes at the positions of feature maps know, epoch by epoch: a plane of maps over a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from .map_information import Pooled

HEAD = ("epoch", "layer", "codes seen", "I(patch;T) bits", "verdict", "I(T;Y) bits", "verdict")


@dataclass(frozen=True)
class MapPoint:
    """One layer's map at one epoch, all positions taken together, for the run's target."""

    layer: Annotated[str, Field(min_length=1)]
    epoch: Annotated[int, Field(ge=0)]
    given: Pooled


def cells(point: MapPoint) -> tuple[str, ...]:
    """One row below HEAD; a refused number is none."""
    xt, ty = point.given.i_xt, point.given.i_ty
    return (
        str(point.epoch),
        point.layer,
        f"{xt.symbols:,}",
        "-" if xt.verdict.refused else str(xt),
        xt.standing,
        "-" if ty is None or ty.verdict.refused else str(ty),
        "no labels" if ty is None else ty.standing,
    )


def rows(points: Sequence[MapPoint]) -> list[tuple[str, ...]]:
    """Layer by layer, each from the untrained net on."""
    order = list(dict.fromkeys(point.layer for point in points))
    return [cells(point) for point in sorted(points, key=lambda point: (order.index(point.layer), point.epoch))]
