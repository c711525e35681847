`default_nettype none
// The accumulators of one binary dense layer, all at once: every weight a constant that synthesis folds into the logic.
//
//   accumulator[r] = start[r] + popcount(~(weight[r] ^ x))      r = 0 .. ROWS-1
//
// In: one beat of COLS inputs. Out: one beat of ROWS accumulators, a cycle later. One frame a cycle. Bit 0 of a beat is
// the lowest index. Ready passes through from the output: whoever instantiates this puts a skid behind.
module unrolled #(
  parameter  int ROWS = 4,
  parameter  int COLS = 8,
  parameter  int GROUP = 128,                      // inputs counted in front of the register row
  parameter  int ACC_WIDTH = 4,
  parameter  int START = 0,                        // 1: accumulators start at STARTS, 0: at zero
  parameter      WEIGHTS = "",                     // one word of ROWS * COLS bits, row 0 lowest
  parameter      STARTS  = "",                     // one word of ROWS * ACC_WIDTH bits
  localparam int LEAF   = 3,
  localparam int GROUPS = (COLS + GROUP - 1) / GROUP,
  localparam int LEAVES = (GROUP + LEAF - 1) / LEAF             // of a group
) (
  input  wire                       clk,
  input  wire                       rst,           // synchronous, control only
  input  wire  [COLS-1:0]           s_axis_tdata,
  input  wire                       s_axis_tvalid,
  output wire                       s_axis_tready,
  output wire  [ROWS*ACC_WIDTH-1:0] m_axis_tdata,
  output logic                      m_axis_tvalid,
  input  wire                       m_axis_tready
);
  logic [ROWS*COLS-1:0] weights [0:0];             // nobody writes: to synthesis its bits are constants
  initial if (WEIGHTS != "") begin
    $readmemh(WEIGHTS, weights);
`ifndef SYNTHESIS
    if (^weights[0] === 1'bx) $fatal(1, "%0s is missing or too short", WEIGHTS);
`endif
  end

  wire [ROWS*ACC_WIDTH-1:0] start;
  if (START != 0) begin : biased
    logic [ROWS*ACC_WIDTH-1:0] starts [0:0];
    initial if (STARTS != "") begin
      $readmemh(STARTS, starts);
`ifndef SYNTHESIS
      if (^starts[0] === 1'bx) $fatal(1, "%0s is missing or too short", STARTS);
`endif
    end
    assign start = starts[0];
  end else begin : plain
    assign start = '0;
  end

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid;
    if (rst)           m_axis_tvalid <= 1'b0;
  end

  for (genvar r = 0; r < ROWS; r++) begin : row
    wire [COLS-1:0] agree = ~(weights[0][r*COLS +: COLS] ^ s_axis_tdata);

    for (genvar g = 0; g < GROUPS; g++) begin : group
      localparam int SIZE  = COLS - g*GROUP < GROUP ? COLS - g*GROUP : GROUP;
      localparam int WIDTH = g == 0 ? ACC_WIDTH : $clog2(SIZE + 1);
      wire [LEAVES*LEAF-1:0] bits = (LEAVES*LEAF)'(agree[g*GROUP +: SIZE]);

      // Kept, so that synthesis does not take the leaves apart: of the same three inputs there are only four counts, up
      // to inversion, and it shares them between the rows. Worth 13 % of the LUTs on iCE40.
      (* keep *) wire [2*LEAVES-1:0] leaves;
      for (genvar l = 0; l < LEAVES; l++) begin : leaf
        wire [WIDTH-1:0] sum;
        assign leaves[2*l +: 2] = 2'($countones(bits[l*LEAF +: LEAF]));
        if (l == 0) begin : head
          // With the start in front of the registers a row of one group leaves nothing behind them but its sign.
          assign sum = (g == 0 ? WIDTH'(start[r*ACC_WIDTH +: ACC_WIDTH]) : '0) + WIDTH'(leaves[1:0]);
        end else begin : chain
          assign sum = leaf[l-1].sum + WIDTH'(leaves[2*l +: 2]);
        end
      end

      logic [WIDTH-1:0] ones;
      always_ff @(posedge clk) if (s_axis_tready) ones <= leaf[LEAVES-1].sum;

      wire [ACC_WIDTH-1:0] total;
      if (g == 0) begin : head
        assign total = ones;
      end else begin : chain
        assign total = group[g-1].total + ACC_WIDTH'(ones);
      end
    end
    assign m_axis_tdata[r*ACC_WIDTH +: ACC_WIDTH] = group[GROUPS-1].total;
  end
endmodule
`default_nettype wire
