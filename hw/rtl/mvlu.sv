`default_nettype none
// Matrix-vector-level unit: one layer of codes of several levels on PE x SIMD lanes.
//
//   level[r] = how many of its COUNT thresholds the accumulator of row r in `mvu` reaches     r = 0 .. ROWS-1
//
// In: COLS/SIMD beats of SIMD inputs. Out: ROWS/PE beats of PE levels. Bit 0 of a beat is the lowest index.
module mvlu #(
  parameter  int ROWS = 4,
  parameter  int COLS = 8,
  parameter  int PE   = 2,
  parameter  int SIMD = 4,
  parameter  int W_BITS = 1,                       // of a weight
  parameter  int X_BITS = 1,                       // of an input
  parameter  int PLANES = 1,                       // how they are multiplied, see `mvu`
  parameter  int OWN    = 0,                       // whether every row has inputs of its own, see `mvu`
  parameter  int SPAN   = COLS,                    // the highest accumulator there is; a threshold above it is "never"
  parameter  int COUNT  = 3,
  parameter      WEIGHTS    = "",                  // as of `mvu`
  parameter      STARTS     = "",                  // ROWS/PE words of PE accumulators before the first input
  parameter      THRESHOLDS = "",                  // ROWS/PE words of PE * COUNT thresholds, ACC_WIDTH bits each
  parameter      ROM_STYLE  = "auto",              // of the weights: "block", "distributed" or "auto"
  localparam int ACC_WIDTH  = $clog2(SPAN + 2),
  localparam int BITS       = $clog2(COUNT + 1),
  localparam int S_WIDTH    = SIMD * X_BITS * (OWN != 0 ? PE : 1)
) (
  input  wire                    clk,
  input  wire                    rst,              // synchronous, control only
  input  wire  [S_WIDTH-1:0] s_axis_tdata,
  input  wire                    s_axis_tvalid,
  output wire                    s_axis_tready,
  output wire  [PE*BITS-1:0]     m_axis_tdata,
  output wire                    m_axis_tvalid,
  input  wire                    m_axis_tready
);
  wire [PE*ACC_WIDTH-1:0] sums;
  wire                    sums_valid, sums_ready;

  mvu #(
    .ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS), .PLANES(PLANES), .OWN(OWN),
    .ACC_WIDTH(ACC_WIDTH), .START(1), .WEIGHTS(WEIGHTS), .STARTS(STARTS), .ROM_STYLE(ROM_STYLE)
  ) unit (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(sums), .m_axis_tvalid(sums_valid), .m_axis_tready(sums_ready)
  );

  thresholding #(.ROWS(ROWS), .PE(PE), .WIDTH(ACC_WIDTH), .COUNT(COUNT), .THRESHOLDS(THRESHOLDS)) levels (
    .clk, .rst,
    .s_axis_tdata(sums), .s_axis_tvalid(sums_valid), .s_axis_tready(sums_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );
endmodule
`default_nettype wire
