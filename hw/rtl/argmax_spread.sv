`default_nettype none
// Index of the largest score, the first maximum wins, and the sum of what stands beside all scores.
//
// In: CLASSES beats of one score each with its spread above. Out: one beat, the class with the spread of all classes above.
// Serial: one comparator. Ready passes through while the output holds a class.
module argmax_spread #(
  parameter  int CLASSES      = 10,                // two at least
  parameter  int SCORE_WIDTH  = 7,
  parameter  int SPREAD_WIDTH = 4,                 // of one class
  parameter  int TOTAL_WIDTH  = 6,                 // of all classes
  localparam int CLASS_WIDTH  = $clog2(CLASSES)
) (
  input  wire                                clk,
  input  wire                                rst,  // synchronous, control only
  input  wire  [SPREAD_WIDTH+SCORE_WIDTH-1:0] s_axis_tdata,
  input  wire                                s_axis_tvalid,
  output wire                                s_axis_tready,
  output wire  [TOTAL_WIDTH+CLASS_WIDTH-1:0] m_axis_tdata,
  output logic                               m_axis_tvalid,
  input  wire                                m_axis_tready
);
  logic [CLASS_WIDTH-1:0] index, winner;
  logic [SCORE_WIDTH-1:0] best;
  logic [TOTAL_WIDTH-1:0] total;

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  assign m_axis_tdata  = {total, winner};
  wire take  = s_axis_tvalid && s_axis_tready;
  wire first = index == '0;
  wire last  = index == CLASS_WIDTH'(CLASSES - 1);

  // A subtraction: synthesis puts it on the carry chain, and a comparison on several LUTs in a row.
  wire [SCORE_WIDTH:0] lead = {1'b0, best} - {1'b0, s_axis_tdata[SCORE_WIDTH-1:0]};
  wire greater = first || lead[SCORE_WIDTH];
  wire unused  = &{1'b0, lead[SCORE_WIDTH-1:0]};

  always_ff @(posedge clk) begin
    if (take && greater) begin
      best   <= s_axis_tdata[SCORE_WIDTH-1:0];
      winner <= index;
    end
    if (take) total <= (first ? '0 : total) + TOTAL_WIDTH'(s_axis_tdata[SCORE_WIDTH +: SPREAD_WIDTH]);
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= take && last;
    if (take)          index <= last ? '0 : index + 1'b1;
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      index         <= '0;
    end
  end
endmodule
`default_nettype wire
