"""Matrix stages for the bench whose weights are complex, so that half of them is stored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from bitneck.hw.stages import Mvtu, Stage
from bitneck.hw.stages.turned import turned
from numpy.typing import NDArray


def complex_weight(rng: np.random.Generator, rows: int, cols: int) -> NDArray[np.bool_]:
    """[[A, −B], [B, A]], every other row of the lower half inverted, as where a batch-norm falls."""
    upper = rng.random((rows // 2, cols)) < 0.5
    return np.vstack([upper, turned(upper) ^ (np.arange(rows // 2) % 2 == 1)[:, None]])


def turned_mvtu(
    rng: np.random.Generator, rows: int, cols: int, pe: int, simd: int, takes: int = 2, vectors: int = 1
) -> Mvtu:
    """Thresholds near the middle; one that always and one that never fires, of both halves."""
    span = cols * (takes - 1)
    threshold = np.clip(rng.normal(span / 2, span**0.5 / 2, rows).round(), 0, span + 1).astype(np.int32)
    if rows > 5:
        threshold[[1, 2, -3, -4]] = 0, span + 1, 0, span + 1
    name = f"turned_{rows}x{cols}_pe{pe}_simd{simd}_takes{takes}"
    weight = complex_weight(rng, rows, cols)
    return Mvtu(name, weight, pe, simd, threshold, takes=takes, vectors=vectors, turned=True)


def turned_stages() -> Iterator[Stage]:
    rng = np.random.default_rng(9)
    yield turned_mvtu(rng, 2, 2, 1, 1)  # one pair of words
    yield turned_mvtu(rng, 2, 12, 1, 2)  # one row of each half
    yield turned_mvtu(rng, 12, 2, 2, 1)  # one column of each half
    yield turned_mvtu(rng, 12, 8, 2, 2)
    yield turned_mvtu(rng, 8, 14, 1, 1, vectors=2)  # so many words that they have a module of their own
    yield turned_mvtu(rng, 4, 12, 1, 3, takes=4)  # products
    yield turned_mvtu(rng, 4, 24, 2, 12, takes=3)  # planes


def large_turned_stages() -> Iterator[Stage]:
    rng = np.random.default_rng(10)
    yield turned_mvtu(rng, 1032, 2, 2, 1)  # as many row folds, column folds and lanes as of any other
    yield turned_mvtu(rng, 4, 1024, 2, 1)
    yield turned_mvtu(rng, 128, 16, 1, 1)  # as many pairs of words, and more than one of a row
    yield turned_mvtu(rng, 8, 1024, 2, 256)
