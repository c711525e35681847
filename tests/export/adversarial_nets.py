"""Nets made to be misread: every kind of batch-norm that we know to have moved a decision somewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from bitneck.ib_analysis.codes import Codes, Trace
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.config import NetworkConfig
from numpy.typing import NDArray

torch.set_num_threads(1)  # small nets: a second thread only waits

KINDS = (
    "rising",
    "falling",
    "gain zero, bias positive",
    "gain zero, bias zero",
    "gain zero, bias negative zero",
    "gain zero, bias negative",
    "gain negative zero",
    "always",
    "never",
    "tie in the mean",
    "tie in the bias",
    "falling tie in the mean",
    "falling tie in the bias",
    "variance zero",
    "variance huge",
    "gain tiny",
    "gain huge",
)


def batch_norm(kind: str, fan_in: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """gain, bias, mean, variance."""
    reachable = float(2 * rng.integers(0, fan_in + 1) - fan_in)
    gain, bias = float(rng.uniform(0.1, 2)), float(rng.normal(0, 0.5))
    mean, variance = float(rng.normal(0, fan_in**0.5)), float(rng.uniform(0.1, fan_in))
    sign = -1 if "falling" in kind else 1
    if "tie in the mean" in kind:
        return sign * gain, 0.0, reachable, variance
    if "tie in the bias" in kind:
        scale = np.float32(gain) / np.sqrt(np.float32(variance) + np.float32(1e-5))
        return sign * gain, float(-sign * (np.float32(reachable) - np.float32(mean)) * scale), mean, variance
    return {
        "rising": (gain, bias, mean, variance),
        "falling": (-gain, bias, mean, variance),
        "gain zero, bias positive": (0.0, 1.0, mean, variance),
        "gain zero, bias zero": (0.0, 0.0, mean, variance),
        "gain zero, bias negative zero": (0.0, -0.0, mean, variance),
        "gain zero, bias negative": (0.0, -1e-30, mean, variance),
        "gain negative zero": (-0.0, bias, mean, variance),
        "always": (gain, 1e9, mean, variance),
        "never": (-gain, -1e9, mean, variance),
        "variance zero": (gain, bias, reachable, 0.0),
        "variance huge": (gain, bias / 1e15, mean, 1e30),
        "gain tiny": (1e-30, 0.0, mean, variance),
        "gain huge": (-1e30, bias, mean, variance),
    }[kind]


def adversarial_net(
    widths: Sequence[int], input_bits: int, seed: int = 0, kinds: Sequence[str] = KINDS, activation: str = "approx-sign"
) -> BrevitasNet:
    """In evaluation mode, its neurons' batch-norms drawn of `kinds`."""
    rng = np.random.default_rng(seed)
    config = NetworkConfig(widths=widths, input_bits=input_bits, activation=activation)
    net = BrevitasNet(config, seed=seed).eval()
    with torch.no_grad():
        if net.binarize is not None:
            pixels = rng.integers(0, (1 << input_bits) + 1, widths[0])
            net.binarize.threshold.copy_(torch.from_numpy(pixels - 0.5))
        for block in net.hidden:
            chosen = rng.choice(len(kinds), block.norm.num_features)
            rows = [batch_norm(kinds[kind], block.linear.in_features, rng) for kind in chosen]
            columns = torch.tensor(rows, dtype=torch.float32).T
            tensors = (block.norm.weight, block.norm.bias, block.norm.running_mean, block.norm.running_var)
            for tensor, column in zip(tensors, columns, strict=True):
                tensor.copy_(column)
            if activation == "rsign":  # some of them where the batch-norm puts a reachable accumulator
                fan_in = block.linear.in_features
                reachable = 2.0 * torch.from_numpy(rng.integers(0, fan_in + 1, len(chosen))) - fan_in
                ties = block.norm(reachable[None].float())[0]
                free = torch.from_numpy(rng.normal(0, 1, len(chosen)).astype(np.float32))
                block.shift.threshold.copy_(torch.where(torch.from_numpy(rng.random(len(chosen)) < 0.5), ties, free))
        net.scores.weight[0, 0] = 0.0  # a latent zero counts as +1
    return net


def walk_net(net: BrevitasNet, x: NDArray[np.uint8]) -> Trace:
    """The modules one after the other and nothing else, the plain truth of torch."""
    codes: dict[str, Codes] = {}
    with torch.no_grad():
        values = torch.from_numpy(x.astype(np.float32))
        if net.config.input_bits == 1:
            values = 2 * values - 1
        else:
            values = net.binarize(values)
            codes["binarize"] = Codes.pack(values.numpy() > 0)
        for index, block in enumerate(net.hidden):
            values = block(values)
            codes[f"dense{index + 1}"] = Codes.pack(values.numpy() > 0)
        dots = net.scores(values).numpy()
    return Trace("torch", codes, ((dots + net.scores.in_features) / 2).astype(np.int32), net.scores.in_features)
