"""`make silicon`: a small net of maps the whole way, trained, imported, simulated, and read back from its bitstream.

    python tests/hw/trained_maps.py FOLDER [--epochs N] [--images N] [--file MODEL]

Brevitas trains it on the MNIST of BITNECK_DATA, on one thread. Its QONNX becomes a run in FOLDER, folded for the UP5K;
the RTL runs over the whole test set; bitstreams for UP5K and ECP5-25k are made; and the UP5K's, read back, runs over
the first images, every layer compared. Exit 1 where a bit differs.

--file   a QONNX of such a net instead of training one
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import torch
from bitneck.export.writing.qonnx import of_module, serialize
from bitneck.flow import proof, run, silicon
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import design
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import import_model
from bitneck.hw.synthesis.bitstream import summary
from bitneck.hw.synthesis.gates import judge_bitstream
from bitneck.hw.synthesis.read_back import VLOG, read_back
from bitneck.hw.synthesis.shell import Shell
from bitneck.hw.synthesis.targets import target_of
from bitneck.models.datasets import Dataset, load
from brevitas.core.restrict_val import RestrictValueType
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from brevitas_examples.bnn_pynq.models.common import CommonActQuant, CommonWeightQuant
from brevitas_examples.bnn_pynq.models.tensor_norm import TensorNorm
from pins import UP5K
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

CHANNELS, BATCH, RATE, SEED = 16, 200, 0.01, 0


class Net(nn.Sequential):
    """28 × 28 pixels of 8 bits, two convolutions of CHANNELS 3 × 3 kernels, each pooled, and ten scores; in one bit."""

    def __init__(self) -> None:
        weight = {"weight_quant": CommonWeightQuant, "weight_bit_width": 1, "bias": False}
        pixel = {"min_val": -1.0, "max_val": 1 - 2**-7, "narrow_range": False}
        layers: list[nn.Module] = [
            QuantIdentity(
                act_quant=CommonActQuant, bit_width=8, restrict_scaling_type=RestrictValueType.POWER_OF_TWO, **pixel
            )
        ]
        for channels in (1, CHANNELS):
            layers += [QuantConv2d(channels, CHANNELS, 3, **weight), nn.BatchNorm2d(CHANNELS, eps=1e-4)]
            layers += [QuantIdentity(act_quant=CommonActQuant, bit_width=1), nn.MaxPool2d(2)]
        super().__init__(*layers, nn.Flatten(), QuantLinear(25 * CHANNELS, 10, **weight), TensorNorm())

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(2 * pixels - 1)


def trained(data: Dataset, epochs: int) -> Net:
    torch.set_num_threads(1)  # the same net, however many cores there are
    torch.manual_seed(SEED)
    x, y = torch.from_numpy(data.train_x).reshape(-1, 1, 28, 28) / 255, torch.from_numpy(data.train_y)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(x) // BATCH))
    latent = [layer.weight for layer in net if isinstance(layer, QuantConv2d | QuantLinear)]
    for epoch in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            falling.step()
            with torch.no_grad():
                for weight in latent:
                    weight.clamp_(-1, 1)
        print(f"epoch {epoch + 1} of {epochs}: loss {float(loss.detach()):.3f}", file=sys.stderr, flush=True)
    return net.eval()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make silicon")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if shutil.which(VLOG) is None:
        parser.error(f"no {VLOG} here, and the bitstream is to be read back; install the package fpga-icestorm")
    home = Path(os.environ.get("BITNECK_DATA", "."))
    data, place = load("mnist", home), RunFolder(asked.folder)
    model = asked.file or serialize(of_module(trained(data, asked.epochs), torch.zeros(1, 1, 28, 28)))
    read = import_model(model, place, "0..1", "mnist", home, name="maps")
    run.export(place)
    print(f"{read.samples:,} images of MNIST, {read.accuracy:.2%} of the classes right")
    config = place.config()
    hardware = config.hardware.model_copy(update={"target": "up5k"})
    place.config_file.write_text(config.model_copy(update={"hardware": hardware}).toml())
    run.build(place)
    simulated = proof.simulate(place, home)
    print(f"RTL: {simulated.samples:,} images, {simulated.cycles_per_frame:,.0f} cycles each, equal: {simulated.equal}")
    for part, pins in (("up5k", UP5K), ("ecp5-25k", None)):
        print(summary(silicon.synth(place, part, pins)))
    graph, folder = graph_of(place), place.synthesis("up5k").parent
    shell, up5k, x = Shell(design(place.config(), graph)), target_of("up5k"), data.test_x[: asked.images]
    chip = read_back(shell, up5k, folder, place.path / "chip")
    judged = judge_bitstream(shell, up5k, chip, x, graph(x), place.path / "judged", "verilator")
    print(f"bitstream read back: {judged.samples:,} images, {', '.join(judged.streams)}: {judged.complaint or 'equal'}")
    return int(not simulated.equal or judged.complaint is not None)


if __name__ == "__main__":
    sys.exit(main())
