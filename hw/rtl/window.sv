`default_nettype none
// Sliding window over a feature map: all elements of one window after the other, for the matrix unit or pool behind it.
//
// In: the map, MAP_HEIGHT * MAP_WIDTH places of FOLDS beats, row by row. Out: for every place of the window, row by row,
// KERNEL_HEIGHT * KERNEL_WIDTH * FOLDS beats in the order (ky, kx, fold); in the order (fold, ky, kx) where BY_FOLD is 1.
// One beat a cycle out while one a cycle comes in. What a window has beside the map is PADS.
//
// A ring holds the rows of two windows: so the first window of the next frame has come in when the last one of this frame
// has gone out, and no cycle is lost between frames. A row that no window reads is not kept.
module window #(
  parameter  int BEAT_WIDTH = 1,
  parameter  int MAP_HEIGHT = 4,
  parameter  int MAP_WIDTH  = 4,
  parameter  int FOLDS      = 1,                   // beats of a place
  parameter  int KERNEL_HEIGHT = 3,
  parameter  int KERNEL_WIDTH  = 3,
  parameter  int STRIDE_DOWN   = 1,
  parameter  int STRIDE_RIGHT  = 1,
  parameter  int TOP    = 0,                       // padding, less than the kernel
  parameter  int LEFT   = 0,
  parameter  int BOTTOM = 0,
  parameter  int RIGHT  = 0,
  parameter  int BY_FOLD = 0,
  parameter      PADS = "",                        // FOLDS words: what a place beside the map holds
  localparam int ROWS_OUT   = (TOP + MAP_HEIGHT + BOTTOM - KERNEL_HEIGHT) / STRIDE_DOWN + 1,
  localparam int COLS_OUT   = (LEFT + MAP_WIDTH + RIGHT - KERNEL_WIDTH) / STRIDE_RIGHT + 1,
  localparam int ROWS_READ  = (ROWS_OUT - 1) * STRIDE_DOWN + KERNEL_HEIGHT,           // padding included
  localparam int OVERLAP    = STRIDE_DOWN < KERNEL_HEIGHT ? 1 : 0,                    // of a window and the one below
  localparam int RING       = 2 * KERNEL_HEIGHT,
  localparam int ROW        = MAP_WIDTH * FOLDS,                                      // beats of a row
  localparam int WORDS      = RING * ROW,
  localparam int TURNS      = BY_FOLD != 0 ? FOLDS : 1,                               // through the kernel, at a place
  localparam int INNER      = BY_FOLD != 0 ? 1 : FOLDS,                               // beats of a place in a turn
  localparam int STEP       = BY_FOLD != 0 ? FOLDS : 1,                               // from a beat to the next
  localparam int ADDRESS_WIDTH = $clog2(WORDS),
  localparam int SUM_WIDTH     = $clog2(WORDS + ROW),
  localparam int FILL_WIDTH    = $clog2(RING + 1)
) (
  input  wire                   clk,
  input  wire                   rst,               // synchronous, control only
  input  wire  [BEAT_WIDTH-1:0] s_axis_tdata,
  input  wire                   s_axis_tvalid,
  output wire                   s_axis_tready,
  output wire  [BEAT_WIDTH-1:0] m_axis_tdata,
  output logic                  m_axis_tvalid,
  input  wire                   m_axis_tready
);
  logic [BEAT_WIDTH-1:0]    memory [0:WORDS-1];
  logic [FILL_WIDTH-1:0]    filled;                // rows that have come in and are still wanted

  // The writer.
  localparam int IN_WIDTH    = ROW > 1 ? $clog2(ROW) : 1;
  localparam int ROW_WIDTH   = MAP_HEIGHT > 1 ? $clog2(MAP_HEIGHT) : 1;
  localparam int PHASE_WIDTH = STRIDE_DOWN > 1 ? $clog2(STRIDE_DOWN) : 1;
  localparam logic [PHASE_WIDTH-1:0] FIRST_PHASE = PHASE_WIDTH'(TOP % STRIDE_DOWN);
  logic [IN_WIDTH-1:0]      in_row;                // beats of the row that have come in
  logic [ROW_WIDTH-1:0]     row;
  logic [PHASE_WIDTH-1:0]   phase;                 // the row, padding included, modulo the stride
  logic [ADDRESS_WIDTH-1:0] write_address;

  wire read_at_all = {1'b0, phase} < (PHASE_WIDTH + 1)'(OVERLAP != 0 ? STRIDE_DOWN : KERNEL_HEIGHT);
  wire kept        = read_at_all && {1'b0, row} < (ROW_WIDTH + 1)'(ROWS_READ > TOP + MAP_HEIGHT ? MAP_HEIGHT : ROWS_READ - TOP);
  wire last_in_row = in_row == IN_WIDTH'(ROW - 1);
  wire last_row    = row == ROW_WIDTH'(MAP_HEIGHT - 1);
  assign s_axis_tready = !kept || filled != FILL_WIDTH'(RING);
  wire take        = s_axis_tvalid && s_axis_tready;
  wire row_taken   = take && last_in_row;

  always_ff @(posedge clk) if (take && kept) memory[write_address] <= s_axis_tdata;

  always_ff @(posedge clk) begin
    if (take) in_row <= last_in_row ? '0 : in_row + 1'b1;
    if (row_taken) begin
      row   <= last_row ? '0 : row + 1'b1;
      phase <= last_row ? FIRST_PHASE : phase == PHASE_WIDTH'(STRIDE_DOWN - 1) ? '0 : phase + 1'b1;
    end
    if (take && kept) write_address <= write_address == ADDRESS_WIDTH'(WORDS - 1) ? '0 : write_address + 1'b1;
    if (rst) begin
      in_row        <= '0;
      row           <= '0;
      phase         <= FIRST_PHASE;
      write_address <= '0;
    end
  end

  // The reader goes through the beats of a place, kx, ky, the turns, x and y.
  localparam int INNER_WIDTH = INNER > 1 ? $clog2(INNER) : 1;
  localparam int KX_WIDTH    = KERNEL_WIDTH > 1 ? $clog2(KERNEL_WIDTH) : 1;
  localparam int KY_WIDTH    = KERNEL_HEIGHT > 1 ? $clog2(KERNEL_HEIGHT) : 1;
  localparam int TURN_WIDTH  = TURNS > 1 ? $clog2(TURNS) : 1;
  localparam int X_WIDTH     = COLS_OUT > 1 ? $clog2(COLS_OUT) : 1;
  localparam int Y_WIDTH     = ROWS_OUT > 1 ? $clog2(ROWS_OUT) : 1;
  logic [INNER_WIDTH-1:0]   inner;
  logic [KX_WIDTH-1:0]      kx;
  logic [KY_WIDTH-1:0]      ky;
  logic [TURN_WIDTH-1:0]    turn;
  logic [X_WIDTH-1:0]       x;
  logic [Y_WIDTH-1:0]       y;
  // Where rows begin: that of this ky, of the window's first ky, of the first ky of the window below.
  logic [ADDRESS_WIDTH-1:0] line, base, below;
  // How far in its row the next beat lies, and where this turn and this place began.
  logic [ADDRESS_WIDTH-1:0] across, turn_start, place_start;
  logic [BEAT_WIDTH-1:0]    data;

  wire                  row_on_map;                // of this ky
  wire [FILL_WIDTH-1:0] wanted, left_behind;       // rows of this window on the map; of them, not in the window below
  wire output_free = m_axis_tready || !m_axis_tvalid;
  wire read        = output_free && filled >= wanted;
  wire last_inner  = inner == INNER_WIDTH'(INNER - 1);
  wire last_kx     = kx == KX_WIDTH'(KERNEL_WIDTH - 1);
  wire last_ky     = ky == KY_WIDTH'(KERNEL_HEIGHT - 1);
  wire last_turn   = turn == TURN_WIDTH'(TURNS - 1);
  wire last_x      = x == X_WIDTH'(COLS_OUT - 1);
  wire last_y      = y == Y_WIDTH'(ROWS_OUT - 1);
  wire inner_ends  = read && last_inner;
  wire kx_ends     = inner_ends && last_kx;
  wire ky_ends     = kx_ends && last_ky;
  wire turn_ends   = ky_ends && last_turn;
  wire x_ends      = turn_ends && last_x;

  // Of the row, modulo the width. Yosys loses a minus in front of a width cast.
  localparam logic [ADDRESS_WIDTH-1:0] LEFTMOST = ADDRESS_WIDTH'((1 << ADDRESS_WIDTH) - LEFT * FOLDS);
  wire [SUM_WIDTH-1:0]     down       = SUM_WIDTH'(line) + SUM_WIDTH'(ROW);
  wire [ADDRESS_WIDTH-1:0] next_line  = !row_on_map ? line : down == SUM_WIDTH'(WORDS) ? '0 : ADDRESS_WIDTH'(down);
  wire [ADDRESS_WIDTH-1:0] next_base  = last_y || OVERLAP == 0 ? next_line : below;
  wire [ADDRESS_WIDTH-1:0] next_place = last_x ? LEFTMOST : place_start + ADDRESS_WIDTH'(STRIDE_RIGHT * FOLDS);
  wire [ADDRESS_WIDTH-1:0] next_turn  = last_turn ? next_place : turn_start + 1'b1;
  wire [ADDRESS_WIDTH-1:0] address    = line + across;

  always_ff @(posedge clk) if (read) data <= memory[address];

  always_ff @(posedge clk) begin
    if (output_free) m_axis_tvalid <= read;
    if (read)        inner <= last_inner ? '0 : inner + 1'b1;
    if (inner_ends)  kx    <= last_kx ? '0 : kx + 1'b1;
    if (kx_ends)     ky    <= last_ky ? '0 : ky + 1'b1;
    if (ky_ends)     turn  <= last_turn ? '0 : turn + 1'b1;
    if (turn_ends)   x     <= last_x ? '0 : x + 1'b1;
    if (x_ends)      y     <= last_y ? '0 : y + 1'b1;
    if (read)        across <= !(last_inner && last_kx) ? across + ADDRESS_WIDTH'(STEP) : last_ky ? next_turn : turn_start;
    if (ky_ends)     turn_start  <= next_turn;
    if (turn_ends)   place_start <= next_place;
    if (kx_ends)     line <= !last_ky ? next_line : last_turn && last_x ? next_base : base;
    if (kx_ends && ky == KY_WIDTH'((STRIDE_DOWN - 1) % KERNEL_HEIGHT)) below <= next_line;
    if (x_ends)      base <= next_base;
    filled <= filled + FILL_WIDTH'(row_taken && kept) - (x_ends ? left_behind : '0);
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      inner       <= '0;
      kx          <= '0;
      ky          <= '0;
      turn        <= '0;
      x           <= '0;
      y           <= '0;
      across      <= LEFTMOST;
      turn_start  <= LEFTMOST;
      place_start <= LEFTMOST;
      line        <= '0;
      base        <= '0;
      filled      <= '0;
    end
  end

  if (TOP + LEFT + BOTTOM + RIGHT == 0) begin : bare
    assign row_on_map   = 1'b1;
    assign wanted       = FILL_WIDTH'(KERNEL_HEIGHT);
    assign left_behind  = last_y || OVERLAP == 0 ? FILL_WIDTH'(KERNEL_HEIGHT) : FILL_WIDTH'(STRIDE_DOWN);
    assign m_axis_tdata = data;
  end else begin : padded
    // Rows and columns of the padded map, where this window begins and where the reader is.
    localparam int DOWN_WIDTH  = $clog2(ROWS_READ + STRIDE_DOWN + KERNEL_HEIGHT);
    localparam int RIGHT_WIDTH = $clog2(LEFT + MAP_WIDTH + RIGHT + STRIDE_RIGHT);
    localparam int FOLD_WIDTH  = FOLDS > 1 ? $clog2(FOLDS) : 1;
    logic [DOWN_WIDTH-1:0]  top_row, at_row;
    logic [RIGHT_WIDTH-1:0] left_col, at_col;
    logic [BEAT_WIDTH-1:0]  pad;
    logic                   beside;                // the beat that is shown lies beside the map
    logic [BEAT_WIDTH-1:0]  pads [0:FOLDS-1];
    initial if (PADS != "") begin
      $readmemh(PADS, pads);
`ifndef SYNTHESIS
      if (^pads[FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", PADS);
`endif
    end

    // Compared with one more than themselves, for no number is less than a padding of 0.
    wire [DOWN_WIDTH:0]  rows_begun = {1'b0, at_row} + 1'b1;
    wire [RIGHT_WIDTH:0] cols_begun = {1'b0, at_col} + 1'b1;
    wire col_on_map = cols_begun > (RIGHT_WIDTH + 1)'(LEFT) && cols_begun <= (RIGHT_WIDTH + 1)'(LEFT + MAP_WIDTH);
    assign row_on_map = rows_begun > (DOWN_WIDTH + 1)'(TOP) && rows_begun <= (DOWN_WIDTH + 1)'(TOP + MAP_HEIGHT);

    // Rows of the map above this window, above the one below it, and above the end of this one.
    wire [DOWN_WIDTH-1:0] next_top = top_row + DOWN_WIDTH'(STRIDE_DOWN);
    wire [DOWN_WIDTH-1:0] bottom   = top_row + DOWN_WIDTH'(KERNEL_HEIGHT);
    wire [DOWN_WIDTH-1:0] above      = {1'b0, top_row} <= (DOWN_WIDTH + 1)'(TOP) ? '0 : top_row - DOWN_WIDTH'(TOP);
    wire [DOWN_WIDTH-1:0] next_above = next_top <= DOWN_WIDTH'(TOP) ? '0 : next_top - DOWN_WIDTH'(TOP);
    wire [DOWN_WIDTH-1:0] ended      = bottom >= DOWN_WIDTH'(TOP + MAP_HEIGHT) ? DOWN_WIDTH'(MAP_HEIGHT) : bottom - DOWN_WIDTH'(TOP);
    assign wanted      = FILL_WIDTH'(ended - above);
    assign left_behind = last_y || OVERLAP == 0 ? wanted : FILL_WIDTH'(next_above - above);

    always_ff @(posedge clk)
      if (read) begin
        beside <= !(row_on_map && col_on_map);
        pad    <= pads[BY_FOLD != 0 ? FOLD_WIDTH'(turn) : FOLD_WIDTH'(inner)];
      end
    assign m_axis_tdata = beside ? pad : data;

    always_ff @(posedge clk) begin
      if (inner_ends) at_col <= !last_kx ? at_col + 1'b1 : turn_ends ? (last_x ? '0 : left_col + RIGHT_WIDTH'(STRIDE_RIGHT)) : left_col;
      if (turn_ends)  left_col <= last_x ? '0 : left_col + RIGHT_WIDTH'(STRIDE_RIGHT);
      if (kx_ends)    at_row <= !last_ky ? at_row + 1'b1 : x_ends ? (last_y ? '0 : next_top) : top_row;
      if (x_ends)     top_row <= last_y ? '0 : next_top;
      if (rst) begin
        at_col   <= '0;
        left_col <= '0;
        at_row   <= '0;
        top_row  <= '0;
      end
    end
  end
endmodule
`default_nettype wire
