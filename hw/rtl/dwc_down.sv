`default_nettype none
// Width converter, wide to narrow: one beat becomes S_WIDTH / M_WIDTH, the lowest bits first.
//
// In: one beat. Out: S_WIDTH/M_WIDTH beats. One output beat a cycle; the next word is taken with the last beat of the
// one before, so ready passes through in that cycle.
module dwc_down #(
  parameter  int S_WIDTH = 8,
  parameter  int M_WIDTH = 2,
  localparam int RATIO       = S_WIDTH / M_WIDTH,
  localparam int COUNT_WIDTH = $clog2(RATIO)
) (
  input  wire                clk,
  input  wire                rst,                  // synchronous, control only
  input  wire  [S_WIDTH-1:0] s_axis_tdata,
  input  wire                s_axis_tvalid,
  output wire                s_axis_tready,
  output wire  [M_WIDTH-1:0] m_axis_tdata,
  output logic               m_axis_tvalid,
  input  wire                m_axis_tready
);
  logic [S_WIDTH-1:0]     word;
  logic [COUNT_WIDTH-1:0] sent;                    // beats sent of the word

  wire last = sent == COUNT_WIDTH'(RATIO - 1);
  assign s_axis_tready = !m_axis_tvalid || (m_axis_tready && last);
  assign m_axis_tdata  = word[M_WIDTH-1:0];
  wire take = s_axis_tvalid && s_axis_tready;
  wire send = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge clk)
    if (take)      word <= s_axis_tdata;
    else if (send) word <= {{M_WIDTH{1'b0}}, word[S_WIDTH-1:M_WIDTH]};

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid;
    if (send)          sent <= last ? '0 : sent + 1'b1;
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      sent          <= '0;
    end
  end

  initial if (RATIO < 2 || S_WIDTH % M_WIDTH != 0)
    $fatal(1, "dwc_down: S_WIDTH=%0d is no multiple of M_WIDTH=%0d", S_WIDTH, M_WIDTH);
endmodule
`default_nettype wire
