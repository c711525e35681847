"""The stages that the resource estimates are fitted to, over PE, SIMD, rows, inputs and depths; none is a preset's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..stages import Argmax, ArgmaxTree, Binarize, Dense, DenseScores, DwcDown, DwcUp, Fifo, Mvtu, Scores, Stage

MVTUS = (  # rows, inputs, PE, SIMD
    # a layer of a few neurons
    (4, 6, 2, 3), (3, 5, 1, 1), (5, 8, 5, 1), (8, 10, 8, 1), (10, 12, 5, 3), (6, 10, 3, 2), (12, 20, 4, 4),
    # tens
    (24, 32, 3, 8), (48, 96, 12, 8), (32, 128, 16, 8), (32, 64, 8, 16), (48, 60, 6, 5), (64, 100, 4, 10),
    (60, 128, 15, 16), (64, 72, 8, 8), (28, 28, 4, 7),
    # hundreds
    (64, 96, 16, 32), (64, 256, 8, 32), (128, 128, 8, 8), (96, 192, 16, 12), (128, 512, 8, 64), (192, 256, 16, 16),
    (128, 784, 16, 28), (512, 512, 32, 16), (64, 784, 16, 56),
    # few lanes, deep memories
    (128, 784, 1, 7), (256, 256, 2, 4), (64, 784, 4, 16), (64, 512, 1, 1), (8, 784, 1, 4),
    (4, 2048, 1, 1), (6, 2, 2, 1),
    # all inputs, or all rows: nothing to replay, or no accumulation
    (16, 64, 16, 8), (32, 24, 4, 24), (64, 48, 8, 48),
)  # fmt: skip
UNROLLED = (
    (8, 160),
    (4, 300),
    (2, 3),
    (3, 4),
    (4, 5),
    (8, 10),
    (16, 16),
    (24, 64),
    (28, 96),
    (12, 128),
    (32, 32),
    (20, 40),
    (48, 64),
)
UNROLLED_SCORES = ((4, 200), (2, 3), (4, 8), (10, 24), (10, 32), (10, 48), (6, 96))
SCORES = (
    (10, 64, 5, 4), (10, 48, 1, 3), (10, 100, 10, 10), (10, 120, 2, 10), (4, 24, 4, 6), (10, 512, 5, 2), (2, 4, 1, 1),
    (10, 128, 5, 2), (10, 32, 2, 4), (10, 784, 5, 4),
)  # fmt: skip
BINARIZES = (  # pixels, bits, PE
    (120, 5, 4), (768, 8, 48), (784, 8, 8), (784, 8, 2), (64, 4, 8), (100, 8, 10), (256, 8, 16), (128, 5, 16),
    (48, 3, 6), (392, 8, 1), (64, 5, 64), (128, 4, 128), (24, 8, 24),
)  # fmt: skip
PICTURES = (  # side, bits, PE: thresholds of a net trained on pictures
    (28, 8, 14), (28, 8, 49), (28, 8, 28), (28, 8, 7), (28, 8, 98), (16, 8, 8), (32, 8, 32), (8, 5, 4), (8, 4, 8),
    (20, 6, 20),
)  # fmt: skip
UPS = ((1, 8), (4, 24), (7, 28), (3, 12), (16, 48), (1, 56), (8, 64))
DOWNS = ((16, 4), (12, 2), (30, 10), (42, 7), (6, 1), (50, 10), (32, 8), (64, 16), (98, 49))
ARGMAXES = ((10, 7), (10, 10), (3, 3), (26, 8), (2, 5))
TREES = ((2, 2), (3, 5), (10, 5), (10, 7), (26, 6))
FIFOS = ((1, 2), (1, 4), (8, 16), (16, 4), (1, 32), (32, 64))


def _picture(side: int, bits: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Lowest at the border, where pixels hardly change; in the middle any of a few levels."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    middle = np.hypot(x, y) < 0.38 * side
    levels = rng.integers(1, 1 << bits, 1 << (bits - 2))
    return np.where(middle, rng.choice(levels, (side, side)), 1).astype(np.int32).ravel()


def cases() -> list[Stage]:
    """Random weights and thresholds, the same every time."""
    rng = np.random.default_rng(0)
    stages: list[Stage] = []
    for rows, cols, pe, simd in MVTUS:
        threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, rows).round(), 0, cols + 1).astype(np.int32)
        stages.append(Mvtu(f"mvtu_{rows}x{cols}_{pe}_{simd}", rng.random((rows, cols)) < 0.5, pe, simd, threshold))
    for rows, cols, pe, simd in SCORES:
        stages.append(Scores(f"scores_{rows}x{cols}_{pe}_{simd}", rng.random((rows, cols)) < 0.5, pe, simd))
    for rows, cols in UNROLLED:
        threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, rows).round(), 0, cols + 1).astype(np.int32)
        stages.append(Dense(f"dense_{rows}x{cols}", rng.random((rows, cols)) < 0.5, rows, cols, threshold))
    for rows, cols in UNROLLED_SCORES:
        stages.append(DenseScores(f"dense_scores_{rows}x{cols}", rng.random((rows, cols)) < 0.5, rows, cols))
    for cols, bits, pe in BINARIZES:
        pixels = rng.integers(1, 1 << bits, cols).astype(np.int32)
        stages.append(Binarize(f"binarize_{cols}_{bits}_{pe}", pixels, bits, pe))
    for side, bits, pe in PICTURES:
        stages.append(Binarize(f"binarize_picture_{side}_{bits}_{pe}", _picture(side, bits, rng), bits, pe))
    stages += [DwcUp(f"dwc_up_{narrow}_{wide}", narrow, wide, wide // narrow) for narrow, wide in UPS]
    stages += [DwcDown(f"dwc_down_{wide}_{narrow}", wide, narrow, 1) for wide, narrow in DOWNS]
    stages += [Argmax(f"argmax_{classes}_{width}", classes, width) for classes, width in ARGMAXES]
    stages += [ArgmaxTree(f"argmax_tree_{classes}_{width}", classes, width) for classes, width in TREES]
    stages += [Fifo(f"fifo_{width}_{depth}", width, depth, depth) for width, depth in FIFOS]
    return stages
