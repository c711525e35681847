"""The keystone on a run's files: torch, QONNX, graph and RTL emit the same codes, and what other tools say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..export.judges.compare import digests
from ..hw.simulation.runner import SimulatorName
from ..ib_analysis.codes import Trace
from .belonging import graph_of
from .config import chosen_samples
from .files import CLASSES, is_as_written, read_labels, read_model, read_trace, sha256_of, write_arrays, write_record
from .folder import Agreement, RunFolder, Verification, verification_of
from .held import held, writing
from .importing import read_again
from .record import (
    BY_COCOTB,
    differences,
    disproven,
    files_of,
    measured_again,
    of_other_codes,
    of_other_files,
    simulated,
    slower,
    unlike,
)
from .run import built, finished, trained_on
from .trained import Imported

Tier = Literal["library", "cocotb"]
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Tells nobody."""


@writing
def simulate(
    folder: RunFolder,
    data_dir: Path | None = None,
    tier: Tier = "library",
    simulator: SimulatorName = "verilator",
    workers: int = 2,
    tell: Tell = silent,
) -> Verification:
    """Runs the RTL over every sample and compares every layer of all four sources with zero tolerance.

    The RTL that runs is what lies in rtl/. Frames that take other cycles than promised are a difference, too.
    verify.json is written whatever the outcome; ask `equal` of what returns.
    """
    from ..hw.simulation.cocotb_tier import cosimulate
    from ..hw.simulation.library import build as compile_design

    config, graph = finished(folder), graph_of(folder, own=False)
    data = trained_on(folder, config, data_dir)
    x, y = chosen_samples(config, data)
    accelerator, files = built(folder, graph)
    executed = files_of(folder)
    tell("the codes captured at the end of the training, or at the import")
    captured = read_trace(folder.needs(folder.epoch_codes(folder.origin().last), "train"))
    tell(f"graph: the golden model over {len(x):,} samples")
    graph_trace = graph(x)
    tell(f"qonnx: executing the net over {len(x):,} samples")
    qonnx_traces = list(_by_qonnx(folder, x))
    if tier == "library":
        tell("rtl: compiling the design with Verilator")
        simulator_of_design = compile_design(accelerator, folder.path / "simulation", files)
        tell(f"rtl: simulating {len(x):,} frames")
        complaint = None
        simulation = simulator_of_design(
            x, workers=workers, progress=lambda done: tell(f"rtl: {done:,} of {len(x):,} frames simulated")
        )
    else:
        tell(f"rtl: building and simulating {len(x):,} frames under cocotb on {simulator}")
        work = folder.path / "cocotb"
        simulation, complaint = cosimulate(accelerator, x, graph_trace, work, simulator, design=files)
    traces = [captured, *qonnx_traces, graph_trace, simulation.trace]
    mismatches = differences(graph, traces, simulation.classes, x)
    mismatches += slower(len(x), simulation.cycles_per_frame, accelerator.cycles)
    if complaint and not mismatches:
        mismatches.append(f"{BY_COCOTB}{complaint}")
    write_arrays(folder.trace, simulation.trace.arrays() | {CLASSES: simulation.classes})
    verification = Verification(
        name=config.name,
        data_sha256=data.sha256,
        samples=len(x),
        layers=len(graph.layers),
        tier=tier if tier == "library" else f"cocotb on {simulator}",
        digests=digests(traces),
        mismatches=mismatches,
        accuracy=float((simulation.classes == y).mean()),
        latency_cycles=simulation.latency,
        cycles_per_frame=simulation.cycles_per_frame,
        promised_cycles=accelerator.cycles,
        seconds=simulation.seconds,
        files=executed | {folder.trace.name: sha256_of(folder.trace)},
    )
    _write_verification(folder, verification)
    return verification


def _by_qonnx(folder: RunFolder, x: NDArray[np.uint8]) -> Iterator[Trace]:
    """What qonnx makes of model.onnx, or of the file itself that was imported; of one whose sums round, nothing: the
    import has counted what rounding moves.
    """
    if not isinstance(folder.origin(), Imported):
        from ..export.judges.qonnx import execute

        yield execute(read_model(folder.needs(folder.model, "export")), x)
        return
    from ..export.judges import foreign

    read = read_again(folder)
    if not read.margins:
        yield foreign.qonnx(read, x)


def _write_verification(folder: RunFolder, verification: Verification) -> None:
    write_record(folder.verification, asdict(verification) | {"equal": verification.equal})


def verify(
    folder: RunFolder, data_dir: Path | None = None, judges: bool = False, tell: Tell = silent
) -> tuple[Agreement, list[str]]:
    """What `simulate` recorded, and in which places it does not agree with what lies there, as lines.

    First the sha256 of every file, then every number that can be computed again: `record` says which cannot.

    judges   where codes and numbers are as recorded: let every independent tool that is here judge the files, and
             record what it says

    Of a run without RTL the record is what the judges said, and `judges` makes it anew.
    """
    with held(folder.path, "verify") if judges else nullcontext():  # without judges it only reads
        return _verify(folder, data_dir, judges, tell)


def _verify(folder: RunFolder, data_dir: Path | None, judges: bool, tell: Tell) -> tuple[Agreement, list[str]]:
    from .case import case_of
    from .judges import judges_of, sentences
    from .unbuilt import again as recorded_again
    from .unbuilt import agreement, has_hardware

    config = finished(folder)
    if not has_hardware(folder):
        return agreement(folder, data_dir, tell) if judges else recorded_again(folder, data_dir)
    verification = verification_of(folder, sealed=False)
    edited = [] if is_as_written(folder.verification) else [f"{folder.verification} was changed after it was written"]
    stale = of_other_files(folder, verification)
    if stale and not judges:
        return verification, edited + stale
    graph = graph_of(folder, own=False)
    x, y = chosen_samples(config, trained_on(folder, config, data_dir))
    tell(f"digests of the codes of {len(x):,} samples")
    reference, graph_trace = read_trace(folder.needs(folder.epoch_codes(folder.origin().last), "train")), graph(x)
    trace, classes = simulated(folder)
    accelerator, design = built(folder, graph)
    lines = edited + disproven(folder, config, accelerator, verification)
    lines += of_other_codes(folder, verification, [graph_trace])
    if not np.array_equal(read_labels(folder.labels), y):
        lines.append(f"{folder.labels} holds other labels than {config.dataset}")
    if not stale:
        tell(f"qonnx: executing the net over {len(x):,} samples")
        qonnx_traces = list(_by_qonnx(folder, x))
        tell("rtl: the first frames again")
        again = measured_again(accelerator, design, x)
        lines += of_other_codes(folder, verification, qonnx_traces)
        rate = verification.cycles_per_frame if again is None else again.cycles_per_frame
        found = differences(graph, [reference, *qonnx_traces, graph_trace, trace], classes, x)
        found += slower(len(x), rate, accelerator.cycles)
        if (recorded := [line for line in verification.mismatches if not line.startswith(BY_COCOTB)]) != found:
            lines.append(f"mismatches: verify.json has {recorded or 'none'}, the files give {found or 'none'}")
        if again is not None:
            measured = {"latency_cycles": again.latency, "cycles_per_frame": again.cycles_per_frame}
            lines += unlike(verification, {name: (value, "Verilator") for name, value in measured.items()})
    if not judges or lines:
        return verification, stale + lines
    case = case_of(folder, graph, x, accelerator, design)
    judged = replace(verification, judges=list(sentences(case, reference, judges_of(case), tell)))
    _write_verification(folder, judged)
    return judged, stale
