`default_nettype none
// A stream whose data is there a cycle after it has said so, as one whose data is there at once.
//
// In: a beat every other cycle; its data is right from a cycle after the one before has moved. Out: the same beats.
module settle #(
  parameter int WIDTH = 8
) (
  input  wire              clk,
  input  wire              rst,                    // synchronous
  input  wire  [WIDTH-1:0] s_axis_tdata,
  input  wire              s_axis_tvalid,
  output wire              s_axis_tready,
  output wire  [WIDTH-1:0] m_axis_tdata,
  output wire              m_axis_tvalid,
  input  wire              m_axis_tready
);
  logic settled;
  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid && settled;
  assign s_axis_tready = m_axis_tready && settled;
  always_ff @(posedge clk) settled <= !rst && s_axis_tvalid && !(m_axis_tvalid && m_axis_tready);
endmodule
`default_nettype wire
