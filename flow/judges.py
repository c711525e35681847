"""Independent judges: other people's tools run our files, and every layer of what they say is compared with torch.

To add one: what it is called and what it reads, why it may be missing, its version, and how it answers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata

import numpy as np

from ..export.annotations import QonnxError
from ..export.graph import Graph, Layer, Scores
from ..export.graph.constants import fold_constants
from ..export.judges import finn, finn_plus, foreign, half_up, onnx_runtime, qonnx, written
from ..export.judges.compare import digests, first_mismatch
from ..export.judges.finn_plus import JudgeError, RefusalError
from ..export.judges.half_up import Moved
from ..export.reading.streamline import Streamlined
from ..export.writing.qonnx import serialize
from ..hw.packing import beat_bytes
from ..hw.stages import Mvtu
from ..hw.verilog import memory_file
from ..ib_analysis.codes import Codes, Source, Trace
from .case import RTL, Case, Theirs
from .folder import Judgement

PACKED_SAMPLES = 256  # FINN packs bit by bit in Python, and packing knows nothing of what it packs


Said = tuple[Trace, Moved | None]
"""A judge's trace of a case's samples, or of the first of them; and, where it may round by another law than the file,
how it differs. Where that is None, no bit may differ.
"""


@dataclass(frozen=True)
class Judge:
    """A tool and what it reads.

    missing   None where it can be asked; otherwise why not, and the way out
    lacks     the same of a case
    answer    given the case and the name that the trace is to bear; raises RefusalError where it does not take the file
    """

    tool: str
    reads: str
    missing: Callable[[], str | None]
    version: Callable[[], str]
    answer: Callable[[Case, Source], Said]
    lacks: Callable[[Case], str | None] = lambda case: None


def sentences(
    case: Case, reference: Trace, judges: tuple[Judge, ...], tell: Callable[[str], None]
) -> Iterator[Judgement]:
    """What each judge says, in their order; told before each of them starts.

    reference   every sample of the case, by the source that the judges are held against
    """
    for judge in judges:
        if (why := judge.missing() or judge.lacks(case)) is not None:
            yield Judgement(judge.tool, judge.reads, skipped=why)
            continue
        name = f"{judge.tool} on {judge.reads}"
        tell(f"{name}, {len(case.x):,} samples")
        began = time.perf_counter()
        try:
            trace, moved = judge.answer(case, name)
        except RefusalError as error:
            yield Judgement(judge.tool, judge.reads, skipped=str(error), version=judge.version())
            continue
        seconds = time.perf_counter() - began
        due = reference.head(len(trace))
        if moved is None:
            found = first_mismatch(case.graph, due, trace, case.x[: len(trace)])
            moved = Moved(0, 0, 0, mismatch=None if found is None else str(found))
        yield Judgement(
            judge.tool,
            judge.reads,
            version=judge.version(),
            samples=len(trace),
            digests=digests([due, trace]),
            mismatch=moved.mismatch,
            law=moved.law,
            moved=moved.codes,
            moved_of=moved.of,
            moved_classes=moved.classes,
            seconds=seconds,
        )


def packing(case: Case, source: Source) -> Said:
    """The net as FINN's data_packing reads it out of our bytes: pixels, weights and, layer by layer, the codes.

    FINN reads the input stream and the weight memories; the net of these weights answers these pixels; its answers are
    packed by us as every layer's stream, and FINN reads them too. Our reading and FINN's differ in no bit, or one of
    the three shows in some layer.
    """
    assert case.accelerator is not None
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
    return Trace(source, codes, scores.reshape(len(samples), -1).astype(np.int32), said.fan_in), None


def _from_memories(case: Case) -> Graph:
    """The graph with the weights that FINN reads in the memory files."""
    accelerator = case.accelerator
    assert accelerator is not None

    def read(layer: Layer) -> Layer:
        stage = accelerator.layer(layer.name)
        name = stage.parameters().get("WEIGHTS")
        if name is None:
            return layer
        lanes = stage.lanes()
        file = memory_file(accelerator.name, str(name))
        words, due = case.memories[file].split(), stage.memories()[str(name)].split()
        if len(words) != len(due) or not all(re.fullmatch(f"[0-9a-f]{{{len(due[0])}}}", word) for word in words):
            raise JudgeError(f"{file} in rtl/ is damaged: {len(due)} words of {len(due[0])} hex digits belong there")
        half = isinstance(stage, Mvtu) and stage.turned
        weight = finn.weight_read(words, layer.outputs >> half, lanes["PE"], lanes["SIMD"])
        return replace(layer, weight=stage.read(weight) if isinstance(stage, Mvtu) else weight)  # type: ignore[type-var]

    return replace(case.graph, layers=tuple(read(layer) for layer in case.graph.layers))


def by_qonnx(case: Case, source: Source) -> Said:
    file = case.files["streamlined"]
    if case.one_bit:
        return qonnx.execute(file, case.x, source=source), None
    return replace(written.execute_streamlined(case.graph, file, case.few), source=source), None


def by_finn_base(file: str, case: Case, source: Source) -> Said:
    """finn-base on a file by its name."""
    if case.graph.passes > 1:
        return replace(written.execute_passes(case.graph, case.files[file], case.x, "finn-base"), source=source), None
    if case.one_bit:
        return finn.execute(case.files[file], case.x, source=source), None
    trace = written.execute_streamlined(case.graph, case.files[file], case.few, by="finn-base")
    return replace(trace, source=source), None


def by_onnx_runtime(file: str, case: Case, source: Source) -> Said:
    """ONNX Runtime on a file by its name."""
    if case.graph.passes > 1 and file == "standard":
        return replace(written.execute_standard(case.graph, case.files[file], case.x), source=source), None
    if case.graph.passes > 1:
        return replace(written.execute_passes(case.graph, case.files[file], case.x, "onnxruntime"), source=source), None
    if case.one_bit:
        return onnx_runtime.execute(case.files[file], case.x, source=source), None
    if file == "standard":
        return replace(written.execute_standard(case.graph, case.files[file], case.few), source=source), None
    return _of_export(case, foreign.onnx_runtime(case.exported, case.few), source), None


def by_finn_plus(case: Case, source: Source) -> Said:
    """FINN+'s hardware operators, inferred from what it streamlines model.onnx to, folded as our design is; of a net of
    maps or of several bits, the thresholds that it streamlines.
    """
    content = serialize(case.files["model"])
    if case.one_bit:
        design = case.accelerator
        stages = [] if design is None else [design.layer(name) for name in design.layers]
        said = finn_plus.judge(
            content, case.x, {stage.name: (stage.lanes()["PE"], stage.lanes().get("SIMD", 1)) for stage in stages}
        ).hardware
        return replace(said, source=source), None
    read = case.exported
    reached, last = finn_plus.thresholds_reached(content, foreign.floats(read, case.few))
    return _of_export(case, half_up.trace_of(read, reached, last, case.few, source), source), None


def _of_export(case: Case, said: Trace, source: Source) -> Trace:
    """A trace of model.onnx as read back, with the scores of the graph: a reader finds the least offsets and
    multipliers that order the classes as these do.
    """
    end, back = case.graph.layers[-1], case.exported.graph.layers[-1]
    if not isinstance(end, Scores) or not isinstance(back, Scores):
        return replace(said, source=source)
    (offset, multiplier), (lifted, times) = (
        (0 if each.offset is None else each.offset, 1 if each.multiplier is None else each.multiplier)
        for each in (end, back)
    )
    scores = (said.scores.astype(np.int64) - lifted) // times * multiplier + offset
    return replace(said, source=source, scores=scores.astype(np.int32), fan_in=case.graph.top)


def of_their_file(execute: Callable[..., Trace], case: Case, source: Source) -> Said:
    """An executor of the file that was imported."""
    theirs = _theirs(case)
    try:
        said = execute(theirs.read, case.few)
    except QonnxError as error:
        raise RefusalError(str(error)) from None
    moved = half_up.moved(theirs.read, theirs.read.graph(case.few), lambda _: said, case.few)
    return _as_folded(case, said, source), moved


def finn_plus_of_their_file(case: Case, source: Source) -> Said:
    """The thresholds that FINN+ streamlines the imported file to: by its law of rounding, not by the file's."""
    theirs = _theirs(case)
    reached, last = finn_plus.thresholds_reached(theirs.content, foreign.floats(theirs.read, case.few))

    def said(read: Streamlined) -> Trace:
        return half_up.trace_of(read, reached, last, case.few, source)

    moved = half_up.moved(theirs.read, theirs.read.graph(case.few), said, case.few)
    return _as_folded(case, said(theirs.read), source), moved


