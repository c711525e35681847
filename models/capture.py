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
from .networks import BinaryNet, FloatNet, Net, as_rows


class CaptureError(ValueError):
    """A net that does not emit what is asked for."""


BATCH = 4096
ELEMENTS = 1 << 22  # that the widest map holds for one batch: 16 MB of floats, beyond which memory is what takes time
ELEMENTS_OF_DEVICE = 1 << 27  # 512 MB: a GPU wants much to do at once


def capture(net: Net, x: NDArray[np.uint8], batch: int | None = None) -> Trace:
    """What every layer of `net` emits for x, (n, features) uint8, in evaluation mode; the net is left as it was.

    batch   samples at a time; by default what `batch_of` says

    Codes are packed batch by batch, so what is held is n/8 bytes per bit and one batch of floats. Scores are in
    agreeing bits, (dot product + fan-in) / 2; beyond one bit see `_counted`. It runs on the CPU, where the exporter
    asks for the thresholds: another device's batch-norm may round an exact tie to the other side. Raises CaptureError
    for a float net.
    """
    if isinstance(net, FloatNet):
        raise CaptureError(f"a net of {net.config.activation} emits floats and no codes; `capture_floats` gives them")
    if net.scores.weight.device.type != "cpu":
        net = copy.deepcopy(net).cpu()
    batch = batch or batch_of(net, BATCH)
    with evaluating(net):
        blocks = (net.encode(x[start : start + batch]) for start in range(0, len(x), batch))
        trace = _of_passes if net.config.passes > 1 else _trace
        return concatenate([trace(net, block) for block in blocks])


def capture_floats(net: Net, x: NDArray[np.uint8], batch: int | None = None) -> FloatTrace:
    """The same of a float net: its activations and logits as float32, as they are. CaptureError for a 1-bit net."""
    if isinstance(net, BinaryNet):
        raise CaptureError(f"a net of {net.config.activation} emits codes and no floats; `capture` gives them")
    if net.scores.weight.device.type != "cpu":
        net = copy.deepcopy(net).cpu()
    batch = batch or batch_of(net, BATCH)
    with evaluating(net):
        blocks = [net.emissions(net.encode(x[start : start + batch])) for start in range(0, len(x), batch)]
    *hidden, scores = (torch.cat([_stream(part) for part in layer]).numpy() for layer in zip(*blocks, strict=True))
    return FloatTrace(dict(zip(net.config.names, hidden, strict=False)), scores)


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


def batch_of(net: Net, most: int) -> int:
    """Samples to be evaluated at a time: `most` of a dense net, of maps as many as ELEMENTS allow."""
    if not net.config.of_maps:
        return most
    elements = ELEMENTS if net.scores.weight.device.type == "cpu" else ELEMENTS_OF_DEVICE
    return max(1, min(most, elements // max(net.config.hidden)))


def traced(net: BinaryNet, emitted: Iterator[Tensor]) -> Trace:
    """Of what the layers of a net that a sample passes once emit, one after the other, the dot products the last."""
    codes: dict[str, Codes] = {}
    for name, levels in zip(net.config.names[:-1], emitted, strict=False):
        bits, stream = net.config.bits_of(name), _stream(levels).cpu().numpy()
        codes[name] = Codes.pack(stream > 0) if bits == 1 else Codes.pack_integers(stream.astype(np.int8) + 1, bits)
    scores, top = _counted(net, next(emitted))
    return Trace("torch", codes, scores.to(torch.int32).cpu().numpy(), top)


def _trace(net: BinaryNet, signs: Tensor) -> Trace:
    def emitted() -> Iterator[Tensor]:
        levels = signs
        for layer in (net.binarize, *net.hidden):
            if layer is not None:
                yield (levels := layer(levels))
        yield net.scores(as_rows(levels))

    return traced(net, emitted())


def _of_passes(net: BinaryNet, signs: Tensor) -> Trace:
    """Codes pass after pass; the scores of each as the layer `members`, or `steps`, and how far they lie apart as
    `spread`.
    """
    codes: dict[str, Codes] = {}
    of_steps = net.config.steps > 1
    if net.binarize is not None:
        signs = net.binarize(signs)
        cut = signs.cpu().numpy() > 0
        codes[net.config.names[0]] = Codes.pack(_by_sample(cut) if of_steps else cut)
    emitted = net.over_steps(signs) if of_steps else net.members(signs)
    *hidden, dots = (each.cpu().numpy() for each in emitted)
    for name, code in zip(net.config.names[len(codes) :], hidden, strict=False):
        codes[name] = Codes.pack(_by_sample(code > 0))
    top = net.scores.in_features
    each = ((dots + top) / 2).astype(np.int64)
    codes["steps" if of_steps else "members"] = Codes.pack_integers(_by_sample(each), top.bit_length())
    apart, bits = np.ptp(each, axis=0).sum(axis=1), (net.config.classes * top).bit_length()
    codes["spread"] = Codes.pack_integers(apart[:, None], bits)
    return Trace("torch", codes, each.sum(axis=0).astype(np.int32), net.config.passes * top)


def _by_sample(emitted: NDArray) -> NDArray:
    """(n, passes · rows) of (passes, n, rows)."""
    return emitted.transpose(1, 0, 2).reshape(emitted.shape[1], -1)


def _counted(net: BinaryNet, dots: Tensor) -> tuple[Tensor, int]:
    """Scores from 0 on, and the highest that there can be: the dot product above the least one of any class; where
    products are ±1, and their number is even or odd in all classes alike, half of it, as every other is none.
    """
    terms = (net.multiplied(net.scores) != 0).sum(dim=1)
    most = int(terms.max())
    if net.config.activation_bits == 1 and not ((most - terms) % 2).any():
        return (dots + most) / 2, most
    return dots + most, 2 * most


def _stream(x: Tensor) -> Tensor:
    """(n, elements), of maps row by row, column by column, the channels of a place together."""
    return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x
