`default_nettype none
// UART receiver, 8N1: DIVIDER clock cycles a bit, each sampled in its middle.
//
// The bits of a byte are told as they come, lowest first, and the byte in the middle of its stop bit; a stop bit that is
// none is not told, for whoever listens checks what he hears. `data` stays until the next byte begins.
module uart_rx #(
  parameter  int DIVIDER = 4,
  localparam int FIRST      = DIVIDER + DIVIDER / 2,   // from a start bit's edge to the middle of the first data bit
  localparam int WAIT_WIDTH = $clog2(FIRST)
) (
  input  wire        clk,
  input  wire        rst,                          // synchronous, control only
  input  wire        rx,
  output wire        begins,                       // a byte, in this cycle
  output wire        bit_valid,
  output wire        bit_value,
  output wire        byte_valid,
  output wire  [7:0] data
);
  logic [1:0]            line;                     // two flip-flops against metastability
  logic                  busy;
  logic [WAIT_WIDTH-1:0] left;                     // cycles to the next sample
  logic [8:0]            shift;                    // the byte behind a one, which arrives in bit 0 with the last bit

  wire sample = busy && left == '0;
  assign begins     = !busy && !line[1];
  assign bit_value  = line[1];
  assign bit_valid  = sample && !shift[0];
  assign byte_valid = sample && shift[0];
  assign data       = shift[8:1];

  always_ff @(posedge clk) begin
    line <= {line[0], rx};
    left <= begins ? WAIT_WIDTH'(FIRST - 1) : left == '0 ? WAIT_WIDTH'(DIVIDER - 1) : left - 1'b1;
    if (begins)         shift <= 9'b1_0000_0000;
    else if (bit_valid) shift <= {line[1], shift[8:1]};
    busy <= !rst && (busy ? !byte_valid : !line[1]);
  end

  initial if (DIVIDER < 4) $fatal(1, "uart_rx: DIVIDER=%0d leaves no middle of a bit; 4 is the least", DIVIDER);
endmodule
`default_nettype wire
