"""Input bits that somebody else flips until a dense 1-bit net answers another class: which ones, and how few.

The net is the integers of its graph, so whatever is said of it is said of the hardware. Three ways to choose bits:

- at random;
- by the gradient, once: codes have none, so each threshold is given a triangle, (1 − |sum − threshold| / (slope · √K))₊
  of K inputs, as in training. Beyond the triangle it is zero, and a net whose sums lie there looks stronger than it
  is; so a wider slope is asked, too;
- exactly: the bits that the gradient likes best are each flipped and asked, the one that leaves the least margin stays,
  and so on. Margins of integers are often equal; of equals, the gradient's first. No bit is flipped back.

Source: Galloway, Taylor and Moussa 2018, "Attacking Binarized Neural Networks"; Lin and others 2021, arXiv 2111.08591.
That earlier claims of strength had errors: arXiv 2404.19640.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .graph import Binarize, Dense, Graph, GraphError, Scores, StepCuts

Signs = NDArray[np.float32]
AT_ONCE = 1 << 14  # codes whose sums are held at a time


@dataclass(frozen=True, eq=False)
class Target:
    """The net behind the bits that are flipped.

    weights   of each layer (rows, inputs) ±1
    least     of each hidden layer (rows,) the dot products from which on a neuron fires
    cut       what makes bits of pixels, None where bits come in
    """

    weights: tuple[Signs, ...]
    least: tuple[Signs, ...]
    cut: Binarize | None

    @classmethod
    def of(cls, graph: Graph) -> Target:
        """Raises GraphError where a layer is not dense and of ±1, or the first takes no bits."""
        layers = list(graph.layers)
        cut = layers.pop(0) if isinstance(layers[0], Binarize) else None
        if cut is None and graph.input_bits > 1 and not isinstance(layers[0], StepCuts):
            raise GraphError(f"{graph.name}: inputs of {graph.input_bits} bits enter the weights; attacks flip bits")
        weights, least = [], []
        for layer in layers:
            if not isinstance(layer, Dense | Scores) or not layer.one_bit:
                raise GraphError(f"{graph.name}: {layer.name} is no dense layer of ±1 and bits, which attacks need")
            weights.append(np.where(layer.weight, np.float32(1), np.float32(-1)))
            if isinstance(layer, Dense):
                least.append((2 * layer.threshold - layer.inputs).astype(np.float32))
        return cls(tuple(weights), tuple(least), cut if isinstance(cut, Binarize) else None)

    def bits(self, x: NDArray[np.uint8]) -> Signs:
        """(n, inputs) ±1 of samples."""
        fired = x.astype(bool) if self.cut is None else x >= self.cut.threshold
        return np.where(fired, np.float32(1), np.float32(-1))

    def samples(self, bits: Signs, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Those nearest to x whose bits these are. Bits that no pixel decides are as they were."""
        if self.cut is None:
            return (bits > 0).astype(np.uint8)
        threshold = self.cut.threshold.astype(np.int64)
        flipped = np.where(bits > 0, threshold, threshold - 1)
        return np.where(bits == self.bits(x), x, flipped).astype(np.uint8)

    @property
    def free(self) -> NDArray[np.bool_]:
        """(inputs,) whether there are pixels for both values of the bit."""
        if self.cut is None:
            return np.ones(self.weights[0].shape[1], bool)
        return (self.cut.threshold >= 1) & (self.cut.threshold < self.cut.takes)

    def after(self, sums: Signs) -> Signs:
        """(n, classes) scores, as dot products, of the first layer's (n, rows)."""
        for weight, least in zip(self.weights[1:], self.least, strict=True):
            sums = np.where(sums >= least, np.float32(1), np.float32(-1)) @ weight.T
        return sums

    def scores(self, bits: Signs) -> Signs:
        parts = (self.after(part @ self.weights[0].T) for part in _parts(bits))
        return np.concatenate(list(parts))

    def gains(self, bits: Signs, y: NDArray[np.int64], slope: float) -> Signs:
        """(n, inputs) what each bit's flip adds to the cross-entropy, to first order; −∞ where a bit is not free."""
        codes, slopes = bits, []
        for weight, least in zip(self.weights, self.least, strict=False):
            sums, size = codes @ weight.T, np.float32(slope * np.sqrt(weight.shape[1]))
            slopes.append(np.maximum(1 - np.abs(sums - least + 1) / size, 0) / size)  # thresholds lie between sums
            codes = np.where(sums >= least, np.float32(1), np.float32(-1))
        scores = codes @ self.weights[-1].T / np.sqrt(self.weights[-1].shape[1])
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        back = p @ self.weights[-1]
        for weight, each in zip(reversed(self.weights[:-1]), reversed(slopes), strict=True):
            back = (back * each) @ weight
        return np.where(self.free, -bits * back, -np.inf)


