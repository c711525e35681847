"""From an untrained net to a trained one, one epoch at a time, so that the caller may look, capture and save between.

Everything random is drawn from (seed, epoch) alone: a run that goes on from a checkpoint needs no generator state and
ends in the same bytes as one that was never interrupted.

A training may also go on beyond the epochs that it was planned for. Rates that had fallen to zero then start again
where the longer plan has them at that epoch, a warm restart: the same plans in the same order give the same bytes, but
where anything follows the plan (`cosine`, read-outs, images that lie still at the end) not those of one training of the
whole length. The checkpoint keeps every earlier plan, so that it never claims to be such a one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TypeAlias, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from . import plain
from .augmentation import augmented, mixed
from .capture import batch_of, evaluating
from .codebooks import settle as settle_codebooks
from .complex_nets import tie, tie_gradients
from .config import RECIPE_OF_BITS, NetworkConfig, TrainingConfig
from .datasets import Dataset
from .history import Epoch, TeacherEpoch, TrainingError
from .networks import BinaryNet, Net, as_rows, untrained
from .optimizers import optimizers
from .signs import FewBits
from .threshold_sets import HELD_OUT, learnt, settle
from .thresholds import even_thresholds, most_telling_thresholds

EVALUATION_BATCH = 8192
JUDGING = 10_000  # training samples, the first, that say how a net of maps does on them: each costs a third of a step
LARGE, LARGE_OF_MAPS = 1_000_000, 10_000_000  # products a sample, above which a second thread is worth its overhead


@dataclass
class Run:
    """A training under way: what changes from epoch to epoch, and what decides how.

    readouts   one float classifier on each hidden code but the last, used in training only
    teacher    the training of a net whose answers this one learns, itself done before the first epoch of this one; of
               one that was trained elsewhere the net alone
    earlier    (epochs planned, last epoch trained so) of every plan before `config.epochs`, which goes on from there
    """

    config: TrainingConfig
    data: Dataset
    net: Net
    readouts: nn.ModuleList
    optimizers: list[torch.optim.Optimizer]
    history: list[Epoch] = field(default_factory=list)
    earlier: list[tuple[int, int]] = field(default_factory=list)
    teacher: Run | None = None

    def parameters(self) -> dict[str, nn.Parameter]:
        """Everything that an optimiser moves, by name."""
        return {
            f"{part}/{name}": parameter
            for part, module in (("net", self.net), ("readouts", self.readouts))
            for name, parameter in module.named_parameters()
        }


def start(
    network: NetworkConfig, config: TrainingConfig, data: Dataset, device: str = "cpu", teacher: Net | None = None
) -> Run:
    """An untrained net, its input thresholds fitted to the training set.

    teacher   a trained net, where `config.teacher` asks for one

    Raises TrainingError where shapes disagree, or torch has no such device here.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        said = str(error).splitlines()[0]
        raise TrainingError(f"torch cannot train on device {device!r} here: {said}") from None
    wanted = (data.features, data.classes, data.input_bits)
    if (network.inputs, network.classes, network.input_bits) != wanted:
        raise TrainingError(
            f"{data.name} has {data.features} inputs of {data.input_bits} bits and {data.classes} classes, but the "
            f"network {network} takes {network.input_bits}-bit inputs"
        )
    if len(data.train_x) < 2:
        raise TrainingError(
            f"{data.name} has {len(data.train_x)} training sample; batch-norm takes the variance of at least 2, is a "
            "file cut?"
        )
    kept = () if data.taken is None else data.taken.shape
    if network.of_maps and (data.copies > 1 or (len(kept) > 1 and (*kept, 1)[:3] != network.shape)):
        raise TrainingError(
            f"{data.name}: samples of {' x '.join(map(str, kept or (data.pixels,)))}, shown {data.copies} times; the "
            f"network takes maps of {' x '.join(map(str, network.shape))}, shown once"
        )
    square = network.shape[0] == network.shape[1] if network.of_maps else data.square
    if config.moved and not square:
        said = f" in samples of {' x '.join(map(str, kept))}" if kept else ""
        raise TrainingError(
            f"{data.name}: {config.moved} moves square images, but there are {data.pixels} pixels{said}"
        )
    if config.warp and network.of_maps and network.shape[2] > 1:
        raise TrainingError(f"{data.name}: warp moves images of one channel, {network.shape[2]} are here; use shift")
    if config.optimizer == "bop" and not (network.binary and network.weight_bits == 1):
        of = f"of {network.weight_bits}-bit weights" if network.binary else f"of {network.activation}"
        raise TrainingError(f"bop flips 1-bit weights, but a net {of} has none; use adam or sgd")
    if config.float_weights and (not network.binary or config.optimizer == "bop"):
        said = "with bop" if network.binary else f"of a net of {network.activation}"
        raise TrainingError(f"float_weights {config.float_weights}: weights {said} are of one kind from the first step")
    if config.bilinear and not (network.binary and network.weight_bits == 1):
        of = f"of {network.weight_bits} bits" if network.binary else f"of a net of {network.activation}"
        raise TrainingError(f"bilinear {config.bilinear}: weights {of} are pulled to no signs; use bilinear = 0")
    if config.bilinear and config.optimizer == "bop":
        raise TrainingError(f"bilinear {config.bilinear}: bop's weights are signs already; use adam or sgd")
    if network.codebook_bits is not None and (config.bilinear or config.optimizer == "bop"):
        recipe = "bop" if config.optimizer == "bop" else f"bilinear {config.bilinear}"
        raise TrainingError(f"{recipe}: it moves weights one by one, and those of {network} are words; use adam or sgd")
    if network.threshold_sets > 1 and len(data.train_x) < 2 * HELD_OUT:
        raise TrainingError(
            f"{data.name}: {len(data.train_x)} training samples, of which one in {HELD_OUT} chooses how far threshold "
            f"sets lie apart; {2 * HELD_OUT} are needed, or threshold_sets = 1"
        )
    net = untrained(network, config.seed)
    tie(net)
    if net.binarize is not None:
        if network.steps > 1:
            thresholds = even_thresholds(data, network.steps)
        else:
            thresholds = most_telling_thresholds(learnt(data, network), network.channels if network.of_maps else None)
        net.binarize.threshold.copy_(torch.from_numpy(thresholds).view_as(net.binarize.threshold))
    with torch.random.fork_rng(devices=[]):
        readouts = nn.ModuleList(
            nn.Linear(width, network.classes) for width in network.read[:-1] if config.readout_weight
        )
    for parameter in readouts.parameters():
        nn.init.zeros_(parameter)
    run = Run(config, data, net.to(device), readouts.to(device), [])
    run.optimizers += optimizers(config, list(run.parameters().values()), latent_weights(net))
    if config.taught:
        run.teacher = _teacher(run, teacher, device)
    return run


