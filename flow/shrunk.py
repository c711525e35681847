"""What a shrinking has found: every net with what it costs and what it reached, and a row for each kind of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Annotated, Literal, get_args

from pydantic import Field, FiniteFloat

from ..hw.synthesis.bitstream import Digest
from .shrink_ladder import Hidden, Rung

How = Literal["information", "gains", "random", "scratch"]
SURVIVING: tuple[How, ...] = get_args(How)[:-1]  # ways that choose among neurons of a trained net


@dataclass(frozen=True)
class Point:
    """What one net reached.

    how       its neurons were chosen; "scratch" has none of another net's
    of        sha256 of the checkpoint that its neurons are from, and `checkpoint` of its own
    epochs    of training in all, those of the net that its neurons are from included
    before    share of the test set right before it was trained on
    i_ty_low_bits   of the last hidden layer over the samples that are analysed: a probe's bound, and its standard error
    """

    hidden: Hidden
    how: How
    seed: int
    of: Digest | None
    checkpoint: Digest
    target: str
    epochs: int
    before: Annotated[float, Field(ge=0, le=1)] | None
    accuracy: Annotated[float, Field(ge=0, le=1)]
    i_ty_low_bits: FiniteFloat
    standard_error_bits: FiniteFloat

    @property
    def name(self) -> str:
        """Of its run, in the folder of the shrinking."""
        return net_name(self.hidden, self.how, self.seed)


def net_name(hidden: Hidden, how: How, seed: int) -> str:
    return f"{'-'.join(map(str, hidden))}-{how}-seed{seed}"


@dataclass(frozen=True)
class Shrunk:
    """whole    the rung of the run itself; None where no folding of it is fast enough
    trained  test accuracies of the run and of the same nets of other seeds, after so many epochs
    rungs    narrower widths that were reached, and for each the even ones of the nearest cost
    points   every net, the whole widths trained anew for as long as the others among them
    synthesised   cells that synthesis counted, of the first seed, by widths and how; where it was asked
    chosen   the narrowest rung that was reached: that of the budget, or the last whose mean is not below the floor
    """

    name: str
    target: str
    cycles: int
    whole: Rung | None
    trained: tuple[float, ...]
    epochs: int
    rungs: tuple[tuple[Rung, Rung | None], ...]
    points: tuple[Point, ...]
    chosen: Rung | None
    synthesised: Mapping[tuple[Hidden, How], int]

    def of(self, hidden: Hidden, how: How) -> list[Point]:
        """Over seeds."""
        return [point for point in self.points if (point.hidden, point.how) == (hidden, how)]

    def rows(self) -> Iterator[Row]:
        """The run first, then rung by rung from the widest, its survivors before what was trained anew."""
        if self.whole is not None:
            yield _row("the run", self.whole, self.trained, (), (), None, self.epochs, None)
            yield from self._row("trained anew", self.whole, "scratch")
        for rung, even in self.rungs:
            for how in SURVIVING:
                yield from self._row(how, rung, how)
            yield from self._row("trained anew", rung, "scratch")
            if even is not None and even.hidden != rung.hidden:
                yield from self._row("trained anew, even widths", even, "scratch")

    def _row(self, what: str, rung: Rung, how: How) -> Iterator[Row]:
        if points := self.of(rung.hidden, how):
            before = [point.before for point in points if point.before is not None]
            accuracies, bits = [point.accuracy for point in points], [point.i_ty_low_bits for point in points]
            yield _row(
                what,
                rung,
                accuracies,
                bits,
                before,
                self.whole,
                points[0].epochs,
                self.synthesised.get((rung.hidden, how)),
            )


@dataclass(frozen=True)
class Row:
    """One kind of net over its seeds.

    what     how it was made
    saved    share of the cells of the whole net that it does not take; None of that net
    before   mean share of the test set right before training on
    accuracy, low, high   its mean, least and greatest after it
    i_ty_low_bits         mean of the probes' bounds
    """

    what: str
    hidden: Hidden
    cells: int
    brams: int
    cycles: int
    saved: float | None
    seeds: int
    epochs: int
    before: float | None
    accuracy: float
    low: float
    high: float
    i_ty_low_bits: float | None
    synthesised: int | None


def _row(
    what: str,
    rung: Rung,
    accuracies: Sequence[float],
    bits: Sequence[float],
    before: Sequence[float],
    whole: Rung | None,
    epochs: int,
    synthesised: int | None,
) -> Row:
    return Row(
        what,
        rung.hidden,
        rung.cost.cells,
        rung.cost.brams,
        rung.cost.cycles,
        None if whole in (None, rung) else 1 - rung.cost.cells / whole.cost.cells,  # type: ignore[union-attr]
        len(accuracies),
        epochs,
        mean(before) if before else None,
        mean(accuracies),
        min(accuracies),
        max(accuracies),
        mean(bits) if bits else None,
        synthesised,
    )
