"""A small net that says how likely a code is: bit after bit, each given those before it, and the class before them all.

One hidden layer of ReLUs and a direct way past it, both masked so that the answer for bit j sees bits 0 .. j−1 alone.
Given K classes the code's probability is the sum over them of q(class) q(code given class): what the net says about the
class of a sample is never needed where it judges.
Source: Germain et al. 2015, "MADE: masked autoencoder for distribution estimation"; the classes as a mixture are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from .compiled import compiled

HIDDEN_PER_BIT = 4
WORK = 3.0e11  # multiplications of a fit at most: about 15 s of a core
EPOCHS, FEWEST_STEPS, RATE = 20, 800, 1.5e-2
_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Autoregressive:
    """Made by `fitted`. With w bits, c classes, h hidden neurons:

    hidden, hidden_bias   (c + w, h) and (h,)
    out, direct, bias     (h, w), (c + w, w) and (w,)
    prior                 (c,) probabilities of the classes; of no classes one, without a row of its own
    """

    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    out: NDArray[np.float32]
    direct: NDArray[np.float32]
    bias: NDArray[np.float32]
    prior: NDArray[np.float64]

    @threadpool_limits.wrap(limits=1)
    def log2_q(self, bits: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(n,) log2 of the probability of each code."""
        return np.concatenate([self._log2_q(bits[start : start + _ROWS]) for start in range(0, len(bits), _ROWS)])

    def _log2_q(self, bits: NDArray[np.bool_]) -> NDArray[np.float64]:
        rows = len(self.hidden) - bits.shape[1]  # one for each class
        x, sign = _signs(bits), np.where(bits, np.float32(1), np.float32(-1))
        into, past = x @ self.hidden[rows:] + self.hidden_bias, x @ self.direct[rows:] + self.bias
        joint = np.empty((len(self.prior), len(bits)))
        for label, share in enumerate(self.prior):
            own = (self.hidden[label], self.direct[label]) if rows else (np.float32(0), np.float32(0))
            z = np.maximum(into + own[0], 0) @ self.out + past + own[1]
            z *= sign
            joint[label] = np.log(share) - _softplus_sum(z)
        return logsumexp(joint, axis=0) / np.log(2)


