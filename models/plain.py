"""The forward pass of training: the bits and the gradients of `DenseNet`, without Brevitas' bookkeeping.

Brevitas builds scale, zero point and bit width anew for every tensor; on nets this small that is most of the time. What
is exported and captured is always the Brevitas net; a test holds the two together to the last bit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .networks import DenseNet


class Sign(torch.autograd.Function):
    """±1, and +1 at zero; the gradient passes straight through within ±`reach` and is zero beyond."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, reach: float) -> Tensor:
        ctx.save_for_backward(x.abs() <= reach)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


def scores(net: DenseNet, signs: Tensor) -> Tensor:
    """(n, classes) dot products of (n, widths[0]) input bits as ±1: what comes behind `binarize`."""
    for block in net.hidden:
        dots = functional.linear(signs, Sign.apply(block.linear.weight, torch.inf))
        signs = Sign.apply(block.norm(dots), 1.0)
    return functional.linear(signs, Sign.apply(net.scores.weight, torch.inf))


def input_bits(net: DenseNet, pixels: Tensor) -> Tensor:
    """(n, features) ±1 of uint8 pixels, as `encode` and `binarize` give them."""
    threshold = 0.5 if net.binarize is None else net.binarize.threshold
    return torch.where(pixels > threshold, 1.0, -1.0)
