`default_nettype none
// Index of the largest score, one frame a cycle: a knock-out tree with a register behind every round. The first maximum
// wins, because the right one of a pair must be greater to go on.
//
// In: one beat of CLASSES scores, class 0 lowest. Out: one beat, the class. Ready passes through while the output holds
// a class.
module argmax_tree #(
  parameter  int CLASSES     = 10,
  parameter  int SCORE_WIDTH = 7,
  localparam int CLASS_WIDTH = $clog2(CLASSES),    // and the number of rounds
  localparam int SLOTS       = 1 << CLASS_WIDTH
) (
  input  wire                            clk,
  input  wire                            rst,      // synchronous, control only
  input  wire  [CLASSES*SCORE_WIDTH-1:0] s_axis_tdata,
  input  wire                            s_axis_tvalid,
  output wire                            s_axis_tready,
  output wire  [CLASS_WIDTH-1:0]         m_axis_tdata,
  output wire                            m_axis_tvalid,
  input  wire                            m_axis_tready
);
  logic [CLASS_WIDTH-1:0] valid;                   // by round

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  assign m_axis_tvalid = valid[CLASS_WIDTH-1];

  always_ff @(posedge clk) begin
    if (s_axis_tready) valid <= CLASS_WIDTH'({valid, s_axis_tvalid});
    if (rst)           valid <= '0;
  end

  // Numbered as a heap: node n plays 2n against 2n + 1, and the scores come in at the nodes from SLOTS on. Empty slots
  // stand right of all classes with score 0, so they never win.
  for (genvar n = 2*SLOTS - 1; n > 0; n--) begin : node
    logic [SCORE_WIDTH-1:0] score;
    logic [CLASS_WIDTH-1:0] index;

    if (n >= SLOTS + CLASSES) begin : empty
      assign score = '0;
      assign index = '0;
    end else if (n >= SLOTS) begin : leaf
      assign score = s_axis_tdata[(n - SLOTS)*SCORE_WIDTH +: SCORE_WIDTH];
      assign index = CLASS_WIDTH'(n - SLOTS);
    end else begin : match
      // A subtraction: synthesis puts it on the carry chain, and a comparison on several LUTs in a row.
      wire [SCORE_WIDTH:0] lead    = {1'b0, node[2*n].score} - {1'b0, node[2*n+1].score};
      wire                 greater = lead[SCORE_WIDTH];         // the right one
      wire                 unused  = &{1'b0, lead[SCORE_WIDTH-1:0]};

      always_ff @(posedge clk)
        if (s_axis_tready) begin
          score <= greater ? node[2*n+1].score : node[2*n].score;
          index <= greater ? node[2*n+1].index : node[2*n].index;
        end
    end
  end
  assign m_axis_tdata = node[1].index;
  wire unused = &{1'b0, node[1].score};

  initial if (CLASSES < 2) $fatal(1, "argmax_tree: CLASSES=%0d leave nothing to choose", CLASSES);
endmodule
`default_nettype wire
