"""The resource estimates against yosys: whole presets at their foldings, flat, with random weights.

Pixels are cut where training cuts them, if the data set is at hand: such thresholds take fewer LUTs. Where it
is not, the line says so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "hw"))

from bitneck.export.graph import Binarize
from bitneck.flow.config import CYCLES, from_preset
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.costs.resources import total
from bitneck.hw.folding import fold
from bitneck.hw.parts import PARTS
from bitneck.hw.synthesis.netlist import synthesise_whole
from bitneck.models.datasets import DataError, load
from bitneck.models.thresholds import most_telling_thresholds
from random_nets import random_graph

PRESETS = ("digits", "digits-small", "digits-tiny", "twelve", "tfc", "sfc")
TARGETS = ("hx8k", "ecp5-85k", "gw2ar-18", "ccgm1a1", "lifcl-40", "xc7", "xcup")  # one of each family


def accelerator(preset: str) -> tuple[Accelerator, str]:
    """At the preset's cycles a frame, fewest lanes; and what a reader has to know of it."""
    config = from_preset(preset)
    graph = random_graph(config.network.widths, config.network.input_bits, name=config.name)
    remark = ""
    if isinstance(head := graph.layers[0], Binarize):
        try:
            cuts = np.ceil(most_telling_thresholds(load(config.dataset, None))).astype(np.int32)
            graph = replace(graph, layers=(replace(head, threshold=cuts), *graph.layers[1:]))
        except DataError:
            remark = f"  pixels cut at random, for {config.dataset} is not at hand"
    return lower(graph, fold(graph, CYCLES[preset])), remark


def lines() -> Iterator[str]:
    """A line a preset and family, as it is synthesised."""
    yield "\nestimates: estimate / yosys, and the error"
    for target in TARGETS:
        for preset in PRESETS:
            design, remark = accelerator(preset)
            said, found = total(design.stages, target), synthesise_whole(design, PARTS[target].family)
            yield (
                f"  {target:9} {preset:13}"
                + "".join(
                    f" {what} {ours:7,} / {theirs:7,} {(ours - theirs) / max(theirs, 1):+6.1%} "
                    for what, ours, theirs in (
                        ("LUTs", said.luts, found.luts),
                        ("FFs", said.ffs, found.ffs),
                        ("cells", said.cells, found.cells),
                        ("blocks", said.brams, found.brams),
                    )
                )
                + remark
            )