def _softplus_sum(z: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) sum of log(1 + exp(−z)) over (n, width): of 64 factors 1 + exp(−|z|) at a time, at most 2^64, one logarithm.

    What logaddexp says of each is the same and takes ten times as long, half the time of a bracket.
    """
    total = -np.minimum(z, 0).sum(axis=1, dtype=np.float64)
    np.abs(z, out=z)
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    for start in range(0, z.shape[1], 64):
        total += np.log(z[:, start : start + 64].prod(axis=1, dtype=np.float64))
    return total


@threadpool_limits.wrap(limits=1)  # sums over two threads round otherwise
def fitted(
    bits: NDArray[np.bool_],
    judged: NDArray[np.bool_],
    rng: np.random.Generator,
    labels: NDArray[np.integer] | None = None,
    classes: int = 0,
) -> Autoregressive:
    """Fitted to codes (n, w) by Adam, for EPOCHS and FEWEST_STEPS or as long as WORK allows; what stands is the
    epoch that says most of others.

    judged   codes of further samples that choose the epoch
    labels   (n,) 0 .. classes − 1: the classes to be the mixture of

    The same arguments give the same net, to the last byte, on a machine of one kind.
    """
    samples, width = bits.shape
    one_hot = np.zeros((samples, classes), np.float32)
    prior = np.ones(1)
    if labels is not None and classes:
        one_hot[np.arange(samples), labels] = 1
        prior = (np.bincount(labels, minlength=classes) + 0.5) / (samples + 0.5 * classes)
    x, target = np.hstack([one_hot, _signs(bits)]), bits.astype(np.float32)
    hidden = _hidden(width)
    net = _Net(classes, width, hidden, bits.mean(axis=0), samples, rng)
    each = 3.0 * (2 * (classes + width) * hidden + width * width)
    batch = int(min(samples, max(32, min(512, samples // 32, WORK / (each * FEWEST_STEPS)))))
    epoch = samples // batch
    steps = int(min(max(EPOCHS * epoch, FEWEST_STEPS), max(1.0, WORK / (each * batch))))
    best, least = net.values.copy(), np.inf
    for done, rows in enumerate(_batches(samples, batch, steps, rng), 1):
        net.step(x[rows], target[rows], done / steps)
        if done % epoch == 0 or done == steps:
            length = -float(net.frozen(prior).log2_q(judged[:_ROWS]).mean())
            if length < least:
                best, least = net.values.copy(), length
    net.values[:] = best
    return net.frozen(prior)


def _batches(samples: int, batch: int, steps: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    while True:
        order = rng.permutation(samples)
        for start in range(0, samples - batch + 1, batch):
            yield order[start : start + batch]
            steps -= 1
            if not steps:
                return


def _hidden(width: int) -> int:
    """Neurons: HIDDEN_PER_BIT of each bit, fewer where FEWEST_STEPS of 256 samples would take all the work there is."""
    affordable = (WORK / (3 * 256 * FEWEST_STEPS) - width**2) / (2 * width)
    return int(min(HIDDEN_PER_BIT * width, max(32, affordable)))


def _signs(bits: NDArray[np.bool_]) -> NDArray[np.float32]:
    return bits.astype(np.float32) * 2 - 1


class _Net:
    """Weights in one flat array, so that a step of Adam is a few passes over it; the matrices are views of it."""

    def __init__(
        self, classes: int, width: int, hidden: int, ones: NDArray[np.float64], samples: int, rng: np.random.Generator
    ) -> None:
        sees = np.sort(np.arange(hidden) % max(width - 1, 1))  # the last bit that each hidden neuron sees
        bit, always = np.arange(width), np.ones((classes, 1), bool)
        masks = (
            np.vstack([np.broadcast_to(always, (classes, hidden)), bit[:, None] <= sees]),
            np.ones(hidden, bool),
            sees[:, None] < bit,
            np.vstack([np.broadcast_to(always, (classes, width)), bit[:, None] < bit]),
            np.ones(width, bool),
        )
        self.shapes = [mask.shape for mask in masks]
        self.mask = np.concatenate([mask.ravel() for mask in masks]).astype(np.float32)
        self.values, self.gradient = np.zeros_like(self.mask), np.zeros_like(self.mask)
        self.first, self.second = np.zeros_like(self.mask), np.zeros_like(self.mask)
        self.weights, self.gradients = self._views(self.values), self._views(self.gradient)
        self.weights[0][:] = rng.standard_normal(self.shapes[0], dtype=np.float32) * np.sqrt(2 / (classes + width))
        share = (ones * samples + 0.5) / (samples + 1)
        self.weights[4][:] = np.log(share / (1 - share))
        self.values *= self.mask
        self.steps = 0

    def _views(self, flat: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        ends = np.cumsum([np.prod(shape) for shape in self.shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), self.shapes, strict=True)]

    def step(self, x: NDArray[np.float32], target: NDArray[np.float32], done: float) -> None:
        """One of Adam, at a rate that rises for the first twentieth and falls as a cosine.

        done   of all steps, 0 .. 1
        """
        hidden, hidden_bias, out, direct, bias = self.weights
        active = x @ hidden
        active += hidden_bias
        np.maximum(active, 0, out=active)
        wrong = active @ out
        wrong += x @ direct
        wrong += bias
        np.negative(wrong, out=wrong)
        np.exp(np.minimum(wrong, 80, out=wrong), out=wrong)
        wrong += 1
        np.reciprocal(wrong, out=wrong)
        wrong -= target
        wrong *= np.float32(1 / len(x))
        back = wrong @ out.T
        back *= active > 0
        np.matmul(x.T, back, out=self.gradients[0])
        np.sum(back, axis=0, out=self.gradients[1])
        np.matmul(active.T, wrong, out=self.gradients[2])
        np.matmul(x.T, wrong, out=self.gradients[3])
        np.sum(wrong, axis=0, out=self.gradients[4])
        self.steps += 1
        rate = RATE * min(1.0, 20 * done) * 0.5 * (1 + np.cos(np.pi * done))
        scale, of_second = rate / (1 - 0.9**self.steps), 1 / (1 - 0.99**self.steps)
        _adam(self.values, self.gradient, self.mask, self.first, self.second, np.float32(scale), np.float32(of_second))

    def frozen(self, prior: NDArray[np.float64]) -> Autoregressive:
        hidden, hidden_bias, out, direct, bias = (view.copy() for view in self.weights)
        return Autoregressive(hidden, hidden_bias, out, direct, bias, prior)


@compiled
def _adam(values, gradient, mask, first, second, scale, of_second):
    """One pass over the weights where array operations make fourteen, a third of a fit's time; their very numbers."""
    for i in range(len(values)):
        slope = gradient[i] * mask[i]
        first[i] += np.float32(0.1) * (slope - first[i])
        second[i] += np.float32(0.01) * (slope * slope - second[i])
        values[i] -= first[i] / (np.sqrt(second[i] * of_second) + np.float32(1e-8)) * scale
