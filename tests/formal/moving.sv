`default_nettype none
// No deadlock: from whatever state stalls have led to, a beat leaves within BOUND cycles in which the source is always
// valid and the sink always ready.
module moving #(
  parameter  int BOUND = 8,
  localparam int COUNT_WIDTH = $clog2(BOUND + 1)
) (
  input wire clk,
  input wire rst,
  input wire s_axis_tvalid,
  input wire m_axis_tvalid,
  input wire m_axis_tready
);
  logic [COUNT_WIDTH-1:0] waited = '0;             // smooth cycles in a row without a beat

  always_ff @(posedge clk) begin
    waited <= waited + 1'b1;
    if (rst || !s_axis_tvalid || !m_axis_tready || m_axis_tvalid) waited <= '0;
    assert (waited != COUNT_WIDTH'(BOUND));
  end
endmodule
`default_nettype wire
