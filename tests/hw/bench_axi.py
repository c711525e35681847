"""An independent AXI4-Stream at both ends of an accelerator: cocotbext-axi's source and sink, pausing at random."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

CASE = json.loads(Path("case.json").read_text())


def pauses(seed: int, share: float) -> Iterator[bool]:
    rng = random.Random(seed)
    while True:
        yield rng.random() < share


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(share=[(0.0, 0.0), (0.6, 0.0), (0.0, 0.6), (0.5, 0.5)])
async def frames_come_out_byte_for_byte_with_tlast_at_their_ends(dut, share: tuple[float, float]) -> None:
    cocotb.start_soon(Clock(dut.clk, 2, unit="ns").start())
    dut.rst.value = 1
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
    source.set_pause_generator(pauses(1, share[0]))
    sink.set_pause_generator(pauses(2, share[1]))
    for _ in range(4):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    for frame in CASE["sent"]:
        await source.send(bytes.fromhex(frame))
    for index, frame in enumerate(CASE["expected"]):
        got = bytes((await sink.recv()).tdata).hex()
        assert got == frame, f"frame {index} is {got}, not {frame}"
    for _ in range(100):
        await RisingEdge(dut.clk)
    assert sink.empty(), "a frame more than were sent"
