`default_nettype none
// Plays every vector of BEATS beats TIMES times, and takes in the next vector meanwhile.
//
// In: BEATS beats. Out: TIMES * BEATS beats. Two banks: with one, the input would wait while a vector is played and the
// layers of a net could not overlap. Where TIMES is 1 nothing is stored.
module replay #(
  parameter  int WIDTH = 4,
  parameter  int BEATS = 4,
  parameter  int TIMES = 2,
  localparam int BEAT_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1,
  localparam int TIME_WIDTH = TIMES > 1 ? $clog2(TIMES) : 1
) (
  input  wire              clk,
  input  wire              rst,                    // synchronous, control only
  input  wire  [WIDTH-1:0] s_axis_tdata,
  input  wire              s_axis_tvalid,
  output wire              s_axis_tready,
  output wire  [WIDTH-1:0] m_axis_tdata,
  output wire              m_axis_tvalid,
  input  wire              m_axis_tready
);
  if (TIMES == 1) begin : through
    assign m_axis_tdata  = s_axis_tdata;
    assign m_axis_tvalid = s_axis_tvalid;
    assign s_axis_tready = m_axis_tready;
    wire unused = &{1'b0, clk, rst};
  end else begin : store
    localparam logic [BEAT_WIDTH-1:0] LAST_BEAT = BEAT_WIDTH'(BEATS - 1);

    logic [WIDTH-1:0]      memory [0:(2 << BEAT_WIDTH)-1];     // the bank is the top address bit
    logic [WIDTH-1:0]      data;
    logic                  valid;
    logic                  write_bank, read_bank;
    logic [1:0]            full;                   // by bank
    logic [BEAT_WIDTH-1:0] write_beat, read_beat;
    logic [TIME_WIDTH-1:0] read_time;
    // Of the beat to be read next. Registers, because ready comes late and must pass little more than them.
    logic                  last_beat, last_time;

    assign s_axis_tready = !full[write_bank];
    assign m_axis_tvalid = valid;
    assign m_axis_tdata  = data;
    wire output_free = m_axis_tready || !valid;
    wire write       = s_axis_tvalid && s_axis_tready;
    wire read        = output_free && full[read_bank];
    wire filled      = write && write_beat == LAST_BEAT;
    wire wrap        = read && last_beat;
    wire played      = read && last_beat && last_time;

    always_ff @(posedge clk) begin
      if (write) memory[{write_bank, write_beat}] <= s_axis_tdata;
      if (read)  data <= memory[{read_bank, read_beat}];
    end

    always_ff @(posedge clk) begin
      if (output_free) valid <= read;
      if (write)       write_beat <= filled ? '0 : write_beat + 1'b1;
      if (read) begin
        read_beat <= last_beat ? '0 : read_beat + 1'b1;
        last_beat <= BEATS == 1 || read_beat == BEAT_WIDTH'(BEATS - 2);
      end
      if (wrap) begin
        read_time <= last_time ? '0 : read_time + 1'b1;
        last_time <= read_time == TIME_WIDTH'(TIMES - 2);
      end
      if (filled) begin
        full[write_bank] <= 1'b1;
        write_bank       <= !write_bank;
      end
      if (played) begin
        full[read_bank] <= 1'b0;
        read_bank       <= !read_bank;
      end
      if (rst) begin
        valid      <= 1'b0;
        full       <= '0;
        write_bank <= 1'b0;
        read_bank  <= 1'b0;
        write_beat <= '0;
        read_beat  <= '0;
        read_time  <= '0;
        last_beat  <= BEATS == 1;
        last_time  <= 1'b0;
      end
    end
  end
endmodule
`default_nettype wire
