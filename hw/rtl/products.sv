`default_nettype none
// SIMD weights times SIMD levels, summed: a product for every lane.
//
//   count = sum over lanes of weight * level, two enabled edges later
//
// A one-bit weight is +1 or -1: a level counts for +1 and what it lacks to the highest for -1. Weights of more bits are in
// two's complement, and the count is so too. Bits come lane by lane, the lowest first.
module products #(
  parameter  int SIMD   = 4,
  parameter  int W_BITS = 1,
  parameter  int X_BITS = 1,
  localparam int COUNT_WIDTH   = (W_BITS == 1 ? X_BITS : W_BITS + X_BITS) + $clog2(SIMD + 1),
  localparam int PRODUCT_WIDTH = W_BITS == 1 ? X_BITS : X_BITS == 1 ? W_BITS : W_BITS + X_BITS
) (
  input  wire                    clk,
  input  wire                    enable,
  input  wire  [W_BITS*SIMD-1:0] weight,
  input  wire  [X_BITS*SIMD-1:0] level,
  output logic [COUNT_WIDTH-1:0] count
);
  // Row 1: products; weights come from block memory, which is slow, so only a small one follows it. Row 2: their sum.
  // A sign's bit is inverted instead of extended, which adds 2^(PRODUCT_WIDTH - 1) to every product; the sum begins with
  // what that makes, negated. Up to a fifth fewer LUTs on iCE40.
  localparam logic [COUNT_WIDTH-1:0]   ADDED = W_BITS == 1 ? '0 : COUNT_WIDTH'(SIMD) << (PRODUCT_WIDTH - 1);
  localparam logic [PRODUCT_WIDTH-1:0] SIGN  = W_BITS == 1 ? '0 : PRODUCT_WIDTH'(1) << (PRODUCT_WIDTH - 1);

  for (genvar i = 0; i < SIMD; i++) begin : lane
    logic [PRODUCT_WIDTH-1:0] product;
    wire  [COUNT_WIDTH-1:0]   wide, sum;

    if (W_BITS == 1) begin : sign
      always_ff @(posedge clk) if (enable) product <= level[i*X_BITS +: X_BITS] ^ {X_BITS{~weight[i]}};
    end else if (X_BITS == 1) begin : gated
      always_ff @(posedge clk) if (enable) product <= weight[i*W_BITS +: W_BITS] & {W_BITS{level[i]}};
    end else begin : integer_weight
      wire signed [W_BITS-1:0] w = weight[i*W_BITS +: W_BITS];
      wire signed [X_BITS:0]   x = {1'b0, level[i*X_BITS +: X_BITS]};
      always_ff @(posedge clk) if (enable) product <= w * x;
    end
    assign wide = COUNT_WIDTH'(product ^ SIGN);

    if (i == 0) begin : head
      assign sum = wide - ADDED;
    end else begin : chain
      assign sum = lane[i-1].sum + wide;
    end
  end
  always_ff @(posedge clk) if (enable) count <= lane[SIMD-1].sum;
endmodule
`default_nettype wire
