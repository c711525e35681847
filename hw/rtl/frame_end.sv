`default_nettype none
// TLAST for a stream of BEATS beats a frame: a counter beside the stream, which it does not touch.
module frame_end #(
  parameter  int BEATS = 1,
  localparam int COUNT_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1
) (
  input  wire clk,
  input  wire rst,                                 // synchronous
  input  wire tvalid,
  input  wire tready,
  output wire tlast
);
  logic [COUNT_WIDTH-1:0] beat;

  assign tlast = beat == COUNT_WIDTH'(BEATS - 1);

  always_ff @(posedge clk) begin
    if (tvalid && tready) beat <= tlast ? '0 : beat + 1'b1;
    if (rst) beat <= '0;
  end
endmodule
`default_nettype wire
