"""Whether a net that says p is right in p of the cases: calibration of classes, and what tells two sets apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True)
class Bin:
    """Samples whose class got a probability in one interval: how many, its mean, and which share is right."""

    samples: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """Of probabilities against labels.

    accuracy   share of samples whose most probable class is right, the first of equal ones
    nll        mean of −ln of the probability of the right class, in nats
    ece        expected calibration error: mean of |accuracy − confidence| over the bins, by samples, 0 .. 1
    bins       those of `BINS` equal intervals that hold samples
    """

    accuracy: float
    nll: float
    ece: float
    bins: tuple[Bin, ...]


def softmax(scores: NDArray, temperature: float) -> NDArray[np.float64]:
    """(n, classes) probabilities."""
    shifted = scores.astype(np.float64) / temperature
    raised = np.exp(shifted - shifted.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def reliability(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> Reliability:
    """probabilities (n, classes), labels (n,), at least one sample. Source: Guo et al. 2017, "On calibration"."""
    samples = np.arange(len(labels))
    right = probabilities.argmax(axis=1) == labels
    confidence = probabilities.max(axis=1)
    places = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    bins = tuple(
        Bin(int(here.sum()), float(confidence[here].mean()), float(right[here].mean()))
        for here in (places == place for place in range(BINS))
        if here.any()
    )
    ece = sum(each.samples * abs(each.accuracy - each.confidence) for each in bins) / len(labels)
    nll = -np.log(np.maximum(probabilities[samples, labels], np.finfo(np.float64).tiny)).mean()
    return Reliability(float(right.mean()), float(nll), float(ece), bins)


def auroc(of_wanted: NDArray, of_others: NDArray) -> float:
    """How likely a value of the wanted is above one of the others, where equal values count half."""
    both = np.concatenate([of_wanted, of_others]).astype(np.float64)
    _, place, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place.ravel()]
    wanted = len(of_wanted)
    above = ranks[:wanted].sum() - wanted * (wanted + 1) / 2
    return float(above / (wanted * len(of_others)))
