`timescale 1ns/1ns
// link_down and link_up around a core that answers a frame with itself: bytes to the pin `rx`, those of `tx` compared.
//
// down.mem: a byte in bits 7:0; bit 8: in the middle of each bit alone the line is right; bit 9: a pause of 29:10 cycles
// before it. hold.mem: cycles for which a byte of a frame waits. up.mem: a byte that is due; bit 8: right behind the last;
// bit 9: whatever byte it is, for HELLO came while it left.
module bench;
  parameter  int DIVIDER = 4;
  parameter  int BODY    = 3;
  parameter  int DOWN    = 1;                      // entries of the files
  parameter  int HOLDS   = 1;
  parameter  int UP      = 1;
  parameter  int WITHHELD = 1;                     // answers wait until so many frames have come
  localparam int BIT     = DIVIDER;

  logic [29:0] down [0:DOWN-1];
  logic [15:0] hold [0:HOLDS-1];
  logic [9:0]  up   [0:UP-1];
  initial begin
    $readmemh("down.mem", down);
    $readmemh("hold.mem", hold);
    $readmemh("up.mem", up);
  end

  logic clk = 0, rst = 1, rx = 1;
  always #5 clk = !clk;
  wire       hello, tx;
  wire [5:0] received, answered;
  wire [1:0] damaged;
  wire [7:0] taken_tdata;
  wire       taken_tvalid;
  logic      taken_tready = 0;
  link_down #(.DIVIDER(DIVIDER), .BODY(BODY), .SEED(16'hBEEF)) down_side (
    .clk, .rst, .rx, .hello, .received, .damaged,
    .m_axis_tdata(taken_tdata), .m_axis_tvalid(taken_tvalid), .m_axis_tready(taken_tready)
  );
  logic [7:0] sent_tdata;
  logic       sent_tvalid, sent_tlast;
  wire        sent_tready;
  link_up #(.DIVIDER(DIVIDER), .SEED(16'h1234)) up_side (
    .clk, .rst, .hello, .received, .damaged, .s_axis_tdata(sent_tdata), .s_axis_tvalid(sent_tvalid),
    .s_axis_tready(sent_tready), .s_axis_tlast(sent_tlast), .answered, .tx
  );

  // The core: frames that are whole can be answered; bytes lie where their frame's number says.
  logic [7:0] memory [0:64*BODY-1];
  logic       released = 0;
  integer come = 0, gone = 0, bytes = 0, waits = 0;
  assign sent_tdata  = memory[answered * BODY + gone % BODY];
  assign sent_tvalid = released && gone < come / BODY * BODY;
  assign sent_tlast  = gone % BODY == BODY - 1;
  always @(posedge clk) begin
    if (taken_tvalid && taken_tready) begin
      memory[come % (64 * BODY)] <= taken_tdata;
      come <= come + 1;
    end
    if (sent_tvalid && sent_tready) gone <= gone + 1;
    released <= !hello && (released || WITHHELD == 1 || received == WITHHELD);
    if (hello) begin
      come <= 0;
      gone <= 0;
    end
  end
  // A byte that is offered waits for `hold` cycles; nobody is ready for one that is not.
  always @(negedge clk) begin
    if (waits != 0) begin
      waits = waits - 1;
      taken_tready = waits == 0;
    end else if (taken_tvalid && !taken_tready && bytes < HOLDS && hold[bytes] != 0) waits = hold[bytes];
    else taken_tready = taken_tvalid;
    if (taken_tvalid && taken_tready) bytes = bytes + 1;
  end

  // The line down.
  integer entry, bit_at, cycle_at;
  logic [9:0] bits;
  initial begin
    repeat (6) @(negedge clk);
    rst = 0;
    for (entry = 0; entry < DOWN; entry = entry + 1) begin
      if (down[entry][9]) repeat (down[entry][29:10]) @(negedge clk);
      bits = {1'b1, down[entry][7:0], 1'b0};
      for (bit_at = 0; bit_at < 10; bit_at = bit_at + 1)
        for (cycle_at = 0; cycle_at < BIT; cycle_at = cycle_at + 1) begin
          rx = bits[bit_at];
          if (down[entry][8] && bit_at == 0) rx = cycle_at != 0;
          else if (down[entry][8] && bit_at == 9) rx = cycle_at >= BIT / 2;
          else if (down[entry][8] && cycle_at != BIT / 2) rx = !bits[bit_at];
          @(negedge clk);
        end
      rx = 1;
    end
  end

  // The line up: every cycle of every bit.
  integer said, up_bit, up_cycle, idle;
  logic [9:0] due;
  initial begin
    wait (rst == 0);
    idle = 0;
    for (said = 0; said < UP; said = said + 1) begin
      idle = 0;
      while (tx !== 1'b0) begin
        if (tx !== 1'b1) $fatal(1, "tx is neither");
        @(negedge clk);
        idle = idle + 1;
        if (idle > 100 * BIT * (BODY + 20)) $fatal(1, "byte %0d of %0d does not come", said, UP);
      end
      if (up[said][8] && idle != 0) $fatal(1, "byte %0d comes %0d cycles late", said, idle);
      due = {1'b1, up[said][7:0], 1'b0};
      for (up_bit = 0; up_bit < 10; up_bit = up_bit + 1)
        for (up_cycle = 0; up_cycle < BIT; up_cycle = up_cycle + 1) begin
          if (tx !== due[up_bit] && !(up[said][9] && up_bit != 0 && up_bit != 9)) $fatal(1, "byte %0d is not %02x in bit %0d", said, up[said][7:0], up_bit - 1);
          @(negedge clk);
        end
    end
    repeat (40 * BIT * (BODY + 3)) begin
      if (tx !== 1'b1) $fatal(1, "a byte more than is due");
      @(negedge clk);
    end
    if (entry != DOWN) $fatal(1, "more was to come");
    $display("as it should be");
    $finish;
  end
endmodule
