"""Inputs of another class around samples, drawn: how many at each distance, where the first is, and one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..exact_record import Around

OURS, OTHER = "#2c5d9b", "#c2571a"


def exact_figure(around: Sequence[Around]) -> Figure:
    """Left: of each distance the share of inputs that have another class, a line a sample. Middle: how many samples
    have the first one where. Right: the code of a sample, and the flips to the nearest input of another class.
    """
    figure = Figure(figsize=(9, 3), layout="constrained")
    shares, first, image = figure.subplots(1, 3)
    for each in around:
        known = [(d, n / of) for d, (n, of) in enumerate(zip(each.changed, each.inputs, strict=True)) if n]
        shares.plot(*zip(*known, strict=True) if known else ([], []), ".-", color=OURS, alpha=0.5, linewidth=0.8)
    shares.set_yscale("log")
    shares.set_xlabel("bits of the code flipped")
    shares.set_ylabel("of all such inputs, another class")
    shares.set_xticks(range(1, around[0].radius + 1))
    places = Counter(each.first for each in around if each.finished or each.first is not None)
    names = [*range(1, around[0].radius + 1), None]
    first.bar(range(len(names)), [places[name] for name in names], color=OURS)
    first.set_xticks(range(len(names)), [*map(str, names[:-1]), f"> {around[0].radius}"])
    first.set_xlabel("first input of another class, at distance")
    first.set_ylabel("samples")
    shown = next((each for each in around if each.nearest is not None and each.code), None)
    if shown is None:
        image.set_axis_off()
    else:
        _drawn(image, shown)
    return figure


def nearest_first(around: Sequence[Around]) -> list[Around]:
    """Those of the radius that most samples were asked about, the farthest of equals."""
    radius = max(sorted({each.radius for each in around}, reverse=True), key=[each.radius for each in around].count)
    return [each for each in around if each.radius == radius]


def _drawn(ax: Axes, each: Around) -> None:
    assert each.nearest is not None
    code = np.unpackbits(np.frombuffer(bytes.fromhex(each.code), np.uint8), bitorder="little")
    flips = np.zeros(len(code), np.uint8)
    flips[list(each.nearest)] = 1
    ax.imshow(_image(code), cmap="gray", vmin=-0.6, vmax=1.6)
    ax.plot(*np.argwhere(_image(flips)).T[::-1], "s", color=OTHER, fillstyle="none", markersize=7)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(f"sample {each.sample}, class {each.predicted}: {len(each.nearest)} flips", fontsize="small")


def _image(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square, or two beside each other where a pixel is read twice; else a row."""
    for copies in (1, 2):
        side = isqrt(len(bits) // copies)
        if side * side * copies == len(bits):
            return np.hstack(list(bits.reshape(copies, side, side)))
    return bits[None]
