`default_nettype none
// No more than FRAMES frames at a time: one more begins for each that has left.
//
// In: BEATS beats a frame. Out: the same beats, in the same cycle. A frame that has begun is never held up.
module gate #(
  parameter  int WIDTH  = 8,
  parameter  int BEATS  = 1,
  parameter  int FRAMES = 2,
  localparam int BEAT_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1,
  localparam int COUNT_WIDTH = $clog2(FRAMES + 1)
) (
  input  wire              clk,
  input  wire              rst,                    // synchronous
  input  wire              left,                   // a frame, in this cycle
  input  wire  [WIDTH-1:0] s_axis_tdata,
  input  wire              s_axis_tvalid,
  output wire              s_axis_tready,
  output wire  [WIDTH-1:0] m_axis_tdata,
  output wire              m_axis_tvalid,
  input  wire              m_axis_tready
);
  logic [BEAT_WIDTH-1:0] beat;
  logic [COUNT_WIDTH-1:0] present;                  // frames that have begun and not left

  wire first = beat == '0;
  wire open  = !first || present != COUNT_WIDTH'(FRAMES);
  wire moves = s_axis_tvalid && s_axis_tready;
  wire enter = moves && first;
  assign s_axis_tready = open && m_axis_tready;
  assign m_axis_tvalid = open && s_axis_tvalid;
  assign m_axis_tdata  = s_axis_tdata;

  always_ff @(posedge clk) begin
    if (moves)         beat   <= beat == BEAT_WIDTH'(BEATS - 1) ? '0 : beat + 1'b1;
    if (enter != left) present <= enter ? present + 1'b1 : present - 1'b1;
    if (rst) begin
      beat   <= '0;
      present <= '0;
    end
  end
endmodule
`default_nettype wire
