"""A trained net's codes, layer by layer, packed as they come out; of a float net, its activations as they are."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..ib_analysis.codes import Codes, Trace, concatenate
from .floats import FloatTrace
from .networks import DenseNet, FloatNet, Net


class CaptureError(ValueError):
    """A net that does not emit what is asked for."""


def capture(net: Net, x: NDArray[np.uint8], batch: int = 4096) -> Trace:
    """What every layer of `net` emits for x, (n, features) uint8, in evaluation mode; the net is left as it was.

    Codes are packed batch by batch, so what is held is n/8 bytes per neuron and one batch of floats. Scores are in
    agreeing bits: (dot product + fan-in) / 2. It runs on the CPU, where the exporter asks for the thresholds: another
    device's batch-norm may round an exact tie to the other side. Raises CaptureError for a float net.
    """
    if isinstance(net, FloatNet):
        raise CaptureError(f"a net of {net.config.activation} emits floats and no codes; `capture_floats` gives them")
    if net.scores.weight.device.type != "cpu":
        net = copy.deepcopy(net).cpu()
    with evaluating(net):
        return concatenate([_trace(net, net.encode(x[start : start + batch])) for start in range(0, len(x), batch)])


def capture_floats(net: Net, x: NDArray[np.uint8], batch: int = 4096) -> FloatTrace:
    """The same of a float net: its activations and logits as float32, as they are. CaptureError for a 1-bit net."""
    if isinstance(net, DenseNet):
        raise CaptureError(f"a net of {net.config.activation} emits codes and no floats; `capture` gives them")
    if net.scores.weight.device.type != "cpu":
        net = copy.deepcopy(net).cpu()
    with evaluating(net):
        blocks = [net.emissions(net.encode(x[start : start + batch])) for start in range(0, len(x), batch)]
    *hidden, scores = (torch.cat(layer).numpy() for layer in zip(*blocks, strict=True))
    return FloatTrace({f"dense{index + 1}": values for index, values in enumerate(hidden)}, scores)


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; the mode found is put back."""
    training = net.training
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        net.train(training)


def _trace(net: DenseNet, signs: Tensor) -> Trace:
    codes = {}
    if net.binarize is not None:
        signs = net.binarize(signs)
        codes["binarize"] = _pack(signs)
    for index, block in enumerate(net.hidden):
        signs = block(signs)
        codes[f"dense{index + 1}"] = _pack(signs)
    agreeing = (net.scores(signs) + net.scores.in_features) / 2
    return Trace("torch", codes, agreeing.to(torch.int32).cpu().numpy(), net.scores.in_features)


def _pack(signs: Tensor) -> Codes:
    return Codes.pack((signs > 0).cpu().numpy())
