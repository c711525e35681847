"""What each position of a feature map knows, as small pictures: a row for each map, a column for each quantity.

Nothing is computed here. A number that cannot be believed has no colour: its place is hatched.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..map_information import MapLayer
from .marks_and_colours import GREY, HATCH

INCHES = 1.9  # of a row
COLUMNS = {  # what AtPositions says, under the name of its column
    "I(patch;T), counted": lambda at: at.h_bits,
    "I(patch;T) is at most": lambda at: at.most_bits,
    "I(T;Y), counted": lambda at: at.ty_bits,
    "I(T;Y) is at least": lambda at: at.least_ty_bits,
}


def maps_figure(maps: Sequence[MapLayer]) -> Figure:
    """A row for each map, in the order of the net. A column stands where it has a number in one map at least."""
    values = {name: [of(each.at_positions) or () for each in maps] for name, of in COLUMNS.items()}
    columns = [name for name, rows in values.items() if any(bits is not None for row in rows for bits in row)]
    figure = Figure(figsize=(1.0 + 2.4 * len(columns), INCHES * len(maps) + 0.4), layout="constrained")
    axes = figure.subplots(len(maps), len(columns), squeeze=False)
    for index, each in enumerate(maps):
        for ax, name in zip(axes[index], columns, strict=True):
            heat(ax, values[name][index], each.height, each.width)
        axes[index][0].set_ylabel(f"{each.layer}\n{each.shape}", fontsize=8)
    for ax, name in zip(axes[0], columns, strict=True):
        ax.set_title(f"{name} (bits)", fontsize=8)
    return figure


def heat(axes: Axes, bits: Sequence[float | None], height: int, width: int) -> Axes:
    """(height · width) numbers in reading order, dark for few bits; hatched where there is none. The scale is the
    picture's own: its ends stand beside it.
    """
    values = np.array([np.nan if value is None else value for value in bits]).reshape(height, width)
    known = values[np.isfinite(values)]
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_aspect("equal" if 0.25 < height / width < 4 else "auto")
    axes.axhspan(-0.5, height - 0.5, facecolor="none", edgecolor="#cccccc", hatch=HATCH, linewidth=0, zorder=0)
    if not len(known):
        axes.text(0.5, 0.5, "refused", transform=axes.transAxes, ha="center", va="center", fontsize=8, color=GREY)
        return axes
    low, high = float(known.min()), float(known.max())
    spread = max(high - low, 1e-3 * max(1.0, abs(high)))  # rounding is no picture
    colours = mpl.colormaps["viridis"]
    image = axes.imshow(
        np.ma.masked_invalid(values), cmap=colours, vmin=low, vmax=low + spread, interpolation="nearest", aspect="auto"
    )
    axes.set_aspect("equal" if 0.25 < height / width < 4 else "auto")
    bar = axes.get_figure().colorbar(image, ax=axes, fraction=0.05, pad=0.02)  # type: ignore[union-attr]
    bar.set_ticks([low, low + spread], labels=[f"{low:.3g}", f"{low + spread:.3g}"])
    bar.ax.tick_params(labelsize=7)
    return axes
