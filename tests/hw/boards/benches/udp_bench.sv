`timescale 1ns/1ns
// udp_down and udp_up around a core that answers the first ANSWER bytes of a body: words of datagrams in and out.
//
// down.mem: 32 bits of data, then `last`, `error`, 16 bits of length, the last byte of `ip`, 8 cycles of a pause before it,
// a wait until so many answers have come. In pauses stands what would be taken, were it valid. up.mem: 32 bits of data, `last`,
// 4 of last_be, 16 of length, 8 of `ip`. bodies.mem: the bytes that leave udp_down.
module bench;
  parameter  int BODY   = 8;
  parameter  int ANSWER = 4;
  parameter  int SLOTS  = 2;
  parameter  int DOWN   = 1;
  parameter  int UP     = 1;
  parameter  int BYTES  = 1;                       // of all bodies
  parameter  int STALLS = 0;                       // 2: beats of answers leave so rarely that bytes have to wait
  parameter  int FRAMES = 1;                       // of the answers in a datagram: TLAST so often

  logic [73:0] down [0:DOWN-1];
  logic [60:0] up   [0:UP-1];
  logic [7:0]  bodies [0:BYTES-1];
  initial begin
    $readmemh("bodies.mem", bodies);
    $readmemh("down.mem", down);
    $readmemh("up.mem", up);
  end
  logic clk = 0, rst = 1;
  always #5 clk = !clk;
  logic [31:0] dice = 7;
  always @(negedge clk) begin
    dice = dice ^ (dice << 13);
    dice = dice ^ (dice >> 17);
    dice = dice ^ (dice << 5);
  end

  logic [31:0] s_data = 0;
  logic        s_valid = 0, s_last = 0, s_error = 0;
  logic [15:0] s_length = 0;
  logic [7:0]  s_ip = 0;
  wire         asked, asked_hello, left;
  wire [31:0]  asked_number, asked_ip;
  wire [7:0]   taken_tdata;
  wire         taken_tvalid;
  logic        taken_tready = 0;
  udp_down #(.IDENTITY(32'h8001_7EBC), .BODY(BODY), .SLOTS(SLOTS)) down_side (
    .clk, .rst, .s_axis_tdata(s_data), .s_axis_tvalid(s_valid), .s_axis_tlast(s_last), .s_axis_error(s_error),
    .length(s_length), .ip({24'hC0A801, s_ip}), .asked, .asked_hello, .asked_number, .asked_ip, .left,
    .m_axis_tdata(taken_tdata), .m_axis_tvalid(taken_tvalid), .m_axis_tready(taken_tready)
  );
  logic [7:0]  sent_tdata;
  logic        sent_tvalid, sent_tlast;
  wire         sent_tready;
  wire [5:0]   answered;
  wire [31:0]  m_data;
  wire         m_valid, m_last;
  logic        m_ready = 0;
  wire [3:0]   m_last_be;
  wire [15:0]  m_length;
  udp_up #(.IDENTITY(32'h8001_7EBC), .BODY(ANSWER)) up_side (
    .clk, .rst, .asked, .asked_hello, .asked_number, .left,
    .s_axis_tdata(sent_tdata), .s_axis_tvalid(sent_tvalid), .s_axis_tready(sent_tready), .s_axis_tlast(sent_tlast),
    .answered, .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), .m_axis_tlast(m_last),
    .last_be(m_last_be), .length(m_length)
  );

  // The core answers the first bytes of a body, once all of it is here.
  logic [7:0] memory [0:16383];
  integer come = 0, gone = 0, answers = 0;
  logic   emits = 0;
  wire    keeps = taken_tvalid && taken_tready && come % BODY < ANSWER;
  integer stored = 0, given = 0;
  assign sent_tdata  = memory[gone];
  assign sent_tvalid = emits;
  assign sent_tlast  = gone % (ANSWER / FRAMES) == ANSWER / FRAMES - 1;
  always @(posedge clk) begin
    if (taken_tvalid && taken_tready) begin
      if (taken_tdata !== bodies[come]) $fatal(1, "byte %0d of the bodies is %02x", come, taken_tdata);
      come <= come + 1;
    end
    if (keeps) begin
      memory[stored] <= taken_tdata;
      stored <= stored + 1;
    end
    if (sent_tvalid && sent_tready) begin
      gone <= gone + 1;
      if (sent_tlast) answers <= answers + 1;
    end
    if (left && !asked_hello) given <= given + 1;
    if (!rst) begin
      if (answered !== answers[5:0]) $fatal(1, "%0d answers are counted as %0d", answers, answered);
      if (sent_tready !== (gone / ANSWER - given < 2))
        $fatal(1, "with %0d answers here ready is %b", gone / ANSWER - given, sent_tready);
      if (taken_tvalid && !asked) $fatal(1, "a datagram whose bytes leave is not asked");
      if (^{taken_tvalid, m_valid} === 1'bx) $fatal(1, "nobody knows what is valid");
    end
  end
  logic held_taken = 0, held_said = 0;
  logic [7:0]  taken_before;
  logic [31:0] said_before;
  always @(posedge clk) begin
    held_taken   <= taken_tvalid && !taken_tready;
    taken_before <= taken_tdata;
    if (held_taken && !(taken_tvalid && taken_tdata == taken_before)) $fatal(1, "a byte is not held");
    held_said   <= m_valid && !m_ready;
    said_before <= m_data;
    if (held_said && !(m_valid && m_data == said_before)) $fatal(1, "a beat is not held");
  end
  always @(negedge clk) begin
    taken_tready = !rst && (!STALLS || dice[1:0] != 0);
    m_ready      = !rst && (STALLS == 2 ? dice[7:2] == 0 : !STALLS || dice[3:2] != 0);
    emits        = gone < come / BODY * ANSWER && ((emits && !sent_tready) || !STALLS || dice[5:4] != 0);
  end

  task automatic pauses;
    s_valid  = 0;
    s_data   = dice[8] ? 32'h8001_7EBC : dice[9] ? 0 : dice;
    s_last   = dice[10];
    s_error  = dice[11];
    s_length = dice[12] ? 16'(BODY + 8) : 8;
    s_ip     = dice[20:13];
    @(negedge clk);
  endtask

  integer entry, datagrams = 0, silent = 0;
  logic   begun = 0;
  initial begin
    repeat (4) @(negedge clk);
    rst = 0;
    for (entry = 0; entry < DOWN; entry = entry + 1) begin
      while (datagrams < down[entry][73:66]) pauses;
      repeat (down[entry][65:58]) pauses;
      {s_ip, s_length, s_error, s_last, s_data} = down[entry][57:0];
      s_valid = 1;
      @(negedge clk);
    end
    while (said < UP) pauses;
    repeat (600) begin
      pauses;
      if (m_valid) $fatal(1, "a beat more than is due");
    end
    // A datagram is all here when a reset comes, of one cycle.
    for (integer beat = 0; beat < (BODY + 11) / 4; beat = beat + 1) begin
      s_data   = 32'h8001_7EBC;
      s_valid  = 1;
      s_last   = beat == (BODY + 11) / 4 - 1;
      s_error  = 0;
      s_length = 16'(BODY + 8);
      @(negedge clk);
    end
    s_valid = 0;
    if (asked !== 1'b1) $fatal(1, "what came last is not asked");
    rst = 1;
    @(negedge clk);
    if ({taken_tvalid, asked, m_valid} !== 3'b000) $fatal(1, "something outlives the reset");
    $display("as it should be");
    $finish;
  end
  integer said = 0;
  always @(posedge clk) if (!rst) begin
    silent <= m_valid && m_ready ? 0 : silent + 1;
    if (silent > 4000) $fatal(1, "beat %0d of %0d does not come", said, UP);
    if (begun && !m_valid) $fatal(1, "a pause in a datagram");
    if (m_valid && m_ready) begin
      begun <= !m_last;
      if (said == UP) $fatal(1, "a beat more than is due");
      if (m_data[7:0] !== up[said][7:0] || (asked_ip !== {24'hC0A801, up[said][60:53]})
          || m_last !== up[said][32] || m_last_be !== up[said][36:33] || m_length !== up[said][52:37])
        $fatal(1, "beat %0d is %08x, last %0d of %0d", said, m_data, m_last, m_length);
      if (!m_last || m_last_be[3]) begin
        if (m_data !== up[said][31:0]) $fatal(1, "beat %0d is %08x", said, m_data);
      end else if (m_last_be[2] ? m_data[23:0] !== up[said][23:0] : m_last_be[1] && m_data[15:0] !== up[said][15:0])
        $fatal(1, "beat %0d is %08x", said, m_data);
      said <= said + 1;
      if (m_last) datagrams <= datagrams + 1;
    end
  end
endmodule
