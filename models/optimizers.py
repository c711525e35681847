"""What moves a net: Adam or SGD on latent weights, or Bop, which knows no latent weights at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .config import TrainingConfig


class Bop(torch.optim.Optimizer):
    """Flips ±1 weights: m ← (1 − γ) m + γ g, then w ← −w where m has the sign of w and |m| > threshold.

    lr          γ, the adaptivity: the share of the newest gradient in the moving average m
    threshold   of |m|: greater ones flip fewer weights

    The weight is the whole state but for m, and nothing latent is rounded to it.
    Source: Helwegen et al. 2019, "Latent Weights Do Not Exist: Rethinking Binarized Neural Network Optimization".
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, threshold: float) -> None:
        super().__init__(parameters, {"lr": lr, "threshold": threshold})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                average: Tensor = self.state[weight].setdefault("average", torch.zeros_like(weight))
                average.lerp_(weight.grad, group["lr"])
                weight.copy_(torch.where(average * weight > group["threshold"], -weight, weight))


def optimizers(
    config: TrainingConfig, parameters: list[nn.Parameter], one_bit: list[nn.Parameter]
) -> list[torch.optim.Optimizer]:
    """Those that together move all parameters, among them the `one_bit` weights, which Bop makes ±1 here.

    Each group's learning rate at the start is its `initial_lr`.
    """
    made: list[torch.optim.Optimizer]
    match config.optimizer:
        case "adam":
            made = [torch.optim.Adam(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)]
        case "sgd":
            made = [
                torch.optim.SGD(
                    parameters, lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
                )
            ]
        case "bop":
            with torch.no_grad():
                for weight in one_bit:
                    weight.copy_(torch.where(weight >= 0, 1.0, -1.0))
            weights = set(map(id, one_bit))
            other = [parameter for parameter in parameters if id(parameter) not in weights]
            made = [
                Bop(one_bit, config.flip_rate, config.flip_threshold),
                torch.optim.Adam(other, lr=config.learning_rate, fused=True),
            ]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    return made
