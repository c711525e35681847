`default_nettype none
// TLAST for batches: at the output it stands where it stood at the input, however many frames lie between.
//
// Beside a core whose frames have BEATS_IN beats in and end with `core_tlast` out. Frames inside are counted; after the
// one that came with TLAST no other is let in until it has left. FRAMES: as many may be inside, more than the core holds.
module batch_end #(
  parameter  int BEATS_IN = 1,
  parameter  int FRAMES   = 7,
  localparam int COUNT_WIDTH = $clog2(FRAMES + 1)
) (
  input  wire clk,
  input  wire rst,                                 // synchronous
  input  wire s_axis_tvalid,
  output wire s_axis_tready,
  input  wire s_axis_tlast,                        // looked at with the last beat of a frame
  output wire core_s_tvalid,
  input  wire core_s_tready,
  input  wire core_m_tvalid,
  output wire core_m_tready,
  input  wire core_m_tlast,
  output wire m_axis_tvalid,
  input  wire m_axis_tready,
  output wire m_axis_tlast
);
  localparam int BEAT_WIDTH = BEATS_IN > 1 ? $clog2(BEATS_IN) : 1;

  logic [BEAT_WIDTH-1:0]  beat;
  logic [COUNT_WIDTH-1:0] held;
  logic                   closing;                 // the last frame of a batch is inside

  wire open  = !closing && held != COUNT_WIDTH'(FRAMES);
  wire whole = held != '0;                       // else what leaves is of a frame that is still coming in

  assign core_s_tvalid = s_axis_tvalid && open;
  assign s_axis_tready = core_s_tready && open;
  assign m_axis_tvalid = core_m_tvalid && (whole || !core_m_tlast);
  assign core_m_tready = m_axis_tready && (whole || !core_m_tlast);
  assign m_axis_tlast  = core_m_tlast && closing && held == COUNT_WIDTH'(1);

  wire taken   = core_s_tvalid && core_s_tready;
  wire entered = taken && beat == BEAT_WIDTH'(BEATS_IN - 1);
  wire left    = m_axis_tvalid && m_axis_tready && core_m_tlast;

  always_ff @(posedge clk) begin
    if (taken) beat <= entered ? '0 : beat + 1'b1;
    if (entered != left) held <= entered ? held + 1'b1 : held - 1'b1;
    if (entered && s_axis_tlast) closing <= 1'b1;
    else if (left && held == COUNT_WIDTH'(1)) closing <= 1'b0;
    if (rst) begin
      beat    <= '0;
      held  <= '0;
      closing <= 1'b0;
    end
  end
endmodule
`default_nettype wire
