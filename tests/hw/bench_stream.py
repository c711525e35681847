"""The one bench of every stage, run by cocotb inside the simulator. It knows only streams.

Stimulus and expectation are data (`cases.json`), made by the descriptors; each case is an instance in one top module.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from functools import wraps
from itertools import pairwise
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

CASES = json.loads(Path("cases.json").read_text())
FOUND: set[str] = set()  # groups of cases that a test has complained about
NEVER, OFTEN, MOSTLY = 0.0, 0.4, 0.8
NAMED = {name: cocotb.Param(name, name=name) for name in CASES}
EACH = list(NAMED.values())
PACES = [(source, sink) for source in (NEVER, OFTEN, MOSTLY) for sink in (NEVER, OFTEN, MOSTLY)]
LARGE_PACES = [(OFTEN, OFTEN), (NEVER, MOSTLY)]
ROUNDS = 6  # of resets in mid-frame
UNTIL_VALID = 2.0  # ready only after valid was seen, as AXI4-Stream allows: a source that waits for it hangs


def until_found(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Of cases that are one group, what is known to be wrong is not tested on. `at` says which case is under test."""

    @wraps(test)
    async def wrapped(dut, case: str, **options: float) -> None:
        group = CASES[case]["group"]
        if group in FOUND:
            return
        Path("at").write_text(case)
        try:
            await test(dut, case, **options)
        except BaseException:
            if group is not None:
                FOUND.add(group)
            raise

    return wrapped


class Streams:
    """Both streams of one instance, driven and observed at the rising edges of the clock."""

    def __init__(self, dut, name: str) -> None:
        ports = ("s_axis_tdata", "s_axis_tvalid", "s_axis_tready", "m_axis_tdata", "m_axis_tvalid", "m_axis_tready")
        self.clk, self.rst, self.s_data, self.s_valid, self.s_ready, self.m_data, self.m_valid, self.m_ready = (
            getattr(dut, f"{name}_{port}") for port in ("clk", "rst", *ports)
        )

    async def reset(self, cycles: int = 3) -> None:
        self.rst.value, self.s_valid.value, self.m_ready.value = 1, 0, 0
        for _ in range(cycles):
            await RisingEdge(self.clk)
        self.rst.value = 0

    async def pass_through(
        self, sent: list[int], expected: int, patience: int, rng: random.Random, source: float, sink: float
    ) -> tuple[list[int], list[int]]:
        """Sends beats and takes `expected` of them: the beats, and the cycle of each. Checks the handshake too."""
        taken: list[int] = []
        cycles: list[int] = []
        waiting = list(reversed(sent))
        offered = ready = False
        self.m_ready.value = self.s_valid.value = 0
        held: int | None = None  # what the output showed while it was not taken
        cycle = quiet = 0
        while len(taken) < expected:
            if not offered and waiting and rng.random() >= source:
                self.s_data.value, self.s_valid.value, offered = waiting[-1], 1, True
            now = held is not None if sink == UNTIL_VALID else rng.random() >= sink
            if now is not ready:  # a write costs as much as a cycle
                ready = now
                self.m_ready.value = int(ready)
            await RisingEdge(self.clk)
            cycle, quiet = cycle + 1, quiet + 1
            assert quiet < patience, f"nothing moved for {quiet} cycles; {len(taken)} of {expected} beats came out"
            shown = int(self.m_data.value) if int(self.m_valid.value) else None
            assert held is None or shown == held, (
                f"beat {len(taken)} changed from {held} to {shown} while it was stalled"
            )
            held = shown if not ready else None
            if shown is not None and ready:
                taken.append(shown)
                cycles.append(cycle)
                quiet = 0
            if offered and int(self.s_ready.value):
                waiting.pop()
                offered, quiet = False, 0
                if not waiting or source != NEVER:
                    self.s_valid.value = 0
        self.s_valid.value = 0
        self.m_ready.value = 1
        for _ in range(20 if source == sink == NEVER else 3):
            await RisingEdge(self.clk)
            assert waiting or not int(self.m_valid.value), f"a beat more than the {expected} that are due"
        return taken, cycles


async def start(dut, name: str) -> Streams:
    streams = Streams(dut, name)
    cocotb.start_soon(Clock(streams.clk, 2, unit="ns", impl="gpi").start())
    await streams.reset()
    return streams