TEACHING = 1e-3  # learning rate of a float net


def _teacher(run: Run, taken: Net | None, device: str) -> Run:
    """Of a net that is about to be trained. Raises TrainingError for one that answers other questions."""
    config, network = run.config, run.net.config
    of_its_own = config.model_copy(
        update={
            **{
                name: TrainingConfig.model_fields[name].default
                for name in (*RECIPE_OF_BITS, "temperature", "readout_weight")
            },
            "optimizer": "adam",
            "learning_rate": TEACHING,
            "epochs": config.teacher_epochs or config.epochs,
        }
    )
    if taken is None:
        if config.teacher:
            raise TrainingError(f"the net of {config.teacher} is to teach, and is not given")
        return start(network.twin("relu", batch_norm=True), of_its_own, run.data, device)
    asked, answers = (network.inputs, network.classes, network.input_bits), taken.config
    if (answers.inputs, answers.classes, answers.input_bits) != asked:
        raise TrainingError(f"teacher: {answers} takes other inputs, or knows other classes, than {network}")
    return Run(of_its_own, run.data, taken.to(device), nn.ModuleList(), [])


def train(run: Run) -> Iterator[Epoch]:
    """Goes on from where `run` stands, yielding after each epoch, the untrained net first; then `run` may be saved."""
    with threads(run.net.config), tensor_cores():
        yield from _train(run)


def _taught(run: Run) -> Iterator[TeacherEpoch]:
    """The training of its teacher, where there is one and it is not done; after it, nothing of it stays but the net."""
    teacher = run.teacher
    if teacher is None or not teacher.optimizers:
        return
    for row in _train(teacher):
        yield TeacherEpoch(**asdict(row), epochs=teacher.config.epochs)
    teacher.optimizers.clear()


