"""The RTL over whole data sets under cocotb: on Verilator, or on Icarus where it is installed.

Python is out of the per-cycle loop: SystemVerilog plays the stimulus, stalls, records and stops (`harness/`), and the
cocotb test (`whole_set.py`) judges.
"""

from __future__ import annotations

import json
import os
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Trace
from .accelerator import Accelerator
from .packing import beat_bytes, bytes_beats
from .probe import bench, probe, recorded
from .simulate import Simulation, Stalls
from .verilator import SimulationError, find_verilator, first_complaint
from .verilog import verilog

SimulatorName = Literal["verilator", "icarus"]

# cocotb asks for every signal to be public, which costs six times the speed; it needs these five.
SIGNALS = ["done", "hang", "misframed", "first_frame", "last_frame"]
OPTIONS: Mapping[str, list[str]] = {
    "verilator": ["--timing", "-O3", "--noassert", "--x-assign", "fast", "--x-initial", "fast", "--no-public-flat-rw"],
    "icarus": ["-g2012"],
}


def cosimulate(
    accelerator: Accelerator,
    x: NDArray[np.uint8],
    expected: Trace,
    folder: Path,
    simulator: SimulatorName = "verilator",
    stalls: Stalls = Stalls(),
) -> tuple[Simulation, str | None]:
    """Simulates the frames x in `folder`, which keeps the build, the recordings and cocotb's results.

    Returns what the hardware did and cocotb's complaint: None where every beat of every layer was as `expected`.
    Raises SimulationError where the simulator is missing, does not build, or the design hangs.
    """
    files = {**verilog(accelerator), **_harness(), "probe.sv": probe(accelerator), "bench.sv": bench(accelerator)}
    signals = "".join(f'public_flat_rd -module "bench" -var "{name}"\n' for name in SIGNALS)
    files["public.vlt"] = f"`verilator_config\n{signals}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _write_if_changed(folder / name, text)
    data = accelerator.input_data(x)
    (folder / "stimulus.bin").write_bytes(np.ascontiguousarray(data[:, ::-1]).tobytes())
    streams = {name: beat_bytes(beats) for name, beats in accelerator.streams(expected).items()}
    np.savez(folder / "expected.npz", **streams)  # type: ignore[arg-type]
    plusargs = {
        "frames": len(x),
        "input_beats": len(data),
        "patience": 64 * sum(stage.cycles for stage in accelerator.stages) + 1000,
        "source_stall": round(256 * stalls.source),
        "sink_stall": round(256 * stalls.sink),
        "seed": stalls.seed,
    }
    sources = [folder / name for name in files if name.endswith(".sv")]
    complaint = _run(simulator, sources, folder, [f"+{key}={value}" for key, value in plusargs.items()])
    if complaint == "the design hangs":
        lines = (folder / "simulation.log").read_text(errors="replace").splitlines()
        where = ", ".join(line.removeprefix("HANG ") for line in lines if line.startswith("HANG "))
        raise SimulationError(f"{accelerator.name}: the design hangs; beats seen: {where}")
    return _simulation(accelerator, folder, len(x)), complaint


def _harness() -> dict[str, str]:
    folder = resources.files(__package__).joinpath("harness")
    return {name: folder.joinpath(name).read_text() for name in ("source.sv", "recorder.sv", "sink.sv", "popcount.h")}


def _write_if_changed(path: Path, text: str) -> None:
    """So that make has nothing to do where nothing changed."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _run(simulator: SimulatorName, sources: list[Path], folder: Path, plusargs: list[str]) -> str | None:
    """Builds and runs under cocotb's own runner; the message of the failed test, None where it passed."""
    from cocotb_tools.runner import get_runner

    if simulator == "icarus" and shutil.which("iverilog") is None:
        raise SimulationError("Icarus is not installed here; install the package iverilog, or use Verilator")
    options = list(OPTIONS[simulator])
    if simulator == "verilator":
        options += [str(folder / "public.vlt"), "-CFLAGS", f"-O2 -march=native -include {folder / 'popcount.h'}"]
    build_folder = folder / simulator
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    with _environment(find_verilator().environment() if simulator == "verilator" else {}):
        runner = get_runner(simulator)
        try:
            runner.build(
                sources=sources,
                hdl_toplevel="bench",
                build_dir=build_folder,
                build_args=options,
                log_file=folder / "build.log",
                timescale=("1ns", "1ns"),
            )
            runner.test(
                test_module=f"{__package__}.whole_set",
                hdl_toplevel="bench",
                build_dir=build_folder,
                test_dir=folder,
                plusargs=plusargs,
                results_xml=str(results),
                log_file=folder / "simulation.log",
                timescale=("1ns", "1ns"),
            )
        except (SystemExit, RuntimeError) as error:
            if not results.exists():
                logs = [folder / name for name in ("build.log", "simulation.log") if (folder / name).exists()]
                words = first_complaint("".join(log.read_text(errors="replace") for log in logs))
                raise SimulationError(f"{simulator} failed: {words} ({error}; logs in {folder})") from None
    failures = list(ET.parse(results).iter("failure"))
    return _message(failures[0]) if failures else None


def _message(failure: ET.Element) -> str:
    return (failure.get("error_msg") or failure.get("message") or "failed without a message").splitlines()[0]


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """cocotb's runner reads the environment of this process; it is put back afterwards."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _simulation(accelerator: Accelerator, folder: Path, frames: int) -> Simulation:
    from .whole_set import recording

    streams = {
        stage.name: bytes_beats(recording(folder / f"{stage.name}.hex"), stage.out_width)
        for stage in recorded(accelerator)
    }
    trace = accelerator.trace(streams)
    cycles = json.loads((folder / "cycles.json").read_text())
    per_frame = (cycles["last"] - cycles["first"]) / (frames - 1) if frames > 1 else 0.0
    return Simulation(trace, accelerator.classes(streams, trace), cycles["first"], per_frame)
