"""The keystone on a run's files: torch, QONNX, graph and RTL emit the same codes, and what other tools say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..export.judges.compare import digests, first_mismatch
from ..hw.simulation.runner import SimulatorName
from .belonging import graph_of
from .config import chosen_samples
from .files import is_as_written, read_model, read_trace, write_arrays, write_record
from .folder import RunFolder, Verification, verification_of
from .run import built, trained_on

Tier = Literal["library", "cocotb"]
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Tells nobody."""


def simulate(
    folder: RunFolder,
    data_dir: Path | None = None,
    tier: Tier = "library",
    simulator: SimulatorName = "verilator",
    workers: int = 2,
    tell: Tell = silent,
) -> Verification:
    """Runs the RTL over every sample and compares every layer of all four sources with zero tolerance.

    The RTL that runs is what lies in rtl/. verify.json is written whatever the outcome; ask `equal` of what returns.
    """
    from ..export.judges.qonnx import execute
    from ..hw.simulation.cocotb_tier import cosimulate
    from ..hw.simulation.library import build as compile_design

    config, graph = folder.config(), graph_of(folder, own=False)
    data = trained_on(folder, config, data_dir)
    x, y = chosen_samples(config, data)
    accelerator, files = built(folder, graph)
    executed = _executed(folder)
    tell("torch: the codes captured at the end of the training")
    torch_trace = read_trace(folder.needs(folder.epoch_codes(config.training.epochs), "train"))
    tell(f"graph: the golden model over {len(x):,} samples")
    graph_trace = graph(x)
    tell(f"qonnx: executing model.onnx over {len(x):,} samples")
    qonnx_trace = execute(read_model(folder.needs(folder.model, "export")), x)
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
    traces = [torch_trace, qonnx_trace, graph_trace, simulation.trace]
    found = [first_mismatch(graph, torch_trace, trace, x) for trace in traces[1:]]
    mismatches = [str(mismatch) for mismatch in found if mismatch is not None]
    wrong = np.flatnonzero(simulation.classes != graph_trace.predictions())
    if len(wrong):
        sample = int(wrong[0])
        said, due = int(simulation.classes[sample]), int(graph_trace.predictions()[sample])
        mismatches.append(f"class: sample {sample}: graph says {due}, rtl says {said}")
    if complaint and not mismatches:
        mismatches.append(f"cocotb: {complaint}")
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
        files=executed,
    )
    write_arrays(folder.trace, simulation.trace.arrays())
    _write_verification(folder, verification)
    return verification


def _executed(folder: RunFolder) -> dict[str, str]:
    """sha256 by name of the files that a simulation executes, as far as they are there."""
    exported = [folder.model, folder.streamlined, folder.standard, folder.graph]
    paths = [*exported, *(sorted(folder.rtl.iterdir()) if folder.rtl.exists() else ())]
    return {
        str(path.relative_to(folder.path)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()
    }


def _write_verification(folder: RunFolder, verification: Verification) -> None:
    write_record(folder.verification, asdict(verification) | {"equal": verification.equal})


def verify(
    folder: RunFolder, data_dir: Path | None = None, judges: bool = False, tell: Tell = silent
) -> tuple[Verification, list[str]]:
    """What `simulate` recorded, and in which places the run's files are no longer what it was recorded of, as lines.

    judges   where the files still are: let every independent tool that is here judge them, and record what it says
    """
    from .judges import JUDGES, Case, sentences

    config, graph = folder.config(), graph_of(folder, own=False)
    x, _ = chosen_samples(config, trained_on(folder, config, data_dir))
    verification = verification_of(folder, sealed=False)
    tell(f"digests of the codes of {len(x):,} samples")
    reference = read_trace(folder.needs(folder.epoch_codes(config.training.epochs), "train"))
    found = digests([reference, graph(x), read_trace(folder.needs(folder.trace, "simulate"))])
    codes = {
        f"{layer}: {source}": (digest, verification.digests.get(layer, {}).get(source))
        for layer, row in found.items()
        for source, digest in row.items()
    }
    now = _executed(folder)
    names = dict.fromkeys([*verification.files, *now])
    files = {name: (now.get(name), verification.files.get(name)) for name in names}
    edited = [] if is_as_written(folder.verification) else [f"{folder.verification} was changed after it was written"]
    if not judges or edited or _stale(folder, codes):
        return verification, edited + _stale(folder, codes | files)
    accelerator, design = built(folder, graph)
    model, streamlined, standard = (
        read_model(folder.needs(path, "export")) for path in (folder.model, folder.streamlined, folder.standard)
    )
    case = Case(graph, accelerator, model, streamlined, standard, design, x)
    judged = replace(verification, judges=list(sentences(case, reference, JUDGES, tell)))
    _write_verification(folder, judged)
    return judged, _stale(folder, files)


def _stale(folder: RunFolder, pairs: Mapping[str, tuple[str | None, str | None]]) -> list[str]:
    """A line for each of the pairs (sha256 now, sha256 recorded) that differ; None where there is none."""
    return [
        f"{what} has sha256 {(now or 'nothing')[:12]} now, verify.json says {(recorded or 'nothing')[:12]}; "
        f"`bitneck simulate {folder.path}` proves what is there"
        for what, (now, recorded) in pairs.items()
        if now != recorded
    ]
