`default_nettype none
// What the stages of a net of members must answer.

// A frame of ROWS sums, each against a threshold of its own.
module golden_thresholding #(
  parameter int ROWS  = 1,
  parameter int WIDTH = 1
) (
  input  wire [ROWS*WIDTH-1:0] frame,
  input  wire [ROWS*WIDTH-1:0] thresholds,
  output wire [ROWS-1:0]       answer
);
  for (genvar r = 0; r < ROWS; r++) begin : row
    assign answer[r] = frame[r*WIDTH +: WIDTH] >= thresholds[r*WIDTH +: WIDTH];
  end
endmodule

// A frame of the scores of PASSES members, one member after the other.
module golden_pass_sum #(
  parameter  int CLASSES  = 1,
  parameter  int PASSES   = 1,
  parameter  int BITS     = 1,
  parameter  int SUM_BITS = 1,
  localparam int M_BITS   = SUM_BITS + BITS
) (
  input  wire [PASSES*CLASSES*BITS-1:0] frame,
  output wire [CLASSES*M_BITS-1:0]      answer
);
  for (genvar c = 0; c < CLASSES; c++) begin : one
    logic [SUM_BITS-1:0] sum;
    logic [BITS-1:0]     highest, lowest, score;
    always_comb begin
      sum     = '0;
      highest = '0;
      lowest  = '1;
      for (int k = 0; k < PASSES; k++) begin
        score   = frame[(k*CLASSES + c)*BITS +: BITS];
        sum     = sum + SUM_BITS'(score);
        highest = score > highest ? score : highest;
        lowest  = score < lowest ? score : lowest;
      end
    end
    assign answer[c*M_BITS +: M_BITS] = {highest - lowest, sum};
  end
endmodule

module golden_argmax_spread #(
  parameter  int CLASSES      = 2,
  parameter  int SCORE_WIDTH  = 1,
  parameter  int SPREAD_WIDTH = 1,
  parameter  int TOTAL_WIDTH  = 1,
  localparam int CLASS_WIDTH  = CLASSES > 1 ? $clog2(CLASSES) : 1,
  localparam int WIDTH        = SPREAD_WIDTH + SCORE_WIDTH
) (
  input  wire [CLASSES*WIDTH-1:0]           frame,
  output wire [TOTAL_WIDTH+CLASS_WIDTH-1:0] answer
);
  logic [CLASSES*SCORE_WIDTH-1:0] scores;
  logic [TOTAL_WIDTH-1:0]         total;
  always_comb begin
    total = '0;
    for (int c = 0; c < CLASSES; c++) begin
      scores[c*SCORE_WIDTH +: SCORE_WIDTH] = frame[c*WIDTH +: SCORE_WIDTH];
      total = total + TOTAL_WIDTH'(frame[c*WIDTH + SCORE_WIDTH +: SPREAD_WIDTH]);
    end
  end
  golden_argmax #(.CLASSES(CLASSES), .SCORE_WIDTH(SCORE_WIDTH)) winner (
    .frame(scores), .answer(answer[CLASS_WIDTH-1:0])
  );
  assign answer[CLASS_WIDTH +: TOTAL_WIDTH] = total;
endmodule
`default_nettype wire
