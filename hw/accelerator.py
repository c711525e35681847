"""A graph as a chain of stages, each with its folding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..export import graph as g
from ..ib_analysis.codes import Codes, Trace
from . import stages as s
from .folding import Folding, complete
from .names import check_names
from .packing import Beats, beat_bytes, bytes_beats, integer_bits, integers

Output = Literal["class", "scores"]


@dataclass(frozen=True, eq=False)
class Accelerator:
    """Stages in order from input to output; the stream of one is the input of the next.

    layers   names of the stages that are layers of the graph: their output streams carry the codes and the scores
    """

    name: str
    stages: tuple[s.Stage, ...]
    layers: tuple[str, ...]

    def __post_init__(self) -> None:
        check_names(self.name, [stage.name for stage in self.stages])
        for before, after in zip(self.stages, self.stages[1:], strict=False):
            if (before.out_width, before.out_beats) != (after.in_width, after.in_beats):
                raise s.FoldingError(
                    f"{before.name} sends {before.out_beats} beats of {before.out_width} bits a frame, "
                    f"{after.name} takes {after.in_beats} of {after.in_width}"
                )

    @property
    def cycles(self) -> int:
        """Cycles a frame, back to back and without stalls: those of the slowest stage."""
        return max(stage.cycles for stage in self.stages)

    @property
    def bottleneck(self) -> str:
        return max(self.stages, key=lambda stage: stage.cycles).name

    def __getitem__(self, name: str) -> s.Stage:
        return {stage.name: stage for stage in self.stages}[name]

    def input_data(self, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, inputs) uint8 as TDATA of the input stream: (beats, bytes), a pixel a byte, codes eight bits a byte."""
        head = self.stages[0]
        inputs = head.in_beats * (head.pe if isinstance(head, s.Binarize) else head.in_width)
        if x.dtype != np.uint8 or x.shape[1:] != (inputs,) or not len(x):
            raise g.GraphError(f"{self.name} takes (n, {inputs}) uint8, got {x.shape} {x.dtype}")
        if isinstance(head, s.Binarize):
            return np.ascontiguousarray(x).reshape(-1, head.pe)
        return beat_bytes(x.astype(np.bool_).reshape(-1, head.in_width))

    def trace(self, streams: Mapping[str, Beats]) -> Trace:
        """What hardware said, from the output streams of `layers`."""
        *hidden, last = self.layers
        scores = self[last]
        assert isinstance(scores, s.Scores)
        codes = {name: Codes.pack(streams[name].reshape(-1, self._frame_bits(name))) for name in hidden}
        values = integers(streams[last], scores.score_width).reshape(-1, len(scores.weight))
        return Trace("rtl", codes, values.astype(np.int32), scores.weight.shape[1])

    def streams(self, trace: Trace) -> dict[str, Beats]:
        """The way back from `trace`: the output streams of `layers` for the samples of a trace of any source."""
        *hidden, last = self.layers
        scores = self[last]
        assert isinstance(scores, s.Scores)
        streams = {name: trace.codes[name].bits().reshape(-1, self[name].out_width) for name in hidden}
        return streams | {last: integer_bits(trace.scores.reshape(-1, scores.pe), scores.score_width)}

    def classes(self, streams: Mapping[str, Beats], trace: Trace) -> NDArray[np.int64]:
        """(n,) the class of each frame: what the argmax said, or the first maximum where scores leave the chip."""
        last = self.stages[-1]
        return (
            integers(streams[last.name], last.out_width)[:, 0]
            if isinstance(last, s.Argmax | s.ArgmaxTree)
            else trace.predictions()
        )

    def _frame_bits(self, name: str) -> int:
        return self[name].out_beats * self[name].out_width

    def __call__(self, x: NDArray[np.uint8]) -> dict[str, Beats]:
        """The stream behind every stage, as the descriptors answer it."""
        streams, beats = {}, bytes_beats(self.input_data(x), self.stages[0].in_width)
        for stage in self.stages:
            streams[stage.name] = beats = stage(beats)
        return streams


def lower(
    graph: g.Graph, foldings: Mapping[str, Folding], output: Output = "class", fifo_depth: int = 0
) -> Accelerator:
    """The accelerator of a graph.

    output       what leaves the chip: the class of each frame, or its scores
    fifo_depth   beats of a Fifo in front of every matrix stage; 0 for none: the replay buffers suffice for full rate

    A folding that covers a whole layer makes its weights constants.
    """
    foldings = complete(graph, foldings)
    chain: list[s.Stage] = []
    for layer in graph.layers:
        stage = stage_of(layer, foldings[layer.name])
        if chain:
            chain += converters(chain[-1], stage.in_width, f"{layer.name}_in")
            if fifo_depth:
                chain.append(s.Fifo(f"{layer.name}_fifo", stage.in_width, fifo_depth, stage.in_beats))
        chain.append(stage)
    scores = chain[-1]
    assert isinstance(scores, s.Scores)
    chain += tail(scores, output)
    return Accelerator(graph.name, tuple(chain), tuple(layer.name for layer in graph.layers))


def stage_of(layer: g.Binarize | g.Dense | g.Scores, folding: Folding) -> s.Stage:
    """The layer in hardware."""
    match layer:
        case g.Binarize():
            return s.Binarize(layer.name, layer.threshold, layer.bits, folding.pe)
        case g.Dense():
            if s.covers(layer.weight, folding.pe, folding.simd):
                return s.Dense(layer.name, layer.weight, folding.pe, folding.simd, layer.threshold)
            return s.Mvtu(
                layer.name, layer.weight, folding.pe, folding.simd, layer.threshold, rom_style=folding.rom_style
            )
        case g.Scores():
            if s.covers(layer.weight, folding.pe, folding.simd):
                return s.DenseScores(layer.name, layer.weight, folding.pe, folding.simd)
            return s.Scores(layer.name, layer.weight, folding.pe, folding.simd, rom_style=folding.rom_style)


def tail(scores: s.Scores, output: Output) -> list[s.Stage]:
    """What follows the scores: one a beat, or all in one where they come in fewer cycles than there are classes.

    So these stages are never slower than the scores are.
    """
    classes = len(scores.weight)
    serial = scores.cycles >= classes
    chain = list(converters(scores, scores.score_width * (1 if serial else classes), "score"))
    if output == "class":
        chain.append((s.Argmax if serial else s.ArgmaxTree)("argmax", classes, scores.score_width))
    return chain


def converters(before: s.Stage, width: int, name: str) -> Iterator[s.Stage]:
    """From the stream of `before` to `width` bits a beat, by way of their least common multiple."""
    wide = math.lcm(before.out_width, width)
    beats = before.out_beats
    if wide > before.out_width:
        yield s.DwcUp(f"{name}_up", before.out_width, wide, beats)
        beats = beats * before.out_width // wide
    if wide > width:
        yield s.DwcDown(f"{name}_down", wide, width, beats)
