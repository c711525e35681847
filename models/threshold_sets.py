"""The members of a trained net: thresholds drawn around its own, as far apart as samples that it has not learnt say.

t[k] = t + s · σ · ε[k] for each neuron, rounded to what its sum can be: σ is how its sum varies over the training set,
ε the middles of equal shares of a standard normal, in an order drawn once for a seed, s the spread that makes the
members together most believable. Drawn freely, a neuron's few thresholds would lie on one side of t.
Source: "Make Me a BNN" (ABNN, arXiv 2312.15297), where noise on what is normalised makes the members.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from . import plain
from .capture import evaluating
from .config import NetworkConfig
from .datasets import Dataset
from .networks import BinaryNet, Block

HELD_OUT = 12  # one training sample of so many chooses the spread and is not learnt
SPREADS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
COLDEST, WARMEST, HALVINGS = 1.0, 64.0, 24  # temperatures of dot products, and how they are searched
DRAWN = 1  # what the generator is told beside seed and layer: no other draws from it


def learnt(data: Dataset, network: NetworkConfig) -> Dataset:
    """The data without what is held out for the spread; as it is where nothing is."""
    if network.threshold_sets == 1:
        return data
    return data.learning(~_held(data))


def _held(data: Dataset) -> NDArray[np.bool_]:
    return np.arange(len(data.train_y)) % HELD_OUT == HELD_OUT - 1


def settle(net: BinaryNet, data: Dataset, seed: int) -> None:
    """Draws the members of a net as it stands, of the spread and temperature under which held-out samples are most
    likely. In place.
    """
    held, device = _held(data), net.scores.weight.device
    x = torch.tensor(data.train_x[held], device=device)
    y = torch.tensor(data.train_y[held], device=device)
    tried = []
    with evaluating(net):
        signs = plain.input_bits(net, x)
        for spread in SPREADS:
            draw(net, spread, seed)
            tried.append((*most_likely(net.members(signs)[-1].mean(dim=0), y), spread))
    _, temperature, spread = min(tried)
    draw(net, spread, seed)
    net.temperature.fill_(temperature)


@torch.no_grad()
def draw(net: BinaryNet, spread: float, seed: int) -> None:
    """In place."""
    for index, block in enumerate(net.hidden):
        assert isinstance(block, Block)
        deviation = block.norm.running_var.double().sqrt().cpu().numpy()  # type: ignore[union-attr, operator]
        sets, rows = block.offsets.shape
        shares = np.random.default_rng([seed, index, DRAWN]).random((sets, rows)).argsort(axis=0)
        noise = np.array([NormalDist().inv_cdf((share + 0.5) / sets) for share in range(sets)])[shares]
        apart = 2 * np.rint(spread * deviation * noise / 2)  # sums of ±1 are two apart
        block.offsets.copy_(torch.from_numpy(apart))
    net.spread.fill_(spread)


def most_likely(dots: Tensor, y: Tensor) -> tuple[float, float]:
    """The least mean negative log-likelihood of (n, classes) dot products in nats, and the temperature that it has.

    It is convex in the inverse of a temperature, and its slope says on which side the least lies. A grid of steps of a
    twelfth had cost up to .16 points of ECE (docs/members.md), where a trained net of MNIST has .5.
    """
    dots = dots.double()
    right = dots.gather(1, y[:, None])[:, 0]
    low, high = 1 / WARMEST, 1 / COLDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        expected = ((dots * middle).softmax(dim=1) * dots).sum(dim=1)
        low, high = (low, middle) if (expected - right).mean() > 0 else (middle, high)
    return float(functional.cross_entropy(dots * low, y)), 1 / low
