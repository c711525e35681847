"""A deliberate fault, and those of registers and handshakes that many stages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """why   what a chip with this fault would do"""

    why: str
    file: str
    original: str
    mutated: str

    def applied(self, files: Mapping[str, str]) -> dict[str, str]:
        assert files[self.file].count(self.original) == 1, f"{self.file} has changed: {self.original}"
        return {**files, self.file: files[self.file].replace(self.original, self.mutated)}


READY = "s_axis_tready = m_axis_tready || !m_axis_tvalid;"  # of dwc_up, the argmaxes and unrolled
VALID_RESET = "m_axis_tvalid <= 1'b0;"
WIRES = """module skid #(
  parameter int WIDTH = 8
) (
  input  wire             clk,
  input  wire             rst,
  input  wire [WIDTH-1:0] s_axis_tdata,
  input  wire             s_axis_tvalid,
  output wire             s_axis_tready,
  output wire [WIDTH-1:0] m_axis_tdata,
  output wire             m_axis_tvalid,
  input  wire             m_axis_tready
);
  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;
endmodule

module unused_skid #("""

UNHELD = Fault("data changes under a stall", "skid.sv", "if (output_free) m_axis_tdata", "m_axis_tdata")
UNCLEARED = Fault("a beat outlives the reset", "skid.sv", VALID_RESET, "")
UNREADY = Fault("no beat is taken after a reset", "skid.sv", "s_axis_tready <= 1'b1;", "s_axis_tready <= 1'b0;")
LOCKED = Fault(
    "a beat is let in only when one leaves",
    "skid.sv",
    "output_free = m_axis_tready || !m_axis_tvalid;",
    "output_free = m_axis_tready && m_axis_tvalid;",
)
BUBBLE = Fault(
    "a bubble after every beat",
    "skid.sv",
    "<= take || !s_axis_tready;",
    "<= !m_axis_tvalid && (take || !s_axis_tready);",
)
UNREGISTERED = Fault("the register slice is only wires", "skid.sv", "module skid #(", WIRES)
