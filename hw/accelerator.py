"""A graph as a chain of stages, each with its folding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..export import graph as g
from ..export.graph.net import SPREAD
from ..ib_analysis.codes import Codes, Trace
from . import stages as s
from .folding import complete
from .names import check_names
from .packing import Beats, beat_bytes, bytes_beats, integer_bits, integers


@dataclass(frozen=True, eq=False)
class Accelerator:
    """Stages in order from input to output; the stream of one is the input of the next.

    layers         names of the stages that end the layers of the graph: their output streams carry the codes and the
                   scores
    lane           bits of an element at the input: a byte for a pixel, a bit for a bit
    top            the highest score that there can be
    ends_in_code   the scores are the levels of a last layer that quantises
    """

    name: str
    stages: tuple[s.Stage, ...]
    layers: tuple[str, ...]
    lane: int
    top: int
    ends_in_code: bool = False

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

    def layer(self, name: str) -> s.LayerStage:
        """The stage whose output is that of a layer."""
        assert name in self.layers
        return cast(s.LayerStage, self[name])

    def stages_of(self, layer: str) -> tuple[s.Stage, ...]:
        """What a layer has become: its own stages, and what leads to them from the layer before."""
        names = [stage.name for stage in self.stages]
        before = self.layers[: self.layers.index(layer)]
        first = names.index(before[-1]) + 1 if before else 0
        return self.stages[first : names.index(layer) + 1]

    @property
    def inputs(self) -> int:
        """Elements of a frame."""
        return self.stages[0].in_beats * self.stages[0].in_width // self.lane

    def input_data(self, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, inputs) uint8 as TDATA of the input stream: (beats, bytes), a pixel a byte, codes eight bits a byte."""
        if x.dtype != np.uint8 or x.shape[1:] != (self.inputs,) or not len(x):
            raise g.GraphError(f"{self.name} takes (n, {self.inputs}) uint8, got {x.shape} {x.dtype}")
        elements = self.stages[0].in_width // self.lane
        if self.lane == 8:
            return np.ascontiguousarray(x).reshape(-1, elements)
        return beat_bytes(x.astype(np.bool_).reshape(-1, elements))

    def trace(self, streams: Mapping[str, Beats]) -> Trace:
        """What hardware said, from the output streams of `layers`."""
        *hidden, _ = self.layers
        codes = {name: Codes.pack(streams[name].reshape(-1, self._code_bits(name))) for name in hidden}
        return self.completed(codes, streams)

    def recorded(self, taken: Mapping[str, NDArray[np.uint8]]) -> tuple[Trace, NDArray[np.int64]]:
        """`trace` and `classes` of streams as a simulator leaves them: by stage (beats, bytes of a beat) uint8.

        A code whose beats are whole bytes lies there already and is not copied.
        """
        *hidden, last = self.layers
        codes = {}
        for name in hidden:
            stage, bits = self[name], self._code_bits(name)
            if stage.out_width % 8:
                codes[name] = Codes.pack(self._beats(taken, name).reshape(-1, bits))
            else:
                codes[name] = Codes(taken[name].reshape(-1, bits // 8), bits)
        ends = {name: self._beats(taken, name) for name in {last, self.stages[-1].name}}
        trace = self.completed(codes, ends)
        return trace, self.classes(ends, trace)

    def completed(self, codes: dict[str, Codes], streams: Mapping[str, Beats]) -> Trace:
        """`trace` from the codes before the last layer, and the stream of that one; of several passes, what leaves the
        chip where it is there tells the spread.
        """
        last, end = self.layer(self.layers[-1]), self.stages[-1]
        if isinstance(last, s.PassSum):
            scores, spreads = last.parted(streams[last.name])
            spread = spreads.sum(axis=1)
            if isinstance(end, s.ArgmaxSpread) and end.name in streams:
                spread = end.spread(streams[end.name])
            codes = codes | {SPREAD: Codes.pack_integers(spread[:, None], last.total_bits)}
        else:
            scores = integers(streams[last.name].reshape(-1, self._code_bits(last.name)), last.out_bits)
        return Trace("rtl", codes, scores.astype(np.int32), self.top, self.ends_in_code)

    def _beats(self, taken: Mapping[str, NDArray[np.uint8]], name: str) -> Beats:
        return bytes_beats(taken[name], self[name].out_width)

    def streams(self, trace: Trace) -> dict[str, Beats]:
        """The way back from `trace`: the output streams of `layers` for the samples of a trace of any source."""
        *hidden, last = self.layers
        streams = {name: trace.codes[name].bits().reshape(-1, self[name].out_width) for name in hidden}
        stage = self.layer(last)
        if isinstance(stage, s.PassSum):
            return streams | {last: stage(streams[hidden[-1]])}
        return streams | {last: integer_bits(trace.scores, stage.out_bits).reshape(-1, stage.out_width)}

    def _code_bits(self, layer: str) -> int:
        return self[layer].out_beats * self[layer].out_width

    def classes(self, streams: Mapping[str, Beats], trace: Trace) -> NDArray[np.int64]:
        """(n,) the class of each frame: what the last stage said, or the first maximum where scores leave the chip."""
        last = self.stages[-1]
        return last.decided(streams[last.name]) if isinstance(last, s.DECIDES) else trace.predictions()

    def __call__(self, x: NDArray[np.uint8]) -> dict[str, Beats]:
        """The stream behind every stage, as the descriptors answer it."""
        streams, beats = {}, bytes_beats(self.input_data(x), self.stages[0].in_width)
        for stage in self.stages:
            streams[stage.name] = beats = stage(beats)
        return streams


def input_lane(graph: g.Graph) -> int:
    """Bits in which an element of the input comes: a byte, or a bit where it is one."""
    return 8 if graph.input_bits > 1 else 1


def lower(
    graph: g.Graph, foldings: Mapping[str, s.Folding], output: s.Output = "class", fifo_depth: int = 0
) -> Accelerator:
    """The accelerator of a graph.

    output       what leaves the chip: the class of each frame, or its scores
    fifo_depth   beats of a Fifo in front of every layer but the first; 0 for none: the buffers of windows and matrices
                 suffice for full rate

    A folding that covers a whole layer makes its weights constants.
    """
    foldings = complete(graph, foldings)
    lane = input_lane(graph)
    chain: list[s.Stage] = []
    for layer in graph.layers:
        stages = s.stages_of(layer, foldings[layer.name], None if chain else lane)
        if chain:
            chain += s.converters(chain[-1], stages[0].in_width, f"{layer.name}_in")
            if fifo_depth:
                chain.append(s.Fifo(f"{layer.name}_fifo", stages[0].in_width, fifo_depth, stages[0].in_beats))
        chain += stages
    chain += s.tail(cast(s.LayerStage, chain[-1]), graph.classes, output)
    names = tuple(layer.name for layer in graph.layers)
    return Accelerator(graph.name, tuple(chain), names, lane, graph.top, graph.ends_in_code)
