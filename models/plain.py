"""The forward pass of training: the bits of `DenseNet`, and its gradients, without Brevitas' bookkeeping.

Brevitas builds scale, zero point and bit width anew for every tensor; on nets this small that is most of the time. What
is exported and captured is always the Brevitas net; a test holds the two together to the last bit.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from .networks import DenseNet

Gradient = Literal["straight", "triangle"]


class SignOfWeight(torch.autograd.Function):
    """±1, and +1 at zero; the gradient passes straight through."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class SignOfActivation(torch.autograd.Function):
    """±1, and +1 at zero; the gradient is stopped beyond ±1.

    Within, `straight` passes it as it is (BinaryConnect, Brevitas) and `triangle` times 2 - 2|x|, the slope of the
    parabola that touches the sign at ±1 (ApproxSign; Liu et al. 2018, "Bi-Real Net").
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gradient: Gradient) -> Tensor:
        size = x.abs()
        ctx.save_for_backward((2 - 2 * size).clamp_(min=0) if gradient == "triangle" else size <= 1)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


def forward(net: DenseNet, signs: Tensor, gradient: Gradient = "straight") -> list[Tensor]:
    """Every layer's emission for (n, widths[0]) input bits as ±1: the hidden codes as ±1, then the dot products."""
    emitted = []
    for block in net.hidden:
        dots = functional.linear(signs, SignOfWeight.apply(block.linear.weight))  # type: ignore[union-attr]
        signs = SignOfActivation.apply(block.norm(dots), gradient)  # type: ignore[operator]
        emitted.append(signs)
    return [*emitted, functional.linear(signs, SignOfWeight.apply(net.scores.weight))]


def input_bits(net: DenseNet, pixels: Tensor) -> Tensor:
    """(n, features) ±1 of uint8 pixels, as `encode` and `binarize` give them."""
    threshold = 0.5 if net.binarize is None else net.binarize.threshold
    return torch.where(pixels > threshold, 1.0, -1.0)
