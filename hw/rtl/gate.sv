`default_nettype none
// No more than FRAMES frames at a time: the next begins when one has left.
//
// In: beats, the numbers of the frame that they belong to and of the one that leaves next. Out: the same beats, in the same
// cycle. A frame that has begun is never held up, for those in front of it can only leave.
module gate #(
  parameter  int WIDTH  = 8,
  parameter  int FRAMES = 2,                       // a power of two
  localparam int NUMBER_WIDTH = $clog2(FRAMES) + 1
) (
  input  wire  [NUMBER_WIDTH-1:0] number,          // modulo 2 * FRAMES
  input  wire  [NUMBER_WIDTH-1:0] leaving,
  input  wire  [WIDTH-1:0]        s_axis_tdata,
  input  wire                     s_axis_tvalid,
  output wire                     s_axis_tready,
  output wire  [WIDTH-1:0]        m_axis_tdata,
  output wire                     m_axis_tvalid,
  input  wire                     m_axis_tready
);
  wire open = number != (leaving ^ NUMBER_WIDTH'(FRAMES));
  assign s_axis_tready = open && m_axis_tready;
  assign m_axis_tvalid = open && s_axis_tvalid;
  assign m_axis_tdata  = s_axis_tdata;

  initial if (FRAMES != 1 << (NUMBER_WIDTH - 1)) $fatal(1, "gate: FRAMES=%0d is no power of two", FRAMES);
endmodule
`default_nettype wire
