`default_nettype none
// The cycle after a reset, whatever went before: nothing is offered, and a beat is taken.
module emptied (
  input wire clk,
  input wire rst,
  input wire m_axis_tvalid,
  input wire s_axis_tready
);
  logic was_reset = 1'b0;

  always_ff @(posedge clk) begin
    was_reset <= rst;
    if (was_reset) assert (!m_axis_tvalid && s_axis_tready);
  end
endmodule
`default_nettype wire
