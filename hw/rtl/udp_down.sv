`default_nettype none
// Datagrams that a host sends: those for this design are kept whole, and the bytes of their bodies leave one by one.
//
//   IDENTITY, number, BODY bytes        4 bytes each, the lowest first: frames
//   0, number                           HELLO: who is here?
//
// In: 4 bytes a beat, the lowest first; with every beat `length` of the whole and `ip` of its sender, with the last `s_axis_error`.
// No beat waits: what is damaged, for another design, or finds no place among SLOTS, is lost whole. Out: the bytes; and of
// the datagram that is to be answered next, while there is one, what its answer needs, until the answer has `left`, which
// none may before the datagram's last byte has.
module udp_down #(
  parameter  logic [31:0] IDENTITY = 32'h0,
  parameter  int          BODY     = 8,            // bytes
  parameter  int          SLOTS    = 2,            // a power of two
  localparam int          BYTES       = BODY + 8,
  localparam int          WORDS       = (BYTES + 3) / 4,
  localparam int          PLACE_WIDTH = $clog2(4 * WORDS),
  localparam int          AT_WIDTH    = PLACE_WIDTH - 2,
  localparam int          SLOT_WIDTH  = $clog2(SLOTS)
) (
  input  wire         clk,
  input  wire         rst,                         // synchronous, control only
  input  wire  [31:0] s_axis_tdata,
  input  wire         s_axis_tvalid,
  input  wire         s_axis_tlast,
  input  wire         s_axis_error,
  input  wire  [15:0] length,
  input  wire  [31:0] ip,
  output wire         asked,
  output wire         asked_hello,
  output wire  [31:0] asked_number,
  output wire  [31:0] asked_ip,
  input  wire         left,
  output wire  [7:0]  m_axis_tdata,
  output logic        m_axis_tvalid,
  input  wire         m_axis_tready
);
  // Slots are filled, read and answered in turn; one bit more, so that all of them full are not all of them empty.
  logic [SLOT_WIDTH:0] filling, reading, answering;
  wire [SLOT_WIDTH-1:0] fill = filling[SLOT_WIDTH-1:0], read = reading[SLOT_WIDTH-1:0], answer = answering[SLOT_WIDTH-1:0];

  logic [SLOTS-1:0] hello;
  logic [31:0]      number_of [0:SLOTS-1];
  logic [31:0]      ip_of     [0:SLOTS-1];
  assign asked        = answering != filling;
  assign asked_hello  = hello[answer];
  assign asked_number = number_of[answer];
  assign asked_ip     = ip_of[answer];

  // What comes in: one that is longer than a slot goes round in it, and is not taken for its length.
  logic [AT_WIDTH-1:0] at;
  logic                ours, asks, had_room;
  wire first = at == '0;
  wire room  = first ? filling != (answering ^ {1'b1, SLOT_WIDTH'(0)}) : had_room;
  wire write = s_axis_tvalid && room;
  wire whole = ours && length == 16'(BYTES) && at == AT_WIDTH'(WORDS - 1);
  wire takes = write && s_axis_tlast && !s_axis_error && (whole || (asks && length == 16'd8 && at == AT_WIDTH'(1)));

  always_ff @(posedge clk) begin
    if (s_axis_tvalid && first) begin
      ours     <= s_axis_tdata == IDENTITY;
      asks     <= s_axis_tdata == '0;
      had_room <= room;
    end
    if (write && first)              ip_of[fill] <= ip;
    if (write && at == AT_WIDTH'(1)) number_of[fill] <= s_axis_tdata;
    if (takes)                       hello[fill] <= asks;
  end

  // What goes out: from byte 8 of a slot, in the cycle after its word was read.
  logic [PLACE_WIDTH-1:0] place;
  wire moves = m_axis_tvalid && m_axis_tready;
  wire ends  = moves && place == PLACE_WIDTH'(BYTES - 1);
  wire some  = reading != filling;
  wire skips = some && hello[read];
  wire [PLACE_WIDTH-1:0] next = ends ? PLACE_WIDTH'(8) : place + PLACE_WIDTH'(moves);

  (* no_rw_check *) logic [31:0] memory [0:(SLOTS << AT_WIDTH)-1];
  logic [31:0] word;
  always_ff @(posedge clk) begin
    if (write) memory[{fill, at}] <= s_axis_tdata;
    word <= memory[{read, next[PLACE_WIDTH-1:2]}];
  end
  assign m_axis_tdata = word[8*place[1:0] +: 8];

  always_ff @(posedge clk) begin
    if (s_axis_tvalid) at        <= s_axis_tlast ? '0 : at + 1'b1;
    if (takes)         filling   <= filling + 1'b1;
    if (ends || skips) reading   <= reading + 1'b1;
    if (left)          answering <= answering + 1'b1;
    place         <= next;
    m_axis_tvalid <= some && !ends && !skips;
    if (rst) begin
      at            <= '0;
      filling       <= '0;
      reading       <= '0;
      answering     <= '0;
      place         <= PLACE_WIDTH'(8);
      m_axis_tvalid <= 1'b0;
    end
  end

  initial if (SLOTS < 2 || SLOTS != 1 << SLOT_WIDTH) $fatal(1, "udp_down: SLOTS=%0d is no power of two above 1", SLOTS);
endmodule
`default_nettype wire
