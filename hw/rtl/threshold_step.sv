`default_nettype none
// One step of a binary search among the 2^BITS - 1 thresholds of a row: a sum and the DONE upper bits of its level come in,
// one more bit of it goes out.
//
//   bit[r] = sum[r] >= threshold of row r that stands in the middle of those still possible     r = 0 .. ROWS-1, and again
//
// In: ROWS beats, the sum above the bits found so far. Out: ROWS beats, the sum above one bit more; the bits alone where
// LAST is 1. One beat a cycle.
module threshold_step #(
  parameter  int ROWS  = 4,
  parameter  int WIDTH = 4,                        // of a sum, and of a threshold; what is above every sum is "never"
  parameter  int DONE  = 0,
  parameter  int LAST  = 0,
  parameter      THRESHOLDS = "",                  // ROWS * 2^DONE words of WIDTH bits: by row, by the bits found so far
  localparam int WORDS         = ROWS << DONE,
  localparam int ADDRESS_WIDTH = WORDS > 1 ? $clog2(WORDS) : 1,
  localparam int ROW_WIDTH     = ROWS > 1 ? $clog2(ROWS) : 1,
  localparam int S_WIDTH       = WIDTH + DONE,
  localparam int M_WIDTH       = DONE + 1 + (LAST != 0 ? 0 : WIDTH)
) (
  input  wire                clk,
  input  wire                rst,                  // synchronous, control only
  input  wire  [S_WIDTH-1:0] s_axis_tdata,
  input  wire                s_axis_tvalid,
  output wire                s_axis_tready,
  output wire  [M_WIDTH-1:0] m_axis_tdata,
  output wire                m_axis_tvalid,
  input  wire                m_axis_tready
);
  logic [WIDTH-1:0] thresholds [0:WORDS-1];
  initial if (THRESHOLDS != "") begin
    $readmemh(THRESHOLDS, thresholds);
`ifndef SYNTHESIS
    if (^thresholds[WORDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", THRESHOLDS);
`endif
  end

  logic [ROW_WIDTH-1:0]     row;
  logic [WIDTH-1:0]         threshold;
  logic [S_WIDTH-1:0]       taken;
  logic                     valid;
  wire                      ready;
  wire  [ADDRESS_WIDTH-1:0] address;

  if (DONE == 0) begin : first
    assign address = ADDRESS_WIDTH'(row);
  end else begin : further
    assign address = (ADDRESS_WIDTH'(row) << DONE) | ADDRESS_WIDTH'(s_axis_tdata[DONE-1:0]);
  end

  assign s_axis_tready = ready || !valid;
  wire take = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk)
    if (take) begin
      taken     <= s_axis_tdata;
      threshold <= thresholds[address];
    end

  wire [WIDTH:0]     lacking = {1'b0, taken[DONE +: WIDTH]} - {1'b0, threshold};
  wire               unused  = &{1'b0, lacking[WIDTH-1:0]};
  wire [S_WIDTH:0]   found   = {taken[DONE +: WIDTH], {(DONE + 1){1'b0}}} | (S_WIDTH + 1)'(!lacking[WIDTH]) |
                               ((S_WIDTH + 1)'(taken) & (S_WIDTH + 1)'((1 << DONE) - 1)) << 1;

  always_ff @(posedge clk) begin
    if (s_axis_tready) valid <= s_axis_tvalid;
    if (take)          row <= row == ROW_WIDTH'(ROWS - 1) ? '0 : row + 1'b1;
    if (rst) begin
      valid <= 1'b0;
      row   <= '0;
    end
  end

  skid #(.WIDTH(M_WIDTH)) register_slice (
    .clk, .rst,
    .s_axis_tdata(found[M_WIDTH-1:0]), .s_axis_tvalid(valid), .s_axis_tready(ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );
  if (LAST != 0) begin : bits_alone
    wire unused_sum = &{1'b0, found[S_WIDTH -: WIDTH]};
  end
endmodule
`default_nettype wire
