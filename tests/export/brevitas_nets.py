"""Random small nets of Brevitas layers, and what torch says of them layer by layer.

Scales are powers of two, and batch-norms have gains of ± one and statistics that are quarters: every sum and every
decision is exact in float32, whoever orders it, and many lie on a tie.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from brevitas.inject.enum import FloatToIntImplType, RestrictValueType, ScalingImplType
from brevitas.nn import QuantConv1d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFixedPoint,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
)
from numpy.typing import NDArray
from torch import nn


class Bit(SignedBinaryActPerTensorConst):
    scaling_const = 1.0


class Fixed(Int8ActPerTensorFloat):
    """An activation whose scale is given and stays."""

    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    float_to_int_impl_type = FloatToIntImplType.ROUND


class UnsignedFixed(Uint8ActPerTensorFloat):
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP


class WeightBit(SignedBinaryWeightPerTensorConst):
    scaling_const = 1.0


@dataclass
class RandomNet:
    """layers    of torch, in order
    shown     indices of layers behind which codes are, one for each layer of the graph but the last
    shape     of one sample
    levels    floats of the input's grid
    """

    layers: list[nn.Module] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    levels: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def module(self) -> nn.Module:
        return nn.Sequential(*self.layers).eval()

    def said(self, x: NDArray[np.float32]) -> tuple[list[NDArray], NDArray]:
        """Floats of every layer's codes, (n, elements) in the order of our stream, and what leaves the net."""
        values, shown = torch.from_numpy(x), []
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                values = layer.eval()(values)
                if index in self.shown:
                    shown.append(np.moveaxis(values.numpy(), 1, -1).reshape(len(x), -1))
        return shown, values.numpy().reshape(len(x), -1)


