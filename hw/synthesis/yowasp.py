"""The synthesis tools as WebAssembly from the package index: found, called, watched, and stopped with their caller."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from .. import cache
from ..simulation.verilator import first_complaint, instruction_set
from .targets import SynthesisError, Tool

POLL_SECONDS = 0.2
CACHE_VARIABLE = "YOWASP_CACHE_DIR"


def versions(tools: Iterable[Tool]) -> dict[str, str]:
    """Of the wheels, by name. Raises SynthesisError where one is not installed."""
    extras = {tool.distribution: tool.extra for tool in tools}
    names = sorted(extras)
    if missing := [name for name in names if find_spec(name.replace("-", "_")) is None]:
        brings = ",".join(sorted({extras[name] for name in missing}))
        raise SynthesisError(f"{', '.join(missing)} is not installed here; `pip install 'bitneck[{brings}]'` brings it")
    return {name: metadata.version(name) for name in names}


def run(tool: Tool, folder: Path, arguments: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None) -> str:
    """Runs a tool in `folder`, whose files it knows by relative names only: of /tmp it sees one of its own.

    Returns what it printed, which also stays in TOOL.log. Raises SynthesisError with its first complaint. Whatever
    interrupts this process ends the tool too.
    """
    log = folder / f"{tool.name}.log"
    given = "" if tool.own_argv else "sys.argv[1:]"
    call = f"import sys, {tool.package} as package; sys.exit(package.{tool.function}({given}))"
    command = [sys.executable, "-P", "-c", call, *tool.arguments, *arguments]  # -P: not the modules of `folder`
    with log.open("wb") as output, tempfile.TemporaryDirectory(prefix="bitneck-") as work:
        compiled = Path(work)
        _lay_out(tool, compiled)
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env={CACHE_VARIABLE: work, **os.environ},
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the tool
        )  # fmt: skip
        try:
            while process.poll() is None:
                tell(f"{tool.name}: {_now(log)}")
                _wait(process)
        finally:
            process.kill()
            process.wait()
        if process.returncode == 0:  # else what it wrote may be cut
            _keep(tool, compiled)
    words = log.read_text(errors="replace")
    if process.returncode:
        raise SynthesisError(f"{tool.name} failed ({process.returncode}): {first_complaint(words)} (log: {log})")
    return words


def _lay_out(tool: Tool, folder: Path) -> None:
    """The machine code of a wheel's tools, checked, where the wheel looks for it: PACKAGE/WASM/DIGEST in `folder`.

    The wheel trusts the file that it finds there, and writes it in place. Where somebody has said by CACHE_VARIABLE
    where it is to lie, it does.
    """
    if CACHE_VARIABLE in os.environ:
        return
    for name in cache.names(f"{tool.package}+"):
        *place, key = name.split("+")
        if key == _key(tool) and (kept := cache.find(name)) is not None:
            link = folder.joinpath(*place)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(kept.absolute())


def _keep(tool: Tool, folder: Path) -> None:
    for made in folder.glob("*/*/*"):
        if not made.is_symlink():
            cache.keep("+".join([*made.relative_to(folder).parts, _key(tool)]), made)


def _key(tool: Tool) -> str:
    """Of what the machine code depends on beside the WebAssembly."""
    wheels = (tool.distribution, "yowasp-runtime", "wasmtime")
    text = "\n".join([instruction_set(), *(metadata.version(wheel) for wheel in wheels)])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


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
