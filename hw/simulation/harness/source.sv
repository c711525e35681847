`default_nettype none
// Plays the beats of a binary file, the highest byte of each beat first, and pauses at random.
//
// +stimulus=FILE +input_beats=N, +source_stall=K pauses in K of 256 cycles, +seed=S.
module source #(
  parameter int WIDTH = 8                          // a multiple of 8
) (
  input  wire              clk,
  input  wire              rst,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  wire              m_axis_tready
);
  integer           file, beats, sent, stall, seed, read;
  string            path;
  logic [31:0]      dice;
  logic [WIDTH-1:0] word;

  initial begin
    sent = 0;
    if (!$value$plusargs("stimulus=%s", path)) path = "stimulus.bin";
    if (!$value$plusargs("input_beats=%d", beats)) beats = 0;
    if (!$value$plusargs("source_stall=%d", stall)) stall = 0;
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    dice = seed * 32'd2654435761 + 32'd1;
    file = $fopen(path, "rb");
    if (file == 0) $fatal(1, "source: cannot open %s", path);
    m_axis_tvalid = 1'b0;
  end

  function [31:0] rolled(input [31:0] state);
    reg [31:0] mixed;
    begin
      mixed  = state ^ (state << 13);
      mixed  = mixed ^ (mixed >> 17);
      rolled = mixed ^ (mixed << 5);
    end
  endfunction

  always @(posedge clk) begin
    dice <= rolled(dice);
    if (m_axis_tready || !m_axis_tvalid) begin
      m_axis_tvalid <= 1'b0;
      if (!rst && sent < beats && {24'b0, dice[15:8]} >= stall) begin
        read = $fread(word, file);
        if (read != WIDTH / 8) $fatal(1, "source: %s ends in beat %0d of %0d", path, sent, beats);
        m_axis_tdata  <= word;
        m_axis_tvalid <= 1'b1;
        sent          <= sent + 1;
      end
    end
  end
endmodule
`default_nettype wire
