"""Small nets by hand and by chance, and all their inputs the slow way."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import comb

import numpy as np
from bitneck.export.graph import Dense, Graph, Scores
from numpy.typing import NDArray


def random_graph(widths: tuple[int, ...], seed: int, wild: bool = False) -> Graph:
    """A graph of dense layers of ±1. wild: neurons that always or never fire, copies of rows."""
    rng = np.random.default_rng(seed)
    layers: list[Dense | Scores] = []
    for index, (fan_in, rows) in enumerate(pairwise(widths)):
        weight = rng.random((rows, fan_in)) < 0.5
        if index == len(widths) - 2:
            if wild and rows > 1:
                weight[-1] = weight[0]  # ties, wherever the first class wins
            offset = rng.integers(0, 4, rows) if wild else None
            layers.append(Scores(weight, offset=offset))
            continue
        threshold = rng.integers(fan_in // 2 - 1, fan_in // 2 + 3, rows).clip(0, fan_in + 1).astype(np.int32)
        if wild:
            threshold[0], threshold[-1] = 0, fan_in + 1
        layers.append(Dense(f"dense{index + 1}", weight, threshold))
    return Graph("net", 1, tuple(layers))


def all_inputs(width: int) -> NDArray[np.bool_]:
    """(2^width, width), bit 0 counting fastest."""
    return (np.arange(1 << width)[:, None] >> np.arange(width) & 1).astype(np.bool_)


def ball(x: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """All inputs at this distance from x."""
    flips = np.array(list(combinations(range(len(x)), distance)), dtype=np.int64).reshape(
        comb(len(x), distance), distance
    )
    found = np.repeat(x[None], len(flips), axis=0)
    for column in flips.T:
        found[np.arange(len(flips)), column] ^= True
    return found


def classes(graph: Graph, x: NDArray[np.bool_]) -> NDArray[np.int64]:
    return graph(x.astype(np.uint8)).predictions()
