"""Images/s in training: steps of ours against the same net in plain torch, as a user would write it, and that compiled.

The plain net is torch's layers and two autograd functions; it does what a step of ours does: forward, loss, backward,
Adam, latent weights clipped. Recipes are the presets' without what changes images, so that all see the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from bitneck.models import many, training
from bitneck.models.config import PRESETS, NetworkConfig, Preset
from bitneck.models.datasets import Dataset, load
from timing import Row, measure_in_turns
from torch import Tensor, nn
from torch.nn import functional

STEPS = {"tfc": 40, "lfc": 6, "mnist-conv": 3, "cnv-half": 1}
UNMOVED = {"shift": 0, "warp": 0.0, "flip": False, "readout_weight": 0.0, "teacher_epochs": 0}


def rows() -> Iterator[Row]:
    for name, steps in STEPS.items():
        preset = PRESETS[name]
        recipe = preset.training.model_copy(update=UNMOVED)
        preset = replace(preset, training=recipe)
        images = steps * recipe.batch_size
        x, y = drawn(preset.network, images)
        with training.threads(preset.network):
            torch.manual_seed(0)
            calls = [ours(preset, x, y), plain(preset, x, y), plain(preset, x, y, torch.compile)]
            timings = measure_in_turns(calls, turns=8, turn_s=0.5)
        group = f"training {name}, {preset.network}, batches of {recipe.batch_size}"
        for who, timing in zip(("bitneck", "plain torch", "plain torch, compiled"), timings, strict=True):
            yield Row(group, who, timing, images, "images")
    yield from together()


def together() -> Iterator[Row]:
    """Small nets that differ in the seed alone, three epochs of each: in one tensor program, and one by one."""
    preset, nets = PRESETS["twelve"], 25
    recipe, data = preset.training.model_copy(update={"epochs": 3}), load(preset.dataset)

    def started(seeds: int) -> list[training.Run]:
        recipes = (recipe.model_copy(update={"seed": seed}) for seed in range(seeds))
        return [training.start(preset.network, one, data) for one in recipes]

    calls = [lambda: list(many.train(started(nets))), lambda: [list(training.train(run)) for run in started(5)]]
    timings = measure_in_turns(calls, turns=5, turn_s=0.5)
    for who, timing, amount in zip(("together", "one by one"), timings, (nets, 5), strict=True):
        yield Row(f"training {nets} nets twelve, {preset.network}, {recipe.epochs} epochs", who, timing, amount, "nets")


def drawn(network: NetworkConfig, images: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (images, network.inputs), np.uint8), rng.integers(0, network.classes, images)


def ours(preset: Preset, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    run = training.start(preset.network, preset.training, Dataset("drawn", x, y, x, y, preset.network.classes, 8))
    images, labels = torch.from_numpy(x), torch.from_numpy(y)
    return lambda: training.one_epoch(run, 1, images, labels)


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (2 - 2 * x.abs()).clamp(min=0)


class SignOfWeight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, SignOfWeight.apply(self.weight))


class Conv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, SignOfWeight.apply(self.weight))


class Code(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Sign.apply(x)


def modules(network: NetworkConfig) -> nn.Sequential:
    made: list[nn.Module] = []
    shapes = [network.entering, *network.shapes.values()] if network.of_maps else [(w,) for w in network.widths]
    *hidden, last = network.chain
    for index, (layer, shape) in enumerate(zip(hidden, shapes, strict=False)):
        if layer.pool is not None:
            made += [nn.MaxPool2d(layer.side)]
        elif layer.conv is not None:
            made += [Conv2d(shape[-1], layer.channels, layer.side, bias=False), nn.BatchNorm2d(layer.channels)]
        else:
            made += [nn.Flatten()] * (len(shape) == 3)
            made += [Linear(int(np.prod(shape)), layer.channels, bias=False), nn.BatchNorm1d(layer.channels)]
        following = network.chain[index + 1]
        made += [Code()] * (following.pool is None)
    return nn.Sequential(*made, Linear(int(np.prod(shapes[len(hidden)])), last.channels, bias=False))


def plain(
    preset: Preset, x: np.ndarray, y: np.ndarray, compiled: Callable[[nn.Module], nn.Module] = lambda net: net
) -> Callable[[], object]:
    network, recipe = preset.network, preset.training
    net = modules(network)
    run = compiled(net)
    adam = torch.optim.Adam(net.parameters(), lr=recipe.learning_rate, fused=True)
    weights = [module.weight for module in net if isinstance(module, Linear | Conv2d)]
    images, labels = torch.from_numpy(x), torch.from_numpy(y)
    if network.of_maps:
        images = images.view(-1, *network.shape).permute(0, 3, 1, 2)
    scale = recipe.temperature * weights[-1].shape[1] ** 0.5

    def steps() -> None:
        for rows in torch.randperm(len(labels)).split(recipe.batch_size):
            batch = images[rows].float()
            entering = batch if network.whole else torch.where(batch > 127.5, 1.0, -1.0)
            adam.zero_grad()
            functional.cross_entropy(run(entering) / scale, labels[rows]).backward()
            adam.step()
            with torch.no_grad():
                for weight in weights:
                    weight.clamp_(-1, 1)

    return steps
