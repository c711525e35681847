`default_nettype none
// SIMD weights times SIMD levels, summed: a popcount for every pair of a weight's bit and a level's bit.
//
//   count = sum over planes w, x of 2^(w + x) * popcount(pairs[w][x]), two enabled edges later
//
// The pairs of a one-bit weight, which is +1 or -1, agree or not: a level counts for +1 and what it lacks to the highest
// for -1. Those of a weight in two's complement are both one; in the plane of its sign, not both, for it counts against:
// the count is SIMD * 2^(W_BITS - 1) * (2^X_BITS - 1) more than the sum. Bits come plane by plane, the lowest first.
module planes #(
  parameter  int SIMD   = 4,
  parameter  int W_BITS = 1,
  parameter  int X_BITS = 1,
  localparam int PLANES      = W_BITS * X_BITS,
  localparam int PLANE_WIDTH = $clog2(SIMD + 1),
  localparam int COUNT_WIDTH = $clog2(SIMD * ((1 << W_BITS) - 1) * ((1 << X_BITS) - 1) + 1)
) (
  input  wire                    clk,
  input  wire                    enable,
  input  wire  [W_BITS*SIMD-1:0] weight,
  input  wire  [X_BITS*SIMD-1:0] level,
  output wire  [COUNT_WIDTH-1:0] count
);
  for (genvar i = 0; i < PLANES; i++) begin : plane
    wire  [SIMD-1:0]        w = weight[i / X_BITS * SIMD +: SIMD];
    wire  [SIMD-1:0]        x = level[i % X_BITS * SIMD +: SIMD];
    wire  [SIMD-1:0]        pairs;
    wire  [PLANE_WIDTH-1:0] ones;
    wire  [COUNT_WIDTH-1:0] sum;

    if (W_BITS == 1) begin : sign
      assign pairs = ~(w ^ x);
    end else if (i / X_BITS == W_BITS - 1) begin : highest
      assign pairs = ~(w & x);
    end else begin : lower
      assign pairs = w & x;
    end

    popcount #(.WIDTH(SIMD)) agreeing (.clk, .enable, .bits(pairs), .count(ones));

    if (i == 0) begin : head
      assign sum = COUNT_WIDTH'(ones);
    end else begin : chain
      assign sum = plane[i-1].sum + (COUNT_WIDTH'(ones) << (i / X_BITS + i % X_BITS));
    end
  end
  assign count = plane[PLANES-1].sum;
endmodule
`default_nettype wire
