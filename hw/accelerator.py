"""A graph as a chain of stages, each with its folding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..export import graph as g
from ..ib_analysis.codes import Codes, Trace
from . import stages as s
from .folding import complete
from .names import check_names
from .packing import Beats, beat_bytes, bytes_beats


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

    def layer(self, name: str) -> s.LayerStage:
        """The stage of a layer."""
        assert name in self.layers
        return cast(s.LayerStage, self[name])

    def input_data(self, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, inputs) uint8 as TDATA of the input stream: (beats, bytes), a pixel a byte, codes eight bits a byte."""
        head = self.layer(self.layers[0])
        elements = head.in_width // head.element_bits
        if x.dtype != np.uint8 or x.shape[1:] != (head.in_beats * elements,) or not len(x):
            raise g.GraphError(f"{self.name} takes (n, {head.in_beats * elements}) uint8, got {x.shape} {x.dtype}")
        if head.element_bits == 8:
            return np.ascontiguousarray(x).reshape(-1, elements)
        return beat_bytes(x.astype(np.bool_).reshape(-1, elements))

    def trace(self, streams: Mapping[str, Beats]) -> Trace:
        """What hardware said, from the output streams of `layers`."""
        *hidden, last = self.layers
        codes = {name: Codes.pack(self.layer(name).values(streams[name])) for name in hidden}
        scores = self.layer(last)
        return Trace("rtl", codes, scores.values(streams[last]), scores.in_beats * scores.in_width)

    def streams(self, trace: Trace) -> dict[str, Beats]:
        """The way back from `trace`: the output streams of `layers` for the samples of a trace of any source."""
        *hidden, last = self.layers
        streams = {name: self.layer(name).beats(trace.codes[name].bits()) for name in hidden}
        return streams | {last: self.layer(last).beats(trace.scores)}

    def classes(self, streams: Mapping[str, Beats], trace: Trace) -> NDArray[np.int64]:
        """(n,) the class of each frame: what the last stage said, or the first maximum where scores leave the chip."""
        last = self.stages[-1]
        decided = last.decided(streams[last.name])
        return trace.predictions() if decided is None else decided

    def __call__(self, x: NDArray[np.uint8]) -> dict[str, Beats]:
        """The stream behind every stage, as the descriptors answer it."""
        streams, beats = {}, bytes_beats(self.input_data(x), self.stages[0].in_width)
        for stage in self.stages:
            streams[stage.name] = beats = stage(beats)
        return streams


def lower(
    graph: g.Graph, foldings: Mapping[str, s.Folding], output: s.Output = "class", fifo_depth: int = 0
) -> Accelerator:
    """The accelerator of a graph.

    output       what leaves the chip: the class of each frame, or its scores
    fifo_depth   beats of a Fifo in front of every matrix stage; 0 for none: the replay buffers suffice for full rate

    A folding that covers a whole layer makes its weights constants.
    """
    if graph.ends_in_code:
        raise s.FoldingError(f"{graph.name}: no RTL yet for a net that ends in codes; so far nets end in scores")
    foldings = complete(graph, foldings)
    chain: list[s.Stage] = []
    for layer in graph.layers:
        stage = s.stage_of(layer, foldings[layer.name])
        if chain:
            chain += s.converters(chain[-1], stage.in_width, f"{layer.name}_in")
            if fifo_depth:
                chain.append(s.Fifo(f"{layer.name}_fifo", stage.in_width, fifo_depth, stage.in_beats))
        chain += [stage, *stage.tail(output)]
    return Accelerator(graph.name, tuple(chain), tuple(layer.name for layer in graph.layers))
