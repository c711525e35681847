"""The forward pass of training: the bits of `BinaryNet`, and its gradients, without Brevitas' bookkeeping.

Brevitas builds scale, zero point and bit width anew for every tensor; on nets this small that is most of the time. What
is exported and captured is always the Brevitas net; a test holds the two together to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .networks import BinaryNet, FloatNet, Net, Pool, as_entering, as_rows
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


def forward(net: BinaryNet, signs: Tensor) -> list[Tensor]:
    """The codes, as ±1, that products take, of the input as ±1 or as whole pixels; then the dot products.

    A pool takes the largest of what was normalised, not of its signs: the same bits, for a sign never falls; but the
    gradient goes to the largest sum, where among equal signs it would go to the first.
    """
    gradient = slope(net.config.activation)
    emitted, normed = [], signs
    for layer, after in zip(net.hidden, [*net.hidden[1:], net.scores], strict=True):
        if isinstance(layer, Pool):
            normed = layer(normed)
        else:
            sums = layer.sums(signs, SignOfWeight.apply(layer.linear.weight))  # type: ignore[union-attr,operator]
            normed = layer.shift(layer.norm(sums))  # type: ignore[operator]
        if not isinstance(after, Pool):
            signs = SignOfActivation.apply(normed, gradient)
            emitted.append(signs)
    return [*emitted, functional.linear(as_rows(signs), SignOfWeight.apply(net.scores.weight))]


def input_bits(net: BinaryNet, pixels: Tensor) -> Tensor:
    """Of (n, features) uint8 pixels what `encode` and `binarize` give: ±1, or whole pixels."""
    entering = as_entering(pixels, net)
    if net.config.whole:
        return net.encode(pixels)
    return torch.where(entering > (0.5 if net.binarize is None else net.binarize.threshold), 1.0, -1.0)
