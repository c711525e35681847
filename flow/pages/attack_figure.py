"""How many samples stay right when their bits are flipped, drawn."""

from __future__ import annotations

from matplotlib.figure import Figure

from ..attack_report import AttackReport

COLOURS = ("#7a8694", "#8fb3d9", "#2c5d9b", "#e3a57f", "#c2571a")


def attack_figure(report: AttackReport) -> Figure:
    """Share right over flips, a line for each way to choose them, with intervals of 95 %."""
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for curve, colour in zip(report.curves, COLOURS, strict=True):
        ends = [report.interval(right) for right in curve.right]
        axes.fill_between(
            curve.flips,
            [100 * low for low, _ in ends],
            [100 * high for _, high in ends],
            color=colour,
            alpha=0.15,
            lw=0,
        )
        share = [100 * right / report.samples for right in curve.right]
        axes.plot(curve.flips, share, "o-", color=colour, markersize=4, label=curve.by)
    axes.set_xscale("symlog", base=2, linthresh=1)
    axes.set_xticks(report.curves[0].flips, [f"{flips:,}" for flips in report.curves[0].flips])
    axes.set_ylim(0, 100)
    axes.set_xlabel("input bits flipped")
    axes.set_ylabel("right, %")
    axes.legend(frameon=False, fontsize="small", loc="lower left")
    return figure
