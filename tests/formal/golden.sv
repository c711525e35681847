`default_nettype none
// What each stage must answer, written as the equations in the heads of its modules: whole frames, no folding in time.
// Bit 0 of a frame is the first beat's bit 0. Memories come as one vector, word 0 lowest.

// A frame comes out TIMES times: 1 for skid, fifo and the width converters.
module golden_repeat #(
  parameter int BITS  = 1,
  parameter int TIMES = 1
) (
  input  wire [BITS-1:0]       frame,
  output wire [TIMES*BITS-1:0] answer
);
  assign answer = {TIMES{frame}};
endmodule

module golden_argmax #(
  parameter  int CLASSES     = 2,
  parameter  int SCORE_WIDTH = 1,
  localparam int CLASS_WIDTH = CLASSES > 1 ? $clog2(CLASSES) : 1
) (
  input  wire  [CLASSES*SCORE_WIDTH-1:0] frame,
  output logic [CLASS_WIDTH-1:0]         answer
);
  // Downwards and with >=, so that of equal scores the first stays.
  always_comb begin
    answer = CLASS_WIDTH'(CLASSES - 1);
    for (int i = CLASSES - 2; i >= 0; i--)
      if (frame[i*SCORE_WIDTH +: SCORE_WIDTH] >= frame[answer*SCORE_WIDTH +: SCORE_WIDTH]) answer = CLASS_WIDTH'(i);
  end
endmodule

module golden_binarize #(
  parameter int COLS = 1,
  parameter int BITS = 8
) (
  input  wire [8*COLS-1:0]        frame,
  input  wire [COLS*(BITS+1)-1:0] thresholds,
  output wire [COLS-1:0]          answer
);
  for (genvar j = 0; j < COLS; j++) begin : column
    assign answer[j] = frame[8*j +: BITS] >= thresholds[j*(BITS+1) +: BITS+1];
  end
endmodule

// Agreeing bits of every row; word (row fold, column fold) of the weights holds bit lane * SIMD + input.
module golden_scores #(
  parameter  int ROWS = 1,
  parameter  int COLS = 1,
  parameter  int PE   = 1,
  parameter  int SIMD = 1,
  localparam int SCORE_WIDTH = $clog2(COLS + 1)
) (
  input  wire [COLS-1:0]             frame,
  input  wire [ROWS*COLS-1:0]        weights,
  output wire [ROWS*SCORE_WIDTH-1:0] answer
);
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire [COLS-1:0] agreeing;
    for (genvar c = 0; c < COLS; c++) begin : column
      localparam int WORD = (r / PE) * (COLS / SIMD) + c / SIMD;
      assign agreeing[c] = frame[c] == weights[WORD*PE*SIMD + (r % PE)*SIMD + c % SIMD];
    end
    assign answer[r*SCORE_WIDTH +: SCORE_WIDTH] = SCORE_WIDTH'($countones(agreeing));
  end
endmodule

// `starts` are negated thresholds; the answer is free where one lies outside 0 .. COLS + 1, which no memory file does.
module golden_mvtu #(
  parameter  int ROWS = 1,
  parameter  int COLS = 1,
  parameter  int PE   = 1,
  parameter  int SIMD = 1,
  localparam int SCORE_WIDTH = $clog2(COLS + 1),
  localparam int ACC_WIDTH   = SCORE_WIDTH + 1
) (
  input  wire [COLS-1:0]           frame,
  input  wire [ROWS*COLS-1:0]      weights,
  input  wire [ROWS*ACC_WIDTH-1:0] starts,
  output wire [ROWS-1:0]           answer,
  output wire                      legal
);
  wire [ROWS*SCORE_WIDTH-1:0] score;
  wire [ROWS-1:0]             in_range;
  assign legal = &in_range;

  golden_scores #(.ROWS(ROWS), .COLS(COLS), .PE(PE), .SIMD(SIMD)) sums (.frame, .weights, .answer(score));
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire [ACC_WIDTH-1:0] threshold = -starts[r*ACC_WIDTH +: ACC_WIDTH];
    assign answer[r]   = {1'b0, score[r*SCORE_WIDTH +: SCORE_WIDTH]} >= threshold;
    assign in_range[r] = threshold <= ACC_WIDTH'(COLS + 1);
  end
endmodule
`default_nettype wire
