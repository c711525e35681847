"""Frames/s of simulated conv nets, every layer recorded: BNN-PYNQ's CNV at FINN's folding, and a small one, also with a
codebook in hardware; beside each the golden model, which computes the same codes and knows no cycle. Seconds are of one
core's processor time.
"""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from bitneck.export.graph import BIPOLAR, Conv, Cut, Graph, Pool, Scores
from bitneck.hw.accelerator import lower
from bitneck.hw.simulation.library import build
from bitneck.hw.stages import Folding
from cnv import cnv
from timing import Row, timing

FINN = {
    **{"conv0": (16, 3), "conv1": (32, 32), "conv3": (16, 32), "conv4": (16, 32), "conv6": (4, 32), "conv7": (1, 32)},
    **{"dense0": (1, 4), "dense1": (1, 8), "scores": (5, 1)},
}
SMALL = {"conv1": (8, 3), "conv2": (16, 24), "scores": (2, 16)}
CODED = {"conv1": (8, 3), "conv2": (16, 36), "scores": (2, 16)}  # conv2 reads four kernels a beat


def rows() -> Iterator[Row]:
    for what, graph, foldings, frames in (
        ("cnv w1a1 in simulation at FINN's folding", cnv(1), FINN, 60),
        ("a small conv net in simulation, 28x28", small(), SMALL, 2000),
        ("the same of 16 words, from its codebook", small(16), CODED, 2000),
    ):
        accelerator = lower(graph, {name: Folding(*pair) for name, pair in foldings.items()})
        x = np.random.default_rng(0).integers(0, 256, (frames, graph.inputs), dtype=np.uint8)
        with tempfile.TemporaryDirectory(prefix="bitneck-bench-") as folder:
            simulator = build(accelerator, Path(folder))
            found, expected = simulator(x), graph(x)
            assert found.trace.layers() == expected.layers(), "what differs needs no stop-watch"
            assert found.cycles_per_frame == accelerator.cycles
            group = f"{what}, {accelerator.cycles:,} cycles a frame"
            for who, call in (("library, every layer", simulator), ("golden model", graph)):
                yield Row(group, who, timing(spent(partial(call, x))), frames, "frames")


def small(words: int = 512) -> Graph:
    """Two convolutions and a pool on digits of 28 by 28, random weights; thresholds where sums lie.

    words   that the second's kernels are drawn from
    """
    rng = np.random.default_rng(0)
    cut = Cut("cut", (np.arange(256) >= 128)[None], (28, 28, 1), BIPOLAR)
    first = Conv("conv1", rng.random((8, 3, 3, 1)) < 0.5, np.full(8, 5, np.int32), (28, 28, 1), (2, 2))
    pool = Pool("pool1", first.out_shape, ("max",), (2, 2), (2, 2), (0, 0, 0, 0), 2, BIPOLAR)
    kernels = (rng.random((words, 3, 3)) < 0.5)[rng.integers(0, words, (16, 8))].transpose(0, 2, 3, 1)
    second = Conv("conv2", kernels, np.full(16, 36, np.int32), pool.out_shape)
    return Graph(
        "digit_maps", 8, (cut, first, pool, second, Scores(rng.random((10, second.outputs)) < 0.5)), (28, 28, 1)
    )


def spent(call: Callable[[], object], runs: int = 3) -> list[float]:
    """Seconds of this process for each run."""
    seconds = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_SELF)
        call()
        after = resource.getrusage(resource.RUSAGE_SELF)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return seconds