def _train(run: Run) -> Iterator[Epoch]:
    device = run.net.scores.weight.device
    data = learnt(run.data, run.net.config)
    x, y = torch.tensor(data.train_x, device=device), torch.tensor(data.train_y, device=device)
    test = torch.tensor(run.data.test_x, device=device), torch.tensor(run.data.test_y, device=device)
    judging = slice(JUDGING if run.net.config.of_maps else None)
    while len(run.history) <= run.config.epochs:
        if len(run.history) == 1:
            yield from _taught(run)
        began = time.perf_counter()
        epoch = len(run.history)
        loss = one_epoch(run, epoch, x, y) if epoch else evaluate(run, x[judging], y[judging])[1]
        if epoch and (epoch <= run.config.on_float_weights or (run.config.reestimate and epoch == run.config.epochs)):
            reestimate(run.net, x)
        if run.net.config.threshold_sets > 1:
            settle(cast(BinaryNet, run.net), run.data, run.config.seed)
        accuracies = evaluate(run, x[judging], y[judging])[0], evaluate(run, *test)[0]
        run.history.append(Epoch(epoch, loss, *accuracies, time.perf_counter() - began))
        yield run.history[-1]


@contextmanager
def threads(network: NetworkConfig | None) -> Iterator[None]:
    """One for a small net, or none: a second only waits, and on a busy machine trains ten times slower."""
    before = torch.get_num_threads()
    large = network is not None and network.products > (LARGE_OF_MAPS if network.of_maps else LARGE)
    torch.set_num_threads(before if large else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def tensor_cores() -> Iterator[None]:
    """TF32 on a GPU: ±1 and pixels of 8 bits fit its ten bits of fraction, and it sums in float32, so that the sums of
    a 1-bit net stay the integers that they are. Gradients are rounded. bfloat16 would round sums beyond 256.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = True, True, True
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


def one_epoch(run: Run, epoch: int, x: Tensor, y: Tensor) -> float:
    """All of its steps; the mean loss."""
    total, steps = torch.zeros((), device=y.device), 0
    with _on_float_weights(run.net, epoch <= run.config.on_float_weights):
        for images, labels, done in batches(run, epoch, x, y):
            *codes, dots = plain.emissions(run.net, images)
            loss = shared(labels, partial(_loss, run, dots))
            if run.teacher is not None:
                loss = torch.lerp(loss, _loss(run, dots, _answers(run.teacher, images)), run.config.soft)
            total += loss.detach()
            for code, readout in zip(codes, run.readouts, strict=False):
                read = partial(functional.cross_entropy, readout(as_rows(code)))
                loss = loss + run.config.readout_weight * (1 - done) * shared(labels, read)
            step(run, loss)
            steps += 1
    return float(total) / steps


@contextmanager
def _on_float_weights(net: Net, floats: bool) -> Iterator[None]:
    linears = [linear for linear in net.linears() if isinstance(linear, FewBits)]
    for linear in linears:
        linear.floats = floats
    try:
        yield
    finally:
        for linear in linears:
            linear.floats = False


def _answers(teacher: Run, images: Tensor) -> Tensor:
    """(n, classes) probabilities, of images as the net sees them that learns."""
    with evaluating(teacher.net):
        return tempered(teacher, plain.emissions(teacher.net, images)[-1]).softmax(dim=1)


@torch.no_grad()
def reestimate(net: Net, x: Tensor) -> None:
    """Mean and variance of every sum, averaged over one pass through x, (n, features) uint8. In place.

    In training they trail behind the weights; and where weights changed, or are floats in training, they are of others.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    net.train()
    for rows in x.split(batch_of(net, EVALUATION_BATCH)):
        if len(rows) > 1:  # batch-norm has no variance of one sample
            plain.emissions(net, rows)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


Labels: TypeAlias = list[tuple[float, Tensor]]
"""Of a batch: (n,) classes, and what share of each image is of them; of mixed images two."""


def batches(run: Run, epoch: int, x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Labels, float]]:
    """The samples of one epoch, moved as the recipe says, their labels, and what share of the whole training is done.

    Before each batch all rates are set to what they are there.
    """
    config = run.config
    rng = generator(config.seed, epoch)
    parts = drawn(rng, len(y), config.batch_size, y.device)
    moving = epoch <= config.epochs * (1 - config.settle)
    if moving:
        data = learnt(run.data, run.net.config)
        images = x[:, : data.pixels] if data.whole is None else torch.tensor(data.whole, device=x.device)
        images = augmented(images, config, rng, run.net.config.channels)
        x = (images if data.inputs is None else images[:, data.inputs]).repeat(1, data.copies)
    run.net.train()
    for number, rows in enumerate(parts):
        trained = epoch - 1 + number / len(parts)
        done = trained / config.epochs
        set_rates(run, trained)
        images, labels = x[rows], [(1.0, y[rows])]
        if config.mixup and moving:
            images, other, share = mixed(images, config.mixup, rng)
            labels = [(share, y[rows]), (1 - share, y[rows][other])]
        yield images, labels, done


