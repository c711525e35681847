`default_nettype none
// A beat that is offered stays: while valid and not ready, the next cycle offers the same data again.
module stable #(
  parameter int WIDTH = 1
) (
  input wire             clk,
  input wire             rst,
  input wire [WIDTH-1:0] m_axis_tdata,
  input wire             m_axis_tvalid,
  input wire             m_axis_tready
);
  logic             stalled = 1'b0;                // a beat was refused in the cycle before
  logic [WIDTH-1:0] offered;

  always_ff @(posedge clk) begin
    stalled <= m_axis_tvalid && !m_axis_tready && !rst;
    offered <= m_axis_tdata;
    if (stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
  end
endmodule
`default_nettype wire
