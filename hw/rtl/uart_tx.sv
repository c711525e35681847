`default_nettype none
// UART transmitter, 8N1: DIVIDER clock cycles a bit. It asks for a byte bit by bit, so that nobody keeps one for it.
//
// A byte begins while `valid` and takes ten bits, without a pause to the next one. `value` is bit `index` of it, stable
// while `index` is; `taken` in the last cycle of each, so that a byte is sent when its bit 7 is taken.
module uart_tx #(
  parameter  int DIVIDER = 4,
  localparam int WAIT_WIDTH = $clog2(DIVIDER)
) (
  input  wire        clk,
  input  wire        rst,                          // synchronous, control only
  input  wire        valid,
  input  wire        value,
  output wire  [2:0] index,
  output wire        taken,
  output wire        begins,                       // a byte, with the next cycle
  output logic       tx
);
  logic [WAIT_WIDTH-1:0] left;                     // cycles of the bit
  logic [3:0]            place;                    // 0 the stop bit and a pause, 7 the start bit, 8 .. 15 the data

  wire last = left == '0;
  wire stop = !place[3] && !place[0];
  assign index  = place[2:0];
  assign taken  = last && place[3];
  assign begins = last && stop && valid;

  always_ff @(posedge clk) begin
    left <= last ? WAIT_WIDTH'(DIVIDER - 1) : left - 1'b1;
    tx   <= place[3] ? value : !place[0];
    if (last && (!stop || valid)) begin
      // Counting without a carry chain, which four bits are too short for.
      place[0] <= !place[0];
      place[1] <= stop || place[1] != place[0];
      place[2] <= stop || place[2] != &place[1:0];
      place[3] <= !stop && place[3] != &place[2:0];
    end
    if (rst) begin
      tx    <= 1'b1;
      place <= '0;
      left  <= '0;
    end
  end
endmodule
`default_nettype wire
