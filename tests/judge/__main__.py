"""`make judge`: FINN+ reads, executes and estimates every preset; a table each, and exit 1 if it disagrees."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from bitneck.export.graph import Graph
from bitneck.export.judges.estimates import beside, text
from bitneck.export.judges.finn_plus import JudgeError, judge
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.flow.config import CYCLES
from bitneck.hw.accelerator import lower
from bitneck.hw.costs.resources import estimate
from bitneck.hw.folding import Folding, fold
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.config import TrainingConfig, preset
from bitneck.models.datasets import load
from bitneck.models.training import start, train
from numpy.typing import NDArray

SAMPLES = 1000
FINN = {
    "dense1": (16, 49),
    "dense2": (8, 8),
    "dense3": (8, 8),
    "scores": (10, 8),
}  # PE, SIMD that FINN publishes of TFC


def untrained(name: str) -> bytes:
    """The file of a preset's net with random weights, pixels cut anywhere and batch-norms of every sign."""
    config, rng = preset(name).network, np.random.default_rng(0)
    net = BrevitasNet(config).eval()
    with torch.no_grad():
        if net.binarize is not None:
            cuts = rng.integers(0, (1 << config.input_bits) + 1, config.inputs)
            net.binarize.threshold.copy_(torch.from_numpy(cuts - 0.5))
        for block in net.hidden:
            fan_in, width = block.linear.in_features, block.linear.out_features
            gain = rng.normal(size=width) * (rng.random(width) < 0.9)
            tensors = (block.norm.weight, block.norm.bias, block.norm.running_mean, block.norm.running_var)
            drawn = (
                gain,
                rng.normal(0, 0.5, width),
                rng.normal(0, fan_in**0.5, width),
                rng.uniform(0.1, fan_in, width),
            )
            for tensor, values in zip(tensors, drawn, strict=True):
                tensor.copy_(torch.from_numpy(values))
    return serialize(export(net, name.replace("-", "_")))


def trained() -> tuple[bytes, NDArray[np.uint8]]:
    """The file of a net trained on digits for seconds, and every sample of the set."""
    chosen = preset("digits")
    data = load(chosen.dataset)
    run = start(chosen.network, TrainingConfig(epochs=20, batch_size=128, learning_rate=3e-3), data)
    for _ in train(run):
        pass
    return serialize(export(run.net, "digits")), data.all()[0]


def cases() -> Iterator[tuple[str, bytes, NDArray[np.uint8] | None, dict[str, Folding] | None]]:
    """What it is, the file, the samples where they are not random, the folding where it is not the preset's."""
    for name in ("digits", "digits-small", "digits-tiny", "twelve", "tfc", "sfc", "lfc"):
        yield f"{name}, untrained", untrained(name), None, None
    folding = {name: Folding(*lanes) for name, lanes in FINN.items()}
    yield "tfc, untrained, FINN's published folding", untrained("tfc"), None, folding
    yield "digits, trained", *trained(), None


def judged(title: str, model: bytes, x: NDArray[np.uint8] | None, folding: dict[str, Folding] | None) -> list[str]:
    """Prints the table and returns where FINN+ says something else."""
    graph: Graph = streamline(model).graph
    if x is None:
        x = np.random.default_rng(1).integers(0, 1 << graph.input_bits, (SAMPLES, graph.inputs)).astype(np.uint8)
    chosen = fold(graph, CYCLES[graph.name.replace("_", "-")]) | (folding or {})
    accelerator = lower(graph, chosen)
    verdict = judge(model, x, {name: (lanes.pe, lanes.simd) for name, lanes in chosen.items()})
    wrong = verdict.mismatches(graph, graph(x), x)
    print(f"\n{title}: {len(x):,} samples, every layer and the class {'differ' if wrong else 'equal'}")
    cycles = {stage.name: stage.cycles for stage in accelerator.stages}
    luts = {stage.name: estimate(stage, "xc7").luts for stage in accelerator.stages}  # of the same part
    for line in text(beside(verdict.estimates, cycles, luts)):
        print(f"  {line}")
    for operator in verdict.estimates.operators:
        if operator.overflow:
            print(f"  FINN+ would overflow in {operator.overflow}")
    return [f"{title}: {line}" for line in wrong]


def main() -> None:
    try:
        wrong = [line for case in cases() for line in judged(*case)]
    except JudgeError as error:
        sys.exit(str(error))
    print("\n".join(wrong) or "\nFINN+ agrees with every bit")
    sys.exit(bool(wrong))


main()
