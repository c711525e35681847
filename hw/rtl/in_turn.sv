`default_nettype none
// Records: the bytes of a frame of one stream, then those of the next, STREAMS in turn, or the first `alone`.
//
// In: byte `index` of each stream's frame, from a cycle after it has changed; LAST[COUNT_WIDTH*i +: COUNT_WIDTH] + 1 of
// stream i. Out: all of them, TLAST with the last. `some` and `alone` stay while the record is read.
module in_turn #(
  parameter  int                             STREAMS     = 2,
  parameter  int                             COUNT_WIDTH = 1,
  parameter  logic [COUNT_WIDTH*STREAMS-1:0] LAST        = '0,
  localparam int                             TURN_WIDTH = STREAMS > 1 ? $clog2(STREAMS) : 1
) (
  input  wire                    clk,
  input  wire                    rst,              // synchronous
  input  wire  [8*STREAMS-1:0]   data,
  input  wire                    some,
  input  wire                    alone,
  output logic [COUNT_WIDTH-1:0] index,
  output wire  [7:0]             m_axis_tdata,
  output wire                    m_axis_tvalid,
  input  wire                    m_axis_tready,
  output wire                    m_axis_tlast
);
  logic [TURN_WIDTH-1:0] turn;

  wire ends = index == LAST[COUNT_WIDTH*turn +: COUNT_WIDTH];
  wire last = turn == TURN_WIDTH'(STREAMS - 1) || alone;
  assign m_axis_tdata  = data[8*turn +: 8];
  assign m_axis_tvalid = some;
  assign m_axis_tlast  = ends && last;

  always_ff @(posedge clk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      index <= ends ? '0 : index + 1'b1;
      if (ends) turn <= last ? '0 : turn + 1'b1;
    end
    if (rst) begin
      index <= '0;
      turn  <= '0;
    end
  end
endmodule
`default_nettype wire
