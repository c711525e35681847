"""What faults cost, drawn: one flip by memory, and many at once."""

from __future__ import annotations

from matplotlib.figure import Figure

from ..fault_report import FaultReport


def faults_figure(report: FaultReport) -> Figure:
    """Left: how many of the samples one flip costs, its mean and at most. Right: what is right after several."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    one, many = figure.subplots(1, 2)
    names = [f"{row.layer}, {row.part}" for row in report.memories]
    places = range(len(names))
    one.barh(places, [100 * max(row.mean, 0) for row in report.memories], color="#2c5d9b", label="mean of all")
    one.plot(
        [100 * row.most for row in report.memories], places, "|", color="#c2571a", markersize=14, label="the worst"
    )
    one.set_yticks(places, names)
    one.invert_yaxis()
    one.set_xscale("log")
    one.set_xlabel("of the samples lost by one flip, %")
    one.legend(frameon=False, fontsize="small")
    flips = [row.flips for row in report.at_once]
    many.axhline(100 * report.accuracy, color="#d9dee5", zorder=0)
    many.fill_between(
        flips,
        [100 * row.low for row in report.at_once],
        [100 * row.high for row in report.at_once],
        color="#2c5d9b",
        alpha=0.2,
        linewidth=0,
    )
    many.plot(flips, [100 * row.median for row in report.at_once], "o-", color="#2c5d9b")
    many.set_xscale("log")
    many.set_xlabel("bits flipped at once, at random places")
    many.set_ylabel("right, %")
    return figure
