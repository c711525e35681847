"""Memories in blocks are what the RTL of the memory says in Icarus, whichever block yosys chooses for them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
from bitneck.hw.gate_level.machine import Machine
from bitneck.hw.gate_level.yosys_json import circuit
from bitneck.hw.synthesis.bitstream import YOSYS
from bitneck.hw.synthesis.targets import NETLIST, target_of
from bitneck.hw.synthesis.yowasp import run
from cells_in_icarus import UNKNOWN, in_icarus

CYCLES, PORTS = 500, ("clk", "e", "ra", "wa", "w", "d", "q")


@dataclass(frozen=True)
class Ram:
    """parts   of a word that are written one by one; none of a ROM
    single  one address for reading and writing
    """

    words: int
    width: int
    parts: int = 0
    single: bool = False

    @property
    def name(self) -> str:
        return f"ram_{self.words}_{self.width}_{self.parts}{'_single' * self.single}"

    @property
    def widths(self) -> dict[str, int]:
        address = (self.words - 1).bit_length()
        return {"e": 1, "ra": address, "wa": address, "w": max(1, self.parts), "d": self.width}

    def text(self, rows: list[int]) -> str:
        part = self.width // max(1, self.parts)
        stores = (f"if (w[{i}]) m[wa][{part * i} +: {part}] <= d[{part * i} +: {part}];" for i in range(self.parts))
        ports = (f"input wire [{width - 1}:0] {port}" for port, width in self.widths.items())
        first = (f"m[{at}] = {self.width}'h{row:x};" for at, row in enumerate(rows))
        return f"""
(* keep_hierarchy *) module {self.name} (input wire clk, {", ".join(ports)}, output reg [{self.width - 1}:0] q);
  (* {"ram" if self.parts else "rom"}_style = "block" *) reg [{self.width - 1}:0] m [0:{self.words - 1}];
  initial begin {" ".join(first)} end
  always @(posedge clk) begin
    if (e) q <= m[{"wa" if self.single else "ra"}];
    {" ".join(stores)}
  end
endmodule"""


RAMS = (
    *(Ram(64, width) for width in (1, 2, 3, 7, 9, 18, 32, 36, 72)),
    *(Ram(64, width, 1) for width in (1, 2, 4, 9, 17, 36, 72)),
    Ram(2048, 3),
    Ram(600, 20, 1),
    Ram(64, 18, 2),
    Ram(64, 36, 4),
    Ram(64, 8, 1, single=True),
    Ram(64, 36, 1, single=True),
)


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
@pytest.mark.parametrize(
    "part", [*(pytest.param(part, marks=pytest.mark.long) for part in ("ecp5-25k", "xc7")), "gw1nr-9c"]
)
def test_a_memory_in_blocks_is_what_its_rtl_says(part, tmp_path):
    rng, target = np.random.default_rng(5), target_of(part)
    texts, inputs, outputs, instances = [], 0, 0, []
    for ram in RAMS:
        rows = [int.from_bytes(rng.bytes(9), "little") & (1 << ram.width) - 1 for _ in range(ram.words)]
        texts.append(ram.text(rows))
        wires = [".clk(clk)"]
        for port, width in ram.widths.items():
            wires.append(f".{port}(in[{inputs} +: {width}])")
            inputs += width
        instances.append(f"{ram.name} i_{ram.name} ({', '.join(wires)}, .q(out[{outputs} +: {ram.width}]));")
        outputs += ram.width
    top = f"module top (input wire clk, input wire [{inputs - 1}:0] in, output wire [{outputs - 1}:0] out);"
    (tmp_path / "top.v").write_text("\n".join([*texts, top, *instances, "endmodule"]))
    steps = (
        "read_verilog -sv top.v",
        f"{target.synthesis} -top top",
        "setattr -mod -unset keep_hierarchy *",
        "flatten",
    )
    (tmp_path / "script.ys").write_text("\n".join([*steps, "opt_clean -purge", f"write_json {NETLIST}"]))
    run(YOSYS, tmp_path)
    found = circuit(json.loads((tmp_path / NETLIST).read_text()), "top", target.part.family)
    stimulus = rng.random((CYCLES, inputs)) < 0.5
    said = in_icarus("\n".join(texts), instances, stimulus, outputs, tmp_path)
    machine, differs = Machine(found, 64), []
    for cycle, bits in enumerate(stimulus):
        machine.put(found.nets["in"], bits)
        machine.settle()
        known = said[cycle] != UNKNOWN
        differs += [
            (cycle, bit) for bit in np.flatnonzero(known & (machine.truths(found.nets["out"])[0] != said[cycle]))
        ]
        machine.clock()
    assert not differs, differs[:10]
    assert sum(len(memory.output) for memory in found.memories) > 400  # and not in logic
