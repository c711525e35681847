"""Whether members are right as often as they say, drawn."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...ib_analysis.reliability import Reliability
from ..members import Members


def members_figure(members: Members) -> Figure:
    """Left: how often classes of a probability are right, of the members together and of one alone. Right: how many
    samples get that probability.
    """
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    right, many = figure.subplots(1, 2)
    right.plot([0, 1], [0, 1], color="#d9dee5", zorder=0)
    _curve(right, members.alone[0], "#c2571a", "one member alone")
    _curve(right, members.together, "#2c5d9b", f"{len(members.alone)} together")
    right.set_xlabel("probability of the class")
    right.set_ylabel("share that is right")
    right.legend(frameon=False, fontsize="small")
    bins = members.together.bins
    many.vlines([each.confidence for each in bins], 0.5, [each.samples for each in bins], color="#2c5d9b", linewidth=6)
    many.set_yscale("log")
    many.set_xlim(0, 1.02)
    many.set_xlabel("probability of the class")
    many.set_ylabel("samples")
    return figure


def _curve(axes: Axes, of: Reliability, colour: str, name: str) -> None:
    axes.plot(
        [each.confidence for each in of.bins], [each.accuracy for each in of.bins], "o-", color=colour, label=name
    )
