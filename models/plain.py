"""The forward pass of training: the bits of `DenseNet`, and its gradients, without Brevitas' bookkeeping.

Brevitas builds scale, zero point and bit width anew for every tensor; on nets this small that is most of the time. What
is exported and captured is always the Brevitas net; a test holds the two together to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .networks import DenseNet, FloatNet, Net
from .quantizers import slope


class SignOfWeight(torch.autograd.Function):
    """±1, and +1 at zero; the gradient passes straight through."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class SignOfActivation(torch.autograd.Function):
    """±1, and +1 at zero; the gradient times slope(x), as `quantizers.slope` gives it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(slope(x))
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


def emissions(net: Net, pixels: Tensor) -> list[Tensor]:
    """What every layer of a net emits for (n, features) uint8 pixels; a float net has no other forward pass."""
    return net.emissions(net.encode(pixels)) if isinstance(net, FloatNet) else forward(net, input_bits(net, pixels))


def forward(net: DenseNet, signs: Tensor) -> list[Tensor]:
    """Every layer's emission for (n, widths[0]) input bits as ±1: the hidden codes as ±1, then the dot products."""
    gradient = slope(net.config.activation)
    emitted = []
    for block in net.hidden:
        dots = functional.linear(signs, SignOfWeight.apply(block.linear.weight))  # type: ignore[union-attr]
        signs = SignOfActivation.apply(block.shift(block.norm(dots)), gradient)  # type: ignore[operator]
        emitted.append(signs)
    return [*emitted, functional.linear(signs, SignOfWeight.apply(net.scores.weight))]


def input_bits(net: DenseNet, pixels: Tensor) -> Tensor:
    """(n, features) ±1 of uint8 pixels, as `encode` and `binarize` give them."""
    threshold = 0.5 if net.binarize is None else net.binarize.threshold
    return torch.where(pixels > threshold, 1.0, -1.0)
