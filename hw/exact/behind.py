"""What follows from how often each code of a layer occurs: the codes of the layers behind it, and the classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .net import BitNet
from .region import WIDEST, Codes, histogram

BLOCK = 1 << 19  # codes that go through the net at a time


def behind(net: BitNet, layer: int, codes: Codes) -> tuple[list[Codes | None], tuple[int, ...]]:
    """Of each hidden layer behind `layer` its codes, None of one wider than 64; and how many inputs of each class."""
    later = net.hidden[layer + 1 :]
    parts: list[list[Codes]] = [[] for _ in later]
    number = np.zeros(len(net.versus), np.int64)
    for start in range(0, len(codes[0]), BLOCK):
        times = codes[1][start : start + BLOCK]
        x = bits_of(codes[0][start : start + BLOCK], len(net.hidden[layer].weight))
        for rows, into in zip(later, parts, strict=True):
            x = rows(x)
            if x.shape[1] <= WIDEST:
                into.append(histogram(_packed(x), times))
        np.add.at(number, net.last_classes(x), times)
    found = [histogram(*(np.concatenate(each) for each in zip(*part, strict=True))) if part else None for part in parts]
    return found, tuple(number.tolist())


def bits_of(codes: NDArray[np.uint64], width: int) -> NDArray[np.bool_]:
    """(n, width)."""
    return np.unpackbits(codes.view(np.uint8).reshape(-1, 8), axis=1, count=width, bitorder="little").view(np.bool_)


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    packed = np.packbits(bits, axis=1, bitorder="little")
    return np.pad(packed, ((0, 0), (0, 8 - packed.shape[1]))).view(np.uint64).ravel()
