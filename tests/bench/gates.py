"""Frames/s through the gates of a netlist for UP5K, beside the RTL of the same design in the library tier, on one core:
every layer of both recorded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import fold
from bitneck.hw.gate_level.simulator import gate_level
from bitneck.hw.gate_level.yosys_json import circuit
from bitneck.hw.simulation.library import build
from bitneck.hw.synthesis.bitstream import YOSYS, sources
from bitneck.hw.synthesis.shell import Shell
from bitneck.hw.synthesis.targets import NETLIST, target_of
from bitneck.hw.synthesis.yowasp import run
from bitneck.hw.verilog import verilog
from simulation import random_tfc
from timing import Row, measure

FRAMES, CYCLES = 10_000, 392


def rows() -> Iterator[Row]:
    graph = random_tfc()
    accelerator, target = lower(graph, fold(graph, CYCLES)), target_of("up5k")
    shell, files = Shell(accelerator), verilog(accelerator)
    x = np.random.default_rng(0).integers(0, 256, (FRAMES, graph.inputs), dtype=np.uint8)
    expected = graph(x)
    with tempfile.TemporaryDirectory(prefix="bitneck-bench-") as name:
        folder = Path(name)
        for file, text in sources(accelerator, files, target, None, shell).items():
            (folder / file).write_text(text)
        run(YOSYS, folder)
        netlist = circuit(json.loads((folder / NETLIST).read_text()), shell.name, target.part.family)
        gates, rtl = gate_level(netlist, accelerator, "netlist"), build(accelerator, folder / "rtl")
        for each in (gates, rtl):
            assert each(x).trace.layers() == expected.layers(), "what differs needs no stop-watch"
        group = f"tfc, {CYCLES} cycles a frame"
        timed = measure(partial(gates, x))
        yield Row(group, f"netlist for UP5K, {shell.cycles} cycles at its pins", timed, FRAMES, "frames")
        yield Row(group, "RTL, library tier, 1 worker", measure(partial(rtl, x)), FRAMES, "frames")
