`default_nettype none
// A stream with its TLAST on top of the data, so that the bench of streams sees it.
module framed #(
  parameter int WIDTH = 8,
  parameter int BEATS = 1
) (
  input  wire             clk,
  input  wire             rst,
  input  wire [WIDTH-1:0] s_axis_tdata,
  input  wire             s_axis_tvalid,
  output wire             s_axis_tready,
  output wire [WIDTH:0]   m_axis_tdata,
  output wire             m_axis_tvalid,
  input  wire             m_axis_tready
);
  wire tlast;
  frame_end #(.BEATS(BEATS)) counter (.clk, .rst, .tvalid(s_axis_tvalid), .tready(m_axis_tready), .tlast(tlast));
  assign m_axis_tdata  = {tlast, s_axis_tdata};
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;
endmodule
`default_nettype wire
