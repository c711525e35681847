"""Part of `make subbit`: what codebooks cost and save in hardware, the last tables of docs/subbit.md.

One conv of random words with its window, by yosys, the same lanes with and without a codebook; and CNV of random words,
the cheapest design that the search finds, estimated.
"""

from __future__ import annotations

import numpy as np
from bitneck.export.graph import Conv
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.hw.accelerator import lower
from bitneck.hw.costs.resources import total
from bitneck.hw.costs.search import Search
from bitneck.hw.folding import fold
from bitneck.hw.stages import Folding, lowering
from bitneck.hw.stages.kernels import TAPS
from bitneck.hw.synthesis.netlist import synthesise
from bitneck.models.brevitas_net import in_brevitas
from bitneck.models.config import preset
from bitneck.models.networks import untrained

CONVS = ((16, 8, 1, ("xc7", "ecp5", "ice40")), (32, 13, 4, ("xc7", "ecp5")))  # channels, side, PE, families
CYCLES, PARTS = 32_768, ("xc7", "ecp5-85k")


def conv(channels: int, side: int, words: int) -> Conv:
    rng = np.random.default_rng(0)
    book = (rng.permutation(1 << TAPS)[:words, None] >> np.arange(TAPS) & 1) == 1
    kernels = book[rng.integers(0, words, (channels, channels))]
    weight = kernels.transpose(0, 2, 1).reshape(channels, 3, 3, channels)
    at = rng.normal(channels * 4.5, (channels * 9) ** 0.5 / 2, channels).round().astype(np.int32)
    return Conv("conv", weight, at, (side, side, channels))


def main() -> None:
    for channels, side, pe, families in CONVS:
        for family in families:
            cells = []
            for bits in (TAPS, 6, 5, 4):
                layer = conv(channels, side, 1 << bits)
                stages = lowering(layer).stages(layer, Folding(pe, TAPS * channels, coded=bits < TAPS), 1)
                cells.append(f"{sum(each.luts for each in synthesise(stages, family)):,}")
            print(f"| {channels} on {side} x {side}, PE {pe} | {family} | {' | '.join(cells)} |", flush=True)
    for bits in (None, 6, 5, 4):
        network = preset("cnv").network.model_copy(update={"codebook_bits": bits})
        graph = streamline(serialize(export(in_brevitas(untrained(network)), "net"))).graph
        cells = []
        for target in PARTS:
            found = Search(graph, target).cheapest(CYCLES)
            assert found is not None
            coded = sum(found.foldings[name].coded for name in network.coded)
            every = total(lower(graph, fold(graph, CYCLES)).stages, target)
            sizes = (f"{of.cells:,}, {of.brams}" for of in (found.resources, every))
            cells.append(f"{coded} coded: {', all coded: '.join(sizes)}")
        print(f"| {bits or 'free'} | {network.memory_bits:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
