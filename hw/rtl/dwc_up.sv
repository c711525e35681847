`default_nettype none
// Width converter, narrow to wide: M_WIDTH / S_WIDTH beats become one, the first in the lowest bits.
//
// In: M_WIDTH/S_WIDTH beats. Out: one beat. One input beat a cycle; ready passes through while the output holds a beat.
module dwc_up #(
  parameter  int S_WIDTH = 2,
  parameter  int M_WIDTH = 8,
  localparam int RATIO       = M_WIDTH / S_WIDTH,
  localparam int COUNT_WIDTH = $clog2(RATIO)
) (
  input  wire                clk,
  input  wire                rst,                  // synchronous, control only
  input  wire  [S_WIDTH-1:0] s_axis_tdata,
  input  wire                s_axis_tvalid,
  output wire                s_axis_tready,
  output logic [M_WIDTH-1:0] m_axis_tdata,
  output logic               m_axis_tvalid,
  input  wire                m_axis_tready
);
  logic [COUNT_WIDTH-1:0] fill;                    // beats taken of the word under way

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  wire take = s_axis_tvalid && s_axis_tready;
  wire last = fill == COUNT_WIDTH'(RATIO - 1);

  always_ff @(posedge clk)
    if (take) m_axis_tdata <= {s_axis_tdata, m_axis_tdata[M_WIDTH-1:S_WIDTH]};

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= take && last;
    if (take)          fill <= last ? '0 : fill + 1'b1;
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      fill          <= '0;
    end
  end

  initial if (RATIO < 2 || M_WIDTH % S_WIDTH != 0)
    $fatal(1, "dwc_up: M_WIDTH=%0d is no multiple of S_WIDTH=%0d", M_WIDTH, S_WIDTH);
endmodule
`default_nettype wire
