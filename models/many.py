"""Many small nets at once: dense 1-bit nets of one recipe that differ in the seed alone, trained in one tensor program.

Each ends in the bits that `training.train` gives it, whoever is trained beside it. Sums of ±1 are whole numbers, which
any order gives alike, and most of what goes element by element knows no neighbours: these are done for all nets at
once. The rest is rounded in an order that is the kernel's own (batch-norm, gradients, the mean loss), or by where in a
tensor an element lies (Adam, a sigmoid), so torch is given each net's tensors as its own training gives them. What is
saved is the overhead of a call, which of a small net is nearly all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import plain
from .alike import SMALL, recipe, trainable
from .history import Epoch, TrainingError
from .networks import BinaryNet, Block
from .signs import ChannelThreshold, QuantizedActivation, signs, slope
from .training import EVALUATION_BATCH, Run, drawn, evaluate, generator, reestimate, set_rates, tempered, threads

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


Norm: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of one net and layer: gain, bias, and the mean and variance that trail behind the batches, each (out,)."""


@dataclass(frozen=True, eq=False)
class _Layer:
    """A hidden layer of all nets: the net is the first axis of every tensor.

    weight       (nets, out, in), latent
    gain, bias   (nets, out), of batch-norm; and `norms`, the same as views for each net, with what trails behind
    shift        (nets, out), of `rsign` alone
    """

    weight: Tensor
    gain: Tensor
    bias: Tensor
    norms: tuple[Norm, ...]
    shift: Tensor | None

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> _Layer:
        norms, shifts = [cast(nn.BatchNorm1d, block.norm) for block in blocks], [block.shift for block in blocks]
        weight = _joined([block.linear.weight for block in blocks])
        gain, bias = _joined([norm.weight for norm in norms]), _joined([norm.bias for norm in norms])
        each = ((one.weight.detach(), one.bias.detach(), one.running_mean, one.running_var) for one in norms)
        shifted = isinstance(shifts[0], ChannelThreshold)
        shift = _joined([cast(ChannelThreshold, shift).threshold for shift in shifts]) if shifted else None
        return cls(weight, gain, bias, cast(tuple[Norm, ...], tuple(each)), shift)

    def __call__(self, entering: Tensor, gradient: Callable[[Tensor], Tensor]) -> Tensor:
        """The codes (nets, n, out), as ±1, of codes (nets, n, in); `gradient` as `signs.slope` gives it."""
        normed = _Normed.apply(_Products.apply(entering, self.weight), self.gain, self.bias, self.norms)
        cut = normed if self.shift is None else _Less.apply(normed, self.shift)
        return QuantizedActivation.apply(cut, gradient, 1)


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """One tensor of them all, of which each part becomes a view: what moves the one moves the other."""
    whole = torch.stack([part.detach() for part in parts])
    for part, own in zip(parts, whole, strict=True):
        part.data = own
    return whole.requires_grad_(parts[0].requires_grad)


class _Together:
    """The nets of many runs, whose parameters and buffers are views of its tensors."""

    def __init__(self, runs: Sequence[Run]) -> None:
        first, nets = runs[0], [cast(BinaryNet, run.net) for run in runs]
        self.runs, self.nets = runs, nets
        self.layers = [_Layer.of([cast(Block, net.hidden[i]) for net in nets]) for i in range(len(first.net.hidden))]
        self.scores = _joined([net.scores.weight for net in nets])
        activation = first.net.config.activation
        alone = slope(activation)
        self.slope = alone if activation in WITHOUT_NEIGHBOURS else lambda x: torch.stack([alone(net) for net in x])
        self.latent = [*(layer.weight for layer in self.layers), self.scores]
        others = [part for layer in self.layers for part in (layer.gain, layer.bias, layer.shift) if part is not None]
        self.adam = _Adam(runs, [*self.latent, *others])

    def one_epoch(self, epoch: int, entering: Tensor, y: Tensor) -> list[float]:
        """All of its steps, on ±1 inputs (n, inputs); each net's mean loss."""
        config = self.runs[0].config
        rngs = (generator(run.config.seed, epoch) for run in self.runs)
        orders = [drawn(rng, len(y), config.batch_size, y.device) for rng in rngs]
        total, steps = torch.zeros(len(self.runs)), len(orders[0])
        for net in self.nets:
            net.train()
        for number, parts in enumerate(zip(*orders, strict=True)):
            for run in self.runs:
                set_rates(run, epoch - 1 + number / steps)
            rows = torch.stack(parts)
            total += self._step(entering[rows], y[rows])
        for norm in (module for net in self.nets for module in net.modules() if isinstance(module, nn.BatchNorm1d)):
            cast(Tensor, norm.num_batches_tracked).add_(steps)
        return [float(loss) / steps for loss in total]

    @torch.no_grad()
    def accuracies(self, entering: Tensor, y: Tensor) -> list[float]:
        """Of every net, as `training.evaluate` gives it, on ±1 inputs (n, inputs)."""
        right = torch.zeros(len(self.nets), dtype=torch.int64)
        blocks = [zip(signs(layer.weight), layer.norms, strict=True) for layer in self.layers]
        for net, (last, *hidden) in enumerate(zip(signs(self.scores), *blocks, strict=True)):
            for rows, labels in zip(entering.split(EVALUATION_BATCH), y.split(EVALUATION_BATCH), strict=True):
                codes = rows
                for layer, (weight, (gain, bias, mean, variance)) in zip(self.layers, hidden, strict=True):
                    normed = functional.batch_norm(functional.linear(codes, weight), mean, variance, gain, bias)
                    codes = signs(normed if layer.shift is None else normed - layer.shift[net])
                right[net] += (functional.linear(codes, last).argmax(dim=1) == labels).sum()
        return [int(count) / len(y) for count in right]

    def _step(self, codes: Tensor, y: Tensor) -> Tensor:
        """One step of every net on a batch (nets, n, inputs) of its own; the losses before it, (nets,)."""
        for layer in self.layers:
            codes = layer(codes, self.slope)
        dots = _Products.apply(codes, self.scores)
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
    """(nets, n, m) of (nets, n, k) and (nets, k, m), floats, each product as it is alone.

    In one call they would be summed in another order; and so they would be, where the result does not lie at an address
    that a tensor of its own has.
    """
    return torch.stack([one @ other for one, other in zip(left, right, strict=True)])


class _Normed(torch.autograd.Function):
    """Batch-norm over (nets, n, width), net by net, as a `BatchNorm1d` in training does it; its buffers in place.

    each   its gain and bias again, and where mean and variance are: to make views at each step would take as long
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, each: Sequence[Norm]) -> Tensor:
        done = [torch.native_batch_norm(one, *norm, True, MOMENTUM, EPSILON) for one, norm in zip(x, each, strict=True)]
        ctx.save_for_backward(x)
        ctx.of_batch = [(norm[0], None, None, mean, scale) for norm, (_, mean, scale) in zip(each, done, strict=True)]
        return torch.stack([one for one, *_ in done])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        each = [
            torch.ops.aten.native_batch_norm_backward(*one, *batch, True, EPSILON, [True, True, True])
            for *one, batch in zip(gradient, x, ctx.of_batch, strict=True)
        ]
        return *(torch.stack(parts) for parts in zip(*each, strict=True)), None


class _Less(torch.autograd.Function):
    """Of every net x (nets, n, width) - threshold (nets, width)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, threshold: Tensor) -> Tensor:
        return x - threshold[:, None]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, torch.stack([one.sum(dim=0) for one in -gradient])
