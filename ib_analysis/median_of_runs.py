"""Several runs of one shape, seeds for the most part, as one: the median, and from the lowest to the highest run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from .brackets import Bracket
from .diagnostics import Verdict
from .information import Estimate
from .points import PlaneError, PlanePoint

WEAKEST_FIRST = tuple(reversed(Verdict))


@dataclass(frozen=True)
class Spread:
    """A number for each epoch, over runs."""

    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def spread(rows: Sequence[Sequence[float]]) -> Spread:
    """rows   one for each run, all of one length; PlaneError where they are not"""
    if len(lengths := {len(row) for row in rows}) > 1:
        raise PlaneError(f"runs of {sorted(lengths)} numbers; a spread needs as many of each")
    columns = list(zip(*rows, strict=True))
    return Spread(tuple(map(median, columns)), tuple(map(min, columns)), tuple(map(max, columns)))


def across_runs(runs: Sequence[Sequence[PlanePoint]]) -> tuple[PlanePoint, ...]:
    """The points of the first run, each with the runs' median as its number, their range as its interval, and the
    weakest of their verdicts: what one run refuses is refused, what is saturated in one is saturated. Brackets become
    one around all of them.

    One run is returned as it is. Raises PlaneError where runs differ in layers, widths, epochs, target or samples.
    """
    if not runs or not all(runs):
        raise PlaneError("no points: the information plane is empty")
    if len(runs) == 1:
        return tuple(runs[0])
    shapes = [{(point.layer, point.epoch): _conditions(point) for point in run} for run in runs]
    for number, shape in enumerate(shapes[1:], 2):
        if shape != shapes[0]:
            raise PlaneError(
                f"run {number} differs from run 1 in {_difference(shapes[0], shape)}; a median needs the same"
            )
    by_place = [{(point.layer, point.epoch): point for point in run} for run in runs]
    return tuple(
        replace(
            point,
            i_xt=_across([run[point.layer, point.epoch].i_xt for run in by_place]),
            i_ty=_across([run[point.layer, point.epoch].i_ty for run in by_place]),
            h_y_bits=median(run[point.layer, point.epoch].h_y_bits for run in by_place),
            xt_bracket=_around([run[point.layer, point.epoch].xt_bracket for run in by_place]),
            ty_bracket=_around([run[point.layer, point.epoch].ty_bracket for run in by_place]),
        )
        for point in runs[0]
    )


def _across(estimates: Sequence[Estimate]) -> Estimate:
    weakest = min(estimates, key=lambda one: WEAKEST_FIRST.index(one.verdict))
    numbers = [one.bits for one in estimates]
    saturated = any(one.saturated for one in estimates)
    middle = replace(weakest, bits=median(numbers), low=min(numbers), high=max(numbers), saturated=saturated)
    return replace(middle, nsb_gap_bits=None)  # of one run, not of the median


def _around(brackets: Sequence[Bracket | None]) -> Bracket | None:
    """From the lowest lower end to the highest upper one; None where a run has no bracket."""
    each = [bracket for bracket in brackets if bracket is not None]
    if len(each) < len(brackets):
        return None
    low, high = min(each, key=lambda one: one.low_bits), max(each, key=lambda one: one.high_bits)
    return replace(
        low,
        high_bits=high.high_bits,
        high_method=high.high_method,
        high_standard_error=high.high_standard_error,
    )


def _conditions(point: PlanePoint) -> tuple[int, str, int, str]:
    return point.width, point.i_xt.target, point.i_xt.samples, point.i_xt.estimator


def _difference(one: dict, other: dict) -> str:
    layers = [list(dict.fromkeys(layer for layer, _ in shape)) for shape in (one, other)]
    if layers[0] != layers[1]:
        return f"its layers: {', '.join(layers[1])} against {', '.join(layers[0])}"
    epochs = [sorted({epoch for _, epoch in shape}) for shape in (one, other)]
    if epochs[0] != epochs[1]:
        return f"its epochs: {len(epochs[1])} to {epochs[1][-1]} against {len(epochs[0])} to {epochs[0][-1]}"
    place = next(place for place in one if one[place] != other.get(place))
    names = ("width", "target", "N", "estimator")
    for name, a, b in zip(names, other.get(place, (None,) * 4), one[place], strict=True):
        if a != b:
            return f"the {name} of {place[0]}, epoch {place[1]}: {a} against {b}"
    return f"{place[0]}, epoch {place[1]}"
