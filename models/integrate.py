"""Neurons that integrate over the steps of a frame, and fire.

    v = state + sum − leak; a neuron fires where v reaches its theta, and the state is then v − theta, otherwise v

Every frame begins with a state of 0. In training sums are normalised over all steps of the batch, and theta is 1; a
trained neuron has whole numbers instead, counted in agreeing bits, as hardware has them.
Source: spiking CNNs, arXiv 2406.19230. Their spikes are 0 and 1; ±1 here says the same, for the difference is a
constant in the leak.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Whole:
    """What a trained layer has, (rows,) each.

    falling   bool: batch-norm falls with the sum, so that the disagreeing bits are counted
    leak      int64, -theta .. fan-in: beyond them a neuron fires at every step, or at none, as it does there
    theta     int64, positive
    """

    falling: Tensor
    leak: Tensor
    theta: Tensor


class Integrate(nn.Module):
    """(steps, n, rows) dot products of ±1 to as many codes, ±1.

    fan_in   of a row
    sign     with the gradient that training finds at v − theta
    """

    def __init__(self, rows: int, fan_in: int, sign: nn.Module) -> None:
        super().__init__()
        self.fan_in, self.activation = fan_in, sign
        self.norm = nn.BatchNorm1d(rows)
        nn.init.constant_(self.norm.bias, 0.5)  # fires at every other step, so that codes are balanced

    def forward(self, dots: Tensor) -> Tensor:
        if self.training:
            entering, theta = self.norm(dots.flatten(0, 1)).view_as(dots), torch.ones((), device=dots.device)
        else:
            whole = self.whole()
            agreeing = (self.fan_in + torch.where(whole.falling, -dots, dots)) / 2
            entering, theta = agreeing - whole.leak, whole.theta.float()
        state, codes = torch.zeros_like(entering[0]), list[Tensor]()
        for each in entering:
            v = state + each
            codes.append(self.activation(v - theta))
            state = v - theta * (codes[-1] + 1) / 2
        return torch.stack(codes)

    @torch.no_grad()
    def whole(self) -> Whole:
        """Of batch-norm as it stands: v · deviation / gain, in agreeing bits, and rounded."""
        norm, most = self.norm, float(self.fan_in)
        gain, bias, mean = (value.double() for value in (norm.weight, norm.bias, norm.running_mean))  # type: ignore[union-attr]
        deviation = (norm.running_var.double() + norm.eps).sqrt()  # type: ignore[union-attr]
        unit = (deviation / gain.abs()).clamp(max=2 * most)  # of v, in dot products: a gain near 0 has none
        theta = (unit / 2).round().clamp(min=1)
        middle = torch.where(gain < 0, -mean, mean)
        leak = ((most + middle - bias * unit) / 2).round()
        leak = torch.maximum(leak.clamp(max=most), -theta)
        return Whole(gain < 0, leak.long(), theta.long())
