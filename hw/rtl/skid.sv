`default_nettype none
// Two-entry register slice: valid, data and ready all come straight from flip-flops.
//
// In: beats of WIDTH bits. Out: the same beats, one cycle later. One beat a cycle, no bubbles.
// `spare` takes the beat that arrives in the cycle in which the output stalls; it is in use exactly while ready is low.
module skid #(
  parameter int WIDTH = 8
) (
  input  wire              clk,
  input  wire              rst,                    // synchronous, control only
  input  wire  [WIDTH-1:0] s_axis_tdata,
  input  wire              s_axis_tvalid,
  output logic             s_axis_tready,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  wire              m_axis_tready
);
  logic [WIDTH-1:0] spare;

  wire output_free = m_axis_tready || !m_axis_tvalid;
  wire take        = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (output_free) m_axis_tdata <= s_axis_tready ? s_axis_tdata : spare;
    if (take)        spare <= s_axis_tdata;
  end

  always_ff @(posedge clk) begin
    if (output_free) m_axis_tvalid <= take || !s_axis_tready;
    s_axis_tready <= output_free || (s_axis_tready && !take);
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      s_axis_tready <= 1'b1;
    end
  end
endmodule
`default_nettype wire
