"""One bit in the forward pass, and the slope that a gradient finds where a sign has none.

Forward every activation is the same sign, +1 at zero; they differ in the slope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class SignOfWeight(torch.autograd.Function):
    """±1, and +1 at zero; the gradient passes straight through."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return signs(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class SignOfActivation(torch.autograd.Function):
    """±1, and +1 at zero; the gradient times slope(x), as `slope` gives it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(slope(x))
        return signs(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


class Sign(nn.Module):
    """sign(x), with the gradient that an activation of this name has."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.slope = slope(activation)

    def forward(self, x: Tensor) -> Tensor:
        return SignOfActivation.apply(x, self.slope)


class BinaryLinear(nn.Linear):
    """With the signs of its weights.

    floats   while it is set, with the latent weights themselves, scaled so that their mean size is that of a sign
    """

    floats = False

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, _weight(self))


class BinaryConv2d(nn.Conv2d):
    """The same of a map; `stride` alone of a convolution's options is heeded."""

    floats = False

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, _weight(self), stride=self.stride)


def _weight(layer: BinaryLinear | BinaryConv2d) -> Tensor:
    if layer.floats:
        return layer.weight / layer.weight.detach().abs().mean()
    return SignOfWeight.apply(layer.weight)


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


def slope(activation: str) -> Callable[[Tensor], Tensor]:
    """The gradient of a sign. Raises PluginError where one of others gives no slope of x's shape and type."""
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
