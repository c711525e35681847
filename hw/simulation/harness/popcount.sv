`default_nettype none
// What `rtl/popcount.sv` counts, in one word: a processor counts 64 ones at once, and leaves are for LUTs. The library tier
// simulates this in its place; `tests/hw/simulation/test_stand_in.py` proves that no cycle tells them apart.
module popcount #(
  parameter  int WIDTH = 8,
  localparam int COUNT_WIDTH = $clog2(WIDTH + 1)
) (
  input  wire                    clk,
  input  wire                    enable,
  input  wire  [WIDTH-1:0]       bits,
  output logic [COUNT_WIDTH-1:0] count             // of the bits at the last enabled edge but one
);
  logic [WIDTH-1:0] row;
  always_ff @(posedge clk)
    if (enable) begin
      row   <= bits;
      count <= COUNT_WIDTH'($countones(row));
    end
endmodule
`default_nettype wire
