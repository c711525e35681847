"""Many small nets at once: dense 1-bit nets of one recipe that differ in the seed alone, trained in one tensor program.

Each ends in the bits that `training.train` gives it, whoever is trained beside it. Sums of ±1 are whole numbers, which
any order gives alike, batch-norm sums every column by itself, and most of what goes element by element knows no
neighbours: these are done for all nets at once, and so are gradients where one call for all sums as a call for each
does. The rest is rounded in an order that is the kernel's own (other gradients, the mean loss), or by where in a tensor
an element lies (Adam, a sigmoid, the way back through batch-norm), so torch is given each net's tensors as its own
training gives them. What is saved is the overhead of a call, which of a small net is nearly all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..ib_analysis.codes import Trace, concatenate
from . import plain
from .alike import SMALL, recipe, trainable
from .capture import BATCH, traced
from .history import Epoch, TrainingError
from .networks import BinaryNet, Block
from .signs import ChannelThreshold, QuantizedActivation, signs, slope
from .training import Run, drawn, evaluate, generator, reestimate, set_rates, tempered, threads

ROWS = 512  # of samples whose accuracy is counted at a time: what all nets emit for them stays in the cache
MOMENTUM, EPSILON = 0.1, 1e-5  # of batch-norm, torch's own
WITHOUT_NEIGHBOURS = "ste-identity", "ste-clipped", "approx-sign", "rsign"  # slopes whose every operation is exact


def train(runs: Sequence[Run]) -> Iterator[list[Epoch]]:
    """Trains runs that have just been started, on the CPU, of one recipe but for the seed.

    After each epoch, the untrained nets first, a row for each run; then they may be looked at and saved, as those of
    `training.train`. A row's seconds are its share of all. Raises TrainingError where they are not such runs.
    """
    recipes = {recipe(run.net.config, run.config) for run in runs}
    if len(recipes) > 1 or any(run.history or not trainable(run.net.config, run.config) for run in runs):
        raise TrainingError(
            f"{len(runs)} nets of {len(recipes)} recipes cannot be trained together: it takes some that have just been "
            f"started and differ in the seed alone, dense 1-bit nets of at most {SMALL} products that learn by adam "
            "from samples as they are"
        )
    with threads(runs[0].net.config):
        yield from _train(runs)


def _train(runs: Sequence[Run]) -> Iterator[list[Epoch]]:
    first, together = runs[0], _Together(runs)
    net = together.nets[0]
    x, y = torch.tensor(first.data.train_x), torch.tensor(first.data.train_y)
    seen, unseen = (plain.input_bits(net, pixels) for pixels in (x, torch.tensor(first.data.test_x)))
    test_y = torch.tensor(first.data.test_y)
    for epoch in range(first.config.epochs + 1):
        began = time.perf_counter()
        losses = together.one_epoch(epoch, seen, y) if epoch else [evaluate(run, x, y)[1] for run in runs]
        if epoch == first.config.epochs and first.config.reestimate:
            for run in runs:
                reestimate(run.net, x)
        accuracies = together.accuracies(seen, y), together.accuracies(unseen, test_y)
        taken = (time.perf_counter() - began) / len(runs)
        rows = [Epoch(epoch, *numbers, taken) for numbers in zip(losses, *accuracies, strict=True)]
        for run, row in zip(runs, rows, strict=True):
            run.history.append(row)
        yield rows


@torch.no_grad()
def capture(nets: Sequence[BinaryNet], x: NDArray[np.uint8]) -> list[Trace]:
    """What `capture.capture` gives of each net for x, (n, features) uint8: dense 1-bit nets of one shape."""
    stacked = _Nets(nets, lambda parts: torch.stack(list(parts)))
    blocks: list[list[Trace]] = []
    for pixels in torch.tensor(x).split(BATCH):
        entering = plain.input_bits(nets[0], pixels).t()
        first = [] if nets[0].binarize is None else [entering.expand(len(nets), -1, -1)]
        each = zip(nets, zip(*first, *stacked.emitted(entering), strict=True), strict=True)
        blocks.append([traced(net, (layer.t() for layer in own)) for net, own in each])
    return [concatenate(list(parts)) for parts in zip(*blocks, strict=True)]


class _Layer(NamedTuple):
    """A hidden layer of all nets: the net is the first axis of every tensor.

    weight           (nets, out, in), latent
    gain, bias       (nets, out), of batch-norm
    mean, variance   (nets, out), which trail behind the batches
    shift            (nets, out), of `rsign` alone
    """

    weight: Tensor
    gain: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor
    shift: Tensor | None

    @classmethod
    def of(cls, blocks: Sequence[Block], joined: Callable[[Iterable[Tensor]], Tensor]) -> _Layer:
        norms, shifts = [cast(nn.BatchNorm1d, block.norm) for block in blocks], [block.shift for block in blocks]
        return cls(
            joined(block.linear.weight for block in blocks),
            joined(norm.weight for norm in norms),
            joined(norm.bias for norm in norms),
            joined(cast(Tensor, norm.running_mean) for norm in norms),
            joined(cast(Tensor, norm.running_var) for norm in norms),
            joined(cast(ChannelThreshold, shift).threshold for shift in shifts)
            if isinstance(shifts[0], ChannelThreshold)
            else None,
        )

    def of_batch(self, entering: Tensor, gradient: Callable[[Tensor], Tensor]) -> Tensor:
        """In training the codes (nets, n, out), as ±1, of codes (nets, n, in); `gradient` as `signs.slope` gives it."""
        sums = _Products.apply(entering, self.weight)
        normed = _Normed.apply(sums, self.gain, self.bias, self.mean, self.variance)
        cut = normed if self.shift is None else _Less.apply(normed, self.shift)
        return QuantizedActivation.apply(cut, gradient, 1)

    def codes(self, entering: Tensor) -> Tensor:
        """In evaluation (nets, out, n) of (in, n), which all nets are given, or of (nets, in, n)."""
        sums = _dots(self.weight, entering)
        mean, variance, gain, bias = (part.flatten() for part in (self.mean, self.variance, self.gain, self.bias))
        normed = functional.batch_norm(sums.view(1, -1, sums.shape[2]), mean, variance, gain, bias).view_as(sums)
        return signs(normed if self.shift is None else normed - self.shift[..., None])


def _joined(parts: Iterable[Tensor]) -> Tensor:
    """One tensor of them all, of which each part becomes a view: what moves the one moves the other."""
    each = list(parts)
    whole = torch.stack([part.detach() for part in each])
    for part, own in zip(each, whole, strict=True):
        part.data = own
    return whole.requires_grad_(each[0].requires_grad)


class _Nets:
    """Many nets as one: tensors of all of them."""

    def __init__(self, nets: Sequence[BinaryNet], joined: Callable[[Iterable[Tensor]], Tensor]) -> None:
        every = range(len(nets[0].hidden))
        self.layers = [_Layer.of([cast(Block, net.hidden[i]) for net in nets], joined) for i in every]
        self.scores = joined(net.scores.weight for net in nets)

    @torch.no_grad()
    def emitted(self, codes: Tensor) -> Iterator[Tensor]:
        """In evaluation, of ±1 inputs (inputs, n): (nets, …, n), every layer's codes as ±1, and the dot products.

        The samples lie beside each other: they are many, and the neurons few.
        """
        for layer in self.layers:
            codes = layer.codes(codes)
            yield codes
        yield _dots(self.scores, codes)


class _Together:
    """The nets of many runs, whose parameters and buffers are views of its tensors."""

    def __init__(self, runs: Sequence[Run]) -> None:
        first, self.runs = runs[0], runs
        self.nets = [cast(BinaryNet, run.net.train()) for run in runs]
        norms = (module for net in self.nets for module in net.modules() if isinstance(module, nn.BatchNorm1d))
        self.batches = [cast(Tensor, norm.num_batches_tracked) for norm in norms]
        self.all = _Nets(self.nets, _joined)
        activation = first.net.config.activation
        alone = slope(activation)
        self.slope = alone if activation in WITHOUT_NEIGHBOURS else lambda x: torch.stack([alone(net) for net in x])
        self.latent = [*(layer.weight for layer in self.all.layers), self.all.scores]
        others = [part for layer in self.all.layers for part in (layer.gain, layer.bias, layer.shift)]
        self.adam = _Adam(runs, [*self.latent, *(part for part in others if part is not None)])

    def one_epoch(self, epoch: int, entering: Tensor, y: Tensor) -> list[float]:
        """All of its steps, on ±1 inputs (n, inputs); each net's mean loss."""
        config = self.runs[0].config
        rngs = (generator(run.config.seed, epoch) for run in self.runs)
        orders = [drawn(rng, len(y), config.batch_size, y.device) for rng in rngs]
        total, steps = torch.zeros(len(self.runs)), len(orders[0])
        for number, parts in enumerate(zip(*orders, strict=True)):
            set_rates(self.runs[0], epoch - 1 + number / steps)
            rows = torch.stack(parts)
            total += self._step(entering[rows], y[rows])
        for run in self.runs:
            set_rates(run, epoch - 1 + (steps - 1) / steps)
        for batches in self.batches:
            batches.add_(steps)
        return [float(loss) / steps for loss in total]

    def accuracies(self, entering: Tensor, y: Tensor) -> list[float]:
        """Of every net, as `training.evaluate` gives it, on ±1 inputs (n, inputs)."""
        right = torch.zeros(len(self.nets), dtype=torch.int64)
        for rows, labels in zip(entering.split(ROWS), y.split(ROWS), strict=True):
            *_, dots = self.all.emitted(rows.t())
            right += (dots.max(dim=1).indices == labels).sum(dim=1)
        return [int(count) / len(y) for count in right]

    def _step(self, codes: Tensor, y: Tensor) -> Tensor:
        """One step of every net on a batch (nets, n, inputs) of its own; the losses before it, (nets,)."""
        for layer in self.all.layers:
            codes = layer.of_batch(codes, self.slope)
        dots = _Products.apply(codes, self.all.scores)
        log_p = tempered(self.runs[0], dots).log_softmax(dim=2)
        with torch.no_grad():
            losses = torch.stack([functional.nll_loss(*one) for one in zip(log_p, y, strict=True)])
            share = -(torch.ones(()) / y.shape[1])  # divided in float32, as the gradient of a mean is
            due = torch.zeros_like(log_p).scatter_(2, y[..., None], float(share))
        log_p.backward(due)
        self.adam.step()
        with torch.no_grad():
            for weight in self.latent:
                weight.clamp_(-1, 1)
        return losses


