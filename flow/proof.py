"""The keystone on a run's files: torch, QONNX, graph and RTL emit the same codes, and what other tools say of them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..hw.simulation.runner import SimulatorName
from ..ib_analysis.codes import Trace
from .belonging import graph_of
from .config import RunConfig, RunError, chosen_samples
from .files import is_as_written, read_labels, read_model, read_trace, sha256_of, write_record
from .folder import Agreement, RunFolder, Verification, is_there, verification_of
from .held import held, reading, writing
from .importing import read_again
from .record import (
    BY_BOARD,
    BY_COCOTB,
    BY_GATES,
    differences,
    disproven,
    files_of,
    measured_again,
    of_other_codes,
    of_other_files,
    of_synth,
    simulated,
    slower,
    unlike,
)
from .run import build, built, export, finished, trained_on
from .tally import Tally
from .traces import TraceWriter, trace_reader
from .trained import Imported

if TYPE_CHECKING:
    from ..hw.simulation.library import Simulation

Tier = Literal["library", "cocotb"]
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Tells nobody."""


@writing
def simulate(
    folder: RunFolder,
    data_dir: Path | str | None = None,
    tier: Tier = "library",
    simulator: SimulatorName = "verilator",
    workers: int = 2,
    tell: Tell = silent,
    scheduler: str | None = None,
) -> Verification:
    """Runs the RTL over every sample and compares every layer of all four sources with zero tolerance.

    scheduler   address of a dask cluster that simulates in the place of this machine's `workers`

    The RTL that runs is what lies in rtl/. Frames that take other cycles than promised are a difference, too.
    verify.json is written whatever the outcome; ask `equal` of what returns. The library tier goes share by share:
    no source's codes of all samples are held at once.
    """
    from ..hw.simulation.cocotb_tier import cosimulate
    from ..hw.simulation.library import build as compile_design

    if scheduler is not None and tier != "library":
        raise RunError(f"a cluster simulates by the library tier, not by {tier}; leave out one of the two")
    config, graph = finished(folder), graph_of(folder, own=False)
    data = trained_on(folder, config, data_dir)
    x, y = chosen_samples(config, data)
    accelerator, files = built(folder, graph)
    executed = files_of(folder)
    tally, at_a_time, right = Tally(graph, len(x)), workers, 0
    with ExitStack() as stack:
        captured = stack.enter_context(
            trace_reader(folder.needs(folder.epoch_codes(folder.origin().last), "train"), len(x))
        )
        by_qonnx = _by_qonnx(folder)
        complaint, first, seconds = None, None, 0.0
        parts: Generator[Simulation, None, None]
        if tier == "cocotb":
            tell(f"rtl: building and simulating {len(x):,} frames under cocotb on {simulator}")
            work = folder.path / "cocotb"
            simulation, complaint = cosimulate(accelerator, x, graph(x), work, simulator, design=files)
            parts, at_a_time = (each for each in [simulation]), 1
        elif scheduler is not None:
            from ..hw.simulation import cluster
            from .sweep import connected

            client = stack.enter_context(connected(scheduler, workers))
            parts, at_a_time = cluster.parts(client, accelerator, files, x), max(1, sum(client.nthreads().values()))
        else:
            tell("rtl: compiling the design with Verilator")
            place = Path(stack.enter_context(TemporaryDirectory(prefix="bitneck-")))  # of the memory files
            parts = compile_design(accelerator, place, files).parts(x, workers=workers)
        stack.enter_context(closing(parts))  # it cancels what nobody will ask for
        written = stack.enter_context(closing(TraceWriter(folder.path)))
        shares = 0
        tell(f"rtl: simulating {len(x):,} frames")
        for part in parts:
            rows = slice(tally.seen, tally.seen + len(part.classes))
            sources = [captured.next(len(part.classes)), *by_qonnx(x[rows]), graph(x[rows]), part.trace]
            tally.add(x[rows], sources, part.classes)
            written.add(part.trace, part.classes)
            first, seconds, shares = first or (part.latency, part.cycles_per_frame), seconds + part.seconds, shares + 1
            right += int((part.classes == y[rows]).sum())
            tell(f"{tally.seen:,} of {len(x):,} frames simulated, and compared with torch, qonnx and graph")
        written.write(folder.trace)
    assert first is not None
    latency, cycles_per_frame = first
    mismatches = tally.differences() + slower(len(x), cycles_per_frame, accelerator.cycles)
    if complaint and not mismatches:
        mismatches.append(f"{BY_COCOTB}{complaint}")
    verification = Verification(
        name=config.name,
        data_sha256=data.sha256,
        samples=len(x),
        layers=len(graph.layers),
        tier=tier if tier == "library" else f"cocotb on {simulator}",
        digests=tally.digests(),
        mismatches=mismatches,
        accuracy=right / len(x),
        latency_cycles=latency,
        cycles_per_frame=cycles_per_frame,
        promised_cycles=accelerator.cycles,
        seconds=seconds / min(at_a_time, shares),
        files=executed | {folder.trace.name: sha256_of(folder.trace)},
    )
    _write_verification(folder, verification)
    return verification


