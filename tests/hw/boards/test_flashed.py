"""A bitstream's PLL is a wire in simulation, and has to make the clock that the board's file says.

`make flashed` reads a real bitstream back and has it answer a whole test set.
"""

from __future__ import annotations

import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.boards import flashed as module
from bitneck.hw.boards.board import board
from bitneck.hw.boards.flashed import flashed
from bitneck.hw.boards.link import Linked
from bitneck.hw.boards.top import Top
from bitneck.hw.folding import fold
from bitneck.hw.synthesis.targets import SynthesisError
from random_nets import random_graph

PLL = """SB_PLL40_PAD #(
  .FEEDBACK_PATH("SIMPLE"),
  .DIVR(4'b0000),
  .DIVF(7'b{divf:07b}),
  .DIVQ(3'b100)
) PLL_12_31 (
  .PACKAGEPIN(n3449),
  .PLLOUTCORE(n3450),
  .PLLOUTGLOBAL(n5),
  .LOCK(n367)
);
"""


@pytest.fixture
def top():
    graph = random_graph((8, 4, 3), 4, seed=0)
    core = lower(graph, fold(graph, 8), "little")
    one = board("icebreaker")
    return Top(one, Linked(core, divider=one.divider))


def read(top, text, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "chip", lambda *_: text)
    return flashed(top, top.inner, tmp_path, tmp_path)


def test_a_pll_is_a_wire_and_the_pins_are_those_of_the_link(top, monkeypatch, tmp_path):
    files = read(top, PLL.format(divf=47), monkeypatch, tmp_path)
    assert files[f"{top.name}.sv"].split("\n") == [
        "assign n3450 = clk;",
        "assign n5 = clk;",
        "assign n367 = 1'b1;",
        "",
    ]
    assert f"{top.name} chip (.clk, .rx, .tx, .led0(), .led1());" in files[f"{top.inner.name}.sv"]
    assert set(files) == {f"{top.name}.sv", f"{top.inner.name}.sv", "cells.sv"}


def test_a_pll_in_the_fabric_takes_the_clock_that_is_led_to_it(top, monkeypatch, tmp_path):
    core = PLL.format(divf=47).replace("PAD", "CORE").replace("PACKAGEPIN", "REFERENCECLK")
    assert "assign n5 = n3449;" in read(top, core, monkeypatch, tmp_path)[f"{top.name}.sv"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLL.format(divf=63), "the bitstream's PLL makes 48 MHz, and its logic wants 36"),
        ("", "the bitstream has 0 PLLs, and iCEBreaker 1.0 another number"),
    ],
)
def test_another_clock_is_refused(text, said, top, monkeypatch, tmp_path):
    with pytest.raises(SynthesisError, match=said):
        read(top, text, monkeypatch, tmp_path)
