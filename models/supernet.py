"""One net that holds many: its narrower nets are the first neurons of each hidden layer, of a convolution the first
channels, and share their weights. Pools have none; a dense layer behind a map hears the places of the channels left.

It is trained by the sandwich rule: at each step the largest net, its weights floats, learns from the labels, and
teaches the smallest and two that are drawn. Weights are standardised over the fan-in of the net that uses them, so
that of one latent weight a narrow net may use another sign than a wide one.

Source: Lin et al. 2024, "NAS-BNN", arXiv 2408.15484; the rule, Yu and Huang 2019, arXiv 1903.05134.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..ib_analysis.codes import Codes, Trace
from . import plain
from .capture import capture
from .datasets import Dataset
from .history import Epoch, TrainingError
from .networks import BinaryNet, Block, Pool, as_rows
from .signs import QuantizedActivation, QuantizedWeight, slope
from .training import Run, batches, reestimate, shared, step, threads

DRAWN = 2  # nets that learn at a step beside the smallest
NETS_A_STEP = DRAWN + 2
NORMALISED = 2048  # training samples that give a candidate's means and variances
Hidden = tuple[int, ...]
"""Widths of a narrower net: `NetworkConfig.rows`."""


def with_validation(data: Dataset, share: float, seed: int) -> Dataset:
    """Its training samples alone, a share of each class drawn to test with. The test set is nowhere in it.

    Raises TrainingError where a share of them leaves one side without samples.
    """
    rng, judges = np.random.default_rng(seed), np.zeros(len(data.train_y), bool)
    for label in range(data.classes):
        rows = rng.permutation(np.flatnonzero(data.train_y == label))
        judges[rows[: round(share * len(rows))]] = True
    if judges.sum() < 2 or (~judges).sum() < 2:
        raise TrainingError(
            f"{data.name}: a share of {share} of {len(judges)} training samples are {judges.sum()} to judge by; "
            "both sides need two"
        )
    return replace(data.learning(~judges), test_x=data.train_x[judges], test_y=data.train_y[judges])


def teach(run: Run, choices: Sequence[Sequence[int]]) -> Iterator[Epoch]:
    """Goes on from where `run` stands, yielding after each epoch, as `training.train`; then `run` may be saved.

    choices   widths of each hidden layer, ascending; the net of `run` is that of the last ones

    An epoch's loss is the teacher's; accuracies are of the largest net with ±1 weights.
    """
    config = run.net.config
    if not isinstance(run.net, BinaryNet) or not config.one_bit or config.complex or config.passes > 1:
        raise TrainingError(f"{config.activation}, {config}: a supernet is a real 1-bit net that a frame passes once")
    with threads(config):
        x, y = torch.tensor(run.data.train_x), torch.tensor(run.data.train_y)
        while len(run.history) <= run.config.epochs:
            began, epoch = time.perf_counter(), len(run.history)
            loss = _one_epoch(run, run.net, choices, epoch, x, y) if epoch else math.log(run.data.classes)
            own = narrowed(run.net, tuple(config.rows.values()), x[:NORMALISED])
            seen = _right(capture(own, run.data.train_x[:NORMALISED]), run.data.train_y[:NORMALISED])
            unseen = _right(capture(own, run.data.test_x), run.data.test_y)
            run.history.append(Epoch(epoch, loss, seen, unseen, time.perf_counter() - began))
            yield run.history[-1]


def _one_epoch(run: Run, net: BinaryNet, choices: Sequence[Sequence[int]], epoch: int, x: Tensor, y: Tensor) -> float:
    rng, total, steps = np.random.default_rng([run.config.seed, epoch, 1]), torch.zeros(()), 0
    least, most = (tuple(widths[end] for widths in choices) for end in (0, -1))
    for rows, labels, _ in batches(run, epoch, x, y):
        entering = plain.input_bits(net, rows)
        taught = _tempered(run, most, entering, floats=True)
        own = shared(labels, partial(functional.cross_entropy, taught))
        soft = taught.detach().softmax(dim=1)
        drawn = [tuple(int(rng.choice(widths)) for widths in choices) for _ in range(DRAWN)]
        loss = own + sum(functional.cross_entropy(_tempered(run, hidden, entering), soft) for hidden in (least, *drawn))
        step(run, loss)
        total += own.detach()
        steps += 1
    return float(total) / steps


def _tempered(run: Run, hidden: Hidden, entering: Tensor, floats: bool = False) -> Tensor:
    """Scores for a softmax, as the training of an ordinary net takes them."""
    assert isinstance(run.net, BinaryNet)
    *_, last, dots = emissions(run.net, hidden, entering, floats)
    return dots / (run.config.temperature * math.sqrt(as_rows(last).shape[1]))


def emissions(net: BinaryNet, hidden: Hidden, entering: Tensor, floats: bool = False) -> list[Tensor]:
    """The codes, as ±1, that products of a narrower net take, then the dot products; means and variances are those of
    these samples.

    entering   as `plain.forward` takes it, which hands gradients through pools in the same way
    floats     standardised weights in place of their signs
    """
    gradient, widths = slope(net.config.activation), iter(hidden)
    emitted, codes, normed = [], entering, entering
    for layer, after in zip(net.hidden, [*net.hidden[1:], net.scores], strict=True):
        normed = _normed(layer, next(widths), codes, floats) if isinstance(layer, Block) else layer(normed)
        if not isinstance(after, Pool):
            codes = QuantizedActivation.apply(normed, gradient, 1)
            emitted.append(codes)
    heard = as_rows(codes)
    return [*emitted, functional.linear(heard, _weight(net.scores.weight[:, : heard.shape[1]], floats))]


def _normed(block: Block, width: int, codes: Tensor, floats: bool) -> Tensor:
    """What the first neurons of a layer cut into a code."""
    heard, linear, norm = block.entering(codes), block.linear, cast(nn.BatchNorm1d | nn.BatchNorm2d, block.norm)
    weight = _weight(linear.weight[:width, : heard.shape[1]], floats)  # behind a map, channel after channel
    if isinstance(linear, nn.Conv2d):
        sums = functional.conv2d(heard, weight, stride=cast(tuple[int, ...], linear.stride))
    else:
        sums = functional.linear(heard, weight)
    across = [axis for axis in range(sums.ndim) if axis != 1]
    variance, mean = torch.var_mean(sums, dim=across, correction=0, keepdim=True)
    gain, bias = (_by_channel(each[:width], sums) for each in (norm.weight, norm.bias))
    normed = (sums - mean) * (gain * torch.rsqrt(variance + norm.eps)) + bias
    shift = getattr(block.shift, "threshold", None)
    return normed if shift is None else normed - _by_channel(shift[:width], sums)


def _by_channel(each: Tensor, sums: Tensor) -> Tensor:
    return each.view(-1, *(1,) * (sums.ndim - 2))


def _weight(latent: Tensor, floats: bool) -> Tensor:
    standardised = _standardised(latent)
    return standardised if floats else QuantizedWeight.apply(standardised, 1)


def _standardised(latent: Tensor) -> Tensor:
    """Of every neuron mean 0 and variance 1 over its fan-in; as it is where it hears one element."""
    if latent[0].numel() == 1:
        return latent
    deviation, mean = torch.std_mean(latent, dim=list(range(1, latent.ndim)), keepdim=True, correction=0)
    return (latent - mean) / (deviation + 1e-5)


@torch.no_grad()
def narrowed(net: BinaryNet, hidden: Hidden, x: Tensor) -> BinaryNet:
    """A narrower net as one of its own, its means and variances those of x, (n, features) uint8."""
    own, whole = BinaryNet(net.config.of_rows(hidden)), net.state_dict()
    # Of a row behind a map the first columns are the first channels', so every array is the corner of the whole one.
    corners = {name: whole[name][tuple(map(slice, mine.shape))] for name, mine in own.state_dict().items()}
    own.load_state_dict(corners)
    for linear in own.linears():
        linear.weight.copy_(_standardised(linear.weight))
    reestimate(own, x)
    return own


def judged(net: BinaryNet, hidden: Hidden, data: Dataset) -> tuple[float, Codes]:
    """Share of the test samples of `data` that a narrower net has right, and its last hidden codes of them.

    Means and variances are taken anew over the first NORMALISED training samples.
    """
    with threads(None):
        own = narrowed(net, hidden, torch.tensor(data.train_x[:NORMALISED]))
        trace = capture(own, data.test_x)
    return _right(trace, data.test_y), trace.codes[own.config.names[-2]]


def _right(trace: Trace, y: NDArray[np.int64]) -> float:
    return float((trace.predictions() == y).mean())
