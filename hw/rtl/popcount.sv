`default_nettype none
// Number of ones, two enabled edges later.
//
// Leaves of three bits: each bit comes of a weight and a level, and three such pairs go into two LUT6 together with their
// count. Row 1: leaves; weights come from block memory, which is slow, so nothing else follows it. Row 2: two leaves each.
module popcount #(
  parameter  int WIDTH = 8,
  localparam int LEAF         = WIDTH < 3 ? WIDTH : 3,
  localparam int LEAF_WIDTH   = $clog2(LEAF + 1),
  localparam int LEAVES       = (WIDTH + LEAF - 1) / LEAF,
  localparam int BRANCHES     = (LEAVES + 1) / 2,
  localparam int BRANCH_WIDTH = $clog2((WIDTH < 2*LEAF ? WIDTH : 2*LEAF) + 1),
  localparam int COUNT_WIDTH  = $clog2(WIDTH + 1)
) (
  input  wire                    clk,
  input  wire                    enable,
  input  wire  [WIDTH-1:0]       bits,
  output wire  [COUNT_WIDTH-1:0] count             // of the bits at the last enabled edge but one
);
  wire [LEAVES*LEAF-1:0] padded = {{(LEAVES*LEAF - WIDTH){1'b0}}, bits};

  for (genvar i = 0; i < LEAVES; i++) begin : leaf
    logic [LEAF_WIDTH-1:0] ones;
    always_ff @(posedge clk) if (enable) ones <= LEAF_WIDTH'($countones(padded[i*LEAF +: LEAF]));
  end

  // A plain chain on purpose: synthesis balances it into compressors better than a hand-written adder tree.
  for (genvar i = 0; i < BRANCHES; i++) begin : branch
    logic [BRANCH_WIDTH-1:0] ones;
    wire  [COUNT_WIDTH-1:0]  sum;

    if (2*i + 1 < LEAVES) begin : both
      always_ff @(posedge clk) if (enable) ones <= BRANCH_WIDTH'(leaf[2*i].ones) + BRANCH_WIDTH'(leaf[2*i+1].ones);
    end else begin : odd
      always_ff @(posedge clk) if (enable) ones <= BRANCH_WIDTH'(leaf[2*i].ones);
    end
    if (i == 0) begin : head
      assign sum = COUNT_WIDTH'(ones);
    end else begin : chain
      assign sum = branch[i-1].sum + COUNT_WIDTH'(ones);
    end
  end
  assign count = branch[BRANCHES-1].sum;
endmodule
`default_nettype wire
