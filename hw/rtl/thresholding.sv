`default_nettype none
// Sums to levels, PE rows at a time.
//
//   level[r] = how many of the COUNT thresholds of row r sum[r] reaches     r = 0 .. ROWS-1, and again
//
// In: ROWS/PE beats of PE sums. Out: ROWS/PE beats of PE levels. One beat a cycle.
module thresholding #(
  parameter  int ROWS  = 4,
  parameter  int PE    = 2,
  parameter  int WIDTH = 4,                        // of a sum, and of a threshold; what is above every sum is "never"
  parameter  int COUNT = 3,
  parameter      THRESHOLDS = "",                  // ROWS/PE words of PE * COUNT thresholds
  localparam int FOLDS      = ROWS / PE,
  localparam int FOLD_WIDTH = FOLDS > 1 ? $clog2(FOLDS) : 1,
  localparam int BITS       = $clog2(COUNT + 1)
) (
  input  wire                 clk,
  input  wire                 rst,                 // synchronous, control only
  input  wire  [PE*WIDTH-1:0] s_axis_tdata,
  input  wire                 s_axis_tvalid,
  output wire                 s_axis_tready,
  output wire  [PE*BITS-1:0]  m_axis_tdata,
  output wire                 m_axis_tvalid,
  input  wire                 m_axis_tready
);
  logic [PE*COUNT*WIDTH-1:0] thresholds [0:FOLDS-1];
  initial if (THRESHOLDS != "") begin
    $readmemh(THRESHOLDS, thresholds);
`ifndef SYNTHESIS
    if (^thresholds[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", THRESHOLDS);
`endif
  end

  logic [PE*COUNT*WIDTH-1:0] threshold;
  logic [PE*WIDTH-1:0]       sum;
  logic [FOLD_WIDTH-1:0]     fold;
  logic                      valid;
  wire  [PE*BITS-1:0]        level;
  wire                       level_ready;

  assign s_axis_tready = level_ready || !valid;
  wire take = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk)
    if (take) begin
      sum       <= s_axis_tdata;
      threshold <= thresholds[fold];
    end

  for (genvar p = 0; p < PE; p++) begin : lane
    wire [COUNT-1:0] reached;
    for (genvar i = 0; i < COUNT; i++) begin : step
      // A subtraction: synthesis puts it on the carry chain.
      wire [WIDTH:0] lacking = {1'b0, sum[p*WIDTH +: WIDTH]} - {1'b0, threshold[(p*COUNT + i)*WIDTH +: WIDTH]};
      assign reached[i] = !lacking[WIDTH];
      wire unused = &{1'b0, lacking[WIDTH-1:0]};
    end
    assign level[p*BITS +: BITS] = BITS'($countones(reached));
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) valid <= s_axis_tvalid;
    if (take)          fold <= fold == FOLD_WIDTH'(FOLDS - 1) ? '0 : fold + 1'b1;
    if (rst) begin
      valid <= 1'b0;
      fold  <= '0;
    end
  end

  skid #(.WIDTH(PE*BITS)) register_slice (
    .clk, .rst,
    .s_axis_tdata(level), .s_axis_tvalid(valid), .s_axis_tready(level_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  initial if (ROWS % PE != 0) $fatal(1, "thresholding: PE=%0d does not divide ROWS=%0d", PE, ROWS);
endmodule
`default_nettype wire
