"""One net that holds many: its narrower nets are the first neurons of each hidden layer, and share their weights.

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

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..ib_analysis.codes import Codes
from . import plain
from .datasets import Dataset
from .history import Epoch, TrainingError
from .networks import BinaryNet
from .signs import QuantizedActivation, QuantizedWeight, slope
from .training import Run, batches, shared, step, threads

DRAWN = 2  # nets that learn at a step beside the smallest
NETS_A_STEP = DRAWN + 2
NORMALISED = 2048  # training samples that give a candidate's means and variances
Hidden = tuple[int, ...]


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
    return replace(
        data,
        train_x=data.train_x[~judges],
        train_y=data.train_y[~judges],
        test_x=data.train_x[judges],
        test_y=data.train_y[judges],
    )


def teach(run: Run, choices: Sequence[Sequence[int]]) -> Iterator[Epoch]:
    """Goes on from where `run` stands, yielding after each epoch, as `training.train`; then `run` may be saved.

    choices   widths of each hidden layer, ascending; the net of `run` is that of the last ones

    An epoch's loss is the teacher's; accuracies are of the largest net with ±1 weights.
    """
    if not isinstance(run.net, BinaryNet) or not run.net.config.rows_of_bits:
        raise TrainingError(f"{run.net.config.activation}, {run.net.config.chain}: a supernet is a dense 1-bit net")
    with threads(run.net.config):
        x, y = torch.tensor(run.data.train_x), torch.tensor(run.data.train_y)
        signs = plain.input_bits(run.net, x[:NORMALISED]), plain.input_bits(run.net, torch.tensor(run.data.test_x))
        while len(run.history) <= run.config.epochs:
            began, epoch = time.perf_counter(), len(run.history)
            loss = _one_epoch(run, run.net, choices, epoch, x, y) if epoch else math.log(run.data.classes)
            with torch.no_grad():
                seen, unseen = (emissions(run.net, run.net.config.hidden, signs[0], each)[-1] for each in signs)
            right = _right(seen, y[:NORMALISED]), _right(unseen, torch.tensor(run.data.test_y))
            run.history.append(Epoch(epoch, loss, *right, time.perf_counter() - began))
            yield run.history[-1]


def _one_epoch(run: Run, net: BinaryNet, choices: Sequence[Sequence[int]], epoch: int, x: Tensor, y: Tensor) -> float:
    rng, total, steps = np.random.default_rng([run.config.seed, epoch, 1]), torch.zeros(()), 0
    least = tuple(widths[0] for widths in choices)
    for rows, labels, _ in batches(run, epoch, x, y):
        signs = plain.input_bits(net, rows)
        taught = _tempered(run, net.config.hidden, signs, floats=True)
        own = shared(labels, partial(functional.cross_entropy, taught))
        soft = taught.detach().softmax(dim=1)
        drawn = [tuple(int(rng.choice(widths)) for widths in choices) for _ in range(DRAWN)]
        loss = own + sum(functional.cross_entropy(_tempered(run, hidden, signs), soft) for hidden in (least, *drawn))
        step(run, loss)
        total += own.detach()
        steps += 1
    return float(total) / steps


def _tempered(run: Run, hidden: Hidden, signs: Tensor, floats: bool = False) -> Tensor:
    """Scores for a softmax, as the training of an ordinary net takes them."""
    assert isinstance(run.net, BinaryNet)
    return emissions(run.net, hidden, signs, floats=floats)[-1] / (run.config.temperature * math.sqrt(hidden[-1]))


def emissions(
    net: BinaryNet, hidden: Hidden, signs: Tensor, others: Tensor | None = None, floats: bool = False
) -> list[Tensor]:
    """What every layer of a narrower net emits for ±1 inputs (n, inputs): ±1 codes, then the dot products.

    others   (m, inputs) whose emissions are wanted instead: means and variances are always those of `signs`
    floats   standardised weights in place of their signs
    """
    gradient, emitted = slope(net.config.activation), []
    both = signs if others is None else torch.cat([signs, others])
    for block, width in zip(net.hidden, hidden, strict=True):
        dots = functional.linear(both, _weight(block.linear.weight[:width, : both.shape[1]], floats))  # type: ignore
        own = dots[: len(signs)]
        variance, mean = torch.var_mean(own, dim=0, correction=0)
        norm = block.norm
        normal = (dots - mean) * (norm.weight[:width] * torch.rsqrt(variance + norm.eps)) + norm.bias[:width]  # type: ignore
        shift = getattr(block.shift, "threshold", None)
        both = QuantizedActivation.apply(normal if shift is None else normal - shift[:width], gradient, 1)
        emitted.append(both)
    emitted.append(functional.linear(both, _weight(net.scores.weight[:, : both.shape[1]], floats)))
    return emitted if others is None else [layer[len(signs) :] for layer in emitted]


def _weight(latent: Tensor, floats: bool) -> Tensor:
    """Of every neuron mean 0 and variance 1 over its fan-in, and the sign of that; as it is where it hears one bit."""
    if latent.shape[1] > 1:
        deviation, mean = torch.std_mean(latent, dim=1, keepdim=True, correction=0)
        latent = (latent - mean) / (deviation + 1e-5)
    return latent if floats else QuantizedWeight.apply(latent, 1)


def _right(dots: Tensor, y: Tensor) -> float:
    return float((dots.argmax(dim=1) == y).float().mean())


def judged(net: BinaryNet, hidden: Hidden, data: Dataset) -> tuple[float, Codes]:
    """Share of the test samples of `data` that a narrower net has right, and its last hidden codes of them.

    Means and variances are taken anew over the first NORMALISED training samples.
    """
    with torch.no_grad(), threads(None):
        signs = plain.input_bits(net, torch.tensor(data.train_x[:NORMALISED]))
        *_, last, dots = emissions(net, hidden, signs, plain.input_bits(net, torch.tensor(data.test_x)))
        return _right(dots, torch.tensor(data.test_y)), Codes.pack((last > 0).numpy())
