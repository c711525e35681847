`default_nettype none
// Matrix-vector-threshold unit: one layer of one-bit codes on PE x SIMD lanes.
//
//   code[r] = accumulator of `mvu` >= threshold[r]              r = 0 .. ROWS-1
//
// In: COLS/SIMD beats of SIMD inputs. Out: ROWS/PE beats of PE codes. Bit 0 of a beat is the lowest index.
// There is no comparator: the accumulator starts at minus the threshold, and the code is its inverted sign.
module mvtu #(
  parameter  int ROWS = 4,
  parameter  int COLS = 8,
  parameter  int PE   = 2,
  parameter  int SIMD = 4,
  parameter  int W_BITS = 1,                       // of a weight
  parameter  int X_BITS = 1,                       // of an input
  parameter  int PLANES = 1,                       // how they are multiplied, see `mvu`
  parameter  int OWN    = 0,                       // whether every row has inputs of its own, see `mvu`
  parameter  int SPAN   = COLS,                    // the highest accumulator there is; a threshold above it is "never"
  parameter  int TURNED     = 0,                   // whether half of the rows is stored, see `mvu`
  parameter  int CODE_BITS  = 0,                   // whether and how weights are coded, see `mvu`
  parameter      CODEBOOK   = "",
  parameter      WEIGHTS    = "",                  // as of `mvu`
  parameter      THRESHOLDS = "",                  // ROWS/PE words of PE negated thresholds, ACC_WIDTH bits each
  parameter      ROM_STYLE  = "auto",              // of the weights: "block", "distributed" or "auto"
  localparam int ACC_WIDTH  = $clog2(SPAN + 1) + 1,// -(SPAN + 1) .. SPAN
  localparam int S_WIDTH    = SIMD * X_BITS * (OWN != 0 ? PE : 1)
) (
  input  wire             clk,
  input  wire             rst,                     // synchronous, control only
  input  wire  [S_WIDTH-1:0] s_axis_tdata,
  input  wire             s_axis_tvalid,
  output wire             s_axis_tready,
  output wire  [PE-1:0]   m_axis_tdata,
  output wire             m_axis_tvalid,
  input  wire             m_axis_tready
);
  wire [PE*ACC_WIDTH-1:0] accumulators;
  wire [PE-1:0]           code;
  wire                    code_valid, code_ready;

  mvu #(
    .ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS), .PLANES(PLANES), .OWN(OWN),
    .ACC_WIDTH(ACC_WIDTH), .START(1), .TURNED(TURNED), .CODE_BITS(CODE_BITS), .CODEBOOK(CODEBOOK), .WEIGHTS(WEIGHTS),
    .STARTS(THRESHOLDS), .ROM_STYLE(ROM_STYLE)
  ) unit (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(accumulators), .m_axis_tvalid(code_valid), .m_axis_tready(code_ready)
  );

  for (genvar p = 0; p < PE; p++) begin : lane
    assign code[p] = !accumulators[p*ACC_WIDTH + ACC_WIDTH - 1];
  end

  skid #(.WIDTH(PE)) register_slice (
    .clk, .rst,
    .s_axis_tdata(code), .s_axis_tvalid(code_valid), .s_axis_tready(code_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );
endmodule
`default_nettype wire