def random_net(seed: int) -> RandomNet:
    """A chain of up to two convolutions and pools, then up to two dense layers."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = RandomNet()
    dimensions, channels = int(rng.integers(0, 3)), int(rng.integers(1, 5))
    sizes = tuple(int(size) for size in rng.integers(5, 8, dimensions))
    net.shape = (channels, *sizes) if dimensions else (int(rng.integers(6, 30)),)
    bits = int(rng.integers(2, 9))
    net.layers.append(_grid(QuantIdentity, bits, 0.125, narrow=False))
    net.levels = (np.arange(-(1 << (bits - 1)), 1 << (bits - 1)) / 8).astype(np.float32)
    if dimensions:
        channels, sizes = _maps(net, rng, channels, sizes)
        net.layers.append(nn.Flatten())
    width = channels * int(np.prod(sizes)) if dimensions else net.shape[0]
    for _ in range(int(rng.integers(0, 2))):
        rows = int(rng.integers(2, 12))
        net.layers += [
            _weighted(QuantLinear(width, rows, bias=False, **_weights(rng)), rng),
            _norm(nn.BatchNorm1d, rows, rng),
        ]
        _activate(net, rng)
        width = rows
    net.layers.append(_weighted(QuantLinear(width, int(rng.integers(2, 6)), bias=False, **_weights(rng)), rng))
    return net


def _maps(net: RandomNet, rng: np.random.Generator, channels: int, sizes: tuple[int, ...]):
    one = len(sizes) == 1
    conv, norm, pool = (
        (QuantConv1d, nn.BatchNorm1d, nn.MaxPool1d) if one else (QuantConv2d, nn.BatchNorm2d, nn.MaxPool2d)
    )
    zero_is_a_code = True  # of the input
    for _ in range(int(rng.integers(1, 3))):
        kernel, stride = int(rng.integers(1, min(3, *sizes) + 1)), int(rng.integers(1, 3))
        padding = int(rng.integers(0, kernel)) if zero_is_a_code else 0
        groups = channels if rng.random() < 0.3 else 1
        rows = groups * int(rng.integers(1, 4))
        options = {"stride": stride, "padding": padding, "groups": groups, "bias": bool(rng.random() < 0.3)}
        layer = conv(channels, rows, kernel, **options, **_weights(rng))
        if layer.bias is not None:
            layer.bias.data = torch.from_numpy(rng.integers(-8, 9, rows) / 8).float()
        net.layers += [_weighted(layer, rng), _norm(norm, rows, rng)]
        sizes = tuple((size + 2 * padding - kernel) // stride + 1 for size in sizes)
        pooled = min(sizes) >= 2 and rng.random() < 0.5
        if pooled and rng.random() < 0.4:  # before the quantizer, where falling channels need a minimum
            norm_of_pool = net.layers.pop()
            net.layers += [pool(2), norm_of_pool]
            sizes = tuple(size // 2 for size in sizes)
            zero_is_a_code = _activate(net, rng)
        else:
            zero_is_a_code = _activate(net, rng)
            if pooled:
                net.layers.append(pool(2))
                net.shown.append(len(net.layers) - 1)
                sizes = tuple(size // 2 for size in sizes)
        channels = rows
    return channels, sizes


def _weights(rng: np.random.Generator) -> dict:
    if rng.random() < 0.4:
        return {"weight_quant": WeightBit}
    bits = int(rng.integers(2, 9))
    return {
        "weight_quant": Int8WeightPerTensorFixedPoint,
        "weight_bit_width": bits,
        "weight_narrow_range": bool(rng.random() < 0.5),
    }


def _weighted(layer: nn.Module, rng: np.random.Generator) -> nn.Module:
    layer.weight.data = torch.from_numpy(rng.normal(size=tuple(layer.weight.shape))).float()
    return layer


def _norm(kind: type, rows: int, rng: np.random.Generator) -> nn.Module:
    norm = kind(rows, eps=0.0)
    with torch.no_grad():
        norm.running_mean.copy_(torch.from_numpy(rng.integers(-8, 9, rows) / 4))
        norm.running_var.fill_(1)
        norm.weight.copy_(torch.from_numpy(rng.choice([-1.0, -0.5, 0.5, 1.0], rows)))
        norm.bias.copy_(torch.from_numpy(rng.integers(-4, 5, rows) / 4))
    return norm


def _activate(net: RandomNet, rng: np.random.Generator) -> bool:
    """A random quantizer behind; whether 0 is one of its levels."""
    kind, bits = rng.integers(0, 3), int(rng.integers(1, 5))
    if kind == 0:
        net.layers.append(QuantIdentity(act_quant=Bit))
    elif kind == 1:
        net.layers.append(_grid(QuantReLU, bits + 1, 0.5, signed=False))  # of one bit Brevitas writes as ±1
    else:
        net.layers.append(_grid(QuantIdentity, bits + 1, 0.5, narrow=bool(rng.random() < 0.5)))
    net.shown.append(len(net.layers) - 1)
    return bool(kind)


def _grid(kind: type, bits: int, scale: float, signed: bool = True, narrow: bool = False) -> nn.Module:
    """An activation of whole numbers times `scale`."""
    top = (1 << bits) - 1 if not signed else (1 << (bits - 1)) - 1
    highest = scale * (top + (signed and not narrow))  # Brevitas divides the range by 2^(bits − 1), or by its top
    options = {"act_quant": Fixed, "narrow_range": narrow} if signed else {"act_quant": UnsignedFixed}
    layer = kind(bit_width=bits, min_val=-highest if signed else 0.0, max_val=highest, **options)
    assert abs(float(layer.act_quant.scale()) - scale) < 1e-6, (float(layer.act_quant.scale()), scale, bits)
    return layer


def keyword_net(seed: int = 0) -> tuple[nn.Module, float]:
    """A keyword spotter's shape with scales that round: 490-256-256-256-12, 3-bit weights with a scale per channel,
    3-bit activations, signed input −127 .. 127; and the scale of that input.
    """
    torch.manual_seed(seed)
    scale = 0.83
    layers: list[nn.Module] = [_grid(QuantIdentity, 8, scale, narrow=True)]
    widths = (490, 256, 256, 256, 12)
    for index, (fan_in, rows) in enumerate(pairwise(widths)):
        layers.append(QuantLinear(fan_in, rows, bias=False, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=3))
        if index < 3:
            norm = nn.BatchNorm1d(rows)
            with torch.no_grad():
                norm.running_mean.normal_(0, 2)
                norm.running_var.uniform_(5, 900)
                norm.weight.normal_()
                norm.bias.normal_(0.3, 0.3)
            layers += [norm, _grid(QuantReLU, 3, 1 / 7, signed=False)]
    return nn.Sequential(*layers).eval(), scale
