"""Many kinds of net side by side: an information plane and I(X;T) over the epochs for each, averaged over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..dynamics import Trajectory
from .marks_and_colours import colour, epoch_colours, marker

Seeds: TypeAlias = Sequence[Sequence[Trajectory]]  # by seed, then by layer from input to output
COLUMNS = 3


def mean_planes(kinds: Sequence[tuple[str, Seeds]]) -> Figure:
    """A panel pair for each kind of net, on equal axes; colour is the epoch, as in `plots.information_plane`.

    Bands are the smallest and the largest of the seeds.
    """
    rows = -(-len(kinds) // COLUMNS)
    figure = Figure(figsize=(10.5, 4.4 * rows), layout="constrained")
    grid = figure.subplots(2 * rows, COLUMNS, squeeze=False, height_ratios=[3, 2] * rows)
    everything = [trajectory for _, seeds in kinds for layers in seeds for trajectory in layers]
    last = max(int(trajectory.epochs[-1]) for trajectory in everything)
    right, top = max(t.i_xt.max() for t in everything), max(t.i_ty.max() for t in everything)
    for index in range(rows * COLUMNS):
        plane, series = grid[2 * (index // COLUMNS), index % COLUMNS], grid[2 * (index // COLUMNS) + 1, index % COLUMNS]
        if index >= len(kinds):
            plane.set_axis_off(), series.set_axis_off()
            continue
        name, seeds = kinds[index]
        plane.set_title(name, fontsize=10)
        mean_plane(plane, seeds, last)
        plane.set_xlim(-0.03 * right, 1.05 * right)
        plane.set_ylim(-0.04 * top, 1.08 * top)
        mean_series(series, seeds, last)
        series.set_ylim(-0.03 * right, 1.08 * right)
    bar = figure.colorbar(
        ScalarMappable(epoch_scale(last), epoch_colours()), ax=list(grid[:, -1]), label="epoch", shrink=0.5
    )
    bar.ax.minorticks_off()
    most = max((seeds[0] for _, seeds in kinds), key=len)
    keys = [
        Line2D([], [], marker=marker(i), color=colour(i), markersize=5, linewidth=1, label=t.layer)
        for i, t in enumerate(most)
    ]
    figure.legend(handles=keys, loc="outside upper center", ncols=len(keys), fontsize=8, frameon=False)
    return figure


def epoch_scale(last: int) -> SymLogNorm:
    """Epoch to colour."""
    return SymLogNorm(linthresh=1, vmin=0, vmax=max(1, last), base=10)


def mean_plane(axes: Axes, seeds: Seeds, last: int) -> Axes:
    """I(T;Y) over I(X;T), each the mean of the seeds; `last` is the epoch of the last colour."""
    means = [
        (np.mean([t.i_xt for t in each], axis=0), np.mean([t.i_ty for t in each], axis=0))
        for each in zip(*seeds, strict=True)
    ]
    epochs, colours, norm = seeds[0][0].epochs, epoch_colours(), epoch_scale(last)
    for step in range(len(epochs)):
        axes.plot([x[step] for x, _ in means], [y[step] for _, y in means], color="#bbbbbb", linewidth=0.5, zorder=1)
    for index, (x, y) in enumerate(means):
        axes.scatter(
            x, y, marker=marker(index), c=colours(norm(epochs)), s=18, edgecolors="black", linewidths=0.3, zorder=2
        )
    axes.set_xlabel("I(X;T) (bits)", fontsize=8)
    axes.set_ylabel("I(T;Y) (bits)", fontsize=8)
    axes.tick_params(labelsize=8)
    return axes


def mean_series(axes: Axes, seeds: Seeds, last: int) -> Axes:
    """I(X;T) against the epoch: the mean of the seeds, and from the smallest to the largest."""
    for index, each in enumerate(zip(*seeds, strict=True)):
        values = np.array([t.i_xt for t in each])
        axes.fill_between(
            each[0].epochs, values.min(axis=0), values.max(axis=0), color=colour(index), alpha=0.2, linewidth=0
        )
        axes.plot(
            each[0].epochs,
            values.mean(axis=0),
            color=colour(index),
            marker=marker(index),
            markersize=2.5,
            linewidth=0.8,
        )
    axes.set_xscale("symlog", linthresh=1)
    ticks = [0, *(10**power for power in range(6) if 10**power <= last)]
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(-0.1, 1.15 * last)
    axes.set_xlabel("epoch", fontsize=8)
    axes.set_ylabel("I(X;T) (bits)", fontsize=8)
    axes.tick_params(labelsize=8)
    return axes


def accuracy_over_compression(axes: Axes, shapes: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Axes:
    """Test accuracy over late compression of one layer, a mark for each net.

    shapes   by shape of net: bits of late compression and accuracy, one of each a net
    """
    for index, (shape, (bits, accuracy)) in enumerate(shapes.items()):
        axes.scatter(
            bits,
            accuracy,
            marker=marker(index),
            color=colour(index),
            s=18,
            edgecolors="black",
            linewidths=0.3,
            label=shape,
        )
    axes.set_xlabel("late compression of I(X;T) (bits)", fontsize=8)
    axes.tick_params(labelsize=8)
    return axes


def late_compression(layers: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]]) -> Figure:
    """Test accuracy over late compression, a panel for each layer, a mark for each shape of net.

    layers   by layer, by shape: bits of late compression and accuracy, one of each a net
    """
    figure = Figure(figsize=(10.5, 3.4), layout="constrained")
    grid = figure.subplots(1, len(layers), squeeze=False, sharey=True)
    for axes, (layer, shapes) in zip(grid[0], layers.items(), strict=True):
        accuracy_over_compression(axes, shapes)
        axes.set_title(layer, fontsize=10)
    grid[0, 0].set_ylabel("test accuracy", fontsize=8)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8, frameon=False)
    return figure
