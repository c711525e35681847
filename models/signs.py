"""One bit or two in the forward pass, and the slope that a gradient finds where a step has none.

Forward every activation is the same: of one bit the sign, +1 at zero; of two what is nearest of -1, 0 and +1, 0 at ±½.
They differ in the slope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..plugins import PluginError
from .config import ACTIVATIONS

SWISH_BETA = 5.0


def signs(x: Tensor) -> Tensor:
    """±1, and +1 at zero: in one new tensor, for where maps are large it is memory that takes time."""
    return torch.ge(x, 0, out=torch.empty_like(x)).mul_(2).sub_(1)


def quantized(x: Tensor, bits: int) -> Tensor:
    """`signs` of one bit; of two bits what is nearest of -1, 0 and +1. A new tensor."""
    return signs(x) if bits == 1 else torch.round(x).clamp_(-1, 1)


class QuantizedWeight(torch.autograd.Function):
    """`quantized`; the gradient passes straight through."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bits: int) -> Tensor:
        return quantized(x, bits)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class QuantizedActivation(torch.autograd.Function):
    """`quantized`; the gradient times slope(x), as `slope` gives it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Callable[[Tensor], Tensor], bits: int) -> Tensor:
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(slope(x))
        return quantized(x, bits)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient * ctx.saved_tensors[0], None, None


class Activation(nn.Module):
    """`quantized`, with the gradient that an activation of this name has."""

    def __init__(self, activation: str, bits: int) -> None:
        super().__init__()
        self.slope, self.bits = slope(activation, bits), bits

    def forward(self, x: Tensor) -> Tensor:
        return QuantizedActivation.apply(x, self.slope, self.bits)


class FewBits(nn.Module):
    """A layer of weights that are multiplied `quantized`.

    bits     of a weight
    floats   while it is set, the latent weights themselves are multiplied; those of one bit so scaled that their mean
             size is that of a sign
    """

    weight: Tensor
    floats: bool = False

    def __init__(self, *shape: int, bits: int = 1, **options: Any) -> None:
        super().__init__(*shape, **options)
        self.bits = bits

    def multiplied(self) -> Tensor:
        """Of the weights' shape."""
        if not self.floats:
            return QuantizedWeight.apply(self.weight, self.bits)
        return self.weight / self.weight.detach().abs().mean() if self.bits == 1 else self.weight


class FewBitLinear(FewBits, nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.multiplied())


class FewBitConv2d(FewBits, nn.Conv2d):
    """`stride` alone of a convolution's options is heeded."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.multiplied(), stride=self.stride)


class ChannelThreshold(nn.Module):
    """RSign is sign(x − threshold): this, and ApproxSign behind it. Gradient of threshold: −(2 − 2|x − threshold|).

    threshold   (channels,) float32, learnt, 0 at first

    It stands in front of the quantizer and not in it, because any QONNX writer, not only ours, then writes it down.
    Source: Liu et al. 2020, "ReActNet"; the part of Zhang et al. 2022, "Dynamic Binary Neural Network by learning
    channel-wise thresholds", that does not depend on the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x - (self.threshold if x.ndim == 2 else self.threshold[:, None, None])


def clipped_slope(x: Tensor) -> Tensor:
    """Of `SteClipped`, as bool."""
    return x.abs() <= 1


def approx_slope(x: Tensor) -> Tensor:
    """Of `ApproxSign`."""
    return x.abs().mul_(-2).add_(2).clamp_(min=0)


def swish_slope(x: Tensor) -> Tensor:
    """Of `SwishSign`, with tail = σ(−β|x|): the same as with cosh, which overflows in float32 from βx = 89 on."""
    size = SWISH_BETA * x.abs()
    tail = torch.sigmoid(-size)
    return 2 * SWISH_BETA * tail * (1 - tail) * (2 - size * (1 - 2 * tail))


SLOPES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "ste-identity": torch.ones_like,
        "ste-clipped": clipped_slope,
        "approx-sign": approx_slope,
        "swish-sign": swish_slope,
        "rsign": approx_slope,
    }
)


def slope(activation: str, bits: int = 1) -> Callable[[Tensor], Tensor]:
    """The gradient of a step: of two bits, which are the mean of the signs of x ± ½, the mean of theirs.

    Raises PluginError where one of others gives no slope of x's shape and type.
    """
    return _of_a_sign(activation) if bits == 1 else partial(_of_two_signs, _of_a_sign(activation))


def _of_two_signs(slope: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return (slope(x - 0.5).to(x.dtype) + slope(x + 0.5)) / 2


def _of_a_sign(activation: str) -> Callable[[Tensor], Tensor]:
    if activation in SLOPES:
        return SLOPES[activation]
    found = ACTIVATIONS[activation]
    x = torch.linspace(-3, 3, 14).reshape(2, 7)
    given = found(x)
    if not isinstance(given, Tensor) or given.shape != x.shape or not given.isfinite().all():
        got = f"{tuple(given.shape)} {given.dtype}" if isinstance(given, Tensor) else type(given).__name__
        raise PluginError(
            f"activation {activation!r} of {ACTIVATIONS.origin(activation)} gave {got} for x (2, 7) in -3 .. 3; "
            "a finite slope for each is due"
        )
    return found
