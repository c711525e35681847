"""Training images moved a little, anew for every epoch, so that a small set stands for more."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .config import TrainingConfig

BLOCK = 8192  # images warped at a time: bicubic sampling holds them as floats


def augmented(x: Tensor, config: TrainingConfig, rng: np.random.Generator, channels: int) -> Tensor:
    """(n, side² · channels) uint8 as one epoch sees them, in the ways that the recipe asks for."""
    x = shifted(x, config.shift, rng, channels) if config.shift else x
    x = warped(x, config.warp, rng) if config.warp else x
    x = flipped(x, rng, channels) if config.flip else x
    return cut_out(x, config.cutout, rng, channels) if config.cutout else x


def shifted(x: Tensor, pixels: int, rng: np.random.Generator, channels: int = 1) -> Tensor:
    """(n, side² · channels) uint8: each image moved by whole pixels, up to `pixels` either way, zeros coming in."""
    side = math.isqrt(x.shape[1] // channels)
    padded = functional.pad(x.view(-1, side, side, channels), (0, 0, *(pixels,) * 4))
    span = 2 * pixels + 1
    move = torch.from_numpy(rng.integers(0, span * span, len(x))).to(x.device)
    moved = torch.empty_like(x)
    for index in range(span * span):
        rows = (move == index).nonzero()[:, 0]
        down, right = divmod(index, span)
        moved[rows] = padded[rows, down : down + side, right : right + side].reshape(len(rows), -1)
    return moved


def warped(x: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """(n, side²) uint8: each image turned, stretched, sheared and moved at random, its range kept.

    strength   1 is up to 8 degrees, 8 percent along each axis and across, and 0.4 pixels

    Sampled bicubically: bilinear sampling blurs strokes that are two pixels wide, and thresholds see that.
    """
    n, side = len(x), math.isqrt(x.shape[1])
    turn = np.deg2rad(rng.uniform(-8, 8, n) * strength)
    wide, high, shear = rng.uniform(-0.08, 0.08, (3, n)) * strength
    right, down = rng.uniform(-0.4, 0.4, (2, n)) * strength * 2 / side
    rows = [np.cos(turn) * np.exp(wide), shear - np.sin(turn) * np.exp(wide), right]
    rows += [np.sin(turn) * np.exp(high), np.cos(turn) * np.exp(high), down]
    maps = torch.from_numpy(np.stack(rows, axis=1).reshape(n, 2, 3).astype(np.float32)).to(x.device)
    brightest = int(x.max())
    blocks = []
    for images, ways in zip(x.split(BLOCK), maps.split(BLOCK), strict=True):
        grid = functional.affine_grid(ways, [len(images), 1, side, side], align_corners=False)
        pixels = images.float().view(-1, 1, side, side)
        sampled = functional.grid_sample(pixels, grid, mode="bicubic", align_corners=False)
        blocks.append(sampled.round().clamp(0, brightest).to(torch.uint8).view(len(images), -1))
    return torch.cat(blocks)


def flipped(x: Tensor, rng: np.random.Generator, channels: int) -> Tensor:
    """(n, side² · channels) uint8: every other image, drawn at random, seen in a mirror."""
    side = math.isqrt(x.shape[1] // channels)
    images = x.view(-1, side, side, channels)
    mirrored = torch.from_numpy(rng.random(len(x)) < 0.5).to(x.device)
    return torch.where(mirrored[:, None, None, None], images.flip(2), images).view(len(x), -1)


def cut_out(x: Tensor, size: int, rng: np.random.Generator, channels: int) -> Tensor:
    """(n, side² · channels) uint8: a square of `size` pixels of each image grey, part of it beyond the edge perhaps.

    Source: DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".
    """
    side = math.isqrt(x.shape[1] // channels)
    centre = torch.from_numpy(rng.integers(0, side, (2, len(x), 1))).to(x.device)
    near = (torch.arange(side, device=x.device) - centre + size // 2).clamp(-1, size)  # of rows, of columns
    inside = (near >= 0) & (near < size)
    square = inside[0][:, :, None] & inside[1][:, None, :]
    grey = (int(x.max()) + 1) // 2
    return torch.where(square[..., None], grey, x.view(-1, side, side, channels)).to(torch.uint8).view(len(x), -1)


def mixed(x: Tensor, strength: float, rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    """(n, features) uint8: each image blended with another of the batch; which one, (n,), and the share of the first.

    strength   a of the Beta(a, a) that the share is drawn from

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization"; one share a batch.
    """
    share, other = float(rng.beta(strength, strength)), torch.from_numpy(rng.permutation(len(x))).to(x.device)
    blended = share * x.float() + (1 - share) * x[other].float()
    return blended.round().to(torch.uint8), other, share
