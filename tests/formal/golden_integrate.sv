`default_nettype none
// A frame of the sums of STEPS steps, one step after the other; the state begins at zero.
module golden_integrate #(
  parameter int ROWS       = 1,
  parameter int STEPS      = 1,
  parameter int SUM_BITS   = 1,
  parameter int STATE_BITS = 1
) (
  input  wire [STEPS*ROWS*SUM_BITS-1:0] frame,
  input  wire [ROWS*STATE_BITS-1:0]     leaks,
  input  wire [ROWS*STATE_BITS-1:0]     thetas,
  output logic [STEPS*ROWS-1:0]         answer
);
  logic signed [STATE_BITS-1:0] v, theta;
  always_comb
    for (int r = 0; r < ROWS; r++) begin
      v     = '0;
      theta = thetas[r*STATE_BITS +: STATE_BITS];
      for (int t = 0; t < STEPS; t++) begin
        v = v + STATE_BITS'(frame[(t*ROWS + r)*SUM_BITS +: SUM_BITS]) - leaks[r*STATE_BITS +: STATE_BITS];
        answer[t*ROWS + r] = v >= theta;
        if (v >= theta) v = v - theta;
      end
    end
endmodule
`default_nettype wire
