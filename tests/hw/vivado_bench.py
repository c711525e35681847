"""An AXI DMA's streams in simulation: batches of any length, each sent with one TLAST, each to come back with one."""

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


@cocotb.test(timeout_time=4, timeout_unit="ms")
@cocotb.parametrize(share=[(0.0, 0.0), (0.5, 0.0), (0.0, 0.6), (0.4, 0.4)])
async def every_batch_comes_back_whole_with_one_tlast(dut, share: tuple[float, float]) -> None:
    cocotb.start_soon(Clock(dut.aclk, 2, unit="ns").start())
    dut.aresetn.value = 0
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, dut.aresetn, reset_active_level=False)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, dut.aresetn, reset_active_level=False)
    source.set_pause_generator(pauses(1, share[0]))
    sink.set_pause_generator(pauses(2, share[1]))
    for _ in range(4):
        await RisingEdge(dut.aclk)
    dut.aresetn.value = 1
    for batch in CASE["sent"]:
        await source.send(bytes.fromhex(batch))
    for index, batch in enumerate(CASE["expected"]):
        got = bytes((await sink.recv()).tdata).hex()
        assert got == batch, f"batch {index} is {got}, not {batch}"
    for _ in range(100):
        await RisingEdge(dut.aclk)
    assert sink.empty(), "more than was sent"
