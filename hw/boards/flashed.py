"""The file that is flashed, instead of the RTL that it was made of: an iCE40 bitstream with its pins, read back."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from ..synthesis.gates import cell_models
from ..synthesis.read_back import chip
from ..synthesis.targets import SynthesisError
from ..verilog import module
from .link import Linked
from .top import Top

PLL = re.compile(r"SB_PLL40_(?:PAD|CORE) #\((.*?)\) \w+ \((.*?)\);", re.DOTALL)


def flashed(top: Top, linked: Linked, synthesised: Path, folder: Path) -> dict[str, str]:
    """Verilog by file name: a module of the link's name and ports, `clk` being that behind the PLL, around the chip.

    synthesised   where the bitstream of `top` lies, whose inside is `linked`
    folder        where the tools work

    Simulators run at the pace of the logic, so a PLL is a wire here; but the frequency that its bits in the file say is
    held against the board's. A PLL at a pad has no other pin than that of the clock.
    Raises SynthesisError where the part is none of an iCE40, a tool is missing, or the frequencies differ.
    """
    text = chip(top.name, (), top.board.target, synthesised, folder)
    found = PLL.findall(text)
    if len(found) != (top.board.pll is not None):
        raise SynthesisError(
            f"{synthesised}: the bitstream has {len(found)} PLLs, and {top.board.title} another number"
        )
    if found and (mhz := _mhz(Fraction(top.board.clock.mhz), found[0][0])) != Fraction(top.board.clock_mhz):
        raise SynthesisError(
            f"{synthesised}: the bitstream's PLL makes {float(mhz):g} MHz, and its logic wants {top.board.clock_mhz:g}"
        )
    text = PLL.sub(_as_wire, text)
    dark = "".join(f", .led{index}()" for index in range(len(top.board.leds.pins)))
    body = [f"{top.name} chip (.clk, .rx, .tx{dark});"]
    ports = ["input  wire clk", "input  wire rst", "input  wire rx", "output wire tx"]
    wrapper = module(linked.name, ports, body, f"{top.board.title}, as its bitstream says.")
    return {f"{top.name}.sv": text, "cells.sv": cell_models(top.board.target), f"{linked.name}.sv": wrapper}


def _mhz(given: Fraction, settings: str) -> Fraction:
    """What the cell makes of a clock of so many MHz. Source: Lattice FPGA-TN-02052, the feedback SIMPLE."""
    divided = {name: int(bits, 2) for name, bits in re.findall(r"\.(DIV[RFQ])\(\d'b([01]+)\)", settings)}
    return given * Fraction(divided["DIVF"] + 1, (divided["DIVR"] + 1) * 2 ** divided["DIVQ"])


def _as_wire(pll: re.Match[str]) -> str:
    """Its outputs are its input, locked from the first cycle."""
    wires = dict(re.findall(r"\.(\w+)\((\w+)\)", pll[2]))
    source = wires.get("REFERENCECLK", "clk")
    outputs = [wires[name] for name in ("PLLOUTCORE", "PLLOUTGLOBAL") if name in wires]
    lines = [f"assign {output} = {source};" for output in outputs]
    return "\n".join([*lines, f"assign {wires['LOCK']} = 1'b1;"])
