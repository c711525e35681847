`default_nettype none
// Pixel against threshold, PE pixels a beat.
//
//   code[j] = pixel[j] >= threshold[j]              j = 0 .. COLS-1
//
// In: COLS/PE beats of PE pixels, one byte each, of which the low BITS count. Out: COLS/PE beats of PE codes.
// Bit 0 of a beat is the lowest index. One beat a cycle. Where PE is COLS the thresholds are constants and need no
// register row.
module binarize #(
  parameter  int COLS = 4,
  parameter  int PE   = 2,
  parameter  int BITS = 8,
  parameter      THRESHOLDS = "",                  // COLS/PE words of PE thresholds, BITS + 1 bits each
  localparam int FOLDS           = COLS / PE,
  localparam int ADDRESS_WIDTH   = FOLDS > 1 ? $clog2(FOLDS) : 1,
  localparam int THRESHOLD_WIDTH = BITS + 1        // a threshold may be 2^BITS: "never"
) (
  input  wire             clk,
  input  wire             rst,                     // synchronous, control only
  input  wire  [8*PE-1:0] s_axis_tdata,
  input  wire             s_axis_tvalid,
  output wire             s_axis_tready,
  output wire  [PE-1:0]   m_axis_tdata,
  output wire             m_axis_tvalid,
  input  wire             m_axis_tready
);
  logic [PE*THRESHOLD_WIDTH-1:0] thresholds [0:FOLDS-1];
  initial if (THRESHOLDS != "") begin
    $readmemh(THRESHOLDS, thresholds);
`ifndef SYNTHESIS
    if (^thresholds[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", THRESHOLDS);
`endif
  end

  logic [PE*THRESHOLD_WIDTH-1:0] threshold;
  logic [PE*BITS-1:0]            pixel, pixel_d;
  logic                          valid;
  wire  [PE-1:0]                 code;
  wire                           code_ready;

  for (genvar p = 0; p < PE; p++) begin : lane
    assign pixel_d[p*BITS +: BITS] = s_axis_tdata[8*p +: BITS];
    if (BITS < 8) begin : narrow
      wire unused = &{1'b0, s_axis_tdata[8*p + BITS +: 8 - BITS]};
    end
    assign code[p] = {1'b0, pixel[p*BITS +: BITS]} >= threshold[p*THRESHOLD_WIDTH +: THRESHOLD_WIDTH];
  end

  if (FOLDS == 1) begin : constant
    assign threshold     = thresholds[0];
    assign pixel         = pixel_d;
    assign valid         = s_axis_tvalid;
    assign s_axis_tready = code_ready;
  end else begin : folded
    logic [ADDRESS_WIDTH-1:0] fold;

    assign s_axis_tready = code_ready || !valid;
    wire take = s_axis_tvalid && s_axis_tready;

    always_ff @(posedge clk)
      if (take) begin
        pixel     <= pixel_d;
        threshold <= thresholds[fold];
      end

    always_ff @(posedge clk) begin
      if (s_axis_tready) valid <= s_axis_tvalid;
      if (take)          fold <= fold == ADDRESS_WIDTH'(FOLDS - 1) ? '0 : fold + 1'b1;
      if (rst) begin
        valid <= 1'b0;
        fold  <= '0;
      end
    end
  end

  skid #(.WIDTH(PE)) register_slice (
    .clk, .rst,
    .s_axis_tdata(code), .s_axis_tvalid(valid), .s_axis_tready(code_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  initial if (COLS % PE != 0) $fatal(1, "binarize: PE=%0d does not divide COLS=%0d", PE, COLS);
endmodule
`default_nettype wire
