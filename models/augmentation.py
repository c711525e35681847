"""Training images moved a little, anew for every epoch, so that a small set stands for more."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 8192  # images warped at a time: bicubic sampling holds them as floats


def shifted(x: Tensor, pixels: int, rng: np.random.Generator) -> Tensor:
    """(n, side²) uint8: each image moved by a whole number of pixels, up to `pixels` either way, zeros coming in."""
    side = math.isqrt(x.shape[1])
    padded = functional.pad(x.view(-1, side, side), (pixels,) * 4)
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
