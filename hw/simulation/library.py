"""The RTL over whole data sets: Verilator's model as a shared library, every layer's stream recorded."""

from __future__ import annotations

import ctypes
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Trace, concatenate
from .. import cache
from ..accelerator import Accelerator
from ..verilog import OWN, own_modules, verilog
from .probe import probe, recorded, taps
from .verilator import SimulationError, Verilator, call, find_verilator

COMPILE = ["g++", "-std=gnu++17", "-O2", "-fPIC", "-fvisibility=hidden", "-march=native", "-pthread"]
COMPILE += ["-DVL_TIME_CONTEXT", "-DVL_USER_FATAL"]
COUNTED = "popcount"  # the module that harness/ has a stand-in for
RUNTIME = ["verilated.cpp", "verilated_threads.cpp"]


@dataclass(frozen=True)
class Stalls:
    """How often source and sink pause, as a share of cycles 0 .. 255/256, from a seed."""

    source: float = 0.0
    sink: float = 0.0
    seed: int = 1


NO_STALLS = Stalls()
SHARE = 8192  # frames in one go, at most
SHARE_BYTES = 12_000_000  # of the recordings of a share; CNV's are 500 frames, its pipeline fills in 4


@dataclass(frozen=True, eq=False)
class Simulation:
    """What the simulated hardware did with n frames.

    classes           (n,) what left the chip where it ends in an argmax; the first maximum of the scores otherwise
    latency           cycles from the first beat in to the first frame out
    cycles_per_frame  between the first frame out and the last, 0.0 for a single frame; of the first share
    seconds           of wall time, the build apart
    """

    trace: Trace
    classes: NDArray[np.int64]
    latency: int
    cycles_per_frame: float
    seconds: float


class Promise(Protocol):
    """Of a simulated share: a future of threads, or of a cluster."""

    def result(self) -> Any: ...
    def cancel(self) -> Any: ...


class _Run(ctypes.Structure):
    """`struct Run` of harness.cpp."""

    _fields_ = (
        ("folder", ctypes.c_char_p),
        ("input", ctypes.c_void_p),
        ("input_beats", ctypes.c_int64),
        ("recorded", ctypes.POINTER(ctypes.c_void_p)),
        ("beats", ctypes.POINTER(ctypes.c_int64)),
        ("patience", ctypes.c_int64),
        ("listen", ctypes.c_int64),
        ("seed", ctypes.c_uint32),
        ("input_stall", ctypes.c_uint32),
        ("output_stall", ctypes.c_uint32),
        ("cycles", ctypes.c_int64),
        ("first_frame", ctypes.c_int64),
        ("seen", ctypes.POINTER(ctypes.c_int64)),
        ("state", ctypes.POINTER(ctypes.c_uint8)),
        ("words", ctypes.c_char_p),
        ("room", ctypes.c_int64),
    )