class _Adam:
    """One step of every net's Adam. The state is that of the runs' own optimisers, which could go on from it.

    Its kernel rounds an element in the body of a tensor and one in its tail differently, so each net's tensors go in as
    they are. torch's own optimiser would do so too, but counts the steps of each of the hundreds of tensors.
    """

    def __init__(self, runs: Sequence[Run], wholes: Sequence[Tensor]) -> None:
        self.wholes, self.group = wholes, runs[0].optimizers[0].param_groups[0]
        self.taken = torch.zeros(())
        moments = ([torch.zeros_like(whole) for whole in wholes] for _ in range(2))
        self.each = [[one for whole in given for one in whole.detach()] for given in (wholes, *moments)]
        self.runs = runs

    def _hand_over(self) -> None:
        """The state to the runs' optimisers; as with theirs, there is none before the first step."""
        places = {one.data_ptr(): moments for one, *moments in zip(*self.each, strict=True)}
        for run in self.runs:
            for part in run.parameters().values():
                mean, square = places[part.data_ptr()]
                run.optimizers[0].state[part] = {"step": self.taken, "exp_avg": mean, "exp_avg_sq": square}

    @torch.no_grad()
    def step(self) -> None:
        """Down the gradients of the tensors, which are gone then."""
        parameters, means, squares = self.each
        gradients = [one for whole in self.wholes for one in cast(Tensor, whole.grad).unbind()]
        if not self.taken:
            self._hand_over()
        self.taken += 1
        beta1, beta2 = self.group["betas"]
        torch._fused_adam_(
            parameters,
            gradients,
            means,
            squares,
            [],
            [self.taken] * len(parameters),
            lr=self.group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=self.group["weight_decay"],
            eps=self.group["eps"],
            amsgrad=False,
            maximize=False,
        )
        for whole in self.wholes:
            whole.grad = None


