`default_nettype none
// The answers that a host gets: bytes of a stream, framed and checked, to the pin of a UART.
//
//   7E, bytes up to TLAST, CRC-16/X-25 of them, lowest byte first    an answer
//   7E, SEED, lowest byte first                                       after HELLO: who is here
//
// The CRC begins at ~SEED ^ {8'b0, damaged, answered}, from which the host knows the number of the answer modulo 64, and
// how many frames were damaged, from the first to at least the one that is answered: an answer waits until its frame is
// received. The bytes of an answer have to follow its first one without a pause.
module link_up #(
  parameter  int          DIVIDER = 4,             // cycles a bit
  parameter  logic [15:0] SEED    = 16'h0000
) (
  input  wire        clk,
  input  wire        rst,                          // synchronous, control only
  input  wire        hello,                        // after a reset, too
  input  wire  [5:0] received,
  input  wire  [1:0] damaged,
  input  wire  [7:0] s_axis_tdata,
  input  wire        s_axis_tvalid,
  output wire        s_axis_tready,
  input  wire        s_axis_tlast,
  output logic [5:0] answered,                     // the number of the next answer, modulo 64
  output wire        tx
);
  logic        greets;                             // HELLO is to be answered
  logic        sync, body, check, high;            // which bytes of a frame are under way; the second of its CRC
  logic [15:0] crc;

  wire busy = body || check;                       // behind the first byte of a frame, before which `due` holds by itself
  wire [2:0] index;
  wire       taken, begins;
  wire value = sync ? index != 3'd0 && index != 3'd7 : body ? s_axis_tdata[index] : !crc[0];
  wire sent  = taken && index == 3'd7;             // a byte
  wire last  = body && s_axis_tlast;
  assign s_axis_tready = sent && body;

  // Two bits of each number in a LUT, whatever synthesis would rather do.
  (* keep *) wire [2:0] unlike;
  for (genvar i = 0; i < 3; i++) begin : pair
    assign unlike[i] = received[2*i +: 2] != answered[2*i +: 2];
  end
  wire due = !hello && (busy || greets || (s_axis_tvalid && unlike != '0));

  uart_tx #(.DIVIDER(DIVIDER)) transmitter (.clk, .rst, .valid(due), .value, .index, .taken, .begins, .tx);

  wire feedback = body && (value ^ crc[0]);
  always_ff @(posedge clk)
    if (sync)       crc <= ~SEED ^ {8'b0, damaged, answered};
    else if (taken) crc <= {1'b0, crc[15:1]} ^ (feedback ? 16'h8408 : 16'h0000);

  always_ff @(posedge clk) begin
    if (begins && !busy) sync <= 1'b1;
    if (sent) begin
      sync  <= 1'b0;
      body  <= (sync && !greets) || (body && !last);
      check <= (sync && greets) || last || (check && !high);
      high  <= check && !high;
      if (high) greets <= 1'b0;
      if (high && !greets) answered <= answered + 1'b1;
    end
    // A byte under way goes to its end, for the sake of whoever receives it; what it was part of does not.
    if (hello) begin
      {sync, body, check, high} <= '0;
      greets   <= 1'b1;
      answered <= '0;
    end
  end
endmodule
`default_nettype wire
