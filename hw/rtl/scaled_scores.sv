`default_nettype none
// Class scores whose rows have gains of their own.
//
//   score[r] = multiplier[r] * accumulator of row r in `mvu` + offset[r]           r = 0 .. ROWS-1
//
// In: COLS/SIMD beats of SIMD inputs. Out: ROWS/PE beats of PE scores, SCORE_WIDTH bits each, the lowest class in bit 0.
module scaled_scores #(
  parameter  int ROWS = 4,
  parameter  int COLS = 8,
  parameter  int PE   = 2,
  parameter  int SIMD = 4,
  parameter  int W_BITS = 1,                       // of a weight
  parameter  int X_BITS = 1,                       // of an input
  parameter  int PLANES = 1,                       // how they are multiplied, see `mvu`
  parameter  int SPAN   = COLS,                    // the highest accumulator there is
  parameter  int FACTOR_WIDTH = 1,                 // of a multiplier
  parameter  int SCORE_WIDTH  = 5,                 // of the highest score
  parameter      WEIGHTS = "",                     // as of `mvu`
  parameter      STARTS  = "",                     // ROWS/PE words of PE accumulators before the first input
  parameter      MULTIPLIERS = "",                 // ROWS/PE words of PE * FACTOR_WIDTH bits
  parameter      OFFSETS = "",                     // ROWS/PE words of PE * SCORE_WIDTH bits
  parameter      ROM_STYLE = "auto",               // of the weights: "block", "distributed" or "auto"
  localparam int FOLDS      = ROWS / PE,
  localparam int FOLD_WIDTH = FOLDS > 1 ? $clog2(FOLDS) : 1,
  localparam int ACC_WIDTH  = $clog2(SPAN + 1)
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
  wire  [PE*ACC_WIDTH-1:0]    sums;
  wire                        sums_valid, sums_ready, score_ready;
  logic [PE*SCORE_WIDTH-1:0]  offset_1, offset_2;
  logic [PE*FACTOR_WIDTH-1:0] multiplier_1;
  logic [PE*ACC_WIDTH-1:0]    sums_1;
  logic [FOLD_WIDTH-1:0]      fold;
  logic                       valid_1, valid_2;
  wire  [PE*SCORE_WIDTH-1:0]  score;

  logic [PE*FACTOR_WIDTH-1:0] multipliers [0:FOLDS-1];
  initial if (MULTIPLIERS != "") begin
    $readmemh(MULTIPLIERS, multipliers);
`ifndef SYNTHESIS
    if (^multipliers[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", MULTIPLIERS);
`endif
  end

  logic [PE*SCORE_WIDTH-1:0] offsets [0:FOLDS-1];
  initial if (OFFSETS != "") begin
    $readmemh(OFFSETS, offsets);
`ifndef SYNTHESIS
    if (^offsets[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", OFFSETS);
`endif
  end

  mvu #(
    .ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS), .PLANES(PLANES),
    .ACC_WIDTH(ACC_WIDTH), .START(1), .WEIGHTS(WEIGHTS), .STARTS(STARTS), .ROM_STYLE(ROM_STYLE)
  ) unit (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(sums), .m_axis_tvalid(sums_valid), .m_axis_tready(sums_ready)
  );

  // Row 1: the sums and their constants. Row 2: products. Both move or stand together.
  assign sums_ready = score_ready || !valid_2;
  wire take = sums_valid && sums_ready;

  always_ff @(posedge clk)
    if (sums_ready) begin
      sums_1       <= sums;
      multiplier_1 <= multipliers[fold];
      offset_1     <= offsets[fold];
      offset_2     <= offset_1;
    end

  for (genvar p = 0; p < PE; p++) begin : lane
    logic [SCORE_WIDTH-1:0] product;
    always_ff @(posedge clk)
      if (sums_ready)
        product <= SCORE_WIDTH'(sums_1[p*ACC_WIDTH +: ACC_WIDTH]) * SCORE_WIDTH'(multiplier_1[p*FACTOR_WIDTH +: FACTOR_WIDTH]);
    assign score[p*SCORE_WIDTH +: SCORE_WIDTH] = product + offset_2[p*SCORE_WIDTH +: SCORE_WIDTH];
  end

  always_ff @(posedge clk) begin
    if (sums_ready) begin
      valid_1 <= sums_valid;
      valid_2 <= valid_1;
    end
    if (take) fold <= fold == FOLD_WIDTH'(FOLDS - 1) ? '0 : fold + 1'b1;
    if (rst) begin
      valid_1 <= 1'b0;
      valid_2 <= 1'b0;
      fold    <= '0;
    end
  end

  skid #(.WIDTH(PE*SCORE_WIDTH)) register_slice (
    .clk, .rst,
    .s_axis_tdata(score), .s_axis_tvalid(valid_2), .s_axis_tready(score_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );
endmodule
`default_nettype wire
