"""Many small nets at once: dense 1-bit nets of one recipe that differ in the seed alone, trained in one tensor program.

Each ends in the bits that `training.train` gives it, whoever is trained beside it. Sums of ±1 are whole numbers, which
any order gives alike, batch-norm sums every column by itself, and most of what goes element by element knows no
neighbours: these are done for all nets at once. So are gradients of products and the way back through batch-norm where
a probe shows that one call for all rounds as a call for each does. The rest is rounded in an order that is the kernel's
own (other gradients, the mean loss), or by where in a tensor an element lies (Adam, a sigmoid), so torch is given each
net's tensors as its own training gives them. What is saved is the overhead of a call, which of a small net is nearly
all; and what is left of the time is mostly memory, so all columns of all nets lie beside each other, sample by sample.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple, cast

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
from .signs import ChannelThreshold, signs, slope
from .training import Run, drawn, evaluate, generator, reestimate, set_rates, tempered, threads

ROWS = 512  # of samples whose accuracy is counted at a time: what all nets emit for them stays in the cache
PROBED = 2000  # rows of numbers at least, where a probe says how a kernel rounds: one in ten may show it
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


class _Passed(NamedTuple):
    """What a layer did with a batch: the samples are the first axis, and all columns of all nets the second.

    entering, codes   ±1, (n, nets · in) and (n, nets · out)
    weight            ±1, (nets, out, in)
    sums              (n, nets · out), of products
    mean, scale       (nets · out,), of the sums: scale is one over their deviation
    slope             (n, nets · out), of the activation
    """

    entering: Tensor
    weight: Tensor
    sums: Tensor
    mean: Tensor
    scale: Tensor
    slope: Tensor
    codes: Tensor


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

    def of_batch(self, entering: Tensor, slope: Callable[[Tensor], Tensor]) -> _Passed:
        """In training, of codes (n, nets · in) as ±1; `slope` as `signs.slope` gives it. Statistics trail, in place."""
        weight = signs(self.weight)
        sums = _products(entering, weight)
        of_all = (part.view(-1) for part in (self.gain, self.bias, self.mean, self.variance))
        normed, mean, scale = torch.ops.aten.native_batch_norm(sums, *of_all, True, MOMENTUM, EPSILON)
        cut = normed if self.shift is None else normed.sub_(self.shift.view(-1))
        return _Passed(entering, weight, sums, mean, scale, slope(cut), signs(cut))

    def back(self, passed: _Passed, due: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Of the gradient of its codes that of its sums, both (n, nets · out), and those of gain, bias and shift."""
        due = due * passed.slope
        nets, width = self.gain.shape
        of_shift = [] if self.shift is None else [torch.stack([one.sum(dim=0) for one in _by_net(-due, nets)])]
        given = due, passed.sums, self.gain.view(-1), passed.mean, passed.scale, nets
        if (fused := _fused(len(due), width)) is None:
            due, *others = _back_one_by_one(*given)
        else:
            due, *others = _back_at_once(*given, fused)
        return due, [*(part.view_as(self.gain) for part in others), *of_shift]

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
    return whole


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
        self.alone = slope(activation)
        self.slope = self.alone if activation in WITHOUT_NEIGHBOURS else self._slope_of_each
        self.latent = [*(layer.weight for layer in self.all.layers), self.all.scores]
        others = [part for layer in self.all.layers for part in (layer.gain, layer.bias, layer.shift)]
        self.adam = _Adam(runs, [*self.latent, *(part for part in others if part is not None)])

    def _slope_of_each(self, columns: Tensor) -> Tensor:
        return _columns(torch.stack([self.alone(net) for net in _by_net(columns, len(self.nets))]))

    def one_epoch(self, epoch: int, entering: Tensor, y: Tensor) -> list[float]:
        """All of its steps, on ±1 inputs (n, inputs); each net's mean loss."""
        config = self.runs[0].config
        rngs = (generator(run.config.seed, epoch) for run in self.runs)
        orders = [drawn(rng, len(y), config.batch_size, y.device) for rng in rngs]
        total, steps = torch.zeros(len(self.runs)), len(orders[0])
        for number, parts in enumerate(zip(*orders, strict=True)):
            set_rates(self.runs[0], epoch - 1 + number / steps)
            rows = torch.stack(parts)
            total += self._step(entering[rows.t()].flatten(1), y[rows])
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

    @torch.no_grad()
    def _step(self, codes: Tensor, y: Tensor) -> Tensor:
        """One step of every net on a batch of its own, ±1 inputs (n, nets · inputs) and labels (nets, n).

        The losses before it, (nets,).
        """
        passed: list[_Passed] = []
        for layer in self.all.layers:
            passed.append(layer.of_batch(codes, self.slope))
            codes = passed[-1].codes
        weight = signs(self.all.scores)
        log_p = self._tempered(_by_net(_products(codes, weight), len(weight))).log_softmax(dim=2)
        losses = torch.stack([functional.nll_loss(*one) for one in zip(log_p, y, strict=True)])
        share = -(torch.ones(()) / y.shape[1])  # divided in float32, as the gradient of a mean is
        due = torch.zeros_like(log_p).scatter_(2, y[..., None], float(share))
        due = _columns(self._tempered(torch.ops.aten._log_softmax_backward_data(due, log_p, 2, log_p.dtype)))
        of_weights, of_others = [_of_weights(due, codes, len(weight))], list[Tensor]()
        for layer, done in zip(reversed(self.all.layers), reversed(passed), strict=True):
            due, others = layer.back(done, _of_codes(due, weight))
            weight = done.weight
            of_weights.insert(0, _of_weights(due, done.entering, len(weight)))
            of_others = others + of_others
        self.adam.step([*of_weights, *of_others])
        for latent in self.latent:
            latent.clamp_(-1, 1)
        return losses

    def _tempered(self, scores: Tensor) -> Tensor:
        return tempered(self.runs[0], scores)


