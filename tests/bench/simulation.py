"""Frames/s of the simulated RTL, TFC's shape at FINN's folding: Python out of the per-cycle loop, and in it.

Both of our tiers record every layer's stream; the peer looks at the classes alone.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from bitneck.export.graph import Binarize, Dense, Graph, Scores
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.folding import fold
from bitneck.hw.simulation.cocotb_tier import VERILATOR, cosimulate
from bitneck.hw.simulation.library import build
from bitneck.hw.simulation.runner import run_cocotb
from bitneck.hw.verilog import verilog
from numpy.typing import NDArray
from timing import Row, Timing, measure, timing

WIDTHS, FRAMES, PEER_FRAMES = (784, 64, 64, 64, 10), 20_000, 500


def rows() -> Iterator[Row]:
    graph = random_tfc()
    accelerator = lower(graph, fold(graph, 64))
    x = np.random.default_rng(0).integers(0, 256, (FRAMES, graph.inputs), dtype=np.uint8)
    expected = graph(x)
    with tempfile.TemporaryDirectory(prefix="bitneck-bench-") as name:
        folder = Path(name)
        with fresh_cache(folder / "cache"):
            yield _build("library, nothing cached", lambda: build(accelerator, folder / "first"))
            first = cosimulate(accelerator, x[:2], graph(x[:2]), folder / "warm")  # Verilator's run-time library
            assert first[1] is None
            yield _build(
                "cocotb and 2 frames, run-time library cached",
                lambda: cosimulate(accelerator, x[:2], graph(x[:2]), folder / "cocotb"),
            )
            simulator = build(accelerator, folder / "first")
            assert simulator(x).trace.layers() == expected.layers(), "what differs needs no stop-watch"
            for workers in sorted({1, os.cpu_count() or 1}):
                timed = measure(partial(simulator, x, workers=workers))
                yield _row(f"library, {workers} worker{'s' * (workers > 1)}, every layer", timed, FRAMES)
            seconds = []
            for _ in range(3):
                simulation, complaint = cosimulate(accelerator, x, expected, folder / "cocotb")
                assert complaint is None, complaint
                seconds.append(simulation.seconds)
            yield _row("cocotb on Verilator, every layer", timing(seconds), FRAMES)
            classes = expected.predictions()[:PEER_FRAMES]
            seconds = [peer(accelerator, x[:PEER_FRAMES], classes, folder / "peer") for _ in range(3)]
            yield _row("cocotb, a coroutine drives each beat", timing(seconds), PEER_FRAMES)


def random_tfc() -> Graph:
    """Random weights; thresholds where sums lie, so that as many bits change as in a trained net."""
    rng = np.random.default_rng(0)
    layers: list[Binarize | Dense | Scores] = [Binarize("binarize", np.full(WIDTHS[0], 128, np.int32), 8)]
    for index in range(1, len(WIDTHS) - 1):
        cols, count = WIDTHS[index - 1], WIDTHS[index]
        threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, count), 0, cols + 1).astype(np.int32)
        layers.append(Dense(f"dense{index}", rng.random((count, cols)) < 0.5, threshold))
    return Graph("tfc", 8, (*layers, Scores(rng.random((WIDTHS[-1], WIDTHS[-2])) < 0.5)))


def peer(accelerator: Accelerator, x: NDArray[np.uint8], classes: NDArray[np.int64], folder: Path) -> float:
    """Seconds of the simulation under `per_beat`, with the same options but the stock runner's public signals."""
    folder.mkdir(exist_ok=True)
    for name, text in verilog(accelerator).items():
        if not (folder / name).exists():
            (folder / name).write_text(text)
    sent = [int.from_bytes(beat.tobytes(), "little") for beat in accelerator.input_data(x)]
    (folder / "case.json").write_text(json.dumps({"sent": sent, "expected": classes.tolist()}))
    options = [
        option for option in VERILATOR if "public" not in option and "CFLAGS" not in option and "-O2" not in option
    ]
    options += ["-CFLAGS", "-O2 -march=native"]
    here = {"PYTHONPATH": str(Path(__file__).parent)}
    sources = sorted(folder.glob("*.sv"))
    found = run_cocotb("verilator", sources, accelerator.name, "per_beat", folder, options, environment=here)
    assert set(found.values()) == {None}, found
    return float(json.loads((folder / "seconds.json").read_text()))


@contextmanager
def fresh_cache(folder: Path) -> Iterator[None]:
    """Nothing compiled before counts; the user's cache is left as it is."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield
    finally:
        del os.environ["XDG_CACHE_HOME"]
        if before is not None:
            os.environ["XDG_CACHE_HOME"] = before


def _build(what: str, call: Callable[[], object]) -> Row:
    start = time.perf_counter()
    call()
    return Row("tfc in simulation, builds", what, timing([time.perf_counter() - start]), 1, "builds")


def _row(what: str, timed: Timing, frames: int) -> Row:
    return Row("tfc in simulation at FINN's folding, 64 cycles a frame", what, timed, frames, "frames")