def check(taken: list[int], expected: list[int]) -> None:
    wrong = next((i for i, (got, due) in enumerate(zip(taken, expected, strict=True)) if got != due), None)
    assert wrong is None, f"beat {wrong} is {taken[wrong]:#x}, not {expected[wrong]:#x}"


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(
    (
        ("case", "source", "sink"),
        [(NAMED[name], *pace) for name, case in CASES.items() for pace in (LARGE_PACES if case["large"] else PACES)],
    )
)
@until_found
async def every_beat_arrives_once_and_in_order(dut, case: str, source: float, sink: float) -> None:
    streams, data = await start(dut, case), CASES[case]
    rng = random.Random(f"{case} {source} {sink}")
    taken, _ = await streams.pass_through(data["sent"], len(data["expected"]), data["patience"], rng, source, sink)
    check(taken, data["expected"])


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=EACH)
@until_found
async def extremes_and_ties_are_answered(dut, case: str) -> None:
    streams, data = await start(dut, case), CASES[case]
    rng, expected = random.Random(1), data["answers"]
    taken, _ = await streams.pass_through(data["directed"], len(expected), data["patience"], rng, NEVER, NEVER)
    check(taken, expected)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=EACH)
@until_found
async def valid_does_not_wait_for_ready(dut, case: str) -> None:
    streams, data = await start(dut, case), CASES[case]
    rng = random.Random(1)
    expected = data["expected"]
    taken, _ = await streams.pass_through(data["sent"], len(expected), data["patience"], rng, NEVER, UNTIL_VALID)
    check(taken, expected)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=EACH)
@until_found
async def throughput_is_what_the_descriptor_promises(dut, case: str) -> None:
    streams, data = await start(dut, case), CASES[case]
    rng = random.Random(1)
    _, cycles = await streams.pass_through(data["sent"], len(data["expected"]), data["patience"], rng, NEVER, NEVER)
    ends = cycles[data["out_beats"] - 1 :: data["out_beats"]]
    frames = [after - before for before, after in pairwise(ends)]
    assert frames[1:] == [data["cycles"]] * (len(frames) - 1), f"frames took {frames} cycles, promised {data['cycles']}"


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(
    (
        ("case", "sink"),
        [
            (NAMED[name], sink)
            for name, case in CASES.items()
            for sink in ([NEVER] if case["large"] else [NEVER, OFTEN])
        ],
    )
)
@until_found
async def reset_in_mid_frame_leaves_nothing_behind(dut, case: str, sink: float) -> None:
    """At times spread over three frames, so that every bit of every counter has been set in one of them."""
    streams, data = await start(dut, case), CASES[case]
    rng = random.Random(f"reset {case} {sink}")
    sent, expected, within = data["sent"], data["expected"], data["in_beats"] + 2 * data["cycles"] + 3
    if data["large"]:
        sent, expected = sent[: data["in_beats"]], expected[: data["out_beats"]]
    for part in range(ROUNDS):
        accepted = 0
        for _ in range(1 + (part * within + rng.randrange(within)) // ROUNDS):
            streams.m_ready.value = int(rng.random() >= sink)
            streams.s_data.value, streams.s_valid.value = data["sent"][accepted % len(data["sent"])], 1
            await RisingEdge(streams.clk)
            accepted += int(streams.s_ready.value)
        await streams.reset(rng.randint(1, 2))
        taken, _ = await streams.pass_through(sent, len(expected), data["patience"], rng, NEVER, sink)
        check(taken, expected)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=EACH)
@until_found
async def reset_of_one_cycle_empties_a_full_stage(dut, case: str) -> None:
    """Under a stall every register holds a beat at last, and a second cycle of reset could still flush one of them."""
    streams, data = await start(dut, case), CASES[case]
    accepted = quiet = 0
    holds, most = data["holds"], data["holds"] or data["patience"]  # what is not ours does not say how much it holds
    streams.m_ready.value, streams.s_valid.value = 0, 1
    while quiet < 3 * data["in_beats"] + data["cycles"] + 20:  # what lies in front of the last register has moved up
        streams.s_data.value = data["sent"][accepted % len(data["sent"])]
        await RisingEdge(streams.clk)
        took = int(streams.s_ready.value)
        accepted, quiet = accepted + took, 0 if took else quiet + 1
        assert accepted <= most, f"{accepted} beats went in and none came out; it holds {most}"
    assert holds in (None, accepted), f"full with {accepted} beats; it holds {holds}"
    await streams.reset(1)
    rng = random.Random(1)
    sent, expected = data["sent"], data["expected"]
    if data["large"]:
        sent, expected = sent[: data["in_beats"]], expected[: data["out_beats"]]
    taken, _ = await streams.pass_through(sent, len(expected), data["patience"], rng, NEVER, NEVER)
    check(taken, expected)
