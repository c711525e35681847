"""Placing with one seed after the other: the first that meets every clock is kept, else the one that comes nearest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.boards.board import board
from bitneck.hw.folding import fold
from bitneck.hw.synthesis import bitstream
from bitneck.hw.synthesis.bitstream import summary, synthesise, tools_of
from bitneck.hw.synthesis.placement import place
from bitneck.hw.synthesis.targets import REPORT, SEEDS, Tool, target_of
from bitneck.hw.verilog import verilog
from random_nets import random_graph

ASKED = {"$glbnet$system_clk": 45, "$glbnet$rx_clk": 125}
MHZ = {  # of the core and of the PHY, by seed → the seed that is kept, and those that are tried
    "all clocks at once": ([(45.0, 125.0), (60.0, 140.0)], 1, [1]),
    "the second": ([(50.0, 121.8), (50.2, 128.2), (53.5, 160.0)], 2, [1, 2]),
    "the core's clock counts, too": ([(44.9, 130.0), (60.0, 124.9), (45.1, 125.1)], 3, [1, 2, 3]),
    "none, the third is nearest": ([(90.0, 120.0), (36.0, 130.0), (44.0, 123.0), (80.0, 121.0)], 3, [1, 2, 3, 4]),
    "none, of equals the first": ([(50.0, 120.0), (50.0, 121.0), (60.0, 121.0)], 2, [1, 2, 3]),
}


@pytest.mark.parametrize("name", MHZ)
def test_the_first_seed_that_meets_every_clock_is_kept_else_the_nearest(name, tmp_path):
    reached, kept, tried = MHZ[name]
    (tmp_path / "netlist.json").write_text("there before")
    called, told = list[int](), list[str]()

    def placer(tool: Tool, tell) -> str:
        seed = int(tool.arguments[-1])
        called.append(seed)
        clocks = zip(ASKED.items(), reached[seed - 1], strict=True)
        fmax = {clock: {"achieved": mhz, "constraint": asked} for (clock, asked), mhz in clocks}
        (tmp_path / REPORT).write_text(json.dumps({"fmax": fmax}))
        (tmp_path / "design.config").write_text(f"of seed {seed}")
        tell("placing")
        return f"words of seed {seed}"

    tool = Tool("placer", "", "", ("--seed", "0"))
    placers = {seed: tool.told("--seed", str(seed)) for seed in range(1, len(reached) + 1)}
    assert place(placers, tmp_path, placer, told.append) == (kept, f"words of seed {kept}")
    assert called == tried
    assert (tmp_path / "design.config").read_text() == f"of seed {kept}"
    mhz = json.loads((tmp_path / REPORT).read_text())["fmax"].values()
    assert tuple(clock["achieved"] for clock in mhz) == reached[kept - 1]
    assert told[0] == "placing"
    if name == "the second":
        assert told[1:] == ["seed 1: rx_clk takes 121.8 of 125 MHz; next seed: placing"]


def test_a_board_has_several_seeds_and_a_part_the_first_alone():
    for target, seeds in ((board("icebreaker").target, SEEDS), (target_of("up5k"), SEEDS[:1])):
        _, *placers, _ = tools_of(target)
        given = [placer.arguments[placer.arguments.index("--seed") + 1] for placer in placers]
        assert given == [str(seed) for seed in seeds]
        assert {placer.name for placer in placers} == {"nextpnr-ice40"}


def test_a_clock_that_the_first_seed_misses_is_met_with_a_later_one_of_the_same_netlist(monkeypatch, tmp_path):
    """Here 58.5 MHz with seed 1, and 60.8 with seed 2."""
    graph = random_graph([12, 6, 5, 3], 1, name="little")
    core, called = lower(graph, fold(graph, 6)), list[Tool]()
    run = bitstream.run

    def noted(tool: Tool, folder: Path, **options) -> str:
        called.append(tool)
        return run(tool, folder, **options)

    monkeypatch.setattr(bitstream, "run", noted)
    target = target_of("up5k")
    asked = replace(target, place=target.place.told("--freq", "60"), seeds=SEEDS)
    done = synthesise(core, verilog(core), asked, tmp_path)
    assert [tool.name for tool in called] == ["yosys", "nextpnr-ice40", "nextpnr-ice40", "icepack"]
    assert (done.seed, done.fmax_mhz >= 60) == (2, True)
    assert "MHz with the placer's seed 2" in summary(done)
    timing = json.loads((tmp_path / REPORT).read_text())["fmax"].values()
    assert [clock["achieved"] for clock in timing] == [done.fmax_mhz]