def drawn(rng: np.random.Generator, samples: int, batch: int, device: torch.device) -> Sequence[Tensor]:
    """The rows of every batch of an epoch: each sample once, but for a last one that would be alone."""
    parts = torch.from_numpy(rng.permutation(samples)).to(device).split(batch)
    return parts if len(parts[-1]) > 1 else parts[:-1]  # batch-norm has no variance of one sample


def set_rates(run: Run, trained: float) -> None:
    """Of every optimiser those that are due after so many epochs. In place."""
    for group in (group for optimizer in run.optimizers for group in optimizer.param_groups):
        group["lr"] = group["initial_lr"] * (falling(_of_step(run.config, trained)) if run.config.cosine else 1)


def step(run: Run, loss: Tensor) -> None:
    """Of every optimiser, down the gradient of `loss`. In place."""
    for optimizer in run.optimizers:
        optimizer.zero_grad()
    loss.backward()
    tie_gradients(run.net)
    for optimizer in run.optimizers:
        optimizer.step()
    clip_latent_weights(run.net)
    tie(run.net)
    settle_codebooks(run.net)


def shared(labels: Labels, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """The loss against each of the labels, by the share of it that an image has."""
    if len(labels) == 1:
        return loss(labels[0][1])
    return torch.stack([share * loss(y) for share, y in labels]).sum()


def generator(seed: int, epoch: int) -> np.random.Generator:
    """What one epoch draws from, whatever was drawn before it."""
    return np.random.default_rng([seed, epoch])


def _of_step(config: TrainingConfig, trained: float) -> float:
    """What share of its step is done, after so many epochs: rates fall to zero over each."""
    first = config.on_float_weights
    return trained / first if trained < first else (trained - first) / (config.epochs - first)


def falling(done: float) -> float:
    """1 to 0 along half a cosine, so that the last epochs flip no weights back and forth."""
    return (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def clip_latent_weights(net: Net) -> None:
    """Into [-1, 1]: a latent weight that wandered off would need as long to come back and flip."""
    for weight in latent_weights(net):
        weight.clamp_(-1, 1)


def latent_weights(net: Net) -> list[nn.Parameter]:
    """Of a net of few bits, where `bop` flips them ±1; a float net has none."""
    return [linear.weight for linear in net.linears()] if isinstance(net, BinaryNet) else []  # type: ignore[misc]


def _loss(run: Run, scores: Tensor, y: Tensor) -> Tensor:
    """Against classes (n,), or probabilities (n, classes)."""
    return functional.cross_entropy(tempered(run, scores), y)


def tempered(run: Run, scores: Tensor) -> Tensor:
    """Dot products of ±1 grow with √fan-in; a float net learns the size of its logits."""
    size = math.sqrt(run.net.scores.in_features) if isinstance(run.net, BinaryNet) else 1.0
    return scores / (run.config.temperature * size)


def _deciding(net: Net, pixels: Tensor) -> Tensor:
    """(n, classes) the dot products that decide in deployment; training moves one net alone, theirs."""
    if net.config.threshold_sets > 1:
        members = cast(BinaryNet, net).members(plain.input_bits(cast(BinaryNet, net), pixels))
        return members[-1].mean(dim=0)
    return plain.emissions(net, pixels)[-1]


def evaluate(run: Run, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy, the first maximum winning as in hardware, and mean loss."""
    right, loss = (
        torch.zeros((), dtype=torch.int64, device=y.device),
        torch.zeros((), dtype=torch.float64, device=y.device),
    )
    with evaluating(run.net):
        for rows in torch.arange(len(y), device=y.device).split(batch_of(run.net, EVALUATION_BATCH)):
            dots = _deciding(run.net, x[rows])
            right += (dots.argmax(dim=1) == y[rows]).sum()
            loss += _loss(run, dots, y[rows]).double() * len(rows)
    return int(right) / len(y), float(loss) / len(y)
