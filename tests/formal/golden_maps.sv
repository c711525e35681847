`default_nettype none
// What the stages of feature maps must answer, as `golden.sv` has it of the others.

module golden_window #(
  parameter  int BEAT_WIDTH = 1,
  parameter  int MAP_HEIGHT = 1,
  parameter  int MAP_WIDTH  = 1,
  parameter  int FOLDS      = 1,
  parameter  int KERNEL_HEIGHT = 1,
  parameter  int KERNEL_WIDTH  = 1,
  parameter  int STRIDE_DOWN   = 1,
  parameter  int STRIDE_RIGHT  = 1,
  parameter  int TOP    = 0,
  parameter  int LEFT   = 0,
  parameter  int BOTTOM = 0,
  parameter  int RIGHT  = 0,
  parameter  int BY_FOLD = 0,
  localparam int ROWS_OUT = (TOP + MAP_HEIGHT + BOTTOM - KERNEL_HEIGHT) / STRIDE_DOWN + 1,
  localparam int COLS_OUT = (LEFT + MAP_WIDTH + RIGHT - KERNEL_WIDTH) / STRIDE_RIGHT + 1,
  localparam int TAPS     = KERNEL_HEIGHT * KERNEL_WIDTH,
  localparam int BEATS    = ROWS_OUT * COLS_OUT * TAPS * FOLDS
) (
  input  wire [MAP_HEIGHT*MAP_WIDTH*FOLDS*BEAT_WIDTH-1:0] frame,
  input  wire [FOLDS*BEAT_WIDTH-1:0]                      pads,
  output wire [BEATS*BEAT_WIDTH-1:0]                      answer
);
  for (genvar b = 0; b < BEATS; b++) begin : beat
    localparam int PLACE  = b / (TAPS * FOLDS);
    localparam int WITHIN = b % (TAPS * FOLDS);
    localparam int FOLD   = BY_FOLD != 0 ? WITHIN / TAPS : WITHIN % FOLDS;
    localparam int TAP    = BY_FOLD != 0 ? WITHIN % TAPS : WITHIN / FOLDS;
    localparam int ROW    = PLACE / COLS_OUT * STRIDE_DOWN + TAP / KERNEL_WIDTH - TOP;
    localparam int COL    = PLACE % COLS_OUT * STRIDE_RIGHT + TAP % KERNEL_WIDTH - LEFT;
    if (ROW >= 0 && ROW < MAP_HEIGHT && COL >= 0 && COL < MAP_WIDTH) begin : on_map
      assign answer[b*BEAT_WIDTH +: BEAT_WIDTH] = frame[((ROW*MAP_WIDTH + COL)*FOLDS + FOLD)*BEAT_WIDTH +: BEAT_WIDTH];
    end else begin : beside
      assign answer[b*BEAT_WIDTH +: BEAT_WIDTH] = pads[FOLD*BEAT_WIDTH +: BEAT_WIDTH];
    end
  end
endmodule

// Of one lane: for every group TAPS levels, and whether the smallest is wanted.
module golden_pool #(
  parameter int BITS  = 1,
  parameter int TAPS  = 1,
  parameter int FOLDS = 1
) (
  input  wire  [FOLDS*TAPS*BITS-1:0] frame,
  input  wire  [FOLDS-1:0]           smallest,
  output logic [FOLDS*BITS-1:0]      answer
);
  always_comb
    for (int f = 0; f < FOLDS; f++) begin
      answer[f*BITS +: BITS] = frame[f*TAPS*BITS +: BITS];
      for (int t = 1; t < TAPS; t++)
        if (smallest[f] ? frame[(f*TAPS + t)*BITS +: BITS] < answer[f*BITS +: BITS]
                        : frame[(f*TAPS + t)*BITS +: BITS] > answer[f*BITS +: BITS])
          answer[f*BITS +: BITS] = frame[(f*TAPS + t)*BITS +: BITS];
    end
endmodule

module golden_pool_sum #(
  parameter int BITS     = 1,
  parameter int TAPS     = 1,
  parameter int SUM_BITS = 1
) (
  input  wire  [TAPS*BITS-1:0] frame,
  output logic [SUM_BITS-1:0]  answer
);
  always_comb begin
    answer = '0;
    for (int t = 0; t < TAPS; t++) answer = answer + SUM_BITS'(frame[t*BITS +: BITS]);
  end
endmodule

// A frame of ROWS elements, each with a table of its own.
module golden_cut #(
  parameter int ROWS     = 1,
  parameter int LANE     = 1,
  parameter int IN_BITS  = 1,
  parameter int OUT_BITS = 1
) (
  input  wire [ROWS*LANE-1:0]                  frame,
  input  wire [(ROWS << IN_BITS)*OUT_BITS-1:0] levels,
  output wire [ROWS*OUT_BITS-1:0]              answer
);
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire [(OUT_BITS << IN_BITS)-1:0] own = levels[r*(OUT_BITS << IN_BITS) +: OUT_BITS << IN_BITS];
    assign answer[r*OUT_BITS +: OUT_BITS] = own[frame[r*LANE +: IN_BITS]*OUT_BITS +: OUT_BITS];
  end
endmodule

// Beats of a sum above DONE bits: one more bit, and the sum above all of them.
module golden_threshold_step #(
  parameter int ROWS  = 1,
  parameter int WIDTH = 1,
  parameter int DONE  = 1
) (
  input  wire [ROWS*(WIDTH + DONE)-1:0]     frame,
  input  wire [(ROWS << DONE)*WIDTH-1:0]    thresholds,
  output wire [ROWS*(WIDTH + DONE + 1)-1:0] answer
);
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire [WIDTH-1:0]           sum   = frame[r*(WIDTH + DONE) + DONE +: WIDTH];
    wire [DONE-1:0]            found = frame[r*(WIDTH + DONE) +: DONE];
    wire [(WIDTH << DONE)-1:0] own   = thresholds[r*(WIDTH << DONE) +: WIDTH << DONE];
    assign answer[r*(WIDTH + DONE + 1) +: WIDTH + DONE + 1] = {sum, found, sum >= own[found*WIDTH +: WIDTH]};
  end
endmodule

// Accumulators over weights and inputs of any bits: as wide as they are given, whatever they begin with.
module golden_sums #(
  parameter  int ROWS   = 1,
  parameter  int COLS   = 1,
  parameter  int PE     = 1,
  parameter  int SIMD   = 1,
  parameter  int W_BITS = 1,
  parameter  int X_BITS = 1,
  parameter  int PLANES = 0,
  parameter  int ACC_WIDTH = 1,
  localparam int TOP  = (1 << X_BITS) - 1,
  localparam int MORE = PLANES != 0 && W_BITS > 1 ? COLS * TOP << (W_BITS - 1) : 0     // than the sum of products
) (
  input  wire [COLS*X_BITS-1:0]      frame,
  input  wire [ROWS*COLS*W_BITS-1:0] weights,
  input  wire [ROWS*ACC_WIDTH-1:0]   starts,
  output wire [ROWS*ACC_WIDTH-1:0]   answer
);
  for (genvar r = 0; r < ROWS; r++) begin : row
    for (genvar c = 0; c < COLS; c++) begin : column
      localparam int LANES = ((r / PE) * (COLS / SIMD) + c / SIMD) * PE + r % PE;    // of SIMD weights each, before its own
      wire        [W_BITS-1:0] weight;
      wire signed [31:0]       level = {{(32 - X_BITS){1'b0}}, frame[c*X_BITS +: X_BITS]};
      wire signed [31:0]       factor, product, sum;
      for (genvar b = 0; b < W_BITS; b++) begin : part
        assign weight[b] = weights[LANES*SIMD*W_BITS + (PLANES != 0 ? b*SIMD + c % SIMD : c % SIMD * W_BITS + b)];
      end
      assign factor  = {{(32 - W_BITS){weight[W_BITS-1]}}, weight};
      assign product = W_BITS == 1 ? (weight[0] ? level : TOP - level) : factor * level;
      if (c == 0) begin : head
        assign sum = product + MORE;
      end else begin : chain
        assign sum = column[c-1].sum + product;
      end
    end
    assign answer[r*ACC_WIDTH +: ACC_WIDTH] = starts[r*ACC_WIDTH +: ACC_WIDTH] + ACC_WIDTH'(column[COLS-1].sum);
  end
endmodule

module golden_mvlu #(
  parameter  int ROWS   = 1,
  parameter  int COLS   = 1,
  parameter  int PE     = 1,
  parameter  int SIMD   = 1,
  parameter  int W_BITS = 1,
  parameter  int X_BITS = 1,
  parameter  int PLANES = 0,
  parameter  int SPAN   = 1,
  parameter  int COUNT  = 1,
  localparam int ACC_WIDTH = $clog2(SPAN + 2),
  localparam int BITS      = $clog2(COUNT + 1)
) (
  input  wire [COLS*X_BITS-1:0]          frame,
  input  wire [ROWS*COLS*W_BITS-1:0]     weights,
  input  wire [ROWS*ACC_WIDTH-1:0]       starts,
  input  wire [ROWS*COUNT*ACC_WIDTH-1:0] thresholds,
  output wire [ROWS*BITS-1:0]            answer
);
  wire [ROWS*ACC_WIDTH-1:0] sums;
  golden_sums #(
    .ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS), .PLANES(PLANES), .ACC_WIDTH(ACC_WIDTH)
  ) accumulators (.frame, .weights, .starts, .answer(sums));
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire [COUNT-1:0] reached;
    for (genvar i = 0; i < COUNT; i++) begin : step
      assign reached[i] = sums[r*ACC_WIDTH +: ACC_WIDTH] >= thresholds[(r*COUNT + i)*ACC_WIDTH +: ACC_WIDTH];
    end
    assign answer[r*BITS +: BITS] = BITS'($countones(reached));
  end
endmodule

module golden_scaled_scores #(
  parameter  int ROWS   = 1,
  parameter  int COLS   = 1,
  parameter  int PE     = 1,
  parameter  int SIMD   = 1,
  parameter  int W_BITS = 1,
  parameter  int X_BITS = 1,
  parameter  int PLANES = 0,
  parameter  int SPAN   = 1,
  parameter  int FACTOR_WIDTH = 1,
  parameter  int SCORE_WIDTH  = 1,
  localparam int ACC_WIDTH = $clog2(SPAN + 1)
) (
  input  wire [COLS*X_BITS-1:0]       frame,
  input  wire [ROWS*COLS*W_BITS-1:0]  weights,
  input  wire [ROWS*ACC_WIDTH-1:0]    starts,
  input  wire [ROWS*FACTOR_WIDTH-1:0] multipliers,
  input  wire [ROWS*SCORE_WIDTH-1:0]  offsets,
  output wire [ROWS*SCORE_WIDTH-1:0]  answer
);
  wire [ROWS*ACC_WIDTH-1:0] sums;
  golden_sums #(
    .ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS), .PLANES(PLANES), .ACC_WIDTH(ACC_WIDTH)
  ) accumulators (.frame, .weights, .starts, .answer(sums));
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire [31:0] sum    = {{(32 - ACC_WIDTH){1'b0}}, sums[r*ACC_WIDTH +: ACC_WIDTH]};
    wire [31:0] factor = {{(32 - FACTOR_WIDTH){1'b0}}, multipliers[r*FACTOR_WIDTH +: FACTOR_WIDTH]};
    wire [31:0] offset = {{(32 - SCORE_WIDTH){1'b0}}, offsets[r*SCORE_WIDTH +: SCORE_WIDTH]};
    assign answer[r*SCORE_WIDTH +: SCORE_WIDTH] = SCORE_WIDTH'(factor * sum + offset);
  end
endmodule
`default_nettype wire
