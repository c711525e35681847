`timescale 1ns/1ns
// gate, STREAMS of keep, in_turn, and settle where bytes are taken at once, around a core that emits when it likes. In the
// middle everything begins anew.
//
// answer.mem, layer.mem: the beats of all frames. up.mem: the bytes that are due, bit 8 with the last of a record.
module bench;
  parameter  int COUNT   = 1;                      // frames
  parameter  int UP      = 1;                      // entries of up.mem
  parameter  int IN      = 2;                      // beats of a frame
  parameter  int FRAMES  = 2;                      // that the gate admits
  parameter  int EVERY   = 1;
  parameter  int WIDTH   = 4;                      // of the layer's beats
  parameter  int PACK    = 1;
  parameter  int BEATS   = 3;
  parameter  int KEPT    = 2;                      // frames of the layer in memory
  parameter  int KEPT_ANSWERS = 2;
  parameter  int STREAMS = 2;                      // the answers, and so often the layer
  parameter  int SETTLES = 0;
  parameter  int SEED    = 1;
  parameter  int LAYER_BYTES = 3;                  // of a record
  parameter  int TABLE   = 0;                      // of in_turn
  parameter  int RESTARTS = 5;                     // after more and more bytes
  localparam int INDEX_WIDTH = $clog2(LAYER_BYTES + 1);
  localparam int SKIP = $clog2(EVERY);
  localparam logic [INDEX_WIDTH*STREAMS-1:0] LAST = (INDEX_WIDTH*STREAMS)'(TABLE);

  logic [7:0]       answer [0:COUNT-1];
  logic [WIDTH-1:0] layer  [0:COUNT*BEATS-1];
  logic [8:0]       up     [0:UP-1];
  initial begin
    $readmemh("answer.mem", answer);
    $readmemh("layer.mem", layer);
    $readmemh("up.mem", up);
  end

  logic clk = 0, rst = 1;
  always #5 clk = !clk;
  logic [31:0] dice = SEED;
  always @(negedge clk) begin
    dice = dice ^ (dice << 13);
    dice = dice ^ (dice >> 17);
    dice = dice ^ (dice << 5);
  end

  // In: beats that count up, of COUNT frames, now and then.
  integer come = 0, admitted = 0, present = 0, fullest = 0;
  logic   s_axis_tvalid = 0;
  wire    s_axis_tready, core_valid, left;
  wire [7:0] core_data;
  logic   core_ready = 0;
  integer number = 0;                              // of the record that leaves next
  wire [$clog2(FRAMES):0] entering;
  frame_number #(.BEATS(IN), .WIDTH($clog2(FRAMES) + 1)) count (.clk, .rst, .beat(core_valid && core_ready), .number(entering));
  gate #(.WIDTH(8), .FRAMES(FRAMES)) input_gate (
    .number(entering), .leaving(number[$clog2(FRAMES):0]), .s_axis_tdata(come[7:0]), .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(core_data), .m_axis_tvalid(core_valid), .m_axis_tready(core_ready)
  );
  logic moved = 0;
  always @(posedge clk) moved <= s_axis_tvalid && s_axis_tready;
  always @(negedge clk) begin
    s_axis_tvalid = !rst && come < COUNT * IN && ((s_axis_tvalid && !moved) || dice[1:0] != 0);
    core_ready    = dice[3:2] != 0;
  end
  wire takes = core_valid && core_ready;
  wire enter = takes && admitted % IN == 0;
  always @(posedge clk) if (!rst) begin
    if (s_axis_tvalid && s_axis_tready) come <= come + 1;
    if ((s_axis_tvalid && s_axis_tready) != takes) $fatal(1, "a beat is lost or made at the gate");
    if (takes) begin
      if (core_data != admitted[7:0]) $fatal(1, "a beat is another one behind the gate");
      admitted <= admitted + 1;
    end
    if (admitted % IN != 0 && s_axis_tvalid && !core_valid) $fatal(1, "a frame is held up in its middle");
    if (present < FRAMES && s_axis_tvalid && !core_valid) $fatal(1, "a frame is held up for which there is room");
    present <= present + enter - left;
    if (present + enter - left > fullest) fullest <= present + enter - left;
    if (present + enter - left > FRAMES) $fatal(1, "more than %0d frames are inside", FRAMES);
  end else begin
    come     <= 0;
    admitted <= 0;
    present  <= 0;
  end

  // The core.
  integer beats = 0, answers = 0;
  logic   beat = 0, emits = 0;
  logic [WIDTH-1:0] beat_data;
  logic [7:0]       answer_data;
  always @(negedge clk) begin
    beats   = rst ? 0 : beats + beat;
    answers = rst ? 0 : answers + emits;
    beat  = !rst && beats < admitted / IN * BEATS && dice[5:4] != 0;
    emits = !rst && answers < beats / BEATS && dice[6];
    beat_data   = beat ? layer[beats] : dice[WIDTH-1:0];
    answer_data = emits ? answer[answers] : dice[15:8];
  end

  wire [8*STREAMS-1:0] kept;
  wire [STREAMS-1:0]   some;
  wire [INDEX_WIDTH-1:0] index;
  keep #(.WIDTH(8), .BEATS(1), .FRAMES(KEPT_ANSWERS), .INDEX_WIDTH(INDEX_WIDTH)) keep_answer (
    .clk, .rst, .tdata(answer_data), .beat(emits), .number(number[$clog2(KEPT_ANSWERS):0]), .index, .data(kept[7:0]),
    .some(some[0])
  );
  wire [31:0] recorded = number >> SKIP;
  for (genvar i = 1; i < STREAMS; i++) begin : layers
    keep #(
      .WIDTH(WIDTH), .PACK(PACK), .BEATS(BEATS), .FRAMES(KEPT), .EVERY(EVERY), .INDEX_WIDTH(INDEX_WIDTH)
    ) keep_layer (
      .clk, .rst, .tdata(beat_data), .beat, .number(recorded[$clog2(KEPT):0]), .index, .data(kept[8*i +: 8]),
      .some(some[i])
    );
  end
  wire       record_tvalid, record_tready, record_tlast, m_axis_tvalid, m_axis_tlast;
  wire [7:0] record_tdata, m_axis_tdata;
  in_turn #(
    .STREAMS(STREAMS), .COUNT_WIDTH(INDEX_WIDTH), .LAST(LAST)
  ) turns (
    .clk, .rst, .data(kept), .some(some[0]), .alone(|(number % EVERY)), .index, .m_axis_tdata(record_tdata),
    .m_axis_tvalid(record_tvalid), .m_axis_tready(record_tready), .m_axis_tlast(record_tlast)
  );
  // Without settle a byte is taken no earlier than three cycles after the one before, or after none was there.
  logic ready = 0;
  integer pause = 3;
  if (SETTLES) begin : settling
    settle #(.WIDTH(9)) at_once (
      .clk, .rst, .s_axis_tdata({record_tlast, record_tdata}), .s_axis_tvalid(record_tvalid),
      .s_axis_tready(record_tready), .m_axis_tdata({m_axis_tlast, m_axis_tdata}), .m_axis_tvalid, .m_axis_tready(ready)
    );
    always @(negedge clk) ready = dice[9:8] != 0 || SETTLES == 2;
  end else begin : slow
    assign {m_axis_tlast, m_axis_tdata, m_axis_tvalid} = {record_tlast, record_tdata, record_tvalid};
    assign record_tready = ready;
    always @(negedge clk) ready = pause == 0 && dice[9:8] != 0;
  end
  wire moves = m_axis_tvalid && ready;
  assign left = moves && m_axis_tlast;

  integer said = 0, waited = 0, restart;
  logic   offers = 0;                              // in the last cycle, and it was not taken
  always @(posedge clk) if (!rst) begin
    pause  <= moves || !m_axis_tvalid ? 3 : pause == 0 ? 0 : pause - 1;
    waited <= moves ? 0 : waited + 1;
    offers <= m_axis_tvalid && !moves;
    if (number % EVERY == 0 && m_axis_tvalid && some !== '1) $fatal(1, "a layer of a record is not there");
    if (present == 0 && some !== '0) $fatal(1, "a layer is there of which nothing is inside");
    if (offers && !m_axis_tvalid) $fatal(1, "a byte is taken back");
    if (waited > 60 * (IN + BEATS)) $fatal(1, "byte %0d of %0d does not come", said, UP);
    if (moves) begin
      if (said == UP) $fatal(1, "a byte more than is due");
      if ({m_axis_tlast, m_axis_tdata} !== up[said]) $fatal(1, "byte %0d is %03x", said, {m_axis_tlast, m_axis_tdata});
      said <= said + 1;
      if (m_axis_tlast) number <= number + 1;
    end
  end else begin
    said   <= 0;
    number <= 0;
    waited <= 0;
    offers <= 0;
  end
  initial begin
    repeat (4) @(negedge clk);
    rst = 0;
    for (restart = 0; restart < RESTARTS; restart = restart + 1) begin
      wait (said == (UP * (restart + 2)) / (RESTARTS + 4));
      @(negedge clk) rst = 1;
      repeat (2) @(negedge clk);
      rst = 0;
    end
    wait (said == UP);
    repeat (20) @(negedge clk) if (m_axis_tvalid) $fatal(1, "a byte more than is due");
    if (fullest != FRAMES) $fatal(1, "no more than %0d frames were inside", fullest);
    $display("as it should be");
    $finish;
  end
endmodule
