`default_nettype none
// Records: the bytes of a frame of one stream, then those of the next, STREAMS in turn.
//
// In: LAST[COUNT_WIDTH*i +: COUNT_WIDTH] + 1 bytes a frame of stream i. Out: all of them, TLAST with the last. The first
// stream's frame is there last of all, so that none of the others is waited for. Ready passes through.
module in_turn #(
  parameter  int                             STREAMS     = 2,
  parameter  int                             COUNT_WIDTH = 1,
  parameter  logic [COUNT_WIDTH*STREAMS-1:0] LAST        = '0,
  localparam int                             TURN_WIDTH = STREAMS > 1 ? $clog2(STREAMS) : 1
) (
  input  wire                  clk,
  input  wire                  rst,                // synchronous
  input  wire  [8*STREAMS-1:0] s_axis_tdata,
  input  wire                  s_axis_tvalid,      // of the first
  output logic [STREAMS-1:0]   s_axis_tready,
  output wire  [7:0]           m_axis_tdata,
  output wire                  m_axis_tvalid,
  input  wire                  m_axis_tready,
  output wire                  m_axis_tlast
);
  logic [TURN_WIDTH-1:0]  turn;
  logic [COUNT_WIDTH-1:0] done;                    // bytes of the frame in turn

  wire ends = done == LAST[COUNT_WIDTH*turn +: COUNT_WIDTH];
  wire last = turn == TURN_WIDTH'(STREAMS - 1);
  assign m_axis_tdata  = s_axis_tdata[8*turn +: 8];
  assign m_axis_tvalid = s_axis_tvalid || turn != '0;
  assign m_axis_tlast  = ends && last;

  always_comb begin
    s_axis_tready       = '0;
    s_axis_tready[turn] = m_axis_tready;
  end

  always_ff @(posedge clk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      done <= ends ? '0 : done + 1'b1;
      if (ends) turn <= last ? '0 : turn + 1'b1;
    end
    if (rst) begin
      done <= '0;
      turn <= '0;
    end
  end
endmodule
`default_nettype wire
