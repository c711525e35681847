`default_nettype none
// Number of ones, with one register row behind the leaves.
//
// Leaves of LEAF bits: three LUT6 each on 7-series, and a length that every simulator counts in one step.
module popcount #(
  parameter  int WIDTH = 8,
  localparam int LEAF        = 6,
  localparam int LEAF_WIDTH  = 3,
  localparam int LEAVES      = (WIDTH + LEAF - 1) / LEAF,
  localparam int COUNT_WIDTH = $clog2(WIDTH + 1)
) (
  input  wire                    clk,
  input  wire                    enable,
  input  wire  [WIDTH-1:0]       bits,
  output logic [COUNT_WIDTH-1:0] count             // of the bits at the last enabled edge
);
  wire  [LEAVES*LEAF-1:0]       padded = {{(LEAVES*LEAF - WIDTH){1'b0}}, bits};
  logic [LEAVES*LEAF_WIDTH-1:0] leaves;

  for (genvar i = 0; i < LEAVES; i++) begin : leaf
    always_ff @(posedge clk)
      if (enable) leaves[i*LEAF_WIDTH +: LEAF_WIDTH] <= LEAF_WIDTH'($countones(padded[i*LEAF +: LEAF]));
  end

  // A plain loop on purpose: synthesis balances it into compressors better than a hand-written adder tree.
  always_comb begin
    count = '0;
    for (int i = 0; i < LEAVES; i++) count = count + COUNT_WIDTH'(leaves[i*LEAF_WIDTH +: LEAF_WIDTH]);
  end
endmodule
`default_nettype wire
