"""`make subbit`: nets of maps whose kernels are words of codebooks, beside the same nets of free kernels; the tables of
docs/subbit.md. mnist-small needs mnist/ where BITNECK_DATA says.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.flow.config import changed, design, from_preset
from bitneck.hw.synthesis.netlist import synthesise_whole
from bitneck.ib_analysis.brackets import label_bracket
from bitneck.ib_analysis.information import i_ty
from bitneck.ib_analysis.symbols import of_ids
from bitneck.models import training
from bitneck.models.brevitas_net import in_brevitas
from bitneck.models.capture import capture
from bitneck.models.codebooks import CodedConv2d
from bitneck.models.datasets import load

FAMILIES = ("xc7", "ice40")


def used(run: training.Run) -> str:
    """Different kernels of every coded layer."""
    coded = [module for module in run.net.modules() if isinstance(module, CodedConv2d)]
    return " ".join(str(len(each.multiplied().detach().reshape(-1, 9).unique(dim=0))) for each in coded)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("preset", nargs="?", default="digits-conv")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    chosen = from_preset(options.preset)
    data, epochs = load(chosen.dataset), options.epochs or chosen.training.epochs
    y = of_ids(data.test_y.astype(np.int32))
    for bits in (None, 6, 5, 4):
        network = chosen.network.model_copy(update={"codebook_bits": bits})
        accuracies, said, least, seconds, of_yosys = list[float](), list[float](), list[float](), 0.0, ""
        for seed in range(options.seeds):
            recipe = chosen.training.model_copy(update={"seed": seed, "epochs": epochs})
            run = training.start(network, recipe, data)
            began = time.perf_counter()
            for _ in training.train(run):
                pass
            seconds += time.perf_counter() - began
            accuracies.append(100 * run.history[-1].test_accuracy)
            trace = capture(run.net, data.test_x)
            last = list(trace.codes.values())[-1]
            said.append(i_ty(of_ids(trace.predictions().astype(np.int32)), y, 4, "dataset").bits)
            least.append(label_bracket(last, y, np.random.default_rng(seed)).low_bits)
            if seed == 0:
                graph = streamline(serialize(export(in_brevitas(run.net), "net"))).graph
                accelerator = design(changed(chosen, network=network), graph)
                taken = [synthesise_whole(accelerator, family) for family in FAMILIES]
                sizes = " / ".join(f"{each.luts:,} LUTs {each.brams} blocks" for each in taken)
                of_yosys = f"{accelerator.cycles:,} | {sizes} | {used(run)}"
        each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        information = f"{statistics.mean(said):.3f} | {statistics.mean(least):.3f}"
        print(
            f"| {'free' if bits is None else bits} | {network.memory_bits:,} | {each} | "
            f"{statistics.median(accuracies):.2f} % | {statistics.mean(accuracies):.2f} % | {information} | "
            f"{of_yosys} | {seconds / options.seeds:.0f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
