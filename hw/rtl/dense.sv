`default_nettype none
// One binary dense layer at one frame a cycle, its weights and thresholds constants.
//
//   code[r] = popcount(~(weight[r] ^ x)) >= threshold[r]        r = 0 .. ROWS-1
//
// In: one beat of COLS inputs. Out: one beat of ROWS codes. Bit 0 of a beat is the lowest index.
// There is no comparator: the accumulator starts at minus the threshold, and the code is its inverted sign.
module dense #(
  parameter  int ROWS  = 4,
  parameter  int COLS  = 8,
  parameter  int GROUP = 128,                      // inputs counted in front of the register row
  parameter      WEIGHTS    = "",                  // one word of ROWS * COLS bits, row 0 lowest
  parameter      THRESHOLDS = "",                  // one word of ROWS negated thresholds, ACC_WIDTH bits each
  localparam int ACC_WIDTH  = $clog2(COLS + 1) + 1 // -(COLS + 1) .. COLS: a threshold may be COLS + 1, "never"
) (
  input  wire             clk,
  input  wire             rst,                     // synchronous, control only
  input  wire  [COLS-1:0] s_axis_tdata,
  input  wire             s_axis_tvalid,
  output wire             s_axis_tready,
  output wire  [ROWS-1:0] m_axis_tdata,
  output wire             m_axis_tvalid,
  input  wire             m_axis_tready
);
  wire [ROWS*ACC_WIDTH-1:0] accumulators;
  wire [ROWS-1:0]           code;
  wire                      code_valid, code_ready;

  unrolled #(
    .ROWS(ROWS), .COLS(COLS), .GROUP(GROUP), .ACC_WIDTH(ACC_WIDTH), .START(1), .WEIGHTS(WEIGHTS), .STARTS(THRESHOLDS)
  ) unit (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(accumulators), .m_axis_tvalid(code_valid), .m_axis_tready(code_ready)
  );

  for (genvar r = 0; r < ROWS; r++) begin : row
    assign code[r] = !accumulators[r*ACC_WIDTH + ACC_WIDTH - 1];
  end

  skid #(.WIDTH(ROWS)) register_slice (
    .clk, .rst,
    .s_axis_tdata(code), .s_axis_tvalid(code_valid), .s_axis_tready(code_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );
endmodule
`default_nettype wire
