"""The cocotb test of a whole data set. It runs inside the simulator and sleeps until the recorders have everything.

`cosimulate` starts it. Stimulus and recordings are files; what is expected of each stream is one .npz beside them.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import cocotb
import numpy as np
from cocotb.triggers import First, RisingEdge
from numpy.typing import NDArray

from .verilator import SimulationError


def recording(path: Path) -> NDArray[np.uint8]:
    """A recorder's file as (beats, bytes), the lowest byte first. Raises SimulationError where a bit is undefined."""
    text = path.read_bytes()
    if undefined := re.search(rb"[xXzZ]", text):
        beat = text.count(b"\n", 0, undefined.start())
        raise SimulationError(f"{path.stem}: beat {beat} has undefined bits; is a memory file cut, or a reset missing?")
    digits = text.index(b"\n")
    lines = np.frombuffer(text, dtype=np.uint8).reshape(-1, digits + 1)[:, :digits]
    if digits % 2:  # whole bytes: a zero in front of every beat
        lines = np.insert(lines, 0, ord("0"), axis=1)
    beats = np.frombuffer(bytes.fromhex(lines.tobytes().decode()), dtype=np.uint8)
    return beats.reshape(len(lines), -1)[:, ::-1]


@cocotb.test()
async def every_stream_carries_the_codes_expected_of_it(dut) -> None:
    began = time.perf_counter()
    await First(RisingEdge(dut.done), RisingEdge(dut.hang))
    assert not dut.hang.value, "the design hangs"
    seconds = time.perf_counter() - began
    figures = {"first": int(dut.first_frame.value), "last": int(dut.last_frame.value), "seconds": seconds}
    Path("figures.json").write_text(json.dumps(figures))
    assert not dut.misframed.value, "TLAST does not mark the frames, or a stream sent a beat too many"
    with np.load("expected.npz") as expected:
        for name, beats in expected.items():
            wrong = (recording(Path(f"{name}.hex")) != beats).any(axis=1)
            assert not wrong.any(), f"{name}: {wrong.sum()} of {len(wrong)} beats differ, the first is {wrong.argmax()}"
