`default_nettype none
// The last layer at one frame a cycle: class scores in agreeing bits, the weights constants.
//
//   score[r] = popcount(~(weight[r] ^ x))           r = 0 .. ROWS-1
//
// In: one beat of COLS inputs. Out: one beat of ROWS scores, SCORE_WIDTH bits each, the lowest class in bit 0.
module dense_scores #(
  parameter  int ROWS  = 4,
  parameter  int COLS  = 8,
  parameter  int GROUP = 128,                      // inputs counted in front of the register row
  parameter      WEIGHTS = "",                     // one word of ROWS * COLS bits, row 0 lowest
  localparam int SCORE_WIDTH = $clog2(COLS + 1)
) (
  input  wire                         clk,
  input  wire                         rst,         // synchronous, control only
  input  wire  [COLS-1:0]             s_axis_tdata,
  input  wire                         s_axis_tvalid,
  output wire                         s_axis_tready,
  output wire  [ROWS*SCORE_WIDTH-1:0] m_axis_tdata,
  output wire                         m_axis_tvalid,
  input  wire                         m_axis_tready
);
  wire [ROWS*SCORE_WIDTH-1:0] score;
  wire                        score_valid, score_ready;

  unrolled #(
    .ROWS(ROWS), .COLS(COLS), .GROUP(GROUP), .ACC_WIDTH(SCORE_WIDTH), .START(0), .WEIGHTS(WEIGHTS)
  ) unit (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(score), .m_axis_tvalid(score_valid), .m_axis_tready(score_ready)
  );

  skid #(.WIDTH(ROWS*SCORE_WIDTH)) register_slice (
    .clk, .rst,
    .s_axis_tdata(score), .s_axis_tvalid(score_valid), .s_axis_tready(score_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );
endmodule
`default_nettype wire
