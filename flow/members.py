"""What the members of a net of threshold sets, or the steps of one of steps, say alone and together on the samples that
were captured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes, Trace
from ..ib_analysis.plane import PlanePoint, plane
from ..ib_analysis.reliability import Reliability, auroc, reliability, softmax
from ..models.config import NetworkConfig
from .config import RunConfig
from .files import read_labels, read_trace
from .folder import RunFolder
from .trained import as_captured, checkpoint_arrays


def analysed(codes: Mapping[str, Codes], network: NetworkConfig) -> dict[str, Codes]:
    """The codes that information is measured of: a layer's as they are; of members the first one's, which are as wide
    as those of a net of one set, and then how far all lie apart and their scores; of steps those of each, and of all.
    """
    shared = {name: each for name, each in codes.items() if name == "binarize"}
    if network.steps > 1:
        return {**shared, **_step_by_step(codes, network), "scores": codes["scores"]}
    if network.threshold_sets > 1:
        return {**shared, **of_pass(codes, network, 0), "spread": codes["spread"], "scores": codes["scores"]}
    return dict(codes)


def _step_by_step(codes: Mapping[str, Codes], network: NetworkConfig) -> dict[str, Codes]:
    each = [of_pass(codes, network, step) for step in range(network.steps)]
    names = [name for name in network.names[:-1] if name != "binarize"]
    by_layer = zip(names, zip(*(step.items() for step in each), strict=True), strict=True)
    return {key: code for name, steps in by_layer for key, code in (*steps, (name, codes[name]))}


def of_pass(codes: Mapping[str, Codes], network: NetworkConfig, number: int) -> dict[str, Codes]:
    """The hidden codes of a member, or of a step, counted from 0."""
    found = {}
    for name, width in zip((name for name in network.names[:-1] if name != "binarize"), network.hidden, strict=True):
        bits = codes[name].bits().reshape(-1, network.passes, width)[:, number]
        found[f"{name}.{number + 1}"] = Codes.pack(bits)
    return found


@dataclass(frozen=True)
class Members:
    """spread, temperature   chosen on held-out samples
    alone         each member's class and the probability that it gives to it
    together      of their mean score
    errors        AUROC with which the spread tells wrong classes from right ones; None where all are right, or wrong
    surer         the same of the probability
    points        I(X;T) and I(T;Y) of every member's codes, layer after layer
    """

    spread: float
    temperature: float
    alone: tuple[Reliability, ...]
    together: Reliability
    errors: float | None
    surer: float | None
    points: tuple[PlanePoint, ...]


def members_of(folder: RunFolder) -> Members | None:
    """None of a net of one set."""
    config = folder.config()
    if not isinstance(config, RunConfig) or config.network.threshold_sets == 1:
        return None
    origin = folder.origin()
    trace = read_trace(as_captured(origin.record, folder.epoch_codes(origin.last)))
    y = read_labels(as_captured(origin.record, folder.labels))
    arrays, _ = checkpoint_arrays(folder.checkpoint)
    temperature = float(arrays["net/temperature"])
    of_each, together = dots(trace, config.network)
    probabilities = softmax(together, temperature)
    wrong = trace.predictions() != y
    spread = trace.codes["spread"].levels(trace.codes["spread"].width)[:, 0]
    return Members(
        float(arrays["net/spread"]),
        temperature,
        tuple(reliability(softmax(each, temperature), y) for each in of_each),
        reliability(probabilities, y),
        _told(spread, wrong),
        _told(-probabilities.max(axis=1), wrong),
        _points(trace, config, y),
    )


@dataclass(frozen=True)
class Step:
    """Shares of right classes.

    alone     of the scores of this step
    until     of the sum of all scores until it
    """

    alone: float
    until: float


def steps_of(folder: RunFolder) -> list[Step]:
    """Empty of a net without any."""
    config = folder.config()
    if not isinstance(config, RunConfig) or config.network.steps == 1:
        return []
    origin = folder.origin()
    trace = read_trace(as_captured(origin.record, folder.epoch_codes(origin.last)))
    y = read_labels(as_captured(origin.record, folder.labels))
    each, _ = dots(trace, config.network)
    right = [[float((said.argmax(axis=1) == y).mean()) for said in kind] for kind in (each, each.cumsum(axis=0))]
    return [Step(*both) for both in zip(*right, strict=True)]


def dots(trace: Trace, network: NetworkConfig) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Dot products of every pass, (passes, n, classes), and their mean, (n, classes)."""
    top, name = network.hidden[-1], "members" if network.steps == 1 else "steps"
    agreeing = trace.codes[name].levels(top.bit_length()).reshape(len(trace), network.passes, -1).astype(np.int64)
    each = 2 * agreeing.transpose(1, 0, 2) - top
    return each, each.mean(axis=0)


def _told(values: NDArray, wrong: NDArray[np.bool_]) -> float | None:
    return auroc(values[wrong], values[~wrong]) if 0 < wrong.sum() < len(wrong) else None


def _points(trace: Trace, config: RunConfig, y: NDArray[np.int64]) -> tuple[PlanePoint, ...]:
    network, epoch = config.network, config.training.epochs
    each = [of_pass(trace.codes, network, member) for member in range(network.threshold_sets)]
    by_layer = {name: codes for layer in zip(*(one.items() for one in each), strict=True) for name, codes in layer}
    return plane({epoch: by_layer}, y, config.analysis.target)
