`default_nettype none
// Throughput: after WARM cycles in which the source was always valid and the sink always ready, whatever stalls went
// before, the last beats of frames leave exactly CYCLES apart.
module paced #(
  parameter  int BEATS  = 1,                       // of a frame, at the output
  parameter  int CYCLES = 1,                       // per frame
  parameter  int WARM   = 8,                       // more than CYCLES
  localparam int BEAT_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1,
  localparam int GAP_WIDTH  = $clog2(CYCLES + 2),
  localparam int WARM_WIDTH = $clog2(WARM + 1)
) (
  input wire clk,
  input wire rst,
  input wire s_axis_tvalid,
  input wire m_axis_tvalid,
  input wire m_axis_tready
);
  logic [BEAT_WIDTH-1:0] beat   = '0;
  logic [GAP_WIDTH-1:0]  gap    = '0;              // cycles since the last frame end; stays at CYCLES + 1
  logic [WARM_WIDTH-1:0] smooth = '0;              // smooth cycles in a row; stays at WARM

  wire send = m_axis_tvalid && m_axis_tready;
  wire last = send && beat == BEAT_WIDTH'(BEATS - 1);
  wire warm = smooth == WARM_WIDTH'(WARM) && s_axis_tvalid && m_axis_tready && !rst;

  always_ff @(posedge clk) begin
    if (send) beat <= last ? '0 : beat + 1'b1;
    if (last) gap <= GAP_WIDTH'(1);
    else if (gap != GAP_WIDTH'(CYCLES + 1)) gap <= gap + 1'b1;
    if (smooth != WARM_WIDTH'(WARM)) smooth <= smooth + 1'b1;
    if (!s_axis_tvalid || !m_axis_tready) smooth <= '0;
    if (rst) begin
      beat   <= '0;
      gap    <= '0;
      smooth <= '0;
    end
    if (warm) assert (last == (gap == GAP_WIDTH'(CYCLES)));
  end
endmodule
`default_nettype wire
