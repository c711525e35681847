"""A netlist over whole sets: compiled once, 512 frames at a time, every layer's codes recorded."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass, replace
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Codes, Trace, concatenate
from ..accelerator import Accelerator
from ..exact.compiled import compiled, forms
from ..packing import beat_bytes, bytes_beats, fields
from ..simulation.cocotb_tier import expected_streams
from ..simulation.library import Simulation
from ..stages import PassSum
from ..verilog import bytes_up
from .circuit import Circuit, NetlistError
from .code import Code, code
from .fault import Case
from .schedule import Pins, Stream

LANES = 512  # of a vector
GROUPS = 8  # of lanes, at most: more than fit a cache side by side gain nothing
PLAYED = 5  # frames behind which control mostly repeats
LISTEN = 200  # cycles after the last frame in which nothing may follow, beside a frame's
AT_ONCE_BYTES = 200_000_000  # of input and codes: a lane's frames follow each other, and the more the better
OPTIONS = ("-O1",)
OUTPUT = "m_axis"


class BehaviourError(ValueError):
    """A netlist that hangs, sends too much, or whose control is not the same for all frames."""


class _Tap(ctypes.Structure):
    """`struct Tap` of lanes.h."""

    _fields_ = (
        ("codes", ctypes.c_void_p),
        ("bytes", ctypes.c_int64),
        ("bits", ctypes.c_int64),
        ("width", ctypes.c_int64),
        ("due", ctypes.c_int64),
        ("seen", ctypes.c_int64),
        ("code", ctypes.c_void_p),
        ("room", ctypes.c_int64),
    )


class _Run(ctypes.Structure):
    """`struct Run` of lanes.h."""

    _fields_ = (
        ("input", ctypes.c_void_p),
        ("lane_bytes", ctypes.c_int64),
        ("beat_bytes", ctypes.c_int64),
        ("beats", ctypes.c_int64),
        ("lanes", ctypes.c_int64),
        ("frames", ctypes.c_int64),
        ("taps", ctypes.POINTER(_Tap)),
        ("patience", ctypes.c_int64),
        ("listen", ctypes.c_int64),
        ("cycles", ctypes.c_int64),
        ("first_frame", ctypes.c_int64),
        ("complaint", ctypes.c_int64),
        ("lane", ctypes.c_int64),
    )


@dataclass(frozen=True, eq=False)
class GateLevel:
    """A compiled netlist of an accelerator. Calling it simulates.

    source   what its traces are called: netlist, bitstream
    bits     of a frame's code, by stream
    """

    accelerator: Accelerator
    source: str
    code: Code
    streams: tuple[Stream, ...]
    bits: tuple[int, ...]
    beat_bytes: int
    library: ctypes.CDLL

    def __call__(self, x: NDArray[np.uint8]) -> Simulation:
        """The frames x, (n, inputs) uint8, without stalls.

        Raises BehaviourError where it hangs, sends too much, or a frame's control is not that of the others.
        """
        began, parts = time.perf_counter(), []
        each = self.accelerator.inputs + sum(self.bits) // 8
        shares = -(-len(x) // max(LANES, AT_ONCE_BYTES // each // LANES * LANES))
        for share in np.array_split(x, shares):
            parts.append(self._share(share))
        trace = concatenate([trace for trace, _, _ in parts]) if shares > 1 else parts[0][0]
        classes = np.concatenate([classes for _, classes, _ in parts])
        first = parts[0][2]
        per_frame = (first.cycles - first.first_frame) / (first.frames - 1) if first.frames > 1 else 0.0
        return Simulation(trace, classes, first.first_frame, per_frame, time.perf_counter() - began)

    def _share(self, x: NDArray[np.uint8]) -> tuple[Trace, NDArray[np.int64], _Run]:
        frames, groups = self._split(len(x))
        lanes = -(-len(x) // frames)
        if missing := lanes * frames - len(x):
            x = np.concatenate([x, x[:1].repeat(missing, axis=0)])
        data = self.accelerator.input_data(x).reshape(lanes, -1)
        codes = [np.zeros((len(x), -(-bits // 8)), dtype=np.uint8) for bits in self.bits]
        rooms = [-(-bits // 64) * 64 for bits in self.bits]
        under_way = [np.zeros((groups * room + 1) * LANES // 8, dtype=np.uint8) for room in rooms]
        taps = [
            _Tap(each.ctypes.data, each.shape[1], bits, width, bits // width * frames, 0, _aligned(code), room)
            for each, bits, width, code, room in zip(codes, self.bits, self.widths, under_way, rooms, strict=True)
        ]
        run = _Run(
            input=data.ctypes.data,
            lane_bytes=data.shape[1],
            beat_bytes=self.beat_bytes,
            beats=data.shape[1] // self.beat_bytes,
            lanes=lanes,
            frames=frames,
            taps=(_Tap * len(taps))(*taps),
            patience=self._fill + 1000,
            listen=self.accelerator.cycles + LISTEN,
        )
        outcome = self.library.gate_level_run(ctypes.byref(run))
        if outcome:
            raise BehaviourError(f"{self.source} {self._diagnosis(outcome, run, frames)}")
        kept = {stream.name: each[: len(x) - missing] for stream, each in zip(self.streams, codes, strict=True)}
        return *self._said(kept), run

    @property
    def widths(self) -> tuple[int, ...]:
        """Of a beat, by stream."""
        return tuple(len(stream.data) for stream in self.streams)

    @property
    def _fill(self) -> int:
        """Cycles in which a frame has passed, whatever waits."""
        return 8 * sum(stage.cycles for stage in self.accelerator.stages) + 8 * self.accelerator.inputs

    def _split(self, samples: int) -> tuple[int, int]:
        """Frames of a lane, and groups of lanes: what is the same for all is computed for the first frames alone, then
        played again; with more groups there are more lanes to share it, and more pipelines to fill and empty.
        """

        def work(groups: int) -> float:
            frames = -(-samples // (groups * LANES))
            return (min(frames, PLAYED) + 2) * self.code.uniform + (frames + 1) * groups * self.code.lanes

        most = -(-samples // LANES) // 2  # of one frame alone nobody sees how many cycles behind the next it comes
        groups = min(range(1, max(1, min(GROUPS, most)) + 1), key=work)
        frames = -(-samples // (groups * LANES))
        return frames, -(-samples // (frames * LANES))

    def _diagnosis(self, outcome: int, run: _Run, frames: int) -> str:
        if outcome == 2:
            return f"sent a beat too many in {self.streams[run.complaint].name}"
        if outcome == 3:
            return (
                f"has other control in frame {run.lane * frames} and those behind it than in frame 0: "
                f"{self.code.checks[run.complaint]}, in cycle {run.cycles}"
            )
        if outcome == 4:
            return f"has other control in some of the first {frames * LANES} frames and those behind them"
        seen = (f"{stream.name} {tap.seen}/{tap.due}" for stream, tap in zip(self.streams, run.taps, strict=False))
        return f"hangs; beats seen: {', '.join(seen)}"

    def _said(self, kept: dict[str, NDArray[np.uint8]]) -> tuple[Trace, NDArray[np.int64]]:
        *hidden, last = self.accelerator.layers
        bits = dict(zip((stream.name for stream in self.streams), self.bits, strict=True))
        stage, end = self.accelerator.layer(last), self.accelerator.stages[-1]
        codes = {name: Codes(kept[name], bits[name]) for name in hidden}
        ends = {end.name: bytes_beats(kept[OUTPUT].reshape(-1, bytes_up(end.out_width) // 8), end.out_width)}
        if isinstance(stage, PassSum):
            ends.setdefault(last, bytes_beats(kept[last], bits[last]).reshape(-1, stage.out_width))
            trace = replace(self.accelerator.completed(codes, ends), source=self.source)
        else:
            scores = fields(kept[last], stage.out_bits)[:, : bits[last] // stage.out_bits].astype(np.int32)
            trace = Trace(self.source, codes, scores, self.accelerator.top, self.accelerator.ends_in_code)
        return trace, self.accelerator.classes(ends, trace)


def _aligned(room: NDArray[np.uint8]) -> int:
    return -(-room.ctypes.data // 64) * 64


def gate_level(circuit: Circuit, accelerator: Accelerator, source: str, form: str | None = None) -> GateLevel:
    """Of a netlist of the accelerator: its own, or in its shell.

    form   of vectors, by default the widest that this machine has

    Raises NetlistError where the netlist is none of it, or cannot be simulated.
    """
    pins, streams = interface(circuit, accelerator)
    written = code(circuit, pins, streams)
    texts = {name: resources.files(__package__).joinpath(name).read_text() for name in ("lanes.h", "run.h")}
    texts["bits.h"] = resources.files(f"{__package__.rpartition('.')[0]}.exact").joinpath("bits.h").read_text()
    source_file = f"{accelerator.name[:80]}-{source}.cpp"
    texts[source_file] = written.text
    library = compiled(source_file, tuple(sorted(texts.items())), form or forms()[0], OPTIONS)
    stages = [accelerator[name] for name in accelerator.layers]
    end = accelerator.stages[-1]
    bits = (*(stage.out_beats * stage.out_width for stage in stages), end.out_beats * bytes_up(end.out_width))
    return GateLevel(accelerator, source, written, streams, bits, len(pins.data) // 8, library)


def interface(circuit: Circuit, accelerator: Accelerator) -> tuple[Pins, tuple[Stream, ...]]:
    """How a netlist is driven, and what of it is recorded: every layer, and what leaves it, last."""
    core = "core." if f"core.{accelerator.layers[0]}_tdata" in circuit.nets else ""
    pins = Pins(
        _net(circuit, "rst"),
        _nets(circuit, "s_axis_tdata"),
        _net(circuit, "s_axis_tvalid"),
        _net(circuit, "s_axis_tready"),
        _net(circuit, "m_axis_tready"),
    )
    streams = (_stream(circuit, f"{core}{name}", name) for name in accelerator.layers)
    return pins, (*streams, _stream(circuit, OUTPUT, OUTPUT))


def case_of(circuit: Circuit, accelerator: Accelerator, x: NDArray[np.uint8], expected: Trace) -> Case:
    """What goes into a netlist for the frames x, and what every stream of `interface` then has to say."""
    pins, streams = interface(circuit, accelerator)
    due = expected_streams(accelerator, expected)
    end = beat_bytes(due[accelerator.stages[-1].name]).reshape(-1, len(streams[-1].data) // 8)
    sent = bytes_beats(accelerator.input_data(x).reshape(-1, len(pins.data) // 8), len(pins.data))
    named = {name: due[name] for name in accelerator.layers}
    return Case(sent, named | {OUTPUT: bytes_beats(end, len(streams[-1].data))})


def _stream(circuit: Circuit, wires: str, name: str) -> Stream:
    return Stream(
        name, _nets(circuit, f"{wires}_tdata"), _net(circuit, f"{wires}_tvalid"), _net(circuit, f"{wires}_tready")
    )


def _nets(circuit: Circuit, name: str) -> tuple[int, ...]:
    if name not in circuit.nets:
        raise NetlistError(f"{circuit.name}: no {name} in the netlist; is it of this design?")
    return circuit.nets[name]


def _net(circuit: Circuit, name: str) -> int:
    return _nets(circuit, name)[0]
