"""From an untrained net to a trained one, one epoch at a time, so that the caller may look, capture and save between.

Everything random is drawn from (seed, epoch) alone: a run that goes on from a checkpoint needs no generator state and
ends in the same bytes as one that was never interrupted.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from . import plain
from .capture import evaluating
from .config import NetworkConfig, TrainingConfig
from .datasets import Dataset
from .networks import DenseNet

EVALUATION_BATCH = 8192


class TrainingError(ValueError):
    """A net that does not fit its data, or a checkpoint that does not fit the run."""


@dataclass(frozen=True)
class Epoch:
    """One row of the history. Epoch 0 is the untrained net.

    loss       mean over the epoch's batches, in nats; of the training set in evaluation mode for epoch 0
    accuracy   of the net as it would be deployed: evaluation mode, no augmentation
    seconds    of wall time; 0 after a checkpoint was read back, because the same run must give the same bytes
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    seconds: float


@dataclass
class Run:
    """A training under way: what changes from epoch to epoch, and what decides how."""

    config: TrainingConfig
    data: Dataset
    net: DenseNet
    optimizer: torch.optim.Adam
    history: list[Epoch] = field(default_factory=list)


def start(network: NetworkConfig, config: TrainingConfig, data: Dataset, device: str = "cpu") -> Run:
    """An untrained net, its input thresholds fitted to the training set. Raises TrainingError where shapes disagree."""
    wanted = (data.features, data.classes, data.input_bits)
    if (network.inputs, network.classes, network.input_bits) != wanted:
        raise TrainingError(
            f"{data.name} has {data.features} inputs of {data.input_bits} bits and {data.classes} classes, but the "
            f"network {'-'.join(map(str, network.widths))} takes {network.input_bits}-bit inputs"
        )
    side = math.isqrt(data.features)
    if config.shift and side * side != data.features:
        raise TrainingError(
            f"{data.name}: shift={config.shift} moves square images, but there are {data.features} inputs"
        )
    net = DenseNet(network, config.seed)
    if net.binarize is not None:
        mean = torch.from_numpy(data.train_x.mean(axis=0, dtype=np.float64))
        net.binarize.threshold.copy_(mean.floor() + 0.5)
    net.to(device)
    return Run(config, data, net, torch.optim.Adam(net.parameters(), lr=config.learning_rate))


def train(run: Run) -> Iterator[Epoch]:
    """Goes on from where `run` stands, yielding after each epoch, the untrained net first; then `run` may be saved."""
    device = run.net.scores.weight.device
    x, y = torch.tensor(run.data.train_x, device=device), torch.tensor(run.data.train_y, device=device)
    test = torch.tensor(run.data.test_x, device=device), torch.tensor(run.data.test_y, device=device)
    while len(run.history) <= run.config.epochs:
        began = time.perf_counter()
        epoch = len(run.history)
        loss = _one_epoch(run, epoch, x, y) if epoch else _evaluate(run, x, y)[1]
        accuracies = _evaluate(run, x, y)[0], _evaluate(run, *test)[0]
        run.history.append(Epoch(epoch, loss, *accuracies, time.perf_counter() - began))
        yield run.history[-1]


def _one_epoch(run: Run, epoch: int, x: Tensor, y: Tensor) -> float:
    net, config = run.net, run.config
    rng = np.random.default_rng([config.seed, epoch])
    order = torch.from_numpy(rng.permutation(len(y))).to(y.device)
    x = _shifted(x, config.shift, rng)
    batches = order.split(config.batch_size)
    if len(batches[-1]) < 2:  # batch-norm has no variance of one sample
        batches = batches[:-1]
    total = torch.zeros((), device=y.device)
    net.train()
    for step, rows in enumerate(batches):
        for group in run.optimizer.param_groups:
            group["lr"] = learning_rate(config, epoch - 1 + step / len(batches))
        loss = _loss(run, plain.scores(net, plain.input_bits(net, x[rows])), y[rows])
        run.optimizer.zero_grad()
        loss.backward()
        run.optimizer.step()
        clip_latent_weights(net)
        total += loss.detach()
    return float(total) / len(batches)


