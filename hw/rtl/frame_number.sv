`default_nettype none
// To which frame of a stream its next beat belongs: BEATS beats a frame, counted modulo 2 ** WIDTH.
module frame_number #(
  parameter  int BEATS = 2,
  parameter  int WIDTH = 1,
  localparam int BEAT_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1
) (
  input  wire              clk,
  input  wire              rst,                    // synchronous
  input  wire              beat,                   // moves, in this cycle
  output logic [WIDTH-1:0] number
);
  logic [BEAT_WIDTH-1:0] place;
  wire last = place == BEAT_WIDTH'(BEATS - 1);
  always_ff @(posedge clk) begin
    if (beat)         place  <= last ? '0 : place + 1'b1;
    if (beat && last) number <= number + 1'b1;
    if (rst) begin
      place  <= '0;
      number <= '0;
    end
  end
endmodule
`default_nettype wire
