"""What a page of a sweep has to show of every network, as columns: what varies, then what was measured at the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ...hw.costs.search import cell_name
from ...ib_analysis.diagnostics import Verdict
from ..measured import Row
from ..sweep_file import Task

FEW = 6  # different values that an axis names one by one
DECADES = 1.5  # from which on an axis of positive numbers is logarithmic
NONE = "-"
PLAIN, WEAK, SATURATED, REFUSED, NOT_MI = "plain", "WEAK", "saturated", "refused", "not MI"  # from bad to worse


@dataclass(frozen=True)
class Net:
    """A network that was measured: the rows of its last epoch, by layer."""

    task: Task
    layers: Mapping[str, Row]

    @property
    def last(self) -> Row:
        """Of the last layer that emits codes."""
        hidden = [row for layer, row in self.layers.items() if layer != "scores"]
        return hidden[-1] if hidden else self.layers["scores"]

    @property
    def dead(self) -> int | None:
        """Neurons of the hidden layers that never change; None of a float net."""
        counts = [row.get("dead") for layer, row in self.layers.items() if layer not in ("binarize", "scores")]
        return None if not counts or None in counts else sum(count for count in counts if count is not None)


@dataclass(frozen=True)
class Column:
    """One quantity of every network, in order.

    values     None where there is no number to draw
    says       the same as text, with its interval or why there is none
    kinds      PLAIN, or how far a number of bits can be believed
    low, high  ends of the interval, where there is one
    ticks      places on an axis, and what stands there
    named      whether the values only number the ticks
    parallel   whether it is among the parallel axes
    """

    title: str
    values: tuple[float | None, ...]
    says: tuple[str, ...]
    kinds: tuple[str, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]
    named: bool
    log: bool
    parallel: bool


def net(task: Task, rows: Sequence[Row]) -> Net:
    """Of a finished task and what was measured of it."""
    end = max(row["epoch"] for row in rows)
    return Net(task, {row["layer"]: row for row in rows if row["epoch"] == end})


def columns(nets: Sequence[Net]) -> list[Column]:
    """Those that any of the networks has a number in, or a verdict."""
    paths = dict.fromkeys(path for each in nets for path, _ in each.task.varied)
    parts = {part for each in nets if (part := each.last.get("part"))}
    cells = {cell_name(part) for part in parts} or {"LUTs"}
    layers = dict.fromkeys(layer for each in nets for layer in each.layers)
    made = [
        *(_varied(path, nets) for path in paths),
        _of("test set right, %", nets, lambda each: 100 * each.last["test_accuracy"], "{:.2f}"),
        _bits("I(X;T) bits, last layer", nets, lambda each: each.last, "i_xt"),
        _bits("I(T;Y) bits, last layer", nets, lambda each: each.last, "i_ty"),
        _of("by chance, last layer", nets, lambda each: each.last.get("chance_bits"), "{:.3f}", parallel=False),
        _of("p, last layer", nets, lambda each: each.last.get("p_value"), "{:.3f}", parallel=False),
        _of("dead neurons", nets, lambda each: each.dead),
        _of("cycles a frame", nets, lambda each: each.last.get("cycles"), decades=True),
        _of(f"{' or '.join(sorted(cells))}, estimated", nets, lambda each: each.last.get("luts"), decades=True),
        _of("memory blocks, estimated", nets, lambda each: each.last.get("brams"), parallel=False),
        _of("training set right, %", nets, lambda each: 100 * each.last["train_accuracy"], "{:.2f}", parallel=False),
        *(each for layer in layers for each in _of_layer(layer, nets)),
    ]
    return [each for each in made if set(each.says) != {NONE}]


def _of_layer(layer: str, nets: Sequence[Net]) -> Iterator[Column]:
    for name, quantity in (("I(X;T)", "i_xt"), ("I(T;Y)", "i_ty")):
        yield _bits(f"{name} bits, {layer}", nets, lambda each: each.layers.get(layer), quantity, parallel=False)


def _varied(path: str, nets: Sequence[Net]) -> Column:
    given = [dict(each.task.varied).get(path) for each in nets]
    says = tuple(
        NONE if value is None else f"{value:.4g}" if isinstance(value, float) else str(value) for value in given
    )
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in given):
        return _column(path, [None if value is None else float(value) for value in given], says, decades=True)
    names = list(dict.fromkeys(says))
    return _column(path, [float(names.index(text)) for text in says], says, names=names)


def _of(
    title: str,
    nets: Sequence[Net],
    number: Callable[[Net], float | None],
    form: str = "{:,}",
    parallel: bool = True,
    decades: bool = False,
) -> Column:
    found = [number(each) for each in nets]
    says = [NONE if x is None else form.format(x) for x in found]
    return _column(title, found, says, parallel=parallel, decades=decades)


def _bits(
    title: str, nets: Sequence[Net], row_of: Callable[[Net], Row | None], quantity: str, parallel: bool = True
) -> Column:
    rows = [row_of(each) for each in nets]
    kinds = [PLAIN if row is None else _kind(row, quantity) for row in rows]
    shown = [row if kind not in (REFUSED, NOT_MI) else None for row, kind in zip(rows, kinds, strict=True)]
    values, low, high = (
        [None if row is None else row.get(f"{quantity}{end}_bits") for row in shown] for end in ("", "_low", "_high")
    )
    says = [_said(*of, quantity) for of in zip(rows, kinds, strict=True)]
    return _column(title, values, says, kinds, low, high, parallel=parallel)


def _kind(row: Row, quantity: str) -> str:
    verdict = row[f"{quantity}_verdict"]
    if verdict not in set(Verdict):
        return NOT_MI
    if Verdict(verdict).refused:
        return REFUSED
    return SATURATED if row["saturated"] else WEAK if verdict == Verdict.WEAK else PLAIN


def _said(row: Row | None, kind: str, quantity: str) -> str:
    if row is None:
        return NONE
    verdict, (low, high) = row[f"{quantity}_verdict"], (row.get(f"{quantity}_{end}_bits") for end in ("low", "high"))
    if kind in (REFUSED, NOT_MI):
        return f"refused ({verdict})" if kind == REFUSED else verdict
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None and low != high else ""
    return f"{row[f'{quantity}_bits']:.3f}{interval} {verdict}{' (saturated)' * (kind == SATURATED)}"


def _column(
    title: str,
    values: Sequence[float | None],
    says: Sequence[str],
    kinds: Sequence[str] | None = None,
    low: Sequence[float | None] | None = None,
    high: Sequence[float | None] | None = None,
    names: Sequence[str] = (),
    parallel: bool = True,
    decades: bool = False,
) -> Column:
    """The axis is logarithmic where the quantity is one of `decades`, and its values spread over them."""
    nothing: tuple[Any, ...] = (None,) * len(values)
    there = sorted({value for value in values if value is not None})
    log = decades and bool(there) and there[0] > 0 and math.log10(there[-1] / there[0]) > DECADES
    ticks = tuple(enumerate(names)) if names else _ticks(there, log)
    kinds = kinds or (PLAIN,) * len(values)
    ends = tuple(low or nothing), tuple(high or nothing)
    return Column(title, tuple(values), tuple(says), tuple(kinds), *ends, ticks, bool(names), log, parallel)


def _ticks(there: Sequence[float], log: bool) -> tuple[tuple[float, str], ...]:
    """Where there are few different values and none close to another, those; else five places from least to most."""
    scaled = [math.log(value) for value in there] if log else list(there)
    if not there:
        return ()
    first, span = scaled[0], scaled[-1] - scaled[0]
    if len(there) > FEW or any(right - left < span / 12 for left, right in pairwise(scaled)):
        places = [first + span * step / 4 for step in range(5)]
        there = [math.exp(place) for place in places] if log else places
    for digits in range(3, 16):  # as many as tell them apart
        texts = [f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}" for value in there]
        if len(set(texts)) == len(texts):
            break
    return tuple(zip(there, texts, strict=True))
