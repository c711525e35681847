`default_nettype none
// Writes every beat of a stream as a line of hexadecimal into NAME.hex, and says when the beats of +frames=N are in.
module recorder #(
  parameter     NAME  = "stream",
  parameter int WIDTH = 8,
  parameter int BEATS = 1                          // per frame
) (
  input  wire             clk,
  input  wire             rst,
  input  wire [WIDTH-1:0] tdata,
  input  wire             tvalid,
  input  wire             tready,
  input  wire             hang,                    // report how far this stream came
  output wire             complete,
  output logic            surplus                  // a beat after the last
);
  integer file, frames, seen;

  assign complete = seen == frames * BEATS;

  initial begin
    seen    = 0;
    surplus = 1'b0;
    if (!$value$plusargs("frames=%d", frames)) frames = 0;
    file = $fopen({NAME, ".hex"}, "w");
  end

  always @(posedge clk)
    if (!rst && tvalid && tready) begin
      if (complete) surplus <= 1'b1;
      else begin
        $fwrite(file, "%h\n", tdata);
        if (seen == frames * BEATS - 1) $fclose(file);
        seen <= seen + 1;
      end
    end

  always @(posedge hang)
    $display("HANG %s %0d/%0d (%0s, %0s)", NAME, seen, frames * BEATS, tvalid ? "valid" : "idle", tready ? "ready" : "blocked");
endmodule
`default_nettype wire
