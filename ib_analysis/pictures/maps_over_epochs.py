"""The plane of positions' codes over a training: I(T;Y) over I(patch;T) of each map, coloured by epoch.

Nothing is computed here. A refused number has no place; a saturated or weak one is marked as in every plane.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from ..maps_over_epochs import MapPoint
from ..points import Known
from .marks_and_colours import epoch_colours, marker, style


def training_figure(points: Sequence[MapPoint]) -> Figure:
    """A panel for each layer, in the order of the net; a thin grey line joins its epochs."""
    layers = list(dict.fromkeys(point.layer for point in points))
    norm = SymLogNorm(linthresh=1, vmin=0, vmax=max(1, *(point.epoch for point in points)), base=10)
    colours = epoch_colours()
    figure = Figure(figsize=(1.0 + 2.6 * len(layers), 2.8), layout="constrained")
    for index, (ax, layer) in enumerate(zip(figure.subplots(1, len(layers), squeeze=False)[0], layers, strict=True)):
        path = []
        for point in sorted((each for each in points if each.layer == layer), key=lambda each: each.epoch):
            xt, ty = point.given.i_xt, point.given.i_ty
            known = Known(xt, None), Known(ty or xt, None)
            if ty is not None and not xt.verdict.refused and not ty.verdict.refused:
                path.append((xt.bits, ty.bits))
                ax.scatter(*zip(path[-1]), marker=marker(index), zorder=3, **style(*known, colours(norm(point.epoch))))
        if path:
            ax.plot(*zip(*path, strict=True), color="#bbbbbb", linewidth=0.6, zorder=1)
        else:
            ax.text(0.5, 0.5, "refused at every epoch", transform=ax.transAxes, ha="center", va="center", fontsize=8)
        ax.set_title(layer, fontsize=8)
        ax.set_xlabel("I(patch;T) (bits)", fontsize=8)
        ax.tick_params(labelsize=7)
    figure.axes[0].set_ylabel("I(T;Y) (bits)", fontsize=8)
    return figure