class _Adam:
    """One step of every net's Adam. The state is that of the runs' own optimisers, which could go on from it.

    Its kernel rounds an element in the body of a tensor and one in its tail differently, so each net's tensors go in as
    they are. torch's own optimiser would do so too, but counts the steps of each of the hundreds of tensors.
    """

    def __init__(self, runs: Sequence[Run], wholes: Sequence[Tensor]) -> None:
        self.runs, self.group = runs, runs[0].optimizers[0].param_groups[0]
        self.taken = torch.zeros(())
        self.gradients, *moments = ([torch.zeros_like(whole) for whole in wholes] for _ in range(3))
        self.each = [[one for whole in given for one in whole] for given in (wholes, self.gradients, *moments)]

    def _hand_over(self) -> None:
        """The state to the runs' optimisers; as with theirs, there is none before the first step."""
        places = {one.data_ptr(): moments for one, _, *moments in zip(*self.each, strict=True)}
        for run in self.runs:
            for part in run.parameters().values():
                mean, square = places[part.data_ptr()]
                run.optimizers[0].state[part] = {"step": self.taken, "exp_avg": mean, "exp_avg_sq": square}

    @torch.no_grad()
    def step(self, down: Sequence[Tensor]) -> None:
        """Down the gradients of the tensors."""
        for own, given in zip(self.gradients, down, strict=True):
            own.copy_(given)
        parameters, gradients, means, squares = self.each
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


def _columns(x: Tensor) -> Tensor:
    """(n, nets · width) of (nets, n, width)."""
    return x.transpose(0, 1).flatten(1)


def _by_net(columns: Tensor, nets: int) -> Tensor:
    """The other way round; each net's part as it has it alone."""
    return columns.view(len(columns), nets, -1).transpose(0, 1).contiguous()


def _products(columns: Tensor, weight: Tensor) -> Tensor:
    """(n, nets · out) of (n, nets · in) and weights (nets, out, in): of ±1 whole numbers, in whatever order summed.

    The samples are the last axis of what is multiplied: they are many, and the neurons few.
    """
    products = torch.bmm(weight, columns.view(len(columns), len(weight), -1).permute(1, 2, 0))
    return products.flatten(0, 1).t().contiguous()


def _of_codes(due: Tensor, weight: Tensor) -> Tensor:
    """The gradient of codes, (n, nets · in), of that of their products with ±1 weights (nets, out, in)."""
    if _alike(len(due), *weight.shape)[0]:
        return _products(due, weight.transpose(1, 2))
    return _of_codes_one_by_one(due, weight)


