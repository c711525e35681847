"""What the field's methods cost here: frames/s of simulated nets of steps, of threshold sets and of complex weights
beside the plain net of the same preset, and the flips a second of `faults` beside a golden model of a net with one.
One thread; seconds are of processor time where a simulator runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from bitneck import flow
from bitneck.export.graph import Dense, Graph
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import changed, design, from_preset
from bitneck.flow.folder import RunFolder
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.faults import Faults, units
from bitneck.hw.folding import fold
from bitneck.hw.simulation.library import build
from exact import random_net
from maps import spent
from timing import Row, measure, timing

PRESET = "digits-tiny"
METHODS = {
    "plain": {},
    "steps = 4": {"network__steps": 4},
    "threshold_sets = 8": {"network__threshold_sets": 8},
    "complex = true": {"network__complex": True},
}
FRAMES, SAMPLES = 2000, 1797


def rows() -> Iterator[Row]:
    yield from _simulated()
    graph = random_net((128, 64, 48, 10))
    x = np.random.default_rng(0).integers(0, 2, (SAMPLES, graph.inputs), np.uint8)
    y = graph(x).predictions().astype(np.int64)
    yield from _faults(graph, x, y)


def _simulated() -> Iterator[Row]:
    """Trained for an epoch, which is all that a speed asks of them."""
    for method, named in METHODS.items():
        with tempfile.TemporaryDirectory(prefix="bitneck-bench-") as place:
            graph, accelerator = _built(RunFolder(Path(place) / "run"), named)
            x = np.random.default_rng(0).integers(0, 17, (FRAMES, graph.inputs), np.uint8)
            simulator = build(accelerator, Path(place))
            found, expected = simulator(x), graph(x)
            assert found.trace.layers() == expected.layers(), "what differs needs no stop-watch"
            group = f"{PRESET} in simulation, {method}, {accelerator.cycles:,} cycles a frame"
            for who, call in (("library, every layer", simulator), ("golden model", graph)):
                yield Row(group, who, timing(spent(partial(call, x))), FRAMES, "frames")


def _built(folder: RunFolder, named: dict[str, object]) -> tuple[Graph, Accelerator]:
    config = changed(from_preset(PRESET), **named, training__epochs=1, training__warp=0.0, training__shift=0)
    flow.train(folder, config)
    flow.export(folder)
    graph = graph_of(folder, own=False)
    return graph, design(config, graph)


def _faults(graph: Graph, x: np.ndarray, y: np.ndarray) -> Iterator[Row]:
    accelerator = lower(graph, fold(graph, 32))
    signs = np.where(x, np.float32(1), np.float32(-1))

    def all_flips() -> int:
        net = Faults(units(graph, accelerator), signs, y)
        hidden = range(len(net.units) - 1)
        return sum(net.weights(index).size for index in range(len(net.units))) + sum(
            net.thresholds(index).size for index in hidden
        )

    group = f"stored bits of {graph.inputs}-64-48-10 that flip, what each costs in right answers of {SAMPLES:,}"
    yield Row(group, "ours, every one of them", measure(all_flips), all_flips(), "flips")
    yield Row(group, "golden model of the net with one of them", measure(lambda: _one_flip(graph, x, y)), 1, "flips")


def _one_flip(graph: Graph, x: np.ndarray, y: np.ndarray) -> int:
    first = graph.layers[0]
    assert isinstance(first, Dense)
    weight = first.weight.copy()
    weight[0, 0] ^= True
    net = replace(graph, layers=(replace(first, weight=weight), *graph.layers[1:]))
    return int((net(x).predictions() != y).sum())
