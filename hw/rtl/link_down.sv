`default_nettype none
// The frames that a host sends: from the pin of a UART to the bytes of a frame, checked as they pass.
//
//   7E, BODY bytes, CRC-16/X-25 of them, lowest byte first
//   3E                                              HELLO: everything begins anew
//
// Before a frame all else is skipped, so BODY + 2 zeros end whatever was under way; after a reset a frame is. The CRC begins at ~SEED ^ `received`:
// a frame for another design, or out of its place, is damaged. A damaged frame passes like any other and is counted in
// `damaged`: answers never shift.
// A byte waits for `m_axis_tready` until the next one begins. One that is lost makes its frame damaged, and those behind
// it shift: whoever sees `damaged` says HELLO.
module link_down #(
  parameter  int          DIVIDER = 4,             // cycles a bit
  parameter  int          BODY    = 8,             // bytes of a frame
  parameter  logic [15:0] SEED    = 16'h0000,
  localparam int          LEFT_WIDTH = BODY > 4 ? $clog2(BODY) + 1 : 3
) (
  input  wire        clk,
  input  wire        rst,                          // synchronous, control only
  input  wire        rx,
  output logic       hello,                        // after a reset, too
  output logic [5:0] received,                     // frames since HELLO, modulo 64
  output logic [1:0] damaged,                       // damaged ones among them; 3 are 3 or more
  output wire  [7:0] m_axis_tdata,
  output logic       m_axis_tvalid,
  input  wire        m_axis_tready
);
  wire begins, bit_valid, bit_value, byte_valid;
  uart_rx #(.DIVIDER(DIVIDER)) receiver (
    .clk, .rst(hello), .rx, .begins, .bit_valid, .bit_value, .byte_valid, .data(m_axis_tdata)
  );

  // Bytes of the body that follow the one under way; then -1 and -2 with the two of the CRC, and -3 between frames.
  logic [LEFT_WIDTH-1:0] left;
  wire body    = !left[LEFT_WIDTH-1];
  wire between = !body && !left[1];
  wire ends    = byte_valid && !body && !left[0];

  logic [15:0] crc;
  logic        bad;
  wire differs  = bit_value ^ crc[0];
  wire feedback = differs && body;
  wire lost     = begins && m_axis_tvalid && !m_axis_tready;
  wire worse    = ends && bad;

  always_ff @(posedge clk)
    if (between)        crc <= ~SEED ^ {10'b0, received};
    else if (bit_valid) crc <= {1'b0, crc[15:1]} ^ (feedback ? 16'h8408 : 16'h0000);

  // 7E and 3E are alike but for one bit.
  wire named = byte_valid && between && !m_axis_tdata[7] && m_axis_tdata[5:0] == 6'h3E;
  wire start = named && m_axis_tdata[6];

  always_ff @(posedge clk) begin
    hello         <= rst || (named && !m_axis_tdata[6]);
    bad           <= !between && (bad || lost || (bit_valid && !body && !differs));
    m_axis_tvalid <= !hello && ((byte_valid && body) || (m_axis_tvalid && !m_axis_tready));
    damaged[0]     <= !hello && (damaged[0] != worse || (damaged[1] && damaged[0]));
    damaged[1]     <= !hello && (damaged[1] || (damaged[0] && worse));
    if (byte_valid && !between) left <= left - 1'b1;
    if (start || rst)           left <= LEFT_WIDTH'(BODY - 1);
    if (ends)                   received <= received + 1'b1;
    if (hello)                  received <= '0;
  end
endmodule
`default_nettype wire
