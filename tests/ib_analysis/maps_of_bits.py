"""Maps by hand: bits of (images, positions, code bits) as codes, and their shape."""

from __future__ import annotations

import numpy as np
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.map_shape import MapShape, at_positions
from bitneck.ib_analysis.symbols import Symbols, symbols
from numpy.typing import NDArray


def maps_of(bits: NDArray[np.bool_]) -> tuple[Codes, MapShape]:
    """One row of positions, a bit for each channel."""
    images, positions, channels = bits.shape
    return Codes.pack(bits.reshape(images, -1)), MapShape(1, positions, channels)


def symbols_of(bits: NDArray[np.bool_]) -> Symbols:
    return symbols(at_positions(*maps_of(bits)))


def repeated(rng: np.random.Generator, images: int, positions: int, channels: int, share: float) -> NDArray[np.bool_]:
    """Uniform codes; with probability `share` a position says what the first one of its image says."""
    bits = rng.random((images, positions, channels)) < 0.5
    same = rng.random((images, positions)) < share
    return np.where(same[:, :, None], bits[:, :1], bits)
