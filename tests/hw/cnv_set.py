"""`make cnv`: CIFAR-10's test images through BNN-PYNQ's trained CNV as RTL at FINN's folding, every layer compared.

    python tests/hw/cnv_set.py [--images N] [--workers N] [--data-dir FOLDER]

BITNECK_DATA says where models/ lies, and where cifar10/ with the six binary batches, unless --data-dir does. Exit 1
where a bit differs, or a frame takes other cycles than promised.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "export"))

from bitneck.export.reading.streamline import streamline
from bitneck.flow.importing import pixels_of
from bitneck.flow.record import slower
from bitneck.flow.tally import Tally
from bitneck.hw.accelerator import lower
from bitneck.hw.simulation.library import build
from bitneck.hw.stages import Folding
from bitneck.models.datasets import load
from public_models import CNV_FOLDING, PUBLIC


def main() -> int:
    parser = argparse.ArgumentParser(prog="make cnv")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--data-dir", type=Path)
    asked = parser.parse_args()
    public = next(each for each in PUBLIC if each.file.startswith("bnnpynq_cifar10_cnvW1A1"))
    assert public.pixels is not None
    graph = replace(streamline(public.content(), pixels_of(public.pixels), margin="state").graph, name="cnv")
    data = load("cifar10", asked.data_dir)
    x, y = data.test_x[: asked.images], data.test_y[: asked.images]
    accelerator = lower(graph, {name: Folding(*pair) for name, pair in CNV_FOLDING.items()})
    tally, right, first, seconds = Tally(graph, len(x)), 0, None, 0.0
    with tempfile.TemporaryDirectory(prefix="bitneck-") as folder:
        simulator, began = build(accelerator, Path(folder)), time.perf_counter()
        for part in simulator.parts(x, workers=asked.workers):
            rows = slice(tally.seen, tally.seen + len(part.classes))
            tally.add(x[rows], [graph(x[rows]), part.trace], part.classes)
            right += int((part.classes == y[rows]).sum())
            first, seconds = first or part, seconds + part.seconds
            print(f"\r{tally.seen:,} of {len(x):,} images", end="", file=sys.stderr, flush=True)
    assert first is not None
    lines = tally.differences() + slower(len(x), first.cycles_per_frame, accelerator.cycles)
    wall, usage = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    print(f"\n{len(x):,} images, {first.cycles_per_frame:,.0f} cycles each, {right / len(x):.2%} of the classes right")
    print(f"{len(x) / wall:.1f} images/s over {asked.workers} workers, golden model and comparison included")
    print(f"{usage.ru_utime + usage.ru_stime:.0f} s of processor time, {usage.ru_maxrss / 1e6:.2f} GB at most")
    for name, row in tally.digests().items():
        print(f"  {name:8} {'=' if len(set(row.values())) == 1 else 'DIFFERS'} {row['rtl'][:16]}")
    for line in lines:
        print(line)
    return bool(lines)


sys.exit(main())
