"""The RTL over whole data sets under cocotb: on Verilator, or on Icarus where it is installed.

Python is out of the per-cycle loop: SystemVerilog plays the stimulus, stalls, records and stops (`harness/`), and the
cocotb test (`whole_set.py`) judges.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Trace
from ..accelerator import Accelerator
from ..packing import Beats, beat_bytes, bytes_beats
from ..verilog import verilog
from .library import NO_STALLS, Simulation, Stalls
from .probe import bench, probe, recorded
from .runner import SimulatorName, run_cocotb
from .verilator import SimulationError, first_complaint

WHOLE_SET = f"{__package__}.whole_set"
# cocotb asks for every signal to be public, which costs six times the speed; it needs these five.
SIGNALS = ["done", "hang", "misframed", "first_frame", "last_frame"]
PUBLIC = "".join(["`verilator_config\n", *(f'public_flat_rd -module "bench" -var "{name}"\n' for name in SIGNALS)])
VERILATOR = ["--timing", "-O3", "--noassert", "--x-assign", "fast", "--x-initial", "fast", "--no-public-flat-rw"]
# One file: Verilator splits large designs and precompiles a header for the parts, which g++ takes only if it is the
# first to be included, and popcount.h is.
VERILATOR += ["--output-split", "0", "-CFLAGS", "-O2 -march=native -include ../popcount.h"]


def cosimulate(
    accelerator: Accelerator,
    x: NDArray[np.uint8],
    expected: Trace,
    folder: Path,
    simulator: SimulatorName = "verilator",
    stalls: Stalls = NO_STALLS,
    design: Mapping[str, str] | None = None,
) -> tuple[Simulation, str | None]:
    """Simulates the frames x in `folder`, which keeps the sources, the recordings, the logs and cocotb's results.

    design   as for `simulate.build`

    Returns what the hardware did and cocotb's complaint: None where every beat of every layer was as `expected`.
    Raises SimulationError where the simulator is missing, does not build, or the design hangs.
    """
    folder = folder.resolve()  # the simulators run in it, not here
    files = dict(verilog(accelerator) if design is None else design)
    files |= {**harness(), "probe.sv": probe(accelerator), "bench.sv": bench(accelerator)}
    files["public.vlt"] = PUBLIC
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    data = accelerator.input_data(x)
    (folder / "stimulus.bin").write_bytes(np.ascontiguousarray(data[:, ::-1]).tobytes())
    streams = {name: beat_bytes(beats) for name, beats in expected_streams(accelerator, expected).items()}
    np.savez(folder / "expected.npz", **streams)  # type: ignore[arg-type]
    plusargs = {
        "frames": len(x),
        "input_beats": len(data),
        "patience": 64 * sum(stage.cycles for stage in accelerator.stages) + 1000,
        "source_stall": round(256 * stalls.source),
        "sink_stall": round(256 * stalls.sink),
        "seed": stalls.seed,
    }
    sources = [folder / name for name in files if name.endswith((".sv", ".h"))]
    options: list[str | Path] = [*VERILATOR, folder / "public.vlt"]
    words = [f"+{key}={value}" for key, value in plusargs.items()]
    (folder / "figures.json").unlink(missing_ok=True)
    (complaint,) = run_cocotb(simulator, sources, "bench", WHOLE_SET, folder, options, words).values()
    if complaint == "the design hangs":
        lines = (folder / "simulation.log").read_text(errors="replace").splitlines()
        where = ", ".join(line.removeprefix("HANG ") for line in lines if line.startswith("HANG "))
        raise SimulationError(f"{accelerator.name}: the design hangs; beats seen: {where}")
    if not (folder / "figures.json").exists():
        why = first_complaint((folder / "simulation.log").read_text(errors="replace"))
        raise SimulationError(f"{accelerator.name}: the simulation stopped by itself: {why}")
    return _simulation(accelerator, folder, len(x)), complaint


def expected_streams(accelerator: Accelerator, expected: Trace) -> dict[str, Beats]:
    """Of every recorded stage: the layers, and what leaves the chip."""
    streams = accelerator.streams(expected)
    scores = accelerator.layers[-1]
    behind = accelerator.stages[[stage.name for stage in accelerator.stages].index(scores) + 1 :]
    beats = streams[scores]
    for stage in behind:
        beats = stage(beats)
    return streams | {accelerator.stages[-1].name: beats}


def harness() -> dict[str, str]:
    folder = resources.files(__package__).joinpath("harness")
    return {name: folder.joinpath(name).read_text() for name in ("source.sv", "recorder.sv", "sink.sv", "popcount.h")}


def _simulation(accelerator: Accelerator, folder: Path, frames: int) -> Simulation:
    from .whole_set import recording

    streams = {
        stage.name: bytes_beats(recording(folder / f"{stage.name}.hex"), stage.out_width)
        for stage in recorded(accelerator)
    }
    trace = accelerator.trace(streams)
    figures = json.loads((folder / "figures.json").read_text())
    per_frame = (figures["last"] - figures["first"]) / (frames - 1) if frames > 1 else 0.0
    classes = accelerator.classes(streams, trace)
    latency = figures["first"] - 1  # the source shows its first beat one cycle after the reset
    return Simulation(trace, classes, latency, per_frame, figures["seconds"])
