`default_nettype none
// The scores of all members of a net added, PE classes at a time, and beside each sum how far the members lie apart.
//
//   sum[c]    = sum of score[k][c] over the PASSES members k           c = 0 .. CLASSES-1
//   spread[c] = highest - lowest score[k][c]
//
// In: member after member, CLASSES/PE beats of PE scores, BITS each. Out: CLASSES/PE beats of PE sums, SUM_BITS each with
// their spread above, BITS more. Ready passes through while the output holds a beat.
module pass_sum #(
  parameter  int CLASSES  = 4,
  parameter  int PASSES   = 2,                     // two at least
  parameter  int PE       = 2,
  parameter  int BITS     = 3,                     // of a member's score
  parameter  int SUM_BITS = 4,                     // of the highest score, PASSES times
  localparam int FOLDS      = CLASSES / PE,
  localparam int FOLD_WIDTH = FOLDS > 1 ? $clog2(FOLDS) : 1,
  localparam int PASS_WIDTH = $clog2(PASSES),
  localparam int M_BITS     = SUM_BITS + BITS,
  localparam int HELD       = SUM_BITS + 2 * BITS
) (
  input  wire                 clk,
  input  wire                 rst,                 // synchronous, control only
  input  wire  [PE*BITS-1:0]   s_axis_tdata,
  input  wire                 s_axis_tvalid,
  output wire                 s_axis_tready,
  output wire  [PE*M_BITS-1:0] m_axis_tdata,
  output logic                m_axis_tvalid,
  input  wire                 m_axis_tready
);
  logic [FOLD_WIDTH-1:0] fold;
  logic [PASS_WIDTH-1:0] pass;

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  wire take       = s_axis_tvalid && s_axis_tready;
  wire first_pass = pass == '0;
  wire last_pass  = pass == PASS_WIDTH'(PASSES - 1);
  wire last_fold  = fold == FOLD_WIDTH'(FOLDS - 1);

  for (genvar p = 0; p < PE; p++) begin : lane
    // What the members so far have said of each class, the class whose turn it is lowest: classes come in a circle. Nobody
    // clears it, the first member overwrites it. What was written last is what leaves.
    logic [FOLDS*HELD-1:0] held;
    wire  [SUM_BITS-1:0]   sum;
    wire  [BITS-1:0]       highest, lowest;
    assign {highest, lowest, sum} = held[HELD-1:0];

    wire  [BITS-1:0]       score = s_axis_tdata[p*BITS +: BITS];
    // Subtractions: synthesis puts them on the carry chain, and comparisons on several LUTs in a row.
    wire  [BITS:0]         above = {1'b0, highest} - {1'b0, score};
    wire  [BITS:0]         below = {1'b0, score} - {1'b0, lowest};
    wire  [SUM_BITS-1:0]   sum_d     = (first_pass ? '0 : sum) + SUM_BITS'(score);
    wire  [BITS-1:0]       highest_d = first_pass || above[BITS] ? score : highest;
    wire  [BITS-1:0]       lowest_d  = first_pass || below[BITS] ? score : lowest;
    wire                   unused = &{1'b0, above[BITS-1:0], below[BITS-1:0]};

    always_ff @(posedge clk)
      if (take) held <= (FOLDS*HELD)'({highest_d, lowest_d, sum_d, held} >> HELD);

    wire  [HELD-1:0]       latest = held[(FOLDS-1)*HELD +: HELD];
    assign m_axis_tdata[p*M_BITS +: M_BITS] = {
      latest[SUM_BITS + BITS +: BITS] - latest[SUM_BITS +: BITS], latest[SUM_BITS-1:0]
    };
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= take && last_pass;
    if (take) begin
      fold <= last_fold ? '0 : fold + 1'b1;
      if (last_fold) pass <= last_pass ? '0 : pass + 1'b1;
    end
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      fold          <= '0;
      pass          <= '0;
    end
  end

  initial if (CLASSES % PE != 0) $fatal(1, "pass_sum: PE=%0d does not divide CLASSES=%0d", PE, CLASSES);
endmodule
`default_nettype wire
