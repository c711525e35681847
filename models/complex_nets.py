"""Dense nets of complex numbers, (A + iB)(x + iy), as the real nets that they are: of weights [[A, −B], [B, A]].

A vector of n complex numbers is n real parts, then n imaginary ones. Signs of both parts are a quadrant, and a
batch-norm of each part alone keeps a threshold of each. Scores are real parts: their weights [A, −B] are free.
Source: Li et al. 2021, "BCNN: Binary Complex Neural Network", arXiv 2104.10044; its full batch-norm, which turns both
parts into each other, would leave no threshold.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .networks import BinaryNet, Net

LEAST = 1e-30  # a latent weight in place of 0, so that B and −B have opposite signs


def tie_gradients(net: Net) -> None:
    """Each free weight's is the mean of those of the two places where it stands. In place."""
    for weight in _tied(net):
        if weight.grad is not None:
            a, minus_b, b, again = _quarters(weight.grad)
            weight.grad.copy_(_whole((a + again) / 2, (b - minus_b) / 2))


@torch.no_grad()
def tie(net: Net) -> None:
    """Weights are [[A, −B], [B, A]] of the A and B that stand left. In place."""
    for weight in _tied(net):
        a, _, b, _ = _quarters(weight)
        weight.copy_(_whole(a, torch.where(b == 0, LEAST, b)))


def _tied(net: Net) -> list[nn.Parameter]:
    tied = isinstance(net, BinaryNet) and net.config.complex
    return [linear.weight for linear in net.linears()[:-1]] if tied else []  # type: ignore[misc]


def _quarters(weight: Tensor) -> tuple[Tensor, ...]:
    """Left and right of the upper half, then of the lower."""
    return tuple(quarter for half in weight.chunk(2) for quarter in half.chunk(2, dim=1))


def _whole(a: Tensor, b: Tensor) -> Tensor:
    return torch.cat([torch.cat([a, -b], dim=1), torch.cat([b, a], dim=1)])