@dataclass(frozen=True, eq=False)
class Simulator:
    """A built design. Calling it simulates; it may be called from several threads.

    library   it depends on the design's text, not on the weights
    folder    of the memory files
    """

    accelerator: Accelerator
    library: ctypes.CDLL
    folder: Path

    def __call__(
        self,
        x: NDArray[np.uint8],
        stalls: Stalls = NO_STALLS,
        workers: int = 1,
        progress: Callable[[int], None] = lambda frames: None,
    ) -> Simulation:
        """Simulates the frames x, (n, inputs) uint8, in equal shares over `workers` threads.

        progress   is told how many frames are done, after each share

        Raises SimulationError where the design hangs, naming the stage that waits.
        """
        began, parts = time.perf_counter(), []
        for part in self.parts(x, stalls, workers):
            parts.append(part)
            progress(sum(len(done.classes) for done in parts))
        return Simulation(
            concatenate([part.trace for part in parts]),
            np.concatenate([part.classes for part in parts]),
            parts[0].latency,
            parts[0].cycles_per_frame,
            time.perf_counter() - began,
        )

    def parts(
        self, x: NDArray[np.uint8], stalls: Stalls = NO_STALLS, workers: int = 1
    ) -> Generator[Simulation, None, None]:
        """The same share after share, in order. Of what was simulated no more is held than a share for each worker and
        one that waits, whatever the number of frames.
        """
        run, most = self.library.bitneck_run, share_of(self.accelerator)
        with ThreadPoolExecutor(workers) as pool:
            yield from in_order(
                shares(x, workers, most), workers + 1, lambda share: pool.submit(self._simulate, run, share, stalls)
            )

    def _simulate(self, run: ctypes._NamedFuncPointer, x: NDArray[np.uint8], stalls: Stalls) -> Simulation:
        began = time.perf_counter()
        chain = self.accelerator.stages
        data = self.accelerator.input_data(x)
        beats = np.array([stage.out_beats * len(x) for stage in chain], dtype=np.int64)
        taken = {
            stage.name: np.zeros((stage.out_beats * len(x), -(-stage.out_width // 8)), dtype=np.uint8)
            for stage in recorded(self.accelerator)
        }
        pointers = [taken[stage.name].ctypes.data if stage.name in taken else None for stage in chain]
        words = ctypes.create_string_buffer(300)
        seen, state = np.zeros(len(chain), dtype=np.int64), np.zeros(len(chain), dtype=np.uint8)
        request = _Run(
            folder=os.fsencode(self.folder),
            input=data.ctypes.data,
            input_beats=len(data),
            recorded=(ctypes.c_void_p * len(chain))(*pointers),
            beats=beats.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)),
            patience=8 * sum(stage.cycles for stage in chain) + 1000,
            listen=self.accelerator.cycles + 1000,  # every stage is watched itself: a frame of the slowest is enough
            seed=stalls.seed,
            input_stall=round(256 * stalls.source),
            output_stall=round(256 * stalls.sink),
            seen=seen.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)),
            state=state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)),
            words=ctypes.cast(words, ctypes.c_char_p),
            room=len(words),
        )
        outcome = run(ctypes.byref(request), ctypes.c_int64(chain[-1].out_beats))
        if outcome == 3:
            said = words.value.decode(errors="replace")
            raise SimulationError(f"{self.accelerator.name}: the design stopped itself: {said}; build its RTL anew")
        if outcome:
            raise SimulationError(_diagnosis(outcome, self.accelerator, seen, beats, state))
        trace, classes = self.accelerator.recorded(taken)
        per_frame = (request.cycles - request.first_frame) / (len(x) - 1) if len(x) > 1 else 0.0
        return Simulation(trace, classes, request.first_frame, per_frame, time.perf_counter() - began)


