`default_nettype none
// Matrix-vector unit: the accumulators of one layer on PE x SIMD lanes.
//
//   accumulator[r] = start[r] + sum of weight[r][i] * x[i]      r = 0 .. ROWS-1
//
// A one-bit weight is +1 or -1, and what is summed then is x where it is +1 and what x lacks to the highest level where
// it is -1: with one-bit inputs the agreeing bits, popcount(~(weight[r] ^ x)). Weights of more bits are in two's complement
// (see `planes` for what their sum begins with).
//
// Coded weights lie as numbers of words of nine, the places of a 3 x 3 kernel. Of a lane's SIMD weights, those of the
// first place of SIMD/9 kernels come first, then those of the second: the nine of a kernel lie SIMD/9 apart.
//
// Weights of complex numbers are [[A, -B], [B, A]]: half of the rows, and half of the inputs, are real parts, the others
// imaginary ones. Turned, only [A, -B] lies in memory: an imaginary row reads it from the middle on, and there its inputs
// are inverted. Column folds of the two halves lie side by side, so that addresses leave no gap.
//
// In: COLS/SIMD beats of SIMD inputs. Out: ROWS/PE beats of PE accumulators. Bit 0 of a beat is the lowest index.
// Where every row has inputs of its own, as those of a depthwise convolution: in ROWS/PE * COLS/SIMD beats, each of SIMD
// inputs for PE rows. ROWS/PE * COLS/SIMD cycles a vector. Ready passes through from the output: whoever instantiates this puts a skid behind.
module mvu #(
  parameter  int ROWS = 4,
  parameter  int COLS = 8,
  parameter  int PE   = 2,
  parameter  int SIMD = 4,
  parameter  int W_BITS = 1,                       // of a weight
  parameter  int X_BITS = 1,                       // of an input
  parameter  int PLANES = 1,                       // 1: a popcount for every pair of bits, 0: a product for every lane
  parameter  int OWN    = 0,                       // 1: every row has inputs of its own, 0: all have the same
  parameter  int ACC_WIDTH = 4,
  parameter  int START = 0,                        // 1: accumulators start at STARTS, 0: at zero
  parameter  int TURNED = 0,                       // 1: the second half of the rows is the first turned, 0: all are stored
  parameter  int CODE_BITS = 0,                    // of the number of a word, 0: weights are not coded
  parameter      CODEBOOK = "",                    // 2^CODE_BITS words of nine weights
  parameter      WEIGHTS = "",                     // ROWS/PE * COLS/SIMD words, row folds outermost: PE lanes of SIMD weights
                                                   // or of SIMD/9 numbers; turned half of them, column folds c and
                                                   // COL_FOLDS/2 + c side by side
  parameter      STARTS  = "",                     // ROWS/PE words of PE * ACC_WIDTH bits
  parameter      ROM_STYLE = "auto",               // of the weights: "block" memory, "distributed" in LUTs, "auto"
  localparam int X_WIDTH = SIMD * X_BITS,          // of a lane's inputs
  localparam int S_WIDTH = OWN != 0 ? PE * X_WIDTH : X_WIDTH
) (
  input  wire                     clk,
  input  wire                     rst,             // synchronous, control only
  input  wire  [S_WIDTH-1:0]      s_axis_tdata,
  input  wire                     s_axis_tvalid,
  output wire                     s_axis_tready,
  output logic [PE*ACC_WIDTH-1:0] m_axis_tdata,
  output logic                    m_axis_tvalid,
  input  wire                     m_axis_tready
);
  localparam int ROW_FOLDS   = ROWS / PE;
  localparam int COL_FOLDS   = COLS / SIMD;
  localparam int FOLDS       = ROW_FOLDS * COL_FOLDS;
  localparam int FOLD_WIDTH  = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int COL_WIDTH   = COL_FOLDS > 1 ? $clog2(COL_FOLDS) : 1;
  localparam int PAIRS       = FOLDS / 4;          // turned: column folds of both halves
  localparam int PAIR_WIDTH  = PAIRS > 1 ? $clog2(PAIRS) : 1;
  localparam int WORDS       = TURNED != 0 ? FOLDS / 2 : FOLDS;
  localparam int WORD_WIDTH  = TURNED != 0 ? PAIR_WIDTH + 1 : FOLD_WIDTH;
  localparam int ROW_WIDTH   = ROW_FOLDS > 1 ? $clog2(ROW_FOLDS) : 1;
  localparam int W_WIDTH     = SIMD * W_BITS;      // of a lane's weights
  localparam int TAPS        = 9;                  // weights of a word
  localparam int KERNELS     = SIMD / TAPS;        // of a lane
  localparam int STORED      = CODE_BITS != 0 ? KERNELS * CODE_BITS : W_WIDTH;

  wire [S_WIDTH-1:0] x_data;
  wire               x_valid;
  wire               advance = m_axis_tready || !m_axis_tvalid;     // the whole pipeline moves or stands

  replay #(.WIDTH(S_WIDTH), .BEATS(COL_FOLDS), .TIMES(OWN != 0 ? 1 : ROW_FOLDS)) vector (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(x_data), .m_axis_tvalid(x_valid), .m_axis_tready(advance)
  );

  // Row 1: weights out of the memory. Rows 2 and 3: their products with the inputs, see `planes`. Row 4: accumulators.
  wire unused_style = &{1'b0, ROM_STYLE};          // only the attribute uses it
  logic [WORD_WIDTH-1:0] address;
  logic [PE*STORED-1:0]  stored;                   // what the memory gave
  wire  [PE*W_WIDTH-1:0] weight_1;
  localparam int FEW_WORDS = 16;                   // that go into a LUT wherever they are mapped; more see `rom`
  if (WORDS > FEW_WORDS) begin : deep
    rom #(.WORDS(WORDS), .WIDTH(PE*STORED), .DATA(WEIGHTS), .ROM_STYLE(ROM_STYLE)) memory (
      .clk, .enable(advance), .address(address), .data(stored)
    );
  end else begin : shallow
    (* rom_style = ROM_STYLE *)
    logic [PE*STORED-1:0] weights [0:WORDS-1];
    initial if (WEIGHTS != "") begin
      $readmemh(WEIGHTS, weights);
`ifndef SYNTHESIS
      if (^weights[WORDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", WEIGHTS);
`endif
    end
    always_ff @(posedge clk) if (advance) stored <= weights[address];
  end

  logic [COL_WIDTH-1:0]    col_fold;
  logic [ROW_WIDTH-1:0]    row_fold, row_fold_0, row_fold_1, row_fold_2;
  logic [S_WIDTH-1:0]      x_0, x_1;
  logic                    valid_0, valid_1, valid_2, valid_3;
  logic                    first_0, first_1, first_2, first_3, last_0, last_1, last_2, last_3;
  logic [PE*ACC_WIDTH-1:0] start_3;

  wire take      = advance && x_valid;
  wire first_col = col_fold == '0;
  wire last_col  = col_fold == COL_WIDTH'(COL_FOLDS - 1);
  wire last_row  = row_fold == ROW_WIDTH'(ROW_FOLDS - 1);
  wire against;                                    // inputs are inverted

  if (TURNED != 0) begin : turned
    localparam int HALF = COL_FOLDS / 2;
    logic [PAIR_WIDTH-1:0] pair;
    logic                  second;                 // of the pair
    logic                  imaginary;              // the row
    wire middle_col = col_fold == COL_WIDTH'(HALF - 1);
    wire middle_row = row_fold == ROW_WIDTH'(ROW_FOLDS / 2 - 1);
    wire last_pair  = last_col && (middle_row || last_row);

    always_ff @(posedge clk) begin
      if (take) begin                              // a row reads its pairs twice
        pair <= last_pair ? '0 : pair + (middle_col ? PAIR_WIDTH'(1 - HALF) : PAIR_WIDTH'(1));
        if (middle_col || (last_col && !last_pair)) second <= !second;
        if (last_pair) imaginary <= middle_row;
      end
      if (rst) begin
        pair      <= '0;
        second    <= 1'b0;
        imaginary <= 1'b0;
      end
    end
    assign address = {pair, second};
    assign against = imaginary && second;
  end else begin : in_order
    always_ff @(posedge clk) begin
      if (take) address <= last_col && last_row ? '0 : address + 1'b1;
      if (rst)  address <= '0;
    end
    assign against = 1'b0;
  end
  wire [S_WIDTH-1:0] x_turned = x_data ^ {S_WIDTH{against}};

  if (CODE_BITS != 0) begin : coded
    // A row more, before row 1: the memory gives numbers, and a small one for each the weights.
    for (genvar k = 0; k < PE * KERNELS; k++) begin : kernel
      wire [TAPS-1:0] word;
      rom #(.WORDS(1 << CODE_BITS), .WIDTH(TAPS), .DATA(CODEBOOK), .ROM_STYLE("logic")) decoder (
        .clk, .enable(advance), .address(stored[k*CODE_BITS +: CODE_BITS]), .data(word)
      );
      for (genvar t = 0; t < TAPS; t++) begin : place
        assign weight_1[k / KERNELS * SIMD + t * KERNELS + k % KERNELS] = word[t];
      end
    end
    always_ff @(posedge clk)
      if (advance) begin
        x_0        <= x_turned;
        row_fold_0 <= row_fold;
        first_0    <= first_col;
        last_0     <= last_col;
      end
    always_ff @(posedge clk)
      if (rst)          valid_0 <= 1'b0;
      else if (advance) valid_0 <= x_valid;
  end else begin : as_stored
    assign weight_1   = stored;
    assign x_0        = x_turned;
    assign row_fold_0 = row_fold;
    assign first_0    = first_col;
    assign last_0     = last_col;
    assign valid_0    = x_valid;
    wire unused_book = &{1'b0, CODEBOOK};
  end

  always_ff @(posedge clk)
    if (advance) begin
      x_1        <= x_0;
      row_fold_1 <= row_fold_0;
      row_fold_2 <= row_fold_1;
      first_1    <= first_0;
      first_2    <= first_1;
      first_3    <= first_2;
      last_1     <= last_0;
      last_2     <= last_1;
      last_3     <= last_2;
    end

  if (START != 0) begin : biased
    logic [PE*ACC_WIDTH-1:0] starts [0:ROW_FOLDS-1];
    initial if (STARTS != "") begin
      $readmemh(STARTS, starts);
`ifndef SYNTHESIS
      if (^starts[ROW_FOLDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", STARTS);
`endif
    end
    always_ff @(posedge clk) if (advance) start_3 <= starts[row_fold_2];
  end else begin : plain
    assign start_3 = '0;
    wire unused = &{1'b0, row_fold_2};
  end

  wire [S_WIDTH-1:0] level;                        // of a lane, bit plane after bit plane, or input after input
  for (genvar b = 0; b < S_WIDTH; b++) begin : reordered
    localparam int B = b % X_WIDTH;
    assign level[b] = x_1[PLANES != 0 ? b - B + B % SIMD * X_BITS + B / SIMD : b];
  end

  for (genvar p = 0; p < PE; p++) begin : lane
    wire  [X_WIDTH-1:0]   x = level[(OWN != 0 ? p : 0)*X_WIDTH +: X_WIDTH];
    wire  [ACC_WIDTH-1:0] sum;
    logic [ACC_WIDTH-1:0] accumulator;

    if (PLANES != 0) begin : by_plane
      localparam int COUNT_WIDTH = $clog2(SIMD * ((1 << W_BITS) - 1) * ((1 << X_BITS) - 1) + 1);
      wire [COUNT_WIDTH-1:0] count;
      planes #(.SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS)) dot (
        .clk, .enable(advance), .weight(weight_1[p*W_WIDTH +: W_WIDTH]), .level(x), .count
      );
      assign sum = ACC_WIDTH'(count);
      if (COUNT_WIDTH > ACC_WIDTH) begin : modulo
        wire unused = &{1'b0, count[COUNT_WIDTH-1:ACC_WIDTH]};
      end
    end else begin : by_lane
      localparam int COUNT_WIDTH = (W_BITS == 1 ? X_BITS : W_BITS + X_BITS) + $clog2(SIMD + 1);
      wire signed [COUNT_WIDTH:0] count;
      products #(.SIMD(SIMD), .W_BITS(W_BITS), .X_BITS(X_BITS)) dot (
        .clk, .enable(advance), .weight(weight_1[p*W_WIDTH +: W_WIDTH]), .level(x), .count(count[COUNT_WIDTH-1:0])
      );
      assign count[COUNT_WIDTH] = W_BITS > 1 && count[COUNT_WIDTH-1];
      assign sum = ACC_WIDTH'(count);
      if (COUNT_WIDTH >= ACC_WIDTH) begin : modulo
        wire unused = &{1'b0, count[COUNT_WIDTH:ACC_WIDTH]};
      end
    end

    always_ff @(posedge clk)
      if (advance && valid_3)
        accumulator <= (first_3 ? start_3[p*ACC_WIDTH +: ACC_WIDTH] : accumulator) + sum;
    assign m_axis_tdata[p*ACC_WIDTH +: ACC_WIDTH] = accumulator;
  end

  always_ff @(posedge clk) begin
    if (take) begin
      col_fold <= last_col ? '0 : col_fold + 1'b1;
      if (last_col) row_fold <= last_row ? '0 : row_fold + 1'b1;
    end
    if (advance) begin
      valid_1       <= valid_0;
      valid_2       <= valid_1;
      valid_3       <= valid_2;
      m_axis_tvalid <= valid_3 && last_3;
    end
    if (rst) begin
      col_fold      <= '0;
      row_fold      <= '0;
      valid_1       <= 1'b0;
      valid_2       <= 1'b0;
      valid_3       <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end

  initial if (ROWS % PE != 0) $fatal(1, "mvu: PE=%0d does not divide ROWS=%0d", PE, ROWS);
  initial if (COLS % SIMD != 0) $fatal(1, "mvu: SIMD=%0d does not divide COLS=%0d", SIMD, COLS);
  initial if (CODE_BITS != 0 && SIMD % TAPS != 0) $fatal(1, "mvu: SIMD=%0d is no multiple of nine", SIMD);
  initial if (TURNED != 0 && (ROW_FOLDS % 2 != 0 || COL_FOLDS % 2 != 0))
    $fatal(1, "mvu: ROW_FOLDS=%0d and COL_FOLDS=%0d have no halves to be turned", ROW_FOLDS, COL_FOLDS);
endmodule
`default_nettype wire
