`default_nettype none
// Nothing lost or doubled, order kept, every answer right.
//
// Of all frames that ever enter, one is watched: `pick` is free, so a proof about it holds for each. Its input beats are
// recorded, the frames before it counted, and where its answer is due every beat must be the golden one of what was
// recorded. A beat lost, doubled or in another order moves all that follow, for some data and some watched frame.
module answered #(
  parameter  int IN_WIDTH  = 1,
  parameter  int IN_BEATS  = 1,                    // of a frame
  parameter  int OUT_WIDTH = 1,
  parameter  int OUT_BEATS = 1,
  parameter  int MOST      = 4,                    // frames begun at the input and unfinished at the output
  parameter  int BEATWISE  = 0,                    // 1: output beat i needs input beats 0 .. i; 0: the whole frame;
                                                   // 2: what its golden beat says: what has not come in is arbitrary
  localparam int IN_COUNT  = $clog2(IN_BEATS + 1),
  localparam int OUT_COUNT = OUT_BEATS > 1 ? $clog2(OUT_BEATS) : 1,
  localparam int OWED_WIDTH = $clog2(MOST + 2)
) (
  input  wire                            clk,
  input  wire                            rst,
  input  wire                            pick,
  input  wire  [IN_WIDTH-1:0]            s_axis_tdata,
  input  wire                            s_axis_tvalid,
  input  wire                            s_axis_tready,
  input  wire  [OUT_WIDTH-1:0]           m_axis_tdata,
  input  wire                            m_axis_tvalid,
  input  wire                            m_axis_tready,
  output logic [IN_BEATS*IN_WIDTH-1:0]   frame,
  input  wire  [OUT_BEATS*OUT_WIDTH-1:0] golden,   // of `frame`, combinational
  input  wire                            legal     // 0 where the memories hold what no generator writes
);
  logic [IN_COUNT-1:0]   in_beat    = '0;          // of the frame at the input
  logic [OUT_COUNT-1:0]  out_beat   = '0;          // of the frame at the output
  logic [OWED_WIDTH-1:0] owed       = '0;          // frames begun and unfinished
  logic                  recording  = 1'b0;        // the watched frame is at the input
  logic                  watching   = 1'b0;        // it has begun to enter and has not left
  logic [IN_COUNT-1:0]   recorded;                 // beats of it
  logic [OWED_WIDTH-1:0] ahead;                    // frames to leave before it

  wire take     = s_axis_tvalid && s_axis_tready;
  wire send     = m_axis_tvalid && m_axis_tready;
  wire begins   = take && in_beat == '0;
  wire finishes = send && out_beat == OUT_COUNT'(OUT_BEATS - 1);
  wire starts   = begins && pick && !watching;
  wire due      = watching && ahead == '0;

  wire known = BEATWISE == 2 || (BEATWISE == 1 ? recorded > IN_COUNT'(out_beat) : recorded == IN_COUNT'(IN_BEATS));
  wire right = known && m_axis_tdata == golden[out_beat*OUT_WIDTH +: OUT_WIDTH];

  always_ff @(posedge clk) begin
    if (take) in_beat <= in_beat == IN_COUNT'(IN_BEATS - 1) ? '0 : in_beat + 1'b1;
    if (send) out_beat <= finishes ? '0 : out_beat + 1'b1;
    owed <= owed + OWED_WIDTH'(begins) - OWED_WIDTH'(finishes);

    if (take && (starts || recording)) begin
      frame[in_beat*IN_WIDTH +: IN_WIDTH] <= s_axis_tdata;
      recorded  <= in_beat + 1'b1;
      recording <= in_beat != IN_COUNT'(IN_BEATS - 1);
    end
    if (starts) begin
      watching <= 1'b1;
      ahead    <= owed - OWED_WIDTH'(finishes);
    end else if (finishes) begin
      ahead <= ahead - 1'b1;
      if (due) watching <= 1'b0;
    end

    if (rst) begin
      in_beat   <= '0;
      out_beat  <= '0;
      owed      <= '0;
      recording <= 1'b0;
      watching  <= 1'b0;
    end else if (legal)
      assert ((!m_axis_tvalid || owed != '0) && (!(m_axis_tvalid && due) || right) && owed <= OWED_WIDTH'(MOST));
  end
endmodule
`default_nettype wire
