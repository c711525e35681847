`default_nettype none
// The sum of the levels in a window, LANES channels at a time.
//
//   sum[c] = sum of the TAPS levels of channel c
//
// In: for one group of channels after the other, TAPS beats of LANES levels. Out: one beat of LANES sums for each group.
// Ready passes through while the output holds a beat.
module pool_sum #(
  parameter  int LANES = 1,
  parameter  int BITS  = 1,
  parameter  int TAPS  = 4,
  parameter  int SUM_BITS = 3,                     // of the highest level, TAPS times
  localparam int TAP_WIDTH = TAPS > 1 ? $clog2(TAPS) : 1
) (
  input  wire                       clk,
  input  wire                       rst,           // synchronous, control only
  input  wire  [LANES*BITS-1:0]     s_axis_tdata,
  input  wire                       s_axis_tvalid,
  output wire                       s_axis_tready,
  output wire  [LANES*SUM_BITS-1:0] m_axis_tdata,
  output logic                      m_axis_tvalid,
  input  wire                       m_axis_tready
);
  logic [TAP_WIDTH-1:0] tap;

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  wire take     = s_axis_tvalid && s_axis_tready;
  wire last_tap = tap == TAP_WIDTH'(TAPS - 1);

  for (genvar p = 0; p < LANES; p++) begin : lane
    logic [SUM_BITS-1:0] sum;
    always_ff @(posedge clk)
      if (take) sum <= (tap == '0 ? '0 : sum) + SUM_BITS'(s_axis_tdata[p*BITS +: BITS]);
    assign m_axis_tdata[p*SUM_BITS +: SUM_BITS] = sum;
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= take && last_tap;
    if (take)          tap <= last_tap ? '0 : tap + 1'b1;
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      tap           <= '0;
    end
  end
endmodule
`default_nettype wire
