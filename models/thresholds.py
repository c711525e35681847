"""Where to cut a pixel into a bit: where that bit tells most about the label; or, step by step, evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .datasets import Dataset


def most_telling_thresholds(data: Dataset, channels: int | None = None) -> NDArray[np.float64]:
    """(features,) half-integers that maximise I(bits of a pixel; label) on the training set, each pixel on its own.

    A pixel shown once gets its best cut, the lowest of several equal ones and 0.5 where it never changes. The cuts of a
    pixel shown several times are improved in turn, given the others, until none moves.

    channels   of maps: (channels,) one threshold for all places of each, every place a sample
    """
    x, y = data.train_x[:, : data.pixels], data.train_y
    if channels is not None:
        x, y = x.reshape(-1, channels), y.repeat(data.features // channels)
    levels = 1 << data.input_bits
    counts = np.zeros((x.shape[1], levels, data.classes), np.int64)
    for pixel in range(x.shape[1]):
        cells = x[:, pixel].astype(np.int64) * data.classes + y  # eight bits would wrap
        counts[pixel] = np.bincount(cells, minlength=levels * data.classes).reshape(levels, data.classes)
    below = np.concatenate([np.zeros_like(counts[:, :1]), counts.cumsum(axis=1)], axis=1)
    return np.stack([_cuts(pixel, data.copies) for pixel in below], axis=1).ravel().astype(np.float64) - 0.5


def even_thresholds(data: Dataset, steps: int) -> NDArray[np.float64]:
    """(steps,) half-integers for all pixels, in the middles of equal shares of what pixels of the training set reach:
    of 0 .. 255, in four steps, 31.5, 95.5, 159.5 and 223.5.
    """
    middles = (np.arange(steps) + 0.5) / steps * (int(data.train_x.max()) + 1)
    return np.ceil(middles) - 0.5


def _cuts(below: NDArray[np.int64], copies: int) -> NDArray[np.int64]:
    """(copies,) levels at which cells begin. below: (levels + 1, classes), samples under each level."""
    levels = len(below) - 1
    cuts = np.ones(copies, np.int64)
    while True:
        before = cuts.copy()
        for copy in range(copies):
            others = np.delete(cuts, copy)
            told = [_told(below[np.unique([0, *others, cut, levels])]) for cut in range(1, levels)]
            cuts[copy] = 1 + int(np.argmax(told))
        if (cuts == before).all():
            return np.sort(cuts)


def _told(edges: NDArray[np.int64]) -> float:
    """N · I(cell; label) less a constant, for cells between rows; rounded, so that equal cuts compare equal."""
    cells = np.diff(edges, axis=0)
    return round(float(_n_log_n(cells).sum() - _n_log_n(cells.sum(axis=1)).sum()), 6)


def _n_log_n(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return counts.astype(np.float64) * np.log2(np.maximum(counts, 1))
