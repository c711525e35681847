"""Small nets of maps for tests: a padded convolution, one of stride 2, a pool, a dense layer; and nets of 2 bits."""

from __future__ import annotations

import numpy as np
import torch
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.config import NetworkConfig
from bitneck.models.layers import layers_of
from bitneck.models.networks import BinaryNet

LAYERS = "7c+1-9c2/1-2p-11-4"
SHAPE = (6, 5, 2)
INPUTS = 60


def config(input_bits: int = 3, whole: bool = False, activation: str = "approx-sign", layers: str = LAYERS, **more):
    return NetworkConfig(
        shape=SHAPE, layers=tuple(layers_of(layers)), whole=whole, input_bits=input_bits, activation=activation, **more
    )


def rows(weight_bits: int, activation_bits: int, input_bits: int = 3, activation: str = "approx-sign"):
    return NetworkConfig(
        widths=(INPUTS, 17, 11, 4),
        input_bits=input_bits,
        activation=activation,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
    )


KINDS = [
    config(),
    config(whole=True, activation="rsign"),
    config(1, activation="ste-clipped"),
    config(weight_bits=2),
    config(whole=True, activation="rsign", weight_bits=2, activation_bits=2),
    config(1, activation="swish-sign", activation_bits=2),
]
ROWS = [rows(1, 2), rows(2, 1), rows(2, 2, 1, "rsign")]


def pixels(of: NetworkConfig, samples: int = 40, seed: int = 0):
    return np.random.default_rng(seed).integers(0, 1 << of.input_bits, (samples, INPUTS), np.uint8)


def odd(of: NetworkConfig, seed: int = 1, kind: type[BinaryNet] = BrevitasNet) -> BinaryNet:
    """Batch-norms of falling, dead, steep and ordinary channels, and learnt thresholds."""
    net = kind(of, seed)
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                layer.weight.copy_(torch.linspace(-1, 1, len(layer.weight)).round(decimals=1))
                layer.bias.copy_(torch.linspace(0.3, -0.3, len(layer.bias)))
                layer.running_mean.fill_(0.5)  # and so steep that some of three levels are never emitted
                layer.running_var.copy_(torch.linspace(0.02, 2, len(layer.bias)))
        for name, parameter in net.named_parameters():
            if name.endswith("shift.threshold"):
                parameter.copy_(torch.linspace(-0.5, 0.5, len(parameter)))
    return net
