`default_nettype none
// Number of ones, with one register row behind the leaves.
//
// Leaves of up to six bits: three LUT6 each on 7-series, and a length that every simulator counts in one step.
module popcount #(
  parameter  int WIDTH = 8,
  localparam int LEAF        = WIDTH < 6 ? WIDTH : 6,
  localparam int LEAF_WIDTH  = $clog2(LEAF + 1),
  localparam int LEAVES      = (WIDTH + LEAF - 1) / LEAF,
  localparam int COUNT_WIDTH = $clog2(WIDTH + 1)
) (
  input  wire                    clk,
  input  wire                    enable,
  input  wire  [WIDTH-1:0]       bits,
  output wire  [COUNT_WIDTH-1:0] count             // of the bits at the last enabled edge
);
  wire [LEAVES*LEAF-1:0] padded = {{(LEAVES*LEAF - WIDTH){1'b0}}, bits};

  // A plain chain on purpose: synthesis balances it into compressors better than a hand-written adder tree.
  for (genvar i = 0; i < LEAVES; i++) begin : leaf
    logic [LEAF_WIDTH-1:0]  ones;
    wire  [COUNT_WIDTH-1:0] sum;

    always_ff @(posedge clk) if (enable) ones <= LEAF_WIDTH'($countones(padded[i*LEAF +: LEAF]));
    if (i == 0) begin : head
      assign sum = COUNT_WIDTH'(ones);
    end else begin : chain
      assign sum = leaf[i-1].sum + COUNT_WIDTH'(ones);
    end
  end
  assign count = leaf[LEAVES-1].sum;
endmodule
`default_nettype wire
