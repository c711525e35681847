`default_nettype none
// The last layer: class scores in agreeing bits, not compared with anything.
//
//   score[r] = popcount(~(weight[r] ^ x))           r = 0 .. ROWS-1
//
// In: COLS/SIMD beats of SIMD inputs. Out: ROWS/PE beats of PE scores, SCORE_WIDTH bits each, the lowest class in bit 0.
module scores #(
  parameter  int ROWS = 4,
  parameter  int COLS = 8,
  parameter  int PE   = 2,
  parameter  int SIMD = 4,
  parameter      WEIGHTS = "",                     // ROWS/PE * COLS/SIMD words of PE * SIMD bits, row folds outermost
  parameter      ROM_STYLE = "auto",               // of the weights: "block", "distributed" or "auto"
  localparam int SCORE_WIDTH = $clog2(COLS + 1)
) (
  input  wire                       clk,
  input  wire                       rst,           // synchronous, control only
  input  wire  [SIMD-1:0]           s_axis_tdata,
  input  wire                       s_axis_tvalid,
  output wire                       s_axis_tready,
  output wire  [PE*SCORE_WIDTH-1:0] m_axis_tdata,
  output wire                       m_axis_tvalid,
  input  wire                       m_axis_tready
);
  wire [PE*SCORE_WIDTH-1:0] score;
  wire                      score_valid, score_ready;

  mvu #(
    .ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD), .ACC_WIDTH(SCORE_WIDTH), .START(0), .WEIGHTS(WEIGHTS),
    .ROM_STYLE(ROM_STYLE)
  ) unit (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(score), .m_axis_tvalid(score_valid), .m_axis_tready(score_ready)
  );

  skid #(.WIDTH(PE*SCORE_WIDTH)) register_slice (
    .clk, .rst,
    .s_axis_tdata(score), .s_axis_tvalid(score_valid), .s_axis_tready(score_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );
endmodule
`default_nettype wire