def _of_weights(due: Tensor, codes: Tensor, nets: int) -> Tensor:
    """And that of the weights, (nets, out, in), of codes (n, nets · in)."""
    if _alike(len(due), nets, due.shape[1] // nets, codes.shape[1] // nets)[1]:
        return _of_weights_at_once(due, codes, nets)
    return _of_weights_one_by_one(due, codes, nets)


def _of_codes_one_by_one(due: Tensor, weight: Tensor) -> Tensor:
    return _columns(torch.stack([one @ other for one, other in zip(_by_net(due, len(weight)), weight, strict=True)]))


def _of_weights_at_once(due: Tensor, codes: Tensor, nets: int) -> Tensor:
    left, right = (part.view(len(part), nets, -1).transpose(0, 1) for part in (due, codes))
    return torch.bmm(left.transpose(1, 2), right)


def _of_weights_one_by_one(due: Tensor, codes: Tensor, nets: int) -> Tensor:
    each = zip(_by_net(due, nets), _by_net(codes, nets), strict=True)
    return torch.stack([one.t() @ other for one, other in each])


@cache
def _alike(rows: int, nets: int, out: int, entering: int) -> tuple[bool, bool]:
    """Whether one call for all nets sums as a call for each does, for gradients of codes and of weights.

    In which order a call sums is a matter of shapes alone, and seen in sums of numbers that are rounded.
    """
    due, codes, weight = _drawn((rows, nets * out), (rows, nets * entering), (nets, out, entering))
    codes, weight = signs(codes), signs(weight)
    return (
        torch.equal(_products(due, weight.transpose(1, 2)), _of_codes_one_by_one(due, weight)),
        torch.equal(_of_weights_at_once(due, codes, nets), _of_weights_one_by_one(due, codes, nets)),
    )


def _drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def _dots(latent: Tensor, codes: Tensor) -> Tensor:
    """(nets, out, n) of latent weights (nets, out, in) and ±1 codes, (in, n) or (nets, in, n)."""
    weight = signs(latent)
    return torch.bmm(weight, codes) if codes.ndim == 3 else (weight.flatten(0, 1) @ codes).view(*weight.shape[:2], -1)


def _kernel(given: tuple[Tensor, ...], wanted: list[bool]) -> tuple[Tensor, ...]:
    """torch's way back through batch-norm, of gradient, x, gain, mean, scale: gradients of x, gain and bias."""
    due, x, gain, mean, scale = given
    return torch.ops.aten.native_batch_norm_backward(due, x, gain, None, None, mean, scale, True, EPSILON, wanted)


def _back_one_by_one(due: Tensor, x: Tensor, gain: Tensor, mean: Tensor, scale: Tensor, nets: int) -> list[Tensor]:
    """The gradients of x (n, nets · width), and of gain and bias (nets · width,), a call for each net."""
    each = zip(*(part.chunk(nets, dim=-1) for part in (due, x, gain, mean, scale)), strict=True)
    back = [_kernel(tuple(part.contiguous() for part in net), [True, True, True]) for net in each]
    return [torch.cat(parts, dim=-1) for parts in zip(*back, strict=True)]


def _back_at_once(
    due: Tensor, x: Tensor, gain: Tensor, mean: Tensor, scale: Tensor, nets: int, fused: int
) -> list[Tensor]:
    """The same in one call, and torch's formula for x, whose kernel may round a difference of products once or twice.

    fused   of each net's columns how many at the head are rounded once
    """
    _, of_gain, of_bias = _kernel((due, x, gain, mean, scale), [False, True, True])
    share, apart = (of_gain * scale / len(x)).view(nets, -1), (x - mean).view(len(x), nets, -1)
    left = (due - of_bias / len(x)).view_as(apart)
    left[..., :fused].addcmul_(apart[..., :fused], share[:, :fused], value=-1)
    left[..., fused:].sub_(apart[..., fused:] * share[:, fused:])
    return [left.view_as(x).mul_(scale).mul_(gain), of_gain, of_bias]


@cache
def _fused(rows: int, width: int) -> int | None:
    """With which `fused` the two are the same of so many samples and columns, as numbers show; None where with none."""
    nets = -(-PROBED // rows)
    due, x, gain, mean, scale = _drawn(*[(rows, nets * width)] * 2, *[(nets * width,)] * 3)
    given = due + x, x, gain, mean, scale.abs()  # so that what is rounded once or twice weighs as much as the rest
    alone = _back_one_by_one(*given, nets)
    for fused in range(width, -1, -1):
        if all(torch.equal(*both) for both in zip(_back_at_once(*given, nets, fused), alone, strict=True)):
            return fused
    return None
