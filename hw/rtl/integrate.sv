`default_nettype none
// Integrate and fire: each row keeps a state over the STEPS steps of a frame, and starts every frame from zero.
//
//   v    = state[r] + sum[t][r] - leak[r]           t = 0 .. STEPS-1, r = 0 .. ROWS-1
//   fire = v >= theta[r]
//   state[r] becomes v - theta[r] where it fires, and v otherwise
//
// In: step after step, ROWS/PE beats of PE sums. Out: as many beats of PE codes. One beat a cycle. Nobody clears a state:
// at the first step of a frame zero stands in its place, so a frame that a reset cuts leaves nothing either.
module integrate #(
  parameter  int ROWS  = 4,
  parameter  int PE    = 2,
  parameter  int STEPS = 4,
  parameter  int SUM_BITS   = 4,                   // of a sum, unsigned
  parameter  int STATE_BITS = 7,                   // of v, of a leak and of a theta, in two's complement
  parameter      LEAKS  = "",                      // ROWS/PE words of PE leaks
  parameter      THETAS = "",                      // ROWS/PE words of PE thetas
  localparam int FOLDS      = ROWS / PE,
  localparam int FOLD_WIDTH = FOLDS > 1 ? $clog2(FOLDS) : 1,
  localparam int STEP_WIDTH = STEPS > 1 ? $clog2(STEPS) : 1
) (
  input  wire                   clk,
  input  wire                   rst,               // synchronous, control only
  input  wire  [PE*SUM_BITS-1:0] s_axis_tdata,
  input  wire                   s_axis_tvalid,
  output wire                   s_axis_tready,
  output wire  [PE-1:0]         m_axis_tdata,
  output wire                   m_axis_tvalid,
  input  wire                   m_axis_tready
);
  logic [PE*STATE_BITS-1:0] leaks [0:FOLDS-1];
  initial if (LEAKS != "") begin
    $readmemh(LEAKS, leaks);
`ifndef SYNTHESIS
    if (^leaks[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", LEAKS);
`endif
  end

  logic [PE*STATE_BITS-1:0] thetas [0:FOLDS-1];
  initial if (THETAS != "") begin
    $readmemh(THETAS, thetas);
`ifndef SYNTHESIS
    if (^thetas[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", THETAS);
`endif
  end

  logic [FOLD_WIDTH-1:0]    fold;
  logic [STEP_WIDTH-1:0]    step;
  logic [PE*SUM_BITS-1:0]   sum;
  logic [PE*STATE_BITS-1:0] leak, theta;
  logic                     first, valid;
  wire                      code_ready;
  wire  [PE-1:0]            code;

  assign s_axis_tready = code_ready || !valid;
  wire take      = s_axis_tvalid && s_axis_tready;
  wire leave     = valid && code_ready;
  wire last_fold = fold == FOLD_WIDTH'(FOLDS - 1);
  wire last_step = step == STEP_WIDTH'(STEPS - 1);

  always_ff @(posedge clk)
    if (take) begin
      sum   <= s_axis_tdata;
      leak  <= leaks[fold];
      theta <= thetas[fold];
      first <= step == '0;
    end

  for (genvar p = 0; p < PE; p++) begin : lane
    // The states of this lane's rows, the one whose turn it is lowest: rows come in a circle.
    logic        [FOLDS*STATE_BITS-1:0] states;
    wire  signed [STATE_BITS-1:0]       state = first ? '0 : states[STATE_BITS-1:0];
    wire  signed [STATE_BITS-1:0]       down  = leak[p*STATE_BITS +: STATE_BITS];
    wire  signed [STATE_BITS-1:0]       at    = theta[p*STATE_BITS +: STATE_BITS];
    wire  signed [STATE_BITS-1:0]       v     = state + STATE_BITS'(sum[p*SUM_BITS +: SUM_BITS]) - down;
    wire  signed [STATE_BITS:0]         above = {v[STATE_BITS-1], v} - {at[STATE_BITS-1], at};
    wire                                fires = !above[STATE_BITS];
    assign code[p] = fires;
    always_ff @(posedge clk)
      if (leave) states <= (FOLDS*STATE_BITS)'({fires ? above[STATE_BITS-1:0] : v, states} >> STATE_BITS);
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) valid <= s_axis_tvalid;
    if (take) begin
      fold <= last_fold ? '0 : fold + 1'b1;
      if (last_fold) step <= last_step ? '0 : step + 1'b1;
    end
    if (rst) begin
      valid <= 1'b0;
      fold  <= '0;
      step  <= '0;
    end
  end

  skid #(.WIDTH(PE)) register_slice (
    .clk, .rst,
    .s_axis_tdata(code), .s_axis_tvalid(valid), .s_axis_tready(code_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  initial if (ROWS % PE != 0) $fatal(1, "integrate: PE=%0d does not divide ROWS=%0d", PE, ROWS);
endmodule
`default_nettype wire
