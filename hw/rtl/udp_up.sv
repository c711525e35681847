`default_nettype none
// The answers that a host gets: BODY bytes of a stream in a datagram, behind the header of the one that is answered.
//
//   IDENTITY, number, BODY bytes        4 bytes each, the lowest first
//   IDENTITY, number                    after HELLO
//
// In: bytes, TLAST with the last of a frame; and what the next answer needs, until it has `left`. Out: 4 bytes a beat, `length`
// with each, and which of the last one's is the last. Nothing goes out before all of it is here, and then no pause is in it.
module udp_up #(
  parameter  logic [31:0] IDENTITY = 32'h0,
  parameter  int          BODY     = 4,            // bytes
  localparam int          BYTES       = BODY + 8,
  localparam int          WORDS       = (BYTES + 3) / 4,
  localparam int          PLACE_WIDTH = $clog2(4 * WORDS),
  localparam int          AT_WIDTH    = PLACE_WIDTH - 2
) (
  input  wire         clk,
  input  wire         rst,                         // synchronous, control only
  input  wire         asked,
  input  wire         asked_hello,
  input  wire  [31:0] asked_number,
  output wire         left,
  input  wire  [7:0]  s_axis_tdata,
  input  wire         s_axis_tvalid,
  output wire         s_axis_tready,
  input  wire         s_axis_tlast,
  output logic [5:0]  answered,                    // frames, modulo 64
  output wire  [31:0] m_axis_tdata,
  output logic        m_axis_tvalid,
  input  wire         m_axis_tready,
  output wire         m_axis_tlast,
  output wire  [3:0]  last_be,
  output wire  [15:0] length
);
  // Two slots: one is gathered while the other leaves.
  logic [1:0] gathering, leaving;

  logic [PLACE_WIDTH-1:0] place;
  logic [31:0]            earlier;
  wire  [31:0]            whole;                   // the word with the byte that comes now
  assign s_axis_tready = gathering != {!leaving[1], leaving[0]};
  wire moves = s_axis_tvalid && s_axis_tready;
  wire ends  = place == PLACE_WIDTH'(BYTES - 1);
  for (genvar i = 0; i < 4; i++) begin : lane
    assign whole[8*i +: 8] = place[1:0] == 2'(i) ? s_axis_tdata : earlier[8*i +: 8];
  end

  logic [AT_WIDTH-1:0] at;
  wire sent = m_axis_tvalid && m_axis_tready;
  wire [AT_WIDTH-1:0] next = at + AT_WIDTH'(sent);

  (* no_rw_check *) logic [31:0] memory [0:(2 << AT_WIDTH)-1];
  logic [31:0] word;
  always_ff @(posedge clk) begin
    if (moves) begin
      earlier <= whole;
      memory[{gathering[0], place[PLACE_WIDTH-1:2]}] <= whole;
    end
    word <= memory[{leaving[0], next}];
  end

  assign m_axis_tdata = at == '0 ? IDENTITY : at == AT_WIDTH'(1) ? asked_number : word;
  assign m_axis_tlast = at == (asked_hello ? AT_WIDTH'(1) : AT_WIDTH'(WORDS - 1));
  assign last_be      = !m_axis_tlast ? 4'b0000 : asked_hello ? 4'b1000 : 4'b0001 << ((BYTES - 1) % 4);
  assign length       = asked_hello ? 16'd8 : 16'(BYTES);
  assign left         = sent && m_axis_tlast;

  always_ff @(posedge clk) begin
    if (moves)                 place     <= ends ? PLACE_WIDTH'(8) : place + 1'b1;
    if (moves && ends)         gathering <= gathering + 1'b1;
    if (moves && s_axis_tlast) answered  <= answered + 1'b1;
    if (left && !asked_hello)  leaving   <= leaving + 1'b1;
    at            <= left ? '0 : next;
    m_axis_tvalid <= m_axis_tvalid ? !left : asked && (asked_hello || gathering != leaving);
    if (rst) begin
      place         <= PLACE_WIDTH'(8);
      gathering     <= '0;
      leaving       <= '0;
      answered      <= '0;
      at            <= '0;
      m_axis_tvalid <= 1'b0;
    end
  end
endmodule
`default_nettype wire
