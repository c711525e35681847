"""Random nets with what a trained net has at its edges: neurons that always or never fire, and scores that tie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from bitneck.export.graph import Binarize, Dense, Graph, Scores
from bitneck.models.config import PRESETS
from numpy.typing import NDArray


def random_graph(widths: Sequence[int], input_bits: int, seed: int = 0, name: str = "net") -> Graph:
    """widths   inputs, hidden layers, classes

    Thresholds lie where sums lie, so that codes are busy; where a layer has room its first neuron always fires and its
    last never. The first class and the last have the same weights: whenever one of them wins, both do.
    """
    rng = np.random.default_rng(seed)
    layers: list[Binarize | Dense | Scores] = []
    if input_bits > 1:
        top = 1 << input_bits
        layers.append(Binarize("binarize", _edged(rng.integers(1, top, widths[0]), top), input_bits))
    for index, (cols, rows) in enumerate(pairwise(widths[:-1]), 1):
        threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, rows).round(), 0, cols + 1)
        layers.append(Dense(f"dense{index}", rng.random((rows, cols)) < 0.5, _edged(threshold, cols + 1)))
    weight = rng.random((widths[-1], widths[-2])) < 0.5
    weight[-1] = weight[0]
    return Graph(name, input_bits, (*layers, Scores(weight)))


def _edged(threshold: NDArray, never: int) -> NDArray[np.int32]:
    if len(threshold) > 3:
        threshold[[0, -1]] = 0, never
    return threshold.astype(np.int32)


def random_frames(graph: Graph, frames: int, seed: int = 1) -> NDArray[np.uint8]:
    shape = frames, graph.inputs
    return np.random.default_rng(seed).integers(0, 1 << graph.input_bits, shape).astype(np.uint8)


def small_graphs() -> Iterator[Graph]:
    """One of every preset's widths and 40 of any."""
    for preset in (preset for preset in PRESETS.values() if preset.network.widths):
        yield random_graph(preset.network.widths, preset.network.input_bits)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        widths = rng.integers(1, 20, rng.integers(2, 6)).tolist()
        yield random_graph(widths, int(rng.integers(1, 9)), seed)
