"""The RTL of a linked design at the other end of a terminal or socket: hardware to talk to where there is none."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import tty
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from .. import cache
from ..simulation.library import COMPILE, RUNTIME, runtime_object
from ..simulation.verilator import Verilator, call, find_verilator
from ..verilog import verilog
from .datagram_host import at_address
from .datagrams import SLOTS, Datagrams
from .framed import Framed
from .link import Linked


def build(linked: Framed, folder: Path, design: Mapping[str, str] | None = None, netlist: bool = False) -> Path:
    """Writes the design and its memories into `folder`, compiles it, and returns the program, which runs there.

    design    files that take the place of generated ones: of a run, of a planted fault
    netlist   they are what tools wrote, in whose style Verilator finds a lot to warn of; in ours a warning is an error
    """
    tool = find_verilator()
    files = {**verilog(linked.core), **linked.files(), **(design or {})}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    harness = resources.files("bitneck.hw.simulation").joinpath("harness")
    sources = {name: text for name, text in files.items() if name.endswith(".sv")}
    main = f"{linked.harness}.cpp"
    sources[main] = harness.joinpath(main).read_text()
    everything = [f"{name}\n{sources[name]}" for name in sorted(sources)]
    name = f"{linked.name[:100]}-{tool.key(*COMPILE, *everything)}"
    content = cache.take(name)
    if content is None:
        with tempfile.TemporaryDirectory(prefix="bitneck-") as work:
            content = _compile(tool, linked.name, sources, Path(work), main, ["-Wno-fatal"] * netlist)
        cache.keep(name, content)
    program = folder / linked.harness
    program.write_bytes(content)
    program.chmod(0o755)
    return program


def _compile(
    tool: Verilator, top: str, sources: Mapping[str, str], work: Path, main: str, more: Sequence[str]
) -> bytes:
    for name, text in sources.items():
        (work / name).write_text(text)
    designs = [name for name in sources if name.endswith(".sv")]
    options = ["--cc", "--top-module", top, "--prefix", "Vlinked", "-Mdir", ".", "-O3", "--noassert"]
    tool.run([*options, *more, "--x-assign", "fast", "--x-initial", "fast", *designs], work)
    includes = [f"-I{tool.include}", f"-I{tool.include / 'vltstd'}", "-I."]
    units = [*sorted(path.name for path in work.glob("Vlinked*.cpp")), main]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs: list[Future] = [pool.submit(runtime_object, tool, source, includes, work) for source in RUNTIME]
        jobs += [pool.submit(call, [*COMPILE, *includes, "-c", unit], work) for unit in units]
        for job in jobs:
            job.result()
    objects = [str(Path(unit).with_suffix(".o")) for unit in [*RUNTIME, *units]]
    call([*COMPILE, "-o", "program", *objects], work)
    return (work / "program").read_bytes()


@contextmanager
def device(linked: Linked, program: Path) -> Iterator[str]:
    """The path of a terminal, at whose other end the design runs until the context ends."""
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        with subprocess.Popen(command(linked, program, master), cwd=program.parent, pass_fds=[master]) as process:
            try:
                yield os.ttyname(slave)
            finally:
                process.kill()
    finally:
        os.close(master)
        os.close(slave)


@contextmanager
def at_socket(datagrams: Datagrams, program: Path, port: str) -> Iterator[None]:
    """The design answers at an address of this machine, `udp://127.0.0.2`, until the context ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(at_address(port))
        with subprocess.Popen(
            command(datagrams, program, line.fileno()), cwd=program.parent, pass_fds=[line.fileno()]
        ) as process:
            try:
                yield
            finally:
                process.kill()


def command(linked: Linked | Datagrams, program: Path, line: int, stalls: bool = False) -> list[str]:
    """Runs the program, whose pins or ports are at the file descriptor `line`.

    stalls   the ports of a design of datagrams pause at random
    """
    patience = 8 * sum(stage.cycles for stage in linked.core.stages) + 1000
    if isinstance(linked, Linked):
        return [str(program), str(line), str(linked.divider), str(patience + 100 * linked.divider)]
    patience += linked.frames * linked.cycles
    return [str(program), *map(str, (line, patience, SLOTS, linked.line_cycles, int(stalls)))]
