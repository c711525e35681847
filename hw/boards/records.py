"""Samples as the bytes that a linked design takes, and its answers as classes, scores and codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Codes, Trace
from ..packing import Beats, beat_bytes, bytes_beats, integers
from ..stages import DECIDES, PassSum
from .framed import Framed, Tap
from .frames import Bytes


def bodies(linked: Framed, x: NDArray[np.uint8]) -> Bytes:
    """(n, inputs) uint8 as the bytes of n frames, after the stages that are the host's."""
    first, head = linked.core.stages[0], linked.inner.stages[0]
    beats = bytes_beats(linked.core.input_data(x), first.in_width)
    for stage in linked.cut:
        beats = stage(beats)
    if linked.packs:
        return np.packbits(beats.reshape(len(x), -1), axis=1, bitorder="little")
    return beat_bytes(beats.reshape(-1, head.in_width)).reshape(len(x), -1)


def host_codes(linked: Framed, x: NDArray[np.uint8]) -> dict[str, Codes]:
    """The codes of the layer that the host computes, where there is one."""
    if not linked.pixels_cut:
        return {}
    beats = bytes_beats(linked.core.input_data(x), linked.core.stages[0].in_width)
    for stage in linked.cut:
        beats = stage(beats)
    return {linked.core.layers[0]: Codes.pack(beats.reshape(len(x), -1))}


@dataclass(frozen=True, eq=False)
class Answers:
    """Of n frames.

    classes   (n,) int64; of a design whose scores leave the chip, the first maximum of them
    codes     by tapped layer that emits codes, of every `linked.every`-th frame
    scores    (n, classes) int32 where they left the chip; of the same frames where they were tapped
    """

    classes: NDArray[np.int64]
    codes: Mapping[str, Codes]
    scores: NDArray[np.int32] | None


def answers(linked: Framed, data: Bytes) -> Answers:
    """From (n, bytes_out) bytes, of which only every `linked.every`-th row holds more than the first record."""
    inner, streams, at = linked.inner, dict[str, Beats](), 0
    for record in linked.records:
        rows = data[:: linked.every] if at else data
        streams.setdefault(record.stage.name, _beats(record, rows[:, at : at + record.bytes_each]))
        at += record.bytes_each
    *_, name = inner.layers
    end, scores = inner.stages[-1], None
    if name in streams:
        last = inner.layer(name)
        said = streams[name].reshape(-1, last.out_beats * last.out_width)
        scores = (last.parted(said)[0] if isinstance(last, PassSum) else integers(said, last.out_bits)).astype(np.int32)
    if isinstance(end, DECIDES):
        classes = end.decided(streams[end.name])
    else:
        assert scores is not None
        classes = Trace("board", {}, scores, inner.top, inner.ends_in_code).predictions()
    recorded = len(data[:: linked.every])
    codes = {layer: Codes.pack(streams[layer].reshape(recorded, -1)) for layer in linked.taps if layer != name}
    return Answers(classes, codes, scores)


def _beats(record: Tap, data: Bytes) -> Beats:
    """(n, bytes_each) bytes as the beats of the stream."""
    stage = record.stage
    words = bytes_beats(data.reshape(-1, record.word_bytes), stage.out_width * record.pack)
    return words.reshape(-1, stage.out_width)
