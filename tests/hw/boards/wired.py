"""A design behind rx and tx with no protocol at all, so that a board's top can be built without a link.

Bits that come in are shifted into bytes, and the answer's bits are folded into one.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitneck.hw.accelerator import Accelerator
from bitneck.hw.synthesis.shell import Shell
from bitneck.hw.verilog import module


@dataclass(frozen=True, eq=False)
class Wired:
    core: Accelerator

    @property
    def name(self) -> str:
        return f"{self.core.name}__wired"

    @property
    def cycles(self) -> int:
        return 8 * self.core.cycles

    def files(self) -> dict[str, str]:
        shell = Shell(self.core)
        body = [
            "logic [7:0] bits; logic [2:0] count;",
            "wire [7:0] answer; wire valid, ready, last; logic folded;",
            "always_ff @(posedge clk) begin",
            "  bits <= {rx, bits[7:1]};",
            "  count <= rst ? 3'd0 : count + 3'd1;",
            "  folded <= ^answer ^ valid ^ ready ^ last;",
            "end",
            "assign tx = folded;",
            f"{shell.name} shell (",
            "  .clk, .rst, .s_axis_tdata(bits), .s_axis_tvalid(count == 3'd0), .s_axis_tready(ready),",
            "  .m_axis_tdata(answer), .m_axis_tvalid(valid), .m_axis_tready(1'b1), .m_axis_tlast(last)",
            ");",
        ]
        ports = ["input  wire clk", "input  wire rst", "input  wire rx", "output wire tx"]
        return {**shell.files(), f"{self.name}.sv": module(self.name, ports, body, "Wires.")}
