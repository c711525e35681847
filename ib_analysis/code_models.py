"""Models that say how likely a code is: independent bits, and a tree in which each bit asks one other.

Whatever a model q says, −E log2 q(T) is H(T) or more, if q was made without the samples that it is asked about: a code
made for q spells T in so many bits, and none does with less than H(T). What it is too much is how wrong q is.
Sources: Shannon 1948; Chow and Liu 1968, "Approximating discrete probability distributions with dependence trees".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class CodeModel(Protocol):
    def log2_q(self, bits: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(n,) log2 of the probability of each code, (n, width)."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Bit j given bit `parents[j]`; −1 where it stands alone.

    log2_share   (width, 2, 2): of bit j being 0 and 1, where its parent is 0 and 1
    """

    parents: NDArray[np.int64]
    log2_share: NDArray[np.float64]

    def log2_q(self, bits: NDArray[np.bool_]) -> NDArray[np.float64]:
        total = np.zeros(len(bits))
        for bit, parent in enumerate(self.parents):  # a bit at a time: a table lookup of all would be 8 bytes a bit
            given = bits[:, parent].view(np.uint8) if parent >= 0 else np.zeros(len(bits), np.uint8)
            total += self.log2_share[bit].ravel()[2 * given + bits[:, bit]]
        return total


def independent(bits: NDArray[np.bool_]) -> Tree:
    """Each bit by its share of ones, (n, width) of at least one sample; half a sample is added to either side."""
    ones = bits.sum(axis=0, dtype=np.float64)
    share = (ones + 0.5) / (len(bits) + 1)
    both = np.log2(np.stack([1 - share, share], axis=1))
    return Tree(np.full(bits.shape[1], -1), np.repeat(both[:, None], 2, axis=1))


def tree(bits: NDArray[np.bool_]) -> Tree:
    """The tree whose edges share most information, (n, width): of all trees the likeliest. n width² multiplications."""
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    samples, width = bits.shape
    both = _together(bits)
    ones = np.diag(both)
    only, neither = ones[:, None] - both, samples - ones[:, None] - ones + both
    joint = np.stack([np.stack([neither, only.T], axis=-1), np.stack([only, both], axis=-1)], axis=-2)
    p = (joint + 0.25) / (samples + 1)  # (width, width, bit i, bit j)
    alone_i, alone_j = p.sum(axis=-1, keepdims=True), p.sum(axis=-2, keepdims=True)
    shared = (p * np.log2(p / (alone_i * alone_j))).sum(axis=(-2, -1))
    spanning = minimum_spanning_tree(np.triu(np.min(-shared) - 1 + (np.max(shared) - shared), 1))
    _, parents = breadth_first_order(spanning, 0, directed=False)
    parents = np.where(parents < 0, -1, parents).astype(np.int64)
    given = p[parents, np.arange(width)]
    log2_share = np.log2(given / given.sum(axis=-1, keepdims=True))
    root = parents < 0
    log2_share[root] = independent(bits).log2_share[root]
    return Tree(parents, log2_share)


def _together(bits: NDArray[np.bool_], rows: int = 1 << 14) -> NDArray[np.float64]:
    """(width, width) samples in which both bits are 1. Float32 counts so few exactly."""
    total = np.zeros((bits.shape[1],) * 2)
    for start in range(0, len(bits), rows):
        some = bits[start : start + rows].astype(np.float32)
        total += some.T @ some
    return total
