"""Nets of maps for the hardware: one that becomes every stage there is for them, and random ones at random foldings."""

from __future__ import annotations

import numpy as np
from bitneck.export.graph import BIPOLAR, Conv, Cut, Dense, Graph, Levels, Pool, Scores
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.folding import Folding
from bitneck.hw.stages import lowering
from level_cases import thresholds, weights
from random_conv_nets import random_conv_graph, random_levels

__all__ = ["at_random", "every_stage", "random_conv_graph", "random_levels"]


def every_stage(name: str = "maps", fifo_depth: int = 0, seed: int = 1) -> tuple[Graph, Accelerator]:
    """Tables, windows bare and padded, pools of both kinds and sums, thresholds one, side by side and searched,
    products and planes, scores with multipliers.
    """
    rng = np.random.default_rng(seed)
    few, many = Levels(0, 1, 4), Levels(0, 1, 20)
    cut = Cut("cut1", rng.integers(0, 4, (2, 8)).astype(np.uint8), (6, 5, 2), few)
    first = weights(rng, 4, 18, 2)
    conv1 = Conv(
        "conv1",
        first.reshape(4, 3, 3, 2).astype(np.int8),
        thresholds(rng, first, 4, 3),
        cut.shape,
        (1, 1),
        (1, 1, 1, 0),
        2,
        1,
        4,
        few,
    )
    pool1 = Pool("pool1", conv1.out_shape, ("max", "min", "max", "max"), (2, 2), (2, 1), (0, 1, 0, 0), 4, few)
    second = weights(rng, 3, 16, 1)
    conv2 = Conv(
        "conv2",
        second.reshape(3, 2, 2, 4),
        thresholds(rng, second, 4, 19),
        pool1.out_shape,
        (1, 1),
        (0, 0, 0, 0),
        0,
        1,
        4,
        many,
    )
    height, width, channels = conv2.out_shape
    total = Levels(0, 1, 19 * height + 1)
    pool2 = Pool("pool2", conv2.out_shape, ("sum",), (height, 1), (1, 1), (0, 0, 0, 0), 20, total)
    third = weights(rng, 6, width * channels, 2).astype(np.int8)
    dense = Dense("dense1", third, thresholds(rng, third, total.count, 1)[:, 0], total.count, BIPOLAR)
    scores = Scores(weights(rng, 3, 6, 1), 2, rng.integers(0, 9, 3), np.array([1, 3, 2]))
    graph = Graph(name, 3, (cut, conv1, pool1, conv2, pool2, dense, scores), (6, 5, 2))
    foldings = {
        "cut1": Folding(1),
        "conv1": Folding(1, 18),
        "pool1": Folding(1),
        "conv2": Folding(1, 4),
        "pool2": Folding(3),
        "dense1": Folding(2, width),
        "scores": Folding(1, 3),
    }
    return graph, lower(graph, foldings, fifo_depth=fifo_depth)


def at_random(graph: Graph, seed: int, **options) -> Accelerator:
    """Lowered at a folding of each layer that is drawn from the legal ones."""
    rng = np.random.default_rng(seed)
    foldings = {}
    for layer in graph.layers:
        legal = [folding for folding in lowering(layer).foldings(layer) if folding.rom_style == "auto"]
        foldings[layer.name] = legal[rng.integers(len(legal))]
    return lower(graph, foldings, **options)
