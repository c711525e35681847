"""The synthesis tools as WebAssembly from the package index: found, called, watched, and stopped with their caller."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ..simulation.verilator import first_complaint
from .targets import SynthesisError, Tool

POLL_SECONDS = 0.2


def versions(tools: Iterable[Tool]) -> dict[str, str]:
    """Of the wheels, by name. Raises SynthesisError where one is not installed."""
    names = sorted({tool.distribution for tool in tools})
    if missing := [name for name in names if find_spec(name.replace("-", "_")) is None]:
        raise SynthesisError(f"{', '.join(missing)} is not installed here; `pip install 'bitneck[synth]'` brings it")
    return {name: metadata.version(name) for name in names}


def run(tool: Tool, folder: Path, arguments: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None) -> str:
    """Runs a tool in `folder`, whose files it knows by relative names only: of /tmp it sees one of its own.

    Returns what it printed, which also stays in TOOL.log. Raises SynthesisError with its first complaint. Whatever
    interrupts this process ends the tool too.
    """
    log = folder / f"{tool.name}.log"
    call = f"import sys, {tool.package} as package; sys.exit(package.{tool.function}(sys.argv[1:]))"
    command = [sys.executable, "-P", "-c", call, *tool.arguments, *arguments]  # -P: not the modules of `folder`
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the tool
        )  # fmt: skip
        try:
            while process.poll() is None:
                tell(f"{tool.name}: {_now(log)}")
                _wait(process)
        finally:
            process.kill()
            process.wait()
    words = log.read_text(errors="replace")
    if process.returncode:
        raise SynthesisError(f"{tool.name} failed ({process.returncode}): {first_complaint(words)} (log: {log})")
    return words


def _wait(process: subprocess.Popen) -> None:
    try:
        process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return


def _now(log: Path) -> str:
    """What the tool is at, by the end of its log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        lines = file.read().decode(errors="replace").splitlines()
    for line in reversed(lines):
        if line.startswith("Preparing to run"):
            return "the first call compiles its WebAssembly, up to a minute, once"
        if "Executing" in line or line.startswith("Info:"):
            return line.removeprefix("Info:").strip()[:100]
    return "starting"
