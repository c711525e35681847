`default_nettype none
// Every element looked up in a table, PE elements a beat.
//
//   level[j] = table[j mod ROWS][element[j]]
//
// In: beats of PE elements, LANE bits each, of which the low IN_BITS count. Out: beats of PE levels of OUT_BITS.
// One beat a cycle. PE divides ROWS, or ROWS is 1. Ready passes through while the output holds a beat.
module cut #(
  parameter  int PE       = 1,
  parameter  int ROWS     = 1,
  parameter  int LANE     = 8,
  parameter  int IN_BITS  = 8,
  parameter  int OUT_BITS = 1,
  parameter      TABLE    = "",                    // ROWS tables of 2^IN_BITS words, row 0 first
  parameter      ROM_STYLE = "auto",               // of the tables: "block" memory, "logic", "auto"
  localparam int FOLDS         = ROWS > 1 ? ROWS / PE : 1,
  localparam int FOLD_WIDTH    = FOLDS > 1 ? $clog2(FOLDS) : 1,
  localparam int WORDS         = ROWS << IN_BITS,
  localparam int ADDRESS_WIDTH = $clog2(WORDS)
) (
  input  wire                    clk,
  input  wire                    rst,              // synchronous, control only
  input  wire  [PE*LANE-1:0]     s_axis_tdata,
  input  wire                    s_axis_tvalid,
  output wire                    s_axis_tready,
  output wire  [PE*OUT_BITS-1:0] m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  wire                    m_axis_tready
);
  logic [FOLD_WIDTH-1:0] fold;
  wire unused_style = &{1'b0, ROM_STYLE};          // only the attribute uses it

  assign s_axis_tready = m_axis_tready || !m_axis_tvalid;
  wire take = s_axis_tvalid && s_axis_tready;

  for (genvar p = 0; p < PE; p++) begin : lane
    // A table for every lane: yosys takes no end of memory to place one that has ten readers and more.
    (* rom_style = ROM_STYLE *)
    logic [OUT_BITS-1:0] levels [0:WORDS-1];
    initial if (TABLE != "") begin
      $readmemh(TABLE, levels);
`ifndef SYNTHESIS
      if (^levels[WORDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", TABLE);
`endif
    end

    wire  [IN_BITS-1:0]       element = s_axis_tdata[p*LANE +: IN_BITS];
    wire  [ADDRESS_WIDTH-1:0] row     = FOLDS > 1 ? ADDRESS_WIDTH'(fold) * ADDRESS_WIDTH'(PE) + ADDRESS_WIDTH'(p)
                                                  : ROWS > 1 ? ADDRESS_WIDTH'(p) : '0;
    logic [OUT_BITS-1:0]      level;
    always_ff @(posedge clk) if (take) level <= levels[(row << IN_BITS) | ADDRESS_WIDTH'(element)];
    assign m_axis_tdata[p*OUT_BITS +: OUT_BITS] = level;
    if (LANE > IN_BITS) begin : narrow
      wire unused = &{1'b0, s_axis_tdata[p*LANE + IN_BITS +: LANE - IN_BITS]};
    end
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid;
    if (take)          fold <= fold == FOLD_WIDTH'(FOLDS - 1) ? '0 : fold + 1'b1;
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      fold          <= '0;
    end
  end

  initial if (ROWS > 1 && ROWS % PE != 0) $fatal(1, "cut: PE=%0d does not divide ROWS=%0d", PE, ROWS);
endmodule
`default_nettype wire