def _parts(bits: Signs) -> list[Signs]:
    return np.array_split(bits, -(-len(bits) // AT_ONCE)) if len(bits) else [bits]


def at_random(target: Target, bits: Signs, flips: int, rng: np.random.Generator) -> Signs:
    """The same with so many free bits of each flipped."""
    keys = np.where(target.free, rng.random(bits.shape), -np.inf)
    return _flipped(bits, keys, flips)


def by_gradient(target: Target, bits: Signs, y: NDArray[np.int64], flips: int, slope: float) -> Signs:
    """Likewise those that the gradient likes best, all at once; a bit that it says nothing of may be among them."""
    return _flipped(bits, target.gains(bits, y, slope), flips)


def _flipped(bits: Signs, keys: NDArray, flips: int) -> Signs:
    flips = min(flips, int(np.isfinite(keys[0]).sum()))
    chosen = np.argsort(-keys, axis=1, kind="stable")[:, :flips]
    flipped = bits.copy()
    np.put_along_axis(flipped, chosen, -np.take_along_axis(bits, chosen, axis=1), axis=1)
    return flipped


@dataclass(frozen=True, eq=False)
class Broken:
    """bits    (n, inputs) as the attack left them
    needed  (n,) flips after which the class was another; 0: it was already, −1: it never was
    """

    bits: Signs
    needed: NDArray[np.int64]


def exactly(
    target: Target,
    bits: Signs,
    y: NDArray[np.int64],
    most: int,
    candidates: int,
    slope: float,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Broken:
    """Flips bit after bit of each, `most` at most, until its class is not y."""
    bits, first = bits.copy(), target.weights[0]
    used = np.zeros(bits.shape, bool)
    needed = np.where(_wrong(target.scores(bits), y), 0, -1)
    candidates = min(candidates, int(target.free.sum()))
    for flips in range(1, most + 1):
        going = np.flatnonzero(needed < 0)
        each = max(1, AT_ONCE // candidates)
        for start in range(0, len(going), each):
            rows = going[start : start + each]
            gains = np.where(used[rows], -np.inf, target.gains(bits[rows], y[rows], slope))
            tried = np.argsort(-gains, axis=1, kind="stable")[:, :candidates]
            value = np.take_along_axis(bits[rows], tried, axis=1)
            sums = (bits[rows] @ first.T)[:, None] - 2 * value[..., None] * first.T[tried]
            scores = target.after(sums.reshape(-1, len(first))).reshape(*tried.shape, -1)
            margin = _margins(scores, y[rows])
            margin[np.isneginf(np.take_along_axis(gains, tried, axis=1))] = np.inf  # flipped already, or not free
            best = margin.argmin(axis=1)
            bit, at = tried[np.arange(len(rows)), best], np.arange(len(rows))
            bits[rows, bit] *= -1
            used[rows, bit] = True
            needed[rows[_wrong(scores[at, best], y[rows])]] = flips
        progress(flips, most)
    return Broken(bits, needed)


def _wrong(scores: Signs, y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The first maximum wins, as in hardware."""
    return scores.argmax(axis=1) != y


def _margins(scores: Signs, y: NDArray[np.int64]) -> Signs:
    """(n, candidates) by how much class y leads, of scores (n, candidates, classes)."""
    own = np.take_along_axis(scores, y[:, None, None], axis=2)[..., 0]
    others = np.where(np.arange(scores.shape[2]) == y[:, None, None], -np.inf, scores)
    return own - others.max(axis=2)


def summed_draws(target: Target, share: float, draws: int, rng: np.random.Generator) -> Callable[[Signs], Signs]:
    """Scores (n, classes) of bits, summed over nets of which each flips this share of the first layer's weights.

    Source: STF-BNN, arXiv 2112.06281, whose first layer is drawn anew for every sample. In hardware each would be a
    memory of its own: software, for comparison.
    """
    first = target.weights[0]
    drawn = [np.where(rng.random(first.shape) < share, -first, first) for _ in range(draws)]

    def scores(bits: Signs) -> Signs:
        parts = (np.sum([target.after(part @ each.T) for each in drawn], axis=0) for part in _parts(bits))
        return np.concatenate(list(parts))

    return scores