def _theirs(case: Case) -> Theirs:
    assert case.theirs is not None
    return case.theirs


def _as_folded(case: Case, said: Trace, source: Source) -> Trace:
    """A trace of the whole file without the channels that are folded away in the run's graph."""
    codes = dict(said.codes)
    fewer = [layer for layer in case.graph.layers[:-1] if layer.outputs * layer.emits.bits != codes[layer.name].width]
    kept = fold_constants(_theirs(case).read.graph).kept if fewer else {}
    for layer in fewer:
        bits, left = layer.emits.bits, kept[layer.name]
        levels = codes[layer.name].levels(bits).reshape(len(said), layer.outputs // len(left), -1)
        codes[layer.name] = Codes.of_levels(levels[:, :, left].reshape(len(said), -1), bits)
    return replace(said, source=source, codes=codes)


def installed() -> None:
    """Of what bitneck itself cannot do without."""


def _file(name: str, case: Case) -> str | None:
    return case.lacks.get(name)


def _no_quant(case: Case) -> str | None:
    """finn-base is older than the operator Quant."""
    return _file("model", case) or (None if case.one_bit else "finn-base knows no Quant, by which model.onnx rounds")


def _no_streams(case: Case) -> str | None:
    plain = case.one_bit and case.graph.passes == 1
    return _file(RTL, case) or (None if plain else "asked of dense nets of one bit that a frame passes once only")


def _no_chain(case: Case) -> str | None:
    """FINN+ streamlines chains, not branches that are added."""
    return _file("model", case) or (None if case.graph.passes == 1 else "FINN+ streamlines no branches of passes")


def _version(tool: str) -> Callable[[], str]:
    return partial(metadata.version, tool)


def _finn_plus_version() -> str:
    return finn_plus.VERSION


ORT, BASE, PLUS = "onnxruntime", "finn-base", "finn-plus"
JUDGES = (
    Judge("qonnx", "streamlined.onnx", installed, _version("qonnx"), by_qonnx, partial(_file, "streamlined")),
    Judge(ORT, "model.onnx", installed, _version(ORT), partial(by_onnx_runtime, "model"), partial(_file, "model")),
    Judge(
        ORT, "standard.onnx", installed, _version(ORT), partial(by_onnx_runtime, "standard"), partial(_file, "standard")
    ),
    Judge(BASE, "model.onnx", finn.available, _version(BASE), partial(by_finn_base, "model"), _no_quant),
    Judge(
        BASE,
        "streamlined.onnx",
        finn.available,
        _version(BASE),
        partial(by_finn_base, "streamlined"),
        partial(_file, "streamlined"),
    ),
    Judge(BASE, "streams and memories", finn.available, _version(BASE), packing, _no_streams),
    Judge(PLUS, "model.onnx", finn_plus.available, _finn_plus_version, by_finn_plus, _no_chain),
)
THEIR_FILE = "the imported file"
JUDGES_OF_IMPORTED = (
    Judge(ORT, THEIR_FILE, installed, _version(ORT), partial(of_their_file, foreign.onnx_runtime)),
    Judge("qonnx", THEIR_FILE, installed, _version("qonnx"), partial(of_their_file, foreign.qonnx)),
    Judge(PLUS, THEIR_FILE, finn_plus.available, _finn_plus_version, finn_plus_of_their_file),
)


def judges_of(case: Case) -> tuple[Judge, ...]:
    """Those who are asked about it."""
    return JUDGES if case.theirs is None else (*JUDGES, *JUDGES_OF_IMPORTED)
