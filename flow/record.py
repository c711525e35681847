"""verify.json held against what lies there: whatever can be computed again has to come out the same.

Not the tier, the seconds, nor what a judge's tool is called, its version and why it was skipped. Of what a judge said
only that it agrees with itself and with torch's codes: asking it again is `verify --judges`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..export.judges.compare import digests, first_mismatch
from ..hw.accelerator import Accelerator
from ..hw.simulation.library import Simulation
from ..hw.simulation.library import build as compile_design
from ..hw.simulation.verilator import SimulationError, find_verilator
from ..ib_analysis.codes import Trace
from .config import AnyConfig
from .files import read_labels, read_row, read_simulated, read_trace, sha256_of
from .folder import Agreement, Judgement, RunFolder, Verification
from .trained import as_captured

SPARE_CYCLES = 8  # of a stage's latency, beyond its cycles a frame
BY_COCOTB = "cocotb: "  # begins a difference that only its testbench can see
BY_BOARD = "board: "  # begins one that a board showed
BY_GATES = ("netlist ", "bitstream ")  # begin the names of sources in synth/, and one that they showed


def files_of(folder: RunFolder) -> dict[str, str]:
    """sha256 by name of what `export`, `build` and `simulate` wrote, as far as it is there."""
    made = [folder.model, folder.streamlined, folder.standard, folder.graph, folder.trace, folder.board_codes]
    made += sorted(folder.rtl.iterdir()) if folder.rtl.is_dir() else []
    return {str(path.relative_to(folder.path)): sha256_of(path) for path in made if path.is_file()}


def of_other_files(folder: RunFolder, verification: Agreement) -> list[str]:
    """A line for each file that is not the one of which verify.json was recorded. Of synth/ those alone that it names:
    what else lies there, it knows nothing of.
    """
    now, recorded = files_of(folder), verification.files
    now |= {
        name: sha256_of(folder.path / name) for name in of_synth(folder, recorded) if (folder.path / name).is_file()
    }
    pairs = {name: (now.get(name), recorded.get(name)) for name in {**recorded, **now}}
    return _stale(folder, verification, pairs)


def of_synth(folder: RunFolder, files: Iterable[str]) -> list[str]:
    return [name for name in files if name.startswith(f"{folder.synth.name}/")]


def of_other_codes(folder: RunFolder, verification: Agreement, traces: Iterable[Trace]) -> list[str]:
    """A line for each layer and source of the traces whose codes are not those that were recorded."""
    recorded = verification.digests
    pairs = {
        f"{layer}: {source}": (digest, recorded.get(layer, {}).get(source))
        for layer, row in digests(traces).items()
        for source, digest in row.items()
    }
    return _stale(folder, verification, pairs)


def _stale(folder: RunFolder, verification: Agreement, pairs: Mapping[str, tuple[str | None, str | None]]) -> list[str]:
    """A line for each of the pairs (sha256 now, sha256 recorded) that differ; None where there is none."""
    words = f"simulate {folder.path}" if isinstance(verification, Verification) else f"verify {folder.path} --judges"
    gates = f"verify {folder.path} --netlist"
    return [
        f"{what} has sha256 {(now or 'nothing')[:12]} now, verify.json says {(recorded or 'nothing')[:12]}; "
        f"`bitneck {gates if of_synth(folder, [what]) else words}` proves what is there"
        for what, (now, recorded) in pairs.items()
        if now != recorded
    ]


def differences(graph: Graph, traces: Sequence[Trace], classes: NDArray[np.int64], x: NDArray[np.uint8]) -> list[str]:
    """The first difference of each trace from the first of them, as lines.

    classes   (n,) what left the chip
    """
    reference, *others = traces
    found = [first_mismatch(graph, reference, trace, x) for trace in others]
    lines = [str(mismatch) for mismatch in found if mismatch is not None]
    due = next(trace for trace in traces if trace.source == "graph").predictions()
    wrong = np.flatnonzero(classes != due)
    if len(wrong):
        sample = int(wrong[0])
        lines.append(f"class: sample {sample}: graph says {int(due[sample])}, rtl says {int(classes[sample])}")
    return lines


def slower(samples: int, measured: float, promised: int) -> list[str]:
    """A line where frames do not take the cycles that are promised. One frame alone shows no rate."""
    return [f"cycles: {measured:g} a frame measured, {promised} promised"] * (samples > 1 and measured != promised)


def disproven(folder: RunFolder, config: AnyConfig, accelerator: Accelerator, verification: Verification) -> list[str]:
    """A line for each number of verify.json that the run's other files contradict; asks for no data set.

    Accuracy is that of trace.npz by the captured labels. Measured cycles and latency are held against the design:
    a frame leaves no earlier than the slowest stage lets it, and no later than after all of them.
    """
    origin = folder.origin()
    labels = read_labels(as_captured(origin.record, folder.needs(folder.labels, "train")))
    reference = read_trace(folder.needs(folder.epoch_codes(origin.last), "train"))
    trace, classes = simulated(folder)
    soonest, latest = accelerator.cycles, sum(stage.cycles + SPARE_CYCLES for stage in accelerator.stages)
    now: dict[str, tuple[Any, str]] = {
        "name": (config.name, "run.toml"),
        "data_sha256": (origin.data_sha256, "the checkpoint"),
        "samples": (len(trace), "trace.npz"),
        "layers": (len(accelerator.layers), "the design"),
        "accuracy": (_accuracy(classes, labels), "trace.npz by labels.npz"),
        "promised_cycles": (accelerator.cycles, "the design"),
    }
    lines = unlike(verification, now)
    lines += of_other_codes(folder, verification, [reference, trace])
    measured, promised = verification.cycles_per_frame, accelerator.cycles
    if set(slower(len(trace), measured, promised)) - set(verification.mismatches):
        lines.append(f"cycles_per_frame: verify.json says {measured}, the design promises {promised}")
    if not soonest <= verification.latency_cycles <= latest:
        lines.append(
            f"latency_cycles: verify.json says {verification.latency_cycles}, the design allows {soonest} to {latest}"
        )
    if (said := read_row(folder.verification).get("equal")) is not verification.equal:
        lines.append(f"equal: verify.json says {said}, its digests, differences and judges say {verification.equal}")
    for judge in verification.judges:
        lines += inconsistent(judge, reference)
    return lines


def _accuracy(classes: NDArray[np.int64], labels: NDArray[np.int64]) -> float | None:
    return float((classes == labels).mean()) if classes.shape == labels.shape else None


def unlike(verification: Agreement, now: Mapping[str, tuple[Any, str]]) -> list[str]:
    """A line for each field that is not the value found now; beside it, where that comes from."""
    return [
        f"{name}: verify.json says {recorded}, {source} says {value}"
        for name, (value, source) in now.items()
        if (recorded := getattr(verification, name)) != value
    ]


def inconsistent(judge: Judgement, reference: Trace) -> Iterator[str]:
    """A line for each place where what a judge said contradicts itself, or the codes that it was held against."""
    name = f"{judge.tool} on {judge.reads}"
    if judge.skipped is not None:
        return
    if not 1 <= judge.samples <= len(reference):
        yield f"{name}: verify.json says {judge.samples} samples, the run has {len(reference)}"
        return
    due = {layer: row[reference.source] for layer, row in digests([reference.head(judge.samples)]).items()}
    for layer in {**due, **judge.digests}:
        torch = judge.digests.get(layer, {}).get(reference.source)
        if torch != due.get(layer):
            yield f"{name}, {layer}: verify.json has torch's sha256 as {torch}, its codes give {due.get(layer)}"
    if judge.mismatch is None and not judge.equal:
        yield f"{name}: verify.json names no difference, its digests differ"


def simulated(folder: RunFolder) -> tuple[Trace, NDArray[np.int64]]:
    """What the hardware said, and the classes that left it."""
    return read_simulated(folder.needs(folder.trace, "simulate"))


def measured_again(accelerator: Accelerator, design: Mapping[str, str], x: NDArray[np.uint8]) -> Simulation | None:
    """The first two frames in Verilator, for latency and cycles a frame; None where it is not installed here."""
    try:
        find_verilator()
    except SimulationError:
        return None
    with tempfile.TemporaryDirectory() as work:
        return compile_design(accelerator, Path(work), design)(x[:2])
