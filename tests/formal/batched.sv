`default_nettype none
// Batches through any core: `batch_end` beside it.
//
// The core is free: it takes beats and emits when it likes, two beats of answer a frame once its first beat came in, and
// holds what it offers. CORE frames may be inside it. A frame is two beats; TLAST may come with any, or be missing.
// PROPERTY 0: TLAST comes with the answer of the frame that had it, and with no other beat. 1: beats move on both sides of
// it at once, and what is offered stays. 2: with a source, a core and a sink that go on, a beat leaves within BOUND cycles.
module batched #(
  parameter  int PROPERTY = 0,
  parameter  int FRAMES   = 3,
  parameter  int CORE     = 2,
  parameter  int BOUND    = 6
) (
  input wire clk,
  input wire any_reset,
  input wire s_axis_tvalid,
  input wire s_axis_tlast,
  input wire core_ready,
  input wire emits,
  input wire m_axis_tready
);
  logic started = 1'b0;
  always_ff @(posedge clk) started <= 1'b1;
  wire rst = any_reset || !started;

  wire s_axis_tready, core_s_tvalid, core_m_tready, m_axis_tvalid, m_axis_tlast;
  logic       second, answers_second, offered;     // of two beats; and whether the core has to go on offering
  logic [2:0] inside, due;                         // frames begun and not answered; beats of answers
  wire core_s_tready = core_ready && (second || inside < 3'(CORE));
  wire core_m_tvalid = (emits || offered) && due != '0;
  wire core_m_tlast  = answers_second;
  batch_end #(.BEATS_IN(2), .FRAMES(FRAMES)) dut (.*);

  wire takes  = core_s_tvalid && core_s_tready;
  wire gives  = core_m_tvalid && core_m_tready;
  wire begins = takes && !second;
  wire enters = takes && second;
  wire leaves = gives && core_m_tlast;

  logic [3:0] ends;                                // of the frames that are wholly in, the oldest lowest: which had TLAST
  logic [2:0] held;                                // those frames
  logic [2:0] waited;
  logic       stalled, was_last;
  wire  [2:0] place = leaves ? held - 3'd1 : held;
  always_ff @(posedge clk) begin
    if (takes) second <= !second;
    if (gives) answers_second <= !answers_second;
    inside  <= inside + {2'b0, begins} - {2'b0, leaves};
    due     <= due + {1'b0, begins, 1'b0} - {2'b0, gives};
    offered <= core_m_tvalid && !core_m_tready;
    held    <= held + {2'b0, enters} - {2'b0, leaves};
    ends    <= ((leaves ? ends >> 1 : ends) & ~(4'd1 << place)) | (4'(enters && s_axis_tlast) << place);
    stalled  <= m_axis_tvalid && !m_axis_tready;
    was_last <= m_axis_tlast;
    waited  <= waited + 1'b1;
    if (!s_axis_tvalid || !core_ready || !emits || !m_axis_tready || gives) waited <= '0;
    if (rst) {second, answers_second, inside, due, offered, held, ends, waited, stalled} <= '0;
    if (!rst) begin
      if (PROPERTY == 0) assert (!m_axis_tvalid || m_axis_tlast == (core_m_tlast && held != '0 && ends[0]));
      if (PROPERTY == 1) assert (takes == (s_axis_tvalid && s_axis_tready) && gives == (m_axis_tvalid && m_axis_tready)
                                 && (!stalled || (m_axis_tvalid && m_axis_tlast == was_last)));
      if (PROPERTY == 2) assert (waited != 3'(BOUND));
    end
  end
endmodule
`default_nettype wire
