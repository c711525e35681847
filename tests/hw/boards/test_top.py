"""The top of a board: reset until the PLL has locked, its pins, and a bitstream from every family's tools."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.util import find_spec

import pytest
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.boards.board import Board, board, board_names
from bitneck.hw.boards.link import Linked
from bitneck.hw.boards.top import Top
from bitneck.hw.folding import fold
from bitneck.hw.synthesis import yowasp
from bitneck.hw.synthesis.bitstream import NETLIST_VERILOG, Synthesis, synthesise
from bitneck.hw.synthesis.targets import SynthesisError
from bitneck.hw.verilog import module, verilog
from random_nets import random_graph

icarus = pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
PLACED_PORT = re.compile(r'(?:set_io |LOCATE COMP "|IO_LOC "|Pin_\w+ "|get_ports {)(\w+)')
PLACED = ["icebreaker", "ulx3s_25f", "tang_nano_9k", "gatemate_evb"]  # a family each

# What a PLL does, as far as a top sees it: the clock passes, and some cycles later it has locked.
PLLS = """
module SB_PLL40_PAD #(parameter FEEDBACK_PATH = "", PLLOUT_SELECT = "", DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0)
  (input PACKAGEPIN, RESETB, BYPASS, output LOCK, PLLOUTGLOBAL);
  logic [4:0] cycles = '0;
  always_ff @(posedge PACKAGEPIN) if (!LOCK) cycles <= cycles + 5'd1;
  assign LOCK = cycles[4];
  assign PLLOUTGLOBAL = PACKAGEPIN;
endmodule
"""
BENCH = """
`timescale 1ns/1ns
module bench;
  logic clk = 0, rx = 1;
  wire tx, led0, led1;
  little__icebreaker top (.clk, .rx, .tx, .led0, .led1);
  always #5 clk = !clk;
  initial begin
    repeat (16) begin
      @(posedge clk); #1;
      if (top.rst !== 1'b1 || led0 !== 1'b1 || tx !== 1'b1) $fatal(1, "out of reset before the lock");
    end
    repeat (5) @(posedge clk); #1;
    if (top.rst !== 1'b0 || led0 !== 1'b0) $fatal(1, "still in reset");
    rx = 0; #1;
    if (led1 !== 1'b0 || tx !== 1'b0) $fatal(1, "rx reaches neither the LED nor the design");
    $display("as it should be");
    $finish;
  end
endmodule
"""


def little() -> Accelerator:
    graph = random_graph([12, 6, 5, 3], 1, name="little")
    return lower(graph, fold(graph, 6))


class Echo:
    """A design that answers what it hears, once out of reset."""

    core, name, cycles = little(), "echo", 10

    def files(self) -> dict[str, str]:
        ports = ["input  wire clk", "input  wire rst", "input  wire rx", "output wire tx"]
        body = ["wire unused = &{1'b0, clk};", "assign tx = rst || rx;"]
        return {"echo.sv": module("echo", ports, body, "An echo.")}


@icarus
def test_reset_lasts_until_the_pll_has_locked_and_leds_shine_at_their_own_level(tmp_path):
    top = Top(board("icebreaker"), Echo())
    files = {**top.files(), "pll.sv": PLLS, "bench.sv": BENCH}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    subprocess.run(["iverilog", "-g2012", "-Wall", "-s", "bench", "-o", "bench", *files], cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "bench"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "as it should be" in done.stdout


@pytest.mark.parametrize("name", board_names())
def test_every_board_has_a_port_for_each_of_its_pins_and_no_other(name):
    of = board(name)
    if of.ethernet:
        pytest.importorskip("liteeth", reason="of the extra udp, which `make boards` installs")
    top = Top(of, Echo())
    head = top.files()[f"{top.name}.sv"].split(");")[0]
    lines = [line for line in head.splitlines() if line.strip().startswith(("input", "output", "inout"))]
    ports = [line.split()[-1].rstrip(",") for line in lines]
    if of.uart:
        assert ports == ["clk", "rx", "tx", *(f"led{index}" for index in range(len(of.leds.pins)))]
    assert set(PLACED_PORT.findall(of.pins())) == set(ports)


@pytest.fixture(scope="module", params=PLACED)
def placed(request, tmp_path_factory) -> tuple[Board, Synthesis, object]:
    of = board(request.param)
    missing = [
        tool.distribution
        for tool in (of.target.place, of.target.pack)
        if find_spec(tool.package.partition(".")[0]) is None
    ]
    if missing:
        pytest.skip(f"no {missing[0]} here; `make boards` brings it")
    core, folder = little(), tmp_path_factory.mktemp("boards") / of.name
    top = Top(of, Linked(core, divider=of.divider))
    return of, synthesise(core, verilog(core), of.target, folder, of.pins(), around=top), folder


def test_a_board_gets_a_bitstream_whose_clock_is_enough_and_whose_pins_are_all_placed(placed):
    of, done, folder = placed
    assert done.fits
    assert done.fmax_mhz >= of.clock_mhz
    assert (folder / done.bitstream[0]).stat().st_size > 20_000
    netlist = json.loads((folder / "netlist.json").read_text())["modules"][done.top]
    assert set(netlist["ports"]) == {"clk", "rx", "tx", *(f"led{i}" for i in range(len(of.leds.pins)))}
    types = [cell["type"] for cell in netlist["cells"].values()]
    assert of.pll.cell.split()[0] in types
    assert {stage.name for stage in done.stages} >= {"dense1", "dense2", "scores"}


def test_what_is_packed_is_what_was_placed(placed, tmp_path):
    """The bitstream read back by the family's own unpacker and packed again is the same file.

    Gowin's unpacker writes Verilog instead: it has as many flip-flops as were placed.
    """
    of, done, folder = placed
    target = of.target
    assert target.unpack is not None
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    yowasp.run(target.unpack, tmp_path)
    unpacked = tmp_path / target.unpack.arguments[-1]
    if target.part.family == "gowin":
        text = unpacked.read_text()
        netlist = (folder / NETLIST_VERILOG).read_text()
        assert text.count("DFF") > 0
        assert sum(map(text.count, ("DFF", "ALU"))) >= netlist.count("  DFF")
        return
    arguments = [unpacked.name if part == target.pack.arguments[-2] else part for part in target.pack.arguments]
    again = yowasp.Tool(target.pack.name, target.pack.package, target.pack.function, (*arguments[:-1], "again.bit"))
    yowasp.run(again, tmp_path)
    assert (tmp_path / "again.bit").read_bytes() == (folder / done.bitstream[0]).read_bytes()


def test_a_wheel_that_is_not_here_is_a_line_that_names_the_extra(monkeypatch, tmp_path):
    of = board("gatemate_evb")
    monkeypatch.setattr(yowasp, "find_spec", lambda name: None if "gatemate" in name else object())
    core = little()
    top = Top(of, Linked(core, divider=of.divider))
    with pytest.raises(SynthesisError, match=r"gatemate is not installed here; `pip install 'bitneck\[boards\]'`"):
        synthesise(core, verilog(core), of.target, tmp_path, of.pins(), around=top)
