"""`make dynamic`: thresholds that depend on the input, as DyBNN has them, in a net of maps, beside the same net and
wider ones; the table of docs/dynamic.md. An experiment: there is no such layer in the package.

How often each channel of a map is on, over its places, goes through K 1-bit neurons of ±1 weights, whose codes r move
the thresholds of the conv behind it by whole numbers of U bits: t = t0 + sum of U[:, j] r[j].
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.flow.config import changed, design, from_preset
from bitneck.hw.costs.resources import total
from bitneck.models import training
from bitneck.models.brevitas_net import in_brevitas
from bitneck.models.config import NetworkConfig
from bitneck.models.datasets import load
from bitneck.models.layers import layers_of
from bitneck.models.networks import Block
from bitneck.models.optimizers import optimizers
from bitneck.models.signs import Activation, QuantizedWeight
from torch import Tensor, nn
from torch.nn import functional

PART = "xc7"
K, LEAST, MOST = 4, -8, 7  # neurons of the side path; what a weight U may be: 4 bits


class Dynamic(Block):
    """A conv whose sums are lowered by twice what the side path says: agreeing bits."""

    def beside(self, channels: int, neurons: int) -> None:
        self.of_counts = nn.Parameter(torch.empty(K, channels).uniform_(-0.5, 0.5))
        self.of_neurons = nn.Parameter(torch.empty(neurons, K).uniform_(-1, 1))
        self.side_norm, self.side_sign = nn.BatchNorm1d(K), Activation("approx-sign", 1)

    def sums(self, x: Tensor) -> Tensor:
        counts = functional.linear(x.sum((2, 3)), QuantizedWeight.apply(self.of_counts, 1))
        r = self.side_sign(self.side_norm(counts))
        latent = self.of_neurons.clamp(LEAST, MOST)
        whole = latent + (latent.round() - latent).detach()
        return super().sums(x) - 2 * functional.linear(r, whole)[..., None, None]


def made_dynamic(run: training.Run) -> None:
    """The last conv of a run that was just started."""
    block = next(layer for layer in reversed(run.net.hidden) if isinstance(layer, Block))
    block.__class__ = Dynamic
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.config.seed)
        block.beside(block.linear.weight.shape[1], block.linear.weight.shape[0])
    run.optimizers[:] = optimizers(run.config, list(run.parameters().values()), training.latent_weights(run.net))


def luts(run: training.Run, preset: str, network: NetworkConfig) -> int:
    """Estimated, of the accelerator at the preset's cycles, without the side path."""
    config = changed(from_preset(preset), network=network)
    graph = streamline(serialize(export(in_brevitas(run.net), "net"))).graph
    return total(design(config, graph).stages, PART).cells


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="digits-conv")
    parser.add_argument("--widths", nargs="*", type=int, default=[18, 20, 24])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    chosen = from_preset(options.preset)
    data = load(chosen.dataset)
    of_width = {16: chosen.network}
    for width in options.widths:
        of_width[width] = chosen.network.model_copy(update={"layers": tuple(layers_of(f"16c+1-{width}c-2p-10"))})
    for width, dynamic in [(16, False), (16, True), *((width, False) for width in options.widths)]:
        accuracies, cells, seconds = list[float](), 0, 0.0
        for seed in range(options.seeds):
            epochs = options.epochs or chosen.training.epochs
            recipe = chosen.training.model_copy(update={"seed": seed, "epochs": epochs})
            run = training.start(of_width[width], recipe, data)
            if dynamic:
                made_dynamic(run)
            began = time.perf_counter()
            for _ in training.train(run):
                pass
            seconds += time.perf_counter() - began
            accuracies.append(100 * run.history[-1].test_accuracy)
            if not dynamic and not cells:
                cells = luts(run, options.preset, of_width[width])
        each, median = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies), statistics.median(accuracies)
        name, mean = "dynamic thresholds" if dynamic else f"{width} channels", statistics.mean(accuracies)
        print(
            f"| {name} | {cells:,} | {each} | {median:.2f} % | {mean:.2f} % | {seconds / options.seeds:.0f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
