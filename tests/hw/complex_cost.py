"""Part of `make complex`: what half of a complex net's weights saves, the last table of docs/complex.md.

The net of that page, its first seed, by yosys, at the same folding with and without; and the cheapest design that the
search finds, which weighs both.
"""

from __future__ import annotations

from dataclasses import replace

from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.hw.accelerator import lower
from bitneck.hw.costs.search import Search
from bitneck.hw.folding import fold
from bitneck.hw.stages import Mvtu
from bitneck.hw.synthesis.netlist import synthesise
from bitneck.models import training
from bitneck.models.brevitas_net import in_brevitas
from bitneck.models.config import NetworkConfig, TrainingConfig
from bitneck.models.datasets import load

NETWORK = NetworkConfig(widths=(128, 64, 64, 4), input_bits=1, complex=True)
CYCLES = (64, 256, 1024, 4096)
FAMILIES = {"ice40": "up5k", "ecp5": "ecp5-25k", "xc7": "xc7"}  # and a part of each


def main(epochs: int = 40) -> None:
    run = training.start(NETWORK, TrainingConfig(epochs=epochs), load("modulation"))
    for _ in training.train(run):
        pass
    graph = streamline(serialize(export(in_brevitas(run.net), "net"))).graph
    for cycles in CYCLES:
        turned = fold(graph, cycles)
        plain = {name: replace(folding, turned=False) for name, folding in turned.items()}
        designs = {"all": lower(graph, plain), "half": lower(graph, turned)}
        bits = {
            name: sum(stage.stored().size for stage in made.stages if isinstance(stage, Mvtu))
            for name, made in designs.items()
        }
        print(f"{cycles} cycles: {bits} bits", flush=True)
        for family, target in FAMILIES.items():
            for name, made in designs.items():
                found = synthesise(made.stages, family)
                whole = [sum(getattr(each, what) for each in found) for what in ("cells", "brams")]
                hidden = [
                    (each.cells, each.brams)
                    for stage, each in zip(made.stages, found, strict=True)
                    if isinstance(stage, Mvtu)
                ]
                print(f"  {family} {name}: cells, blocks {whole}; of the hidden layers {hidden}", flush=True)
            best = Search(graph, target).cheapest(cycles)
            assert best is not None
            chosen = {name: (f.pe, f.simd, f.rom_style, f.turned) for name, f in best.foldings.items()}
            print(f"  {target}, cheapest: {best.resources.cells}, {best.resources.brams}, {chosen}", flush=True)


if __name__ == "__main__":
    main()