def share_of(accelerator: Accelerator) -> int:
    """Frames to simulate in one go: no more than SHARE_BYTES of recordings."""
    each = sum(stage.out_beats * -(-stage.out_width // 8) for stage in recorded(accelerator))
    return min(SHARE, max(2, SHARE_BYTES // each))


def shares(x: NDArray[np.uint8], workers: int, most: int) -> list[NDArray[np.uint8]]:
    """The frames in equal shares of at most `most`, as many for each worker; one frame alone would show no rate."""
    rounds = max(1, -(-len(x) // (workers * most)))
    return np.array_split(x, max(1, min(workers * rounds, len(x) // 2)))


def in_order(
    given: Iterable[NDArray[np.uint8]], most: int, submit: Callable[[NDArray[np.uint8]], Promise]
) -> Generator[Simulation, None, None]:
    """What becomes of each share that is submitted, in order; no more than `most` at a time are under way or wait."""
    left, waiting = iter(given), deque[Promise]()
    try:
        waiting.extend(submit(share) for share in islice(left, most))
        while waiting:
            done = waiting[0].result()
            waiting.popleft()
            yield done
            del done  # before the next one takes its place
            waiting.extend(submit(share) for share in islice(left, 1))
    finally:
        for promise in waiting:
            promise.cancel()


def _diagnosis(
    outcome: int,
    accelerator: Accelerator,
    seen: NDArray[np.int64],
    beats: NDArray[np.int64],
    state: NDArray[np.uint8],
) -> str:
    """One line: which stage went wrong, and how far each stream came.

    A stage that does not take blocks every stream before it, so it stands behind the last blocked one. Where none is
    blocked, a stage took its input and keeps it: the first whose own stream is short.
    """
    names = [stage.name for stage in accelerator.stages]
    if outcome == 2:
        late = int((seen > beats).argmax())
        return f"{accelerator.name}: {names[late]} sent a beat more than the {beats[late]} of its frames"
    short = [
        f"{name} {seen[i]}/{beats[i]} ({'valid' if state[i] & 1 else 'idle'}, {'ready' if state[i] & 2 else 'blocked'})"
        for i, name in enumerate(names)
    ]
    blocked = np.flatnonzero((state & 3) == 1)
    waiting = names[min(int(blocked[-1]) + 1, len(names) - 1) if len(blocked) else int((seen < beats).argmax())]
    return f"{accelerator.name}: the design hangs, {waiting} waits; beats seen: {', '.join(short)}"


def build(accelerator: Accelerator, folder: Path, design: Mapping[str, str] | None = None) -> Simulator:
    """Writes the design into `folder` and compiles it, or takes the library from the cache.

    design   the text to simulate where it is not what the generator would write now: a run's own files, a planted fault

    The cache is keyed by the text of the design, the harness and the tools: a net with the same shape and folding but
    other weights needs no compiler.
    """
    tool = find_verilator()
    files = verilog(accelerator) if design is None else design
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    harness = resources.files(__package__).joinpath("harness")
    sources = {name: text for name, text in files.items() if name.endswith(".sv")}
    sources |= {"probe.sv": probe(accelerator), "taps.inc": taps(accelerator)}
    sources |= _stand_in(accelerator.name, files, harness.joinpath(f"{COUNTED}.sv").read_text())
    sources |= {name: harness.joinpath(name).read_text() for name in ("harness.cpp", "popcount.h")}
    everything = [f"{name}\n{sources[name]}" for name in sorted(sources)]
    name = f"{accelerator.name[:100]}-{tool.key(*COMPILE, *everything)}.so"
    content = cache.take(name)
    if content is None:
        with tempfile.TemporaryDirectory(prefix="bitneck-") as work:
            content = _compile(tool, accelerator, sources, Path(work))
        cache.keep(name, content)
    return Simulator(accelerator, cache.loaded(content), folder)


def _stand_in(design: str, files: Mapping[str, str], text: str) -> dict[str, str]:
    """The popcount to simulate where the design's own is ours to the letter, for which it is proven equal."""
    own = own_modules(design, [(COUNTED, ())])
    ((name, proven),) = own.items()
    renamed = OWN.format(design=design, name=COUNTED)
    return {name: text.replace(f"module {COUNTED} #(", f"module {renamed} #(")} if files.get(name) == proven else {}


def _compile(tool: Verilator, accelerator: Accelerator, sources: Mapping[str, str], work: Path) -> bytes:
    for name, text in sources.items():
        (work / name).write_text(text)
    designs = [name for name in sources if name.endswith(".sv")]
    options = ["--cc", "--top-module", "probe", "--prefix", "Vprobe", "-Mdir", ".", "-O3", "--noassert"]
    tool.run([*options, "--x-assign", "fast", "--x-initial", "fast", *designs], work)
    includes = [f"-I{tool.include}", f"-I{tool.include / 'vltstd'}", "-I."]
    width = -(-accelerator.stages[0].in_width // 8)
    flags = [*COMPILE, *includes, "-include", "popcount.h", f"-DINPUT_BYTES={width}", "-c"]
    units = [*sorted(path.name for path in work.glob("Vprobe*.cpp")), "harness.cpp"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs: list[Future] = [pool.submit(runtime_object, tool, source, includes, work) for source in RUNTIME]
        jobs += [pool.submit(call, [*flags, unit], work) for unit in units]
        for job in jobs:
            job.result()
    objects = [str(Path(unit).with_suffix(".o")) for unit in [*RUNTIME, *units]]
    call([*COMPILE, "-shared", "-Wl,--wrap=fopen", "-o", "model.so", *objects], work)
    return (work / "model.so").read_bytes()


def runtime_object(tool: Verilator, source: str, includes: list[str], work: Path) -> None:
    """Of Verilator's run-time library, compiled once a machine."""
    made = (work / source).with_suffix(".o")
    name = f"{made.stem}-{tool.key(*COMPILE)}.o"
    content = cache.take(name)
    if content is None:
        call([*COMPILE, *includes, "-c", tool.include / source, "-o", made.name], work)
        cache.keep(name, made)
    else:
        made.write_bytes(content)