class _Products(torch.autograd.Function):
    """Codes (nets, n, in) times the signs of latent weights (nets, out, in), with the gradients of `FewBitLinear`."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, latent: Tensor) -> Tensor:
        weight = signs(latent)
        ctx.save_for_backward(codes, weight)
        return torch.bmm(codes, weight.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor]:
        codes, weight = ctx.saved_tensors
        entering = _each_product(gradient, weight) if ctx.needs_input_grad[0] else None
        return entering, _each_product(gradient.transpose(1, 2), codes)


def _each_product(left: Tensor, right: Tensor) -> Tensor:
    """(nets, n, m) of (nets, n, k) floats and (nets, k, m) of ±1, each product as it is alone."""
    if _in_one_call(*((one.shape, one.stride()) for one in (left, right))):
        return torch.bmm(left, right)
    return torch.stack([one @ other for one, other in zip(left, right, strict=True)])


@cache
def _in_one_call(*laid_out: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    """Whether one call for all nets sums as a call for each does, for two tensors of such shapes and strides.

    In which order it sums is a matter of these alone, and seen in sums of numbers that are rounded.
    """
    drawn = torch.Generator().manual_seed(0)
    left, right = (torch.empty_strided(*one).copy_(torch.randn(one[0], generator=drawn)) for one in laid_out)
    right.copy_(signs(right))
    alone = torch.stack([one @ other for one, other in zip(left, right, strict=True)])
    return torch.equal(torch.bmm(left, right), alone)


def _dots(latent: Tensor, codes: Tensor) -> Tensor:
    """(nets, out, n) of latent weights (nets, out, in) and ±1 codes, (in, n) or (nets, in, n)."""
    weight = signs(latent)
    return torch.bmm(weight, codes) if codes.ndim == 3 else (weight.flatten(0, 1) @ codes).view(*weight.shape[:2], -1)


class _Normed(torch.autograd.Function):
    """Batch-norm in training over (nets, n, width), net by net, as a `BatchNorm1d` does it; its buffers in place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, *trailing: Tensor) -> Tensor:
        of_all = [part.view(-1) for part in (gain, bias, *trailing)]
        columns = x.transpose(0, 1).flatten(1)
        normed, mean, scale = torch.ops.aten.native_batch_norm(columns, *of_all, True, MOMENTUM, EPSILON)
        ctx.save_for_backward(x, gain, mean.view_as(gain), scale.view_as(gain))
        return normed.view(len(columns), len(x), -1).transpose(0, 1).contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        each = [
            torch.ops.aten.native_batch_norm_backward(
                due, one, gain, None, None, mean, scale, True, EPSILON, [True, True, True]
            )
            for due, one, gain, mean, scale in zip(gradient, *ctx.saved_tensors, strict=True)
        ]
        return *(torch.stack(parts) for parts in zip(*each, strict=True)), None, None


class _Less(torch.autograd.Function):
    """Of every net x (nets, n, width) - threshold (nets, width)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, threshold: Tensor) -> Tensor:
        return x - threshold[:, None]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, torch.stack([one.sum(dim=0) for one in -gradient])
