"""The forward pass of training: the bits of a `BinaryNet`, and gradients that a pool hands to the largest sum."""

from __future__ import annotations

import torch
from torch import Tensor

from .networks import BinaryNet, Block, FloatNet, Net, Pool, as_entering, as_rows


def emissions(net: Net, pixels: Tensor) -> list[Tensor]:
    """What every layer of a net emits for (n, features) uint8 pixels; a float net has no other forward pass."""
    return net.emissions(net.encode(pixels)) if isinstance(net, FloatNet) else forward(net, input_bits(net, pixels))


def forward(net: BinaryNet, signs: Tensor) -> list[Tensor]:
    """The codes, as ±1, that products take, of the input as ±1 or as whole pixels; then the dot products.

    A pool takes the largest of what was normalised, not of its signs: the same bits, for a sign never falls; but the
    gradient goes to the largest sum, where among equal signs it would go to the first. Of a net of steps all are means
    over them.
    """
    if net.config.steps > 1:
        return [each.mean(dim=0) for each in net.over_steps(signs)]
    emitted, normed = [], signs
    for layer, after in zip(net.hidden, [*net.hidden[1:], net.scores], strict=True):
        if isinstance(layer, Block):
            normed, activation = layer.normed(signs), layer.activation
        else:
            normed = layer(normed)
        if not isinstance(after, Pool):
            signs = activation(normed)
            emitted.append(signs)
    return [*emitted, net.scores(as_rows(signs))]


def input_bits(net: BinaryNet, pixels: Tensor) -> Tensor:
    """Of (n, features) uint8 pixels what `encode` and `binarize` give: ±1, or whole pixels."""
    entering = as_entering(pixels, net)
    if net.config.whole:
        return net.encode(pixels)
    return torch.where(entering > (0.5 if net.binarize is None else net.binarize.threshold), 1.0, -1.0)