def learning_rate(config: TrainingConfig, epochs_done: float) -> float:
    """Falls to zero along half a cosine, so that the last epochs flip no weights back and forth."""
    if not config.cosine:
        return config.learning_rate
    return config.learning_rate * (1 + math.cos(math.pi * epochs_done / config.epochs)) / 2


@torch.no_grad()
def clip_latent_weights(net: DenseNet) -> None:
    """Into [-1, 1]: a latent weight that wandered off would need as long to come back and flip."""
    for linear in net.linears():
        linear.weight.clamp_(-1, 1)


def _loss(run: Run, dots: Tensor, y: Tensor) -> Tensor:
    scale = run.config.temperature * math.sqrt(run.net.scores.in_features)
    return functional.cross_entropy(dots / scale, y)


def _shifted(x: Tensor, shift: int, rng: np.random.Generator) -> Tensor:
    """Each square image moved by up to `shift` pixels either way, zeros coming in."""
    if not shift:
        return x
    side = math.isqrt(x.shape[1])
    padded = functional.pad(x.view(-1, side, side), (shift,) * 4)
    span = 2 * shift + 1
    move = torch.from_numpy(rng.integers(0, span * span, len(x))).to(x.device)
    moved = torch.empty_like(x)
    for index in range(span * span):
        rows = (move == index).nonzero()[:, 0]
        down, right = divmod(index, span)
        moved[rows] = padded[rows, down : down + side, right : right + side].reshape(len(rows), -1)
    return moved


def _evaluate(run: Run, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy, the first maximum winning as in hardware, and mean loss."""
    right, loss = 0, 0.0
    with evaluating(run.net):
        for rows in torch.arange(len(y), device=y.device).split(EVALUATION_BATCH):
            dots = plain.scores(run.net, plain.input_bits(run.net, x[rows]))
            right += int((dots.argmax(dim=1) == y[rows]).sum())
            loss += float(_loss(run, dots, y[rows])) * len(rows)
    return right / len(y), loss / len(y)


def state_arrays(run: Run) -> dict[str, NDArray]:
    """Everything that `restore` needs, as plain arrays for one .npz file: same run, same bytes."""
    arrays = {f"net/{name}": value.cpu().numpy() for name, value in run.net.state_dict().items()}
    for name, parameter in run.net.named_parameters():
        for key, value in run.optimizer.state.get(parameter, {}).items():
            arrays[f"optimizer/{key}/{name}"] = torch.as_tensor(value).cpu().numpy()
    arrays["history"] = np.array(json.dumps([asdict(row) | {"seconds": 0.0} for row in run.history]))
    arrays["network"] = np.array(run.net.config.model_dump_json())
    arrays["training"] = np.array(run.config.model_dump_json())
    arrays["data"] = np.array(run.data.sha256)
    return arrays


def restore(arrays: Mapping[str, NDArray], data: Dataset, device: str = "cpu") -> Run:
    """The run that `state_arrays` described. Raises TrainingError for other data or a missing array."""
    try:
        if str(arrays["data"]) != data.sha256:
            raise TrainingError(
                f"the checkpoint was trained on data of sha256 {arrays['data']}, but {data.name} is {data.sha256}; "
                "train anew, or give the data set that it was trained on"
            )
        network = NetworkConfig.model_validate_json(str(arrays["network"]))
        run = start(network, TrainingConfig.model_validate_json(str(arrays["training"])), data, device)
        run.net.load_state_dict(
            {name: torch.from_numpy(np.array(arrays[f"net/{name}"])) for name in run.net.state_dict()}
        )
        for name, parameter in run.net.named_parameters():
            state = {key: arrays.get(f"optimizer/{key}/{name}") for key in ("step", "exp_avg", "exp_avg_sq")}
            if state["step"] is not None:
                run.optimizer.state[parameter] = {
                    key: torch.from_numpy(np.array(value)).to("cpu" if key == "step" else device)
                    for key, value in state.items()
                }
        run.history = [Epoch(**row) for row in json.loads(str(arrays["history"]))]
    except KeyError as error:
        raise TrainingError(f"not a checkpoint of this network: {error.args[0]} is missing") from None
    return run
