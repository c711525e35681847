"""Independent judges: other people's tools run our files, and every layer of what they say is compared with torch.

To add one: what it is called and what it reads, why it may be missing, its version, and how it answers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata

import numpy as np
import onnx
from numpy.typing import NDArray

from ..export.graph import Graph, Layer
from ..export.judges import finn, finn_plus, onnx_runtime, qonnx
from ..export.judges.compare import digests, first_mismatch
from ..export.judges.finn_plus import JudgeError
from ..export.writing.qonnx import serialize
from ..hw.accelerator import Accelerator
from ..hw.packing import beat_bytes
from ..hw.verilog import memory_file
from ..ib_analysis.codes import Codes, Source, Trace
from .folder import Judgement

PACKED_SAMPLES = 256  # FINN packs bit by bit in Python, and packing knows nothing of what it packs


@dataclass(frozen=True, eq=False)
class Case:
    """What is judged: the files of a run as they lie there, and the samples.

    memories   the memory files of rtl/ by name
    x          (n, inputs) uint8
    """

    graph: Graph
    accelerator: Accelerator
    model: onnx.ModelProto
    streamlined: onnx.ModelProto
    standard: onnx.ModelProto
    memories: Mapping[str, str]
    x: NDArray[np.uint8]


@dataclass(frozen=True)
class Judge:
    """A tool and what it reads.

    missing   None where it can be asked; otherwise why not, and the way out
    answer    given the case and the name that the trace is to bear: every layer's codes and the scores of the case's
              samples, or of the first of them
    """

    tool: str
    reads: str
    missing: Callable[[], str | None]
    version: Callable[[], str]
    answer: Callable[[Case, Source], Trace]


def sentences(
    case: Case, reference: Trace, judges: tuple[Judge, ...], tell: Callable[[str], None]
) -> Iterator[Judgement]:
    """What each judge says, in their order; told before each of them starts.

    reference   every sample of the case, by the source that the judges are held against
    """
    for judge in judges:
        if (why := judge.missing()) is not None:
            yield Judgement(judge.tool, judge.reads, skipped=why)
            continue
        name = f"{judge.tool} on {judge.reads}"
        tell(f"{name}, {len(case.x):,} samples")
        began = time.perf_counter()
        trace = judge.answer(case, name)
        seconds = time.perf_counter() - began
        due = reference.head(len(trace))
        found = first_mismatch(case.graph, due, trace, case.x[: len(trace)])
        yield Judgement(
            judge.tool,
            judge.reads,
            version=judge.version(),
            samples=len(trace),
            digests=digests([due, trace]),
            mismatch=None if found is None else str(found),
            seconds=seconds,
        )


def packing(case: Case, source: Source) -> Trace:
    """The net as FINN's data_packing reads it out of our bytes: pixels, weights and, layer by layer, the codes.

    FINN reads the input stream and the weight memories; the net of these weights answers these pixels; its answers are
    packed by us as every layer's stream, and FINN reads them too. Our reading and FINN's differ in no bit, or one of
    the three shows in some layer.
    """
    lane = case.accelerator.lane
    kind, values = ("UINT8" if lane == 8 else "BINARY"), case.accelerator.stages[0].in_width // lane
    samples = case.x[:PACKED_SAMPLES]
    pixels = finn.beat_values(case.accelerator.input_data(samples), kind, values).astype(np.uint8)
    said = _from_memories(case)(pixels.reshape(samples.shape))
    streams = case.accelerator.streams(said)
    read = {
        name: finn.beat_values(beat_bytes(streams[name]), "BINARY", streams[name].shape[1]).reshape(len(samples), -1)
        for name in said.codes
    }
    last = case.accelerator.layer(case.graph.layers[-1].name)
    scores = finn.beat_values(beat_bytes(streams[last.name]), f"UINT{last.out_bits}", last.out_width // last.out_bits)
    codes = {name: Codes.pack(bits > 0) for name, bits in read.items()}
    return Trace(source, codes, scores.reshape(len(samples), -1).astype(np.int32), said.fan_in)


def _from_memories(case: Case) -> Graph:
    """The graph with the weights that FINN reads in the memory files."""

    def read(layer: Layer) -> Layer:
        stage = case.accelerator.layer(layer.name)
        name = stage.parameters().get("WEIGHTS")
        if name is None:
            return layer
        lanes = stage.lanes()
        file = memory_file(case.accelerator.name, str(name))
        words, due = case.memories[file].split(), stage.memories()[str(name)].split()
        if len(words) != len(due) or not all(re.fullmatch(f"[0-9a-f]{{{len(due[0])}}}", word) for word in words):
            raise JudgeError(f"{file} in rtl/ is damaged: {len(due)} words of {len(due[0])} hex digits belong there")
        return replace(layer, weight=finn.weight_read(words, layer.outputs, lanes["PE"], lanes["SIMD"]))  # type: ignore[type-var]

    return replace(case.graph, layers=tuple(read(layer) for layer in case.graph.layers))


def finn_plus_hardware(case: Case, source: Source) -> Trace:
    """FINN+'s hardware operators, inferred from what it streamlines model.onnx to, folded as our design is."""
    stages = (case.accelerator.layer(name) for name in case.accelerator.layers)
    foldings = {stage.name: (stage.lanes()["PE"], stage.lanes().get("SIMD", 1)) for stage in stages}
    said = finn_plus.judge(serialize(case.model), case.x, foldings).hardware
    return replace(said, source=source)


def installed() -> None:
    """Of what bitneck itself cannot do without."""


def _runs(tool: str, execute: Callable[..., Trace], file: str, missing: Callable[[], str | None] = installed) -> Judge:
    """An executor of one of the ONNX files."""
    return Judge(
        tool,
        f"{file}.onnx",
        missing,
        partial(metadata.version, tool),
        lambda case, source: execute(getattr(case, file), case.x, source=source),
    )


JUDGES = (
    _runs("qonnx", qonnx.execute, "streamlined"),
    _runs("onnxruntime", onnx_runtime.execute, "model"),
    _runs("onnxruntime", onnx_runtime.execute, "standard"),
    _runs("finn-base", finn.execute, "model", finn.available),
    _runs("finn-base", finn.execute, "streamlined", finn.available),
    Judge("finn-base", "streams and memories", finn.available, partial(metadata.version, "finn-base"), packing),
    Judge("finn-plus", "model.onnx", finn_plus.available, lambda: finn_plus.VERSION, finn_plus_hardware),
)
