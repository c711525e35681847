"""Matrices of complex weights, [[A, −B], [B, A]], of which hardware stores the upper half.

A batch-norm that falls inverts a row, so each row of the lower half may stand there with all of its signs inverted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def turned(upper: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[A, −B] as [B, A], True is +1: i times as much."""
    a, minus_b = np.hsplit(upper, 2)
    return np.hstack([~minus_b, a])


def mirrored(weight: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """(rows/2,) which rows of the lower half are those of the upper turned and then inverted; None where one is neither
    that nor the same without.
    """
    rows, cols = weight.shape
    if rows % 2 or cols % 2:
        return None
    upper, lower = np.vsplit(weight, 2)
    differing = turned(upper) ^ lower
    first = differing[:, 0]
    return first if (differing == first[:, None]).all() else None


def side_by_side(upper: NDArray[np.bool_], simd: int) -> NDArray[np.bool_]:
    """Columns in the order of mvu.sv: those of fold c of the first half, then those of fold c of the second."""
    return upper.reshape(len(upper), 2, -1, simd).swapaxes(1, 2).reshape(upper.shape)


def whole(stored: NDArray[np.bool_], simd: int) -> NDArray[np.bool_]:
    """The matrix of the rows that lie side by side, none of them mirrored."""
    upper = stored.reshape(len(stored), -1, 2, simd).swapaxes(1, 2).reshape(stored.shape)
    return np.vstack([upper, turned(upper)])
