`default_nettype none
// Takes the output stream and pauses at random; checks TLAST; counts cycles; notices when nothing moves any more.
//
// +sink_stall=K pauses in K of 256 cycles, +seed=S, +patience=N cycles without a beat are a hang.
module sink #(
  parameter int BEATS = 1                          // per frame
) (
  input  wire         clk,
  input  wire         rst,
  input  wire         tvalid,
  input  wire         tlast,
  output logic        tready,
  input  wire         complete,                    // of all recorders
  input  wire         surplus,                     // of any recorder
  output logic        done,
  output logic        hang,
  output logic        misframed,                   // TLAST anywhere but at a frame's last beat, or a beat too many
  output logic [63:0] first_frame,                 // cycle after reset in which the first frame has left
  output logic [63:0] last_frame
);
  integer      stall, seed, patience, idle, beat, after;
  logic [31:0] dice, mixed;
  logic [63:0] cycles;

  initial begin
    if (!$value$plusargs("sink_stall=%d", stall)) stall = 0;
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("patience=%d", patience)) patience = 1000;
    dice        = seed * 32'd2246822519 + 32'd7;
    tready      = 1'b0;
    done        = 1'b0;
    hang        = 1'b0;
    misframed   = 1'b0;
    cycles      = '0;
    first_frame = '0;
    last_frame  = '0;
    idle        = 0;
    beat        = 0;
    after       = 0;
  end

  always @(posedge clk) begin
    mixed  = dice ^ (dice << 13);
    mixed  = mixed ^ (mixed >> 17);
    dice   <= mixed ^ (mixed << 5);
    tready <= !rst && {24'b0, dice[15:8]} >= stall;
    if (!rst && !done) begin
      cycles <= cycles + 1;
      idle   <= tvalid && tready ? 0 : idle + 1;
      if (tvalid && tready) begin
        if (tlast != (beat == BEATS - 1)) misframed <= 1'b1;
        if (beat == BEATS - 1) begin
          if (first_frame == '0) first_frame <= cycles + 1;
          last_frame <= cycles + 1;
        end
        beat <= beat == BEATS - 1 ? 0 : beat + 1;
      end
      if (surplus) misframed <= 1'b1;
      // Everything is out: time for a frame through all stages to send what it should not.
      if (complete) after <= after + 1;
      if (after > patience / 64) done <= 1'b1;
      if (idle > patience && !complete) hang <= 1'b1;
    end
  end
endmodule
`default_nettype wire
