`default_nettype none
// Layers that are recorded beside any core: `gate` in front, `keep` for one tapped layer and for the answers, `in_turn`.
//
// The core is free: it takes beats and emits when it likes, a frame's BEATS of the layer after its first beat came in,
// and its answer after those. A byte leaves at most every fourth cycle, and none in the first of a
// record; on a line it is every fortieth. The layer is recorded of the first of every EVERY frames.
// PROPERTY 0: records are whole frames in order, nothing lost or doubled. 1: no memory holds more than it can. 2: with a
// source, a core and a sink that go on, a byte leaves within BOUND cycles.
module recorded #(
  parameter  int PROPERTY = 0,
  parameter  int FRAMES   = 2,                      // a power of two
  parameter  int EVERY    = 1,                      // a power of two
  parameter  int BEATS    = 2,
  parameter  int BOUND    = 14
) (
  input wire clk,
  input wire any_reset,
  input wire s_axis_tvalid,
  input wire core_ready,
  input wire emits_beat,
  input wire emits_answer,
  input wire sink_ready
);
  logic started = 1'b0;
  always_ff @(posedge clk) started <= 1'b1;
  wire rst = any_reset || !started;

  localparam int KEPT   = FRAMES / EVERY < 2 ? 2 : FRAMES / EVERY;  // frames of the layer for which there is room
  localparam int NUMBER = $clog2(FRAMES) + 1;      // bits of a frame's number: none is mistaken for another under way
  localparam int SKIP   = $clog2(EVERY);

  logic [NUMBER+SKIP-1:0] number;                  // of the record that leaves next

  // In: two beats a frame.
  wire s_axis_tready, core_valid, left;
  wire [0:0] core_data;
  logic [NUMBER-1:0] entering;                     // the number of the frame whose beats come in
  gate #(.WIDTH(1), .FRAMES(FRAMES)) input_gate (
    .number(entering), .leaving(number[NUMBER-1:0]), .s_axis_tdata(1'b0), .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(core_data), .m_axis_tvalid(core_valid), .m_axis_tready(core_ready)
  );
  logic second;                                    // of the two
  wire begins = core_valid && core_ready && !second;

  // The core: beats of the layer and answers that may be emitted, and what they say: frame and beat.
  logic [3:0] beats_due, answers_due;
  logic [NUMBER-1:0] beat_frame, answer_frame;
  logic              beat_index;
  wire beat   = emits_beat && beats_due != '0;
  wire answer = emits_answer && answers_due != '0;
  wire layer_ends = beat && beat_index == 1'(BEATS - 1);
  always_ff @(posedge clk) begin
    if (core_valid && core_ready) second <= !second;
    entering <= entering + NUMBER'(core_valid && core_ready && second);
    beats_due   <= beats_due + (begins ? 4'(BEATS) : 4'd0) - {3'b0, beat};
    answers_due <= answers_due + {3'b0, layer_ends} - {3'b0, answer};
    if (beat) beat_index <= layer_ends ? '0 : beat_index + 1'b1;
    beat_frame   <= beat_frame + NUMBER'(layer_ends);
    answer_frame <= answer_frame + NUMBER'(answer);
    if (rst) {second, entering, beats_due, answers_due, beat_index, beat_frame, answer_frame} <= '0;
  end

  wire [15:0] kept;
  wire [1:0]  some;
  wire        index;
  keep #(.WIDTH(NUMBER), .BEATS(1), .FRAMES(FRAMES), .INDEX_WIDTH(1)) keep_answer (
    .clk, .rst, .tdata(answer_frame), .beat(answer), .number(number[NUMBER-1:0]), .index, .data(kept[7:0]),
    .some(some[0])
  );
  keep #(.WIDTH(NUMBER + 1), .BEATS(BEATS), .FRAMES(KEPT), .EVERY(EVERY), .INDEX_WIDTH(1)) keep_layer (
    .clk, .rst, .tdata({beat_frame, beat_index}), .beat, .number(($clog2(KEPT) + 1)'(number >> SKIP)), .index,
    .data(kept[15:8]), .some(some[1])
  );
  wire alone = (number & (NUMBER+SKIP)'(EVERY - 1)) != '0;
  wire recorded = (beat_frame & NUMBER'(EVERY - 1)) == '0;
  wire [7:0] m_axis_tdata;
  wire       m_axis_tvalid, m_axis_tlast;
  logic [1:0] pause;
  wire m_axis_tready = sink_ready && pause == '0;
  in_turn #(.STREAMS(2), .COUNT_WIDTH(1), .LAST({1'(BEATS - 1), 1'b0})) record (
    .clk, .rst, .data(kept), .some(some[0]), .alone, .index,
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast
  );
  wire moves = m_axis_tvalid && m_axis_tready;
  assign left = moves && m_axis_tlast;

  logic [1:0] place;                               // of the byte that is due: 0 the answer, then the layer's beats
  wire [1:0] last = alone ? 2'd0 : 2'(BEATS);
  wire [7:0] due = place == '0 ? 8'(number[NUMBER-1:0]) : 8'({number[NUMBER-1:0], 1'(place - 2'd1)});
  logic [3:0] layer_kept, answers_kept;
  logic [5:0] waited;
  always_ff @(posedge clk) begin
    pause <= moves || !m_axis_tvalid ? 2'd3 : pause == '0 ? '0 : pause - 1'b1;
    if (moves) place <= place == last ? '0 : place + 1'b1;
    if (left)  number <= number + 1'b1;
    layer_kept   <= layer_kept + {3'b0, beat && recorded} - {3'b0, moves && place != '0};
    answers_kept <= answers_kept + {3'b0, answer} - {3'b0, moves && place == '0};
    waited <= waited + 1'b1;
    if (!s_axis_tvalid || !core_ready || !emits_beat || !emits_answer || !sink_ready || moves) waited <= '0;
    if (rst) {pause, place, number, layer_kept, answers_kept, waited} <= '0;
    if (!rst) begin
      if (PROPERTY == 0) assert (!moves || (m_axis_tdata == due && m_axis_tlast == (place == last)));
      if (PROPERTY == 1) assert (layer_kept <= 4'(KEPT * BEATS) && answers_kept <= 4'(FRAMES));
      if (PROPERTY == 2) assert (waited != 6'(BOUND));
    end
  end
endmodule

`default_nettype wire
