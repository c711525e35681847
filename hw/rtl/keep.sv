`default_nettype none
// Frames of a stream that somebody else takes, recorded beside it: a memory of FRAMES frames of BEATS beats, the first of
// every EVERY that pass.
//
// In: `beat` for every beat that moves. Out: byte `index` of recorded frame `number`, a cycle after either has changed;
// `some` while that frame is here whole. PACK beats make a word of memory, whose bytes are a power of two, the lowest first.
// Nobody is asked to wait: no more than FRAMES frames may lie here, which `gate` sees to.
module keep #(
  parameter  int WIDTH       = 8,
  parameter  int PACK        = 1,                  // a power of two
  parameter  int BEATS       = 4,                  // a multiple of PACK
  parameter  int FRAMES      = 2,                  // a power of two
  parameter  int EVERY       = 1,                  // a power of two
  parameter  int INDEX_WIDTH = 2,
  localparam int WORD          = WIDTH * PACK,
  localparam int BYTES         = 1 << $clog2((WORD + 7) / 8),
  localparam int BYTE_WIDTH    = $clog2(BYTES),
  localparam int PACK_WIDTH    = $clog2(PACK),
  localparam int WORD_WIDTH    = $clog2(BEATS / PACK),
  localparam int BEAT_WIDTH    = WORD_WIDTH + PACK_WIDTH,
  localparam int SLOT_WIDTH    = $clog2(FRAMES),
  localparam int EVERY_WIDTH   = $clog2(EVERY),
  localparam int ADDRESS_WIDTH = SLOT_WIDTH + WORD_WIDTH
) (
  input  wire                   clk,
  input  wire                   rst,               // synchronous, control only
  input  wire [WIDTH-1:0]       tdata,
  input  wire                   beat,
  input  wire [SLOT_WIDTH:0]    number,            // of a recorded frame, modulo 2 * FRAMES
  input  wire [INDEX_WIDTH-1:0] index,
  output wire [7:0]             data,
  output wire                   some
);
  localparam int FRAME_WIDTH = SLOT_WIDTH + EVERY_WIDTH + 1;
  localparam logic [ADDRESS_WIDTH-1:0] IN_FRAME = ADDRESS_WIDTH'((1 << WORD_WIDTH) - 1);

  // Frame and beat that come next; one bit more than a memory of FRAMES needs, so that a full one is not empty.
  logic [FRAME_WIDTH+BEAT_WIDTH-1:0] next;
  wire  [WORD-1:0]                   whole;        // the word, once its last beat is here; it is written with each

  wire [FRAME_WIDTH-1:0]   frame    = next[BEAT_WIDTH +: FRAME_WIDTH];
  wire                     recorded = (frame & FRAME_WIDTH'(EVERY - 1)) == '0;
  wire [ADDRESS_WIDTH-1:0] write = (ADDRESS_WIDTH'(frame >> EVERY_WIDTH) << WORD_WIDTH)
                                 | (ADDRESS_WIDTH'(next >> PACK_WIDTH) & IN_FRAME);
  wire [ADDRESS_WIDTH-1:0] read  = (ADDRESS_WIDTH'(number) << WORD_WIDTH)
                                 | (ADDRESS_WIDTH'(index >> BYTE_WIDTH) & IN_FRAME);
  assign some = frame != FRAME_WIDTH'(number) << EVERY_WIDTH;

  if (PACK > 1) begin : several
    logic [WORD-WIDTH-1:0] earlier;                 // the beats of the word that have come
    assign whole = {tdata, earlier};
    always_ff @(posedge clk) if (beat) earlier <= whole[WORD-1:WIDTH];
  end else begin : single
    assign whole = tdata;
  end

  // What is written is read in a later cycle, if at all. Words are written whole and read by bytes, which memory blocks can.
  wire writes = beat && recorded;
  if (BYTES > 1) begin : wide
    (* no_rw_check *) logic [7:0] memory [0:(BYTES << ADDRESS_WIDTH)-1];
    wire [8*BYTES-1:0] padded = (8*BYTES)'(whole);
    logic [7:0] read_byte;
    for (genvar i = 0; i < BYTES; i++) begin : lane
      always_ff @(posedge clk) if (writes) memory[{write, BYTE_WIDTH'(i)}] <= padded[8*i +: 8];
    end
    always_ff @(posedge clk) read_byte <= memory[{read, index[BYTE_WIDTH-1:0]}];
    assign data = read_byte;
  end else begin : narrow
    (* no_rw_check *) logic [WORD-1:0] words [0:(1 << ADDRESS_WIDTH)-1];
    logic [WORD-1:0] word;
    always_ff @(posedge clk) begin
      if (writes) words[write] <= whole;
      word <= words[read];
    end
    assign data = 8'(word);
  end

  if (BEATS == 1 << BEAT_WIDTH) begin : even
    always_ff @(posedge clk)
      if (rst)       next <= '0;
      else if (beat) next <= next + 1'b1;
  end else begin : odd
    wire ends = next[BEAT_WIDTH-1:0] == BEAT_WIDTH'(BEATS - 1);
    always_ff @(posedge clk)
      if (rst)       next <= '0;
      else if (beat) next <= ends ? {frame + 1'b1, BEAT_WIDTH'(0)} : next + 1'b1;
  end

  initial if (FRAMES < 2 || FRAMES != 1 << SLOT_WIDTH) $fatal(1, "keep: FRAMES=%0d is no power of two above 1", FRAMES);
  initial if (EVERY != 1 << EVERY_WIDTH) $fatal(1, "keep: EVERY=%0d is no power of two", EVERY);
endmodule
`default_nettype wire
