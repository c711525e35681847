"""Rules that say which label an input has, by name: any input, not the samples of a data set alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..plugins import PluginError, Plugins
from .idx import DataError
from .strict import nearest

LABELS = 256  # 0 .. 255
MOST_LISTED = 20  # bits of an input, where every input there is is made: 2^20 codes of every layer and epoch are kept
# Vertices of an icosahedron that share an edge, and those that lie opposite each other.
ADJACENT = (
    *((0, 1), (0, 3), (0, 5), (0, 10), (0, 11), (1, 2), (1, 3), (1, 4), (1, 11), (2, 3), (2, 4), (2, 8), (2, 9)),
    *((3, 8), (3, 10), (4, 6), (4, 9), (4, 11), (5, 6), (5, 7), (5, 10), (5, 11), (6, 7), (6, 9), (6, 11)),
    *((7, 8), (7, 9), (7, 10), (8, 9), (8, 10)),
)
ANTIPODAL = ((0, 9), (1, 7), (2, 5), (3, 6), (4, 10), (8, 11))


def twelve(x: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(n,) labels 0 and 1 of x (n, 12) bits, by the rule of Shwartz-Ziv and Tishby 2017.

    Bits are the vertices of an icosahedron; h counts ones, e edges with both ends on, a opposite pairs with both ends
    on. The label is invariant under the rotations of the solid. Raises DataError for other inputs.
    """
    if x.shape[1] != 12 or x.max(initial=0) > 1:
        raise DataError(f"labels rule 'twelve' is of 12 bits; these inputs are {x.shape[1]} numbers up to {x.max()}")
    h = x.sum(axis=1)
    e, a = (sum(x[:, i] & x[:, j] for i, j in pairs) for pairs in (ADJACENT, ANTIPODAL))
    five, six, seven = (e == 7) & (a == 0), (e >= 7) | ((e == 6) & (a == 0)), ~((e == 8) & (a == 2))
    return np.select([h <= 4, h == 5, h == 6, h == 7], [False, five, six, seven], True).astype(np.int64)


EMBEDDED_RULES = {"twelve": twelve}
RULES = Plugins("labels rule", EMBEDDED_RULES)
"""Rules of others: functions of x (n, features) uint8 to (n,) whole numbers, 0 .. 255, each by its own input alone."""


def labels_by(name: str, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n,) labels of x (n, features) by the rule of this name.

    Raises DataError where there is none, or where it is not of such inputs; PluginError where it gives anything else.
    """
    if name not in (names := (*EMBEDDED_RULES, *RULES.names())):
        raise DataError(f"no labels rule {name!r}; {nearest(name, names)}")
    if name in EMBEDDED_RULES:
        return EMBEDDED_RULES[name](x).astype(np.uint8)
    y = np.asarray(RULES[name](x))
    place = f"labels rule {name!r} of {RULES.origin(name)}"
    if y.shape != (len(x),) or y.dtype.kind not in "biu":
        raise PluginError(f"{place} gave {y.shape} {y.dtype} for x {x.shape}; ({len(x)},) whole numbers are due")
    if y.min() < 0 or y.max() >= LABELS:
        raise PluginError(f"{place} gave labels {y.min()} .. {y.max()}; they are 0 .. {LABELS - 1}")
    return y.astype(np.uint8)


def every_input(name: str, pixels: int, bits: int, copies: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Every input of so many pixels, (2^(pixels · bits), pixels · copies), the first pixel changing fastest; and its
    label by the rule of this name. Raises DataError over MOST_LISTED bits.
    """
    if pixels * bits > MOST_LISTED:
        raise DataError(
            f"labels by {name!r}: {pixels} inputs of {bits} bits are 2^{pixels * bits} different ones, and "
            f"2^{MOST_LISTED} at most are looked at one by one; of a trained net `bitneck exact RUN --free all "
            f"--labels {name}` counts more"
        )
    numbers = np.arange(1 << pixels * bits)[:, None] >> bits * np.arange(pixels)
    x = np.tile((numbers & (1 << bits) - 1).astype(np.uint8), (1, copies))
    return x, labels_by(name, x.copy()).astype(np.int64)  # the rule may write into what it is given
