`default_nettype none
// Beats that somebody else takes, recorded beside their stream: a memory of DEPTH beats that is read byte by byte.
//
// In: `beat` for every beat that moves. Out: its bytes, the lowest first, from two cycles later; `m_axis_tvalid` while
// there are any. Nobody is asked to wait: no more than DEPTH beats may lie here, which `gate` sees to.
module keep #(
  parameter  int WIDTH = 8,
  parameter  int DEPTH = 512,                      // a power of two
  localparam int BYTES         = (WIDTH + 7) / 8,
  localparam int ADDRESS_WIDTH = $clog2(DEPTH),
  localparam int BYTE_WIDTH    = BYTES > 1 ? $clog2(BYTES) : 1
) (
  input  wire             clk,
  input  wire             rst,                     // synchronous, control only
  input  wire [WIDTH-1:0] tdata,
  input  wire             beat,
  output wire [7:0]       m_axis_tdata,
  output logic            m_axis_tvalid,
  input  wire             m_axis_tready
);
  // One more bit than an address: a memory that is full is not empty.
  logic [ADDRESS_WIDTH:0] written, read;
  logic [WIDTH-1:0]       word;
  wire                    next;                    // the last byte of a beat is taken

  // What is written is read in a later cycle, if at all.
  (* no_rw_check *) logic [WIDTH-1:0] memory [0:DEPTH-1];
  always_ff @(posedge clk) begin
    if (beat) memory[written[ADDRESS_WIDTH-1:0]] <= tdata;
    word <= memory[read[ADDRESS_WIDTH-1:0]];
  end

  wire [8*BYTES-1:0] padded = (8*BYTES)'(word);
  if (BYTES > 1) begin : several
    logic [BYTE_WIDTH-1:0] index;                  // of the byte
    wire last = index == BYTE_WIDTH'(BYTES - 1);
    always_ff @(posedge clk)
      if (rst)                index <= '0;
      else if (m_axis_tready) index <= last ? '0 : index + 1'b1;
    assign m_axis_tdata = padded[8*index +: 8];
    assign next = m_axis_tready && last;
  end else begin : one
    assign m_axis_tdata = padded;
    assign next = m_axis_tready;
  end

  always_ff @(posedge clk) begin
    m_axis_tvalid <= written != read && !next;
    if (beat) written <= written + 1'b1;
    if (next) read    <= read + 1'b1;
    if (rst) begin
      written       <= '0;
      read          <= '0;
      m_axis_tvalid <= 1'b0;
    end
  end

  initial if (DEPTH != 1 << ADDRESS_WIDTH) $fatal(1, "keep: DEPTH=%0d is no power of two", DEPTH);
endmodule
`default_nettype wire
