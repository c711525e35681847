`timescale 1ps/1ps
// The top of a board with Ethernet, its PHY at the pins: bytes of frames to rx, those of tx written down.
//
// rx.mem: a byte in bits 7:0, bit 8 with it; without, a pause of so many cycles of 8 ns.
module bench;
  parameter int COUNT = 1;
  logic [15:0] rx [0:COUNT-1];
  initial $readmemh("rx.mem", rx);
  logic clk = 0, rx_clk = 0, rx_ctl = 0;
  logic [3:0] rx_data = 0;
  wire tx_clk, tx_ctl, mdc, mdio, rst_n, led0;
  wire [3:0] tx_data;
  always #20000 clk = !clk;                        // 25 MHz; the PLL below makes 45 of it
  always #4000 rx_clk = !rx_clk;
  TOP top (.clk, .rx_clk, .rx_ctl, .rx_data, .tx_clk, .tx_ctl, .tx_data, .mdc, .mdio, .rst_n, .led0);

  // The PHY's clock edges lie in the middle of what they read: IDDRX1F takes them as they are.
  integer at, wait_left, file;
  initial begin
    file = $fopen("tx.txt");
    #3000000;
    for (at = 0; at < COUNT; at = at + 1)
      if (rx[at][8]) begin
        @(negedge rx_clk) #2000 rx_ctl = 1; rx_data = rx[at][3:0];
        @(posedge rx_clk) #2000 rx_data = rx[at][7:4];
      end else begin
        @(negedge rx_clk) #2000 rx_ctl = 0; rx_data = 4'hD;
        repeat (rx[at][7:0] * 16) @(posedge rx_clk);
      end
    $fclose(file);
    $finish;
  end
  // As the core's registers have it: a byte a cycle of its clock, which is that of rx.
  logic sends = 0;
  always @(posedge rx_clk) begin
    #1;
    if (top.ethernet.ODDRX1F_1.D0) $fwrite(file, "%02x", {
      top.ethernet.ODDRX1F_5.D1, top.ethernet.ODDRX1F_4.D1, top.ethernet.ODDRX1F_3.D1, top.ethernet.ODDRX1F_2.D1,
      top.ethernet.ODDRX1F_5.D0, top.ethernet.ODDRX1F_4.D0, top.ethernet.ODDRX1F_3.D0, top.ethernet.ODDRX1F_2.D0});
    else if (sends) $fwrite(file, "\n");
    sends <= top.ethernet.ODDRX1F_1.D0;
  end
endmodule

module EHXPLLL #(
  parameter FEEDBK_PATH = "", CLKOP_ENABLE = "", CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_DIV = 1, CLKOP_CPHASE = 0
) (
  input CLKI, CLKFB, RST, STDBY, PLLWAKESYNC, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, ENCLKOP,
  output reg CLKOP, output reg LOCK
);
  initial {CLKOP, LOCK} = 2'b00;
  always #(20000.0 * CLKI_DIV / CLKFB_DIV) CLKOP = !CLKOP;
  initial #200000 LOCK = 1;
endmodule
module DELAYG #(parameter DEL_MODE = "", DEL_VALUE = 0) (input A, output Z);
  assign Z = A;
endmodule
module IDDRX1F (input D, SCLK, RST, output reg Q0, output reg Q1);
  reg rising, falling;
  initial {Q0, Q1, rising, falling} = 4'b0000;
  always @(posedge SCLK) begin
    Q0 <= rising;
    Q1 <= falling;
  end
  // The clock's rising edge reads the low half, its falling edge the high one; both leave with the next rising one.
  always @(posedge SCLK) rising <= D;
  always @(negedge SCLK) falling <= D;
endmodule
module ODDRX1F (input D0, D1, SCLK, RST, output Q);
  assign Q = SCLK ? D0 : D1;
endmodule
module FD1S3BX (input D, CK, PD, output reg Q);
  initial Q = 1;
  always @(posedge CK or posedge PD) Q <= PD ? 1'b1 : D;
endmodule
module TRELLIS_IO #(parameter DIR = "") (input B, I, T, output O);  // MDIO, which nobody uses
  assign O = B;
endmodule
