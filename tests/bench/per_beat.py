"""How it is usually done: a cocotb coroutine that drives and samples every beat. `simulation` runs it as a peer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge


@cocotb.test()
async def every_beat_by_hand(dut) -> None:
    case = json.loads(Path("case.json").read_text())
    sent, expected = case["sent"], case["expected"]
    cocotb.start_soon(Clock(dut.clk, 2, unit="ns").start())
    dut.rst.value, dut.s_axis_tvalid.value, dut.m_axis_tready.value = 1, 0, 0
    for _ in range(4):
        await RisingEdge(dut.clk)
    dut.rst.value, dut.m_axis_tready.value = 0, 1
    began = time.perf_counter()
    taken: list[int] = []
    next_beat = 0
    dut.s_axis_tdata.value, dut.s_axis_tvalid.value = sent[0], 1
    while len(taken) < len(expected):
        await RisingEdge(dut.clk)
        if dut.m_axis_tvalid.value:
            taken.append(int(dut.m_axis_tdata.value))
        if next_beat < len(sent) and dut.s_axis_tready.value:
            next_beat += 1
            if next_beat < len(sent):
                dut.s_axis_tdata.value = sent[next_beat]
            else:
                dut.s_axis_tvalid.value = 0
    Path("seconds.json").write_text(json.dumps(time.perf_counter() - began))
    assert taken == expected