def prove(folder: RunFolder, data_dir: Path | str | None = None) -> None:
    """A trained run exported, built and simulated, where it is not yet. Raises RunError where a bit differs."""
    if not is_there(folder.rtl):
        export(folder)
        build(folder)
    done = verification_of(folder) if is_there(folder.verification) else simulate(folder, data_dir, workers=1)
    if not done.equal:
        raise RunError(f"{folder.path}: sources differ; `bitneck verify {folder.path}` says where")


def _by_qonnx(folder: RunFolder) -> Callable[[NDArray[np.uint8]], list[Trace]]:
    """What qonnx makes of model.onnx, or of the file itself that was imported; of one whose sums round, nothing: the
    import has counted what rounding moves.
    """
    from ..export.judges import foreign

    if isinstance(folder.origin(), Imported):
        read = read_again(folder)
        return lambda x: [] if read.margins else [foreign.qonnx(read, x)]
    model, config = read_model(folder.needs(folder.model, "export")), folder.config()
    if isinstance(config, RunConfig) and not config.network.rows_of_bits:
        from .case import read_back

        ours = read_back(model, graph_of(folder, own=False))
        return lambda x: [foreign.qonnx(ours, x)]
    graph = graph_of(folder, own=False)
    if graph.passes > 1:
        from ..export.judges.written import execute_passes

        return lambda x: [execute_passes(graph, model, x)]
    from ..export.judges.qonnx import execute

    return lambda x: [execute(model, x)]


def _write_verification(folder: RunFolder, verification: Verification) -> None:
    write_record(folder.verification, asdict(verification) | {"equal": verification.equal})


@reading
def verify(
    folder: RunFolder,
    data_dir: Path | str | None = None,
    judges: bool = False,
    tell: Tell = silent,
    netlist: bool = False,
) -> tuple[Agreement, list[str]]:
    """What `simulate` recorded, and in which places it does not agree with what lies there, as lines.

    First the sha256 of every file, then every number that can be computed again: `record` says which cannot.

    judges    where codes and numbers are as recorded: let every independent tool that is here judge the files, and
              record what it says
    netlist   then, too: every sample through every netlist and bitstream in synth/, and record what they say

    Of a run without RTL the record is what the judges said, and `judges` makes it anew.
    """
    with held(folder.path, "verify") if judges or netlist else nullcontext():  # without them it only reads
        return _verify(folder, data_dir, judges, netlist, tell)


def _verify(
    folder: RunFolder, data_dir: Path | str | None, judges: bool, netlist: bool, tell: Tell
) -> tuple[Agreement, list[str]]:
    from .case import case_of
    from .gates import with_gates
    from .judges import judges_of, sentences
    from .unbuilt import again as recorded_again
    from .unbuilt import agreement, has_hardware

    config = finished(folder)
    if not has_hardware(folder):
        if netlist:
            raise RunError(f"{folder.path} has no RTL, and what was synthesised of it cannot be compared with anything")
        return agreement(folder, data_dir, tell) if judges else recorded_again(folder, data_dir)
    verification = verification_of(folder, sealed=False)
    edited = [] if is_as_written(folder.verification) else [f"{folder.verification} was changed after it was written"]
    stale = of_other_files(folder, verification)
    if netlist:  # which looks at what lies in synth/ now
        stale = [line for line in stale if not of_synth(folder, [line])]
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
        qonnx_traces = _by_qonnx(folder)(x)
        tell("rtl: the first frames again")
        again = measured_again(accelerator, design, x)
        lines += of_other_codes(folder, verification, qonnx_traces)
        rate = verification.cycles_per_frame if again is None else again.cycles_per_frame
        found = differences(graph, [reference, *qonnx_traces, graph_trace, trace], classes, x)
        found += slower(len(x), rate, accelerator.cycles)
        if (
            recorded := [
                line for line in verification.mismatches if not line.startswith((BY_BOARD, BY_COCOTB, *BY_GATES))
            ]
        ) != found:
            lines.append(f"mismatches: verify.json has {recorded or 'none'}, the files give {found or 'none'}")
        if again is not None:
            measured = {"latency_cycles": again.latency, "cycles_per_frame": again.cycles_per_frame}
            lines += unlike(verification, {name: (value, "Verilator") for name, value in measured.items()})
    if not (judges or netlist) or lines:
        return verification, stale + lines
    judged = verification
    if netlist:
        judged = with_gates(folder, judged, graph, accelerator, design, x, tell)
    if judges:
        case = case_of(folder, graph, x, accelerator, design)
        judged = replace(judged, judges=list(sentences(case, reference, judges_of(case), tell)))
    _write_verification(folder, judged)
    return judged, stale
