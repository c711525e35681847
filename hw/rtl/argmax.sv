`default_nettype none
// Index of the largest score; the first maximum wins.
//
// In: CLASSES beats of one score each. Out: one beat, the class. Serial: one comparator; `argmax_tree` takes a
// frame a cycle. Ready passes through while the output holds a class.
module argmax #(
  parameter  int CLASSES     = 10,
  parameter  int SCORE_WIDTH = 7,
  localparam int CLASS_WIDTH = CLASSES > 1 ? $clog2(CLASSES) : 1
) (
  input  wire                    clk,
  input  wire                    rst,              // synchronous, control only
  input  wire  [SCORE_WIDTH-1:0] s_axis_tdata,
  input  wire                    s_axis_tvalid,
  output wire                    s_axis_tready,
  output logic [CLASS_WIDTH-1:0] m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  wire                    m_axis_tready
);
  logic [CLASS_WIDTH-1:0] index;
  logic [SCORE_WIDTH-1:0] best;

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  wire take    = s_axis_tvalid && s_axis_tready;
  wire last    = index == CLASS_WIDTH'(CLASSES - 1);

  // A subtraction: synthesis puts it on the carry chain, and a comparison on several LUTs in a row.
  wire [SCORE_WIDTH:0] lead = {1'b0, best} - {1'b0, s_axis_tdata};
  wire greater = index == '0 || lead[SCORE_WIDTH];
  wire unused  = &{1'b0, lead[SCORE_WIDTH-1:0]};

  always_ff @(posedge clk)
    if (take && greater) begin
      best         <= s_axis_tdata;
      m_axis_tdata <= index;
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
