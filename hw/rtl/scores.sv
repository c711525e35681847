`default_nettype none
// Accumulators that are not compared with anything: the last layer's class scores, or sums for a search of thresholds.
//
//   score[r] = accumulator of `mvu`                 r = 0 .. ROWS-1
//
// In: COLS/SIMD beats of SIMD inputs. Out: ROWS/PE beats of PE scores, SCORE_WIDTH bits each, the lowest class in bit 0.
module scores #(
  parameter  int ROWS = 4,
  parameter  int COLS = 8,
  parameter  int PE   = 2,
  parameter  int SIMD = 4,
  parameter  int W_BITS = 1,                       // of a weight
  parameter  int X_BITS = 1,                       // of an input
  parameter  int PLANES = 1,                       // how they are multiplied, see `mvu`
  parameter  int SPAN   = COLS,                    // the highest score there is
  parameter  int START  = 0,                       // 1: scores start at STARTS, 0: at zero
  parameter      WEIGHTS = "",                     // as of `mvu`
  parameter      STARTS  = "",                     // ROWS/PE words of PE * SCORE_WIDTH bits
  parameter      ROM_STYLE = "auto",               // of the weights: "block", "distributed" or "auto"
  localparam int SCORE_WIDTH = $clog2(SPAN + 1)
) (
  input  wire                       clk,
  input  wire                       rst,           // synchronous, control only
  input  wire  [SIMD*X_BITS-1:0]    s_axis_tdata,
  input  wire                       s_axis_tvalid,
  output wire                       s_axis_tready,
  output wire  [PE*SCORE_WIDTH-1:0] m_axis_tdata,
  output wire                       m_axis_tvalid,
  input  wire                       m_axis_tready
);
  wire [PE*SCORE_WIDTH-1:0] score;
  wire                      score_valid, score_ready;

  mvu #(
    .ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS), .PLANES(PLANES),
    .ACC_WIDTH(SCORE_WIDTH), .START(START), .WEIGHTS(WEIGHTS), .STARTS(STARTS), .ROM_STYLE(ROM_STYLE)
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
