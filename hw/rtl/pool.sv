`default_nettype none
// The largest or the smallest level in a window, LANES channels at a time.
//
//   level[c] = max or min of the TAPS levels of channel c
//
// In: for every FOLDS groups of channels in turn, TAPS beats of LANES levels. Out: one beat of LANES levels for each group.
// Ready passes through while the output holds a beat.
module pool #(
  parameter  int LANES = 1,
  parameter  int BITS  = 1,
  parameter  int TAPS  = 4,
  parameter  int FOLDS = 1,
  parameter      SMALLEST = "",                    // FOLDS words of LANES bits: 1 where the smallest is wanted
  localparam int TAP_WIDTH  = TAPS > 1 ? $clog2(TAPS) : 1,
  localparam int FOLD_WIDTH = FOLDS > 1 ? $clog2(FOLDS) : 1
) (
  input  wire                   clk,
  input  wire                   rst,               // synchronous, control only
  input  wire  [LANES*BITS-1:0] s_axis_tdata,
  input  wire                   s_axis_tvalid,
  output wire                   s_axis_tready,
  output wire  [LANES*BITS-1:0] m_axis_tdata,
  output logic                  m_axis_tvalid,
  input  wire                   m_axis_tready
);
  logic [LANES-1:0] smallest [0:FOLDS-1];
  initial if (SMALLEST != "") begin
    $readmemh(SMALLEST, smallest);
`ifndef SYNTHESIS
    if (^smallest[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", SMALLEST);
`endif
  end

  logic [TAP_WIDTH-1:0]  tap;
  logic [FOLD_WIDTH-1:0] fold;

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  wire take     = s_axis_tvalid && s_axis_tready;
  wire last_tap = tap == TAP_WIDTH'(TAPS - 1);

  if (BITS == 1) begin : bits
    // Largest is OR, smallest AND: with what is wanted a function of four inputs for each lane.
    logic [LANES-1:0] held;
    always_ff @(posedge clk)
      if (take) held <= tap == '0 ? s_axis_tdata : (held & s_axis_tdata) | (~smallest[fold] & (held | s_axis_tdata));
    assign m_axis_tdata = held;
  end else begin : levels
    // The smallest is the largest of the inverted levels, inverted.
    wire  [LANES-1:0] invert = smallest[fold];
    logic [LANES-1:0] inverted;                    // of the group whose largest is held
    always_ff @(posedge clk) if (take) inverted <= invert;
    for (genvar p = 0; p < LANES; p++) begin : lane
      logic [BITS-1:0] largest;
      wire  [BITS-1:0] level = s_axis_tdata[p*BITS +: BITS] ^ {BITS{invert[p]}};
      always_ff @(posedge clk) if (take && (tap == '0 || level > largest)) largest <= level;
      assign m_axis_tdata[p*BITS +: BITS] = largest ^ {BITS{inverted[p]}};
    end
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= take && last_tap;
    if (take)          tap <= last_tap ? '0 : tap + 1'b1;
    if (take && last_tap) fold <= fold == FOLD_WIDTH'(FOLDS - 1) ? '0 : fold + 1'b1;
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      tap           <= '0;
      fold          <= '0;
    end
  end
endmodule
`default_nettype wire
