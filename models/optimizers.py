"""What moves a net: Adam or SGD on latent weights, RBONN before them, or Bop, which knows no latent weights at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .config import TrainingConfig
from .signs import signs


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


class Bilinear(torch.optim.Optimizer):
    """RBONN's share of a step on latent weights, to be taken before that of the optimiser that moves them.

    Each row w of weights has a scale A, 1/α of the paper, which a batch-norm behind it absorbs, and a share u:

        the gradient grows by `weight` ∂G/∂w,   G = ‖sign(w) − A w‖²
        u ← |u − lr Σ ∂L/∂w · d|,   d what was added to the row at the step before
        w ← w + u d,   d = w where the row lags, else 0
        A ← |A − lr · weight ∂G/∂A|

    A row lags where its Σ|w| is among the lowest LAGGING of its layer, and its A is not. The paper adds u d after the
    other optimiser's step; where that does not look at w, as Adam's without decay, it is the same.

    Source: Xu et al. 2022, "Recurrent Bilinear Optimization for Binary Neural Networks", arXiv 2209.01542; by the
    paper, for its published code adds the last gradient in place of w.
    """

    LAGGING, SHARE = 0.6, 0.2  # τ, and u at the start

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight": weight})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, self.state[weight], group)

    def _move(self, weight: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        within = tuple(range(1, weight.ndim))  # a row

        def spread(row: Tensor) -> Tensor:
            return row.view(-1, *(1 for _ in within))

        norm = weight.abs().sum(within)
        if not state:
            state["scale"] = norm / weight.square().sum(within).clamp(min=1e-12)  # where G is least
            state["share"], state["added"] = torch.full_like(norm, self.SHARE), torch.zeros_like(weight)
        scale, share, added = state["scale"], state["share"], state["added"]
        share.sub_(group["lr"] * (gradient * added).sum(within)).abs_()
        apart = signs(weight) - spread(scale) * weight
        gradient.sub_(2 * group["weight"] * spread(scale) * apart)
        lowest = int(len(weight) * self.LAGGING)
        lags = (_rank(norm) < lowest) & (_rank(scale) >= lowest)
        added.copy_(torch.where(spread(lags), weight, 0.0))
        scale.add_(2 * group["lr"] * group["weight"] * (apart * weight).sum(within)).abs_()
        weight.add_(spread(share) * added)


def _rank(values: Tensor) -> Tensor:
    """Of each how many are below it; equal ones in their order."""
    return values.argsort(stable=True).argsort(stable=True)


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
    if config.bilinear:
        made.insert(0, Bilinear(one_bit, config.learning_rate, config.bilinear))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    return made
