"""Accuracy over cells, and the front: nets that nothing cheaper beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Placed(Protocol):
    """A net, or a kind of them, over its seeds: how it came about, cells, and its accuracy with least and greatest."""

    @property
    def what(self) -> str: ...
    @property
    def cells(self) -> int: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


P = TypeVar("P", bound=Placed)


def front(rows: Sequence[P]) -> list[P]:
    """Those that no other equals or beats in both cells and mean accuracy; ascending in cells."""
    best: list[P] = []
    for row in sorted(rows, key=lambda row: (row.cells, -row.accuracy)):
        if not best or row.accuracy > best[-1].accuracy:
            best.append(row)
    return best


def draw(ax: Axes, rows: Sequence[Placed], marks: Mapping[str, tuple[str, str]]) -> Axes:
    """Each with its ends, and the front as a line. marks: mark and colour by `what`."""
    best = front(rows)
    ax.plot([row.cells for row in best], [100 * row.accuracy for row in best], color="#d9dee5", zorder=0)
    for what, (mark, colour) in marks.items():
        if mine := [row for row in rows if row.what == what]:
            ends = [[100 * (row.accuracy - row.low) for row in mine], [100 * (row.high - row.accuracy) for row in mine]]
            x, y = [row.cells for row in mine], [100 * row.accuracy for row in mine]
            ax.errorbar(x, y, ends, fmt=mark, color=colour, label=what, capsize=2, linewidth=1)
    ax.set_ylabel("test set right, %")
    ax.legend(frameon=False, fontsize="small")
    return ax
