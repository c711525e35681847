`default_nettype none
// Read-only memory with a register behind it.
//
//   data = word[address] of the last enabled edge
//
// Synthesis maps it by itself. Among slower logic yosys has time to build a column of 64 words from several small
// functions that columns share, four LUT6 in the end where one holds it.
(* keep_hierarchy *)
module rom #(
  parameter  int WORDS = 32,
  parameter  int WIDTH = 4,
  parameter      DATA = "",                        // WORDS words
  parameter      ROM_STYLE = "auto",               // "block" memory, "distributed" or "logic", "auto"
  localparam int ADDRESS_WIDTH = $clog2(WORDS)
) (
  input  wire                     clk,
  input  wire                     enable,
  input  wire [ADDRESS_WIDTH-1:0] address,
  output logic [WIDTH-1:0]        data
);
  wire unused_style = &{1'b0, ROM_STYLE};          // only the attribute uses it
  (* rom_style = ROM_STYLE *)
  logic [WIDTH-1:0] words [0:WORDS-1];
  initial if (DATA != "") begin
    $readmemh(DATA, words);
`ifndef SYNTHESIS
    if (^words[WORDS-1] === 1'bx) $fatal(1, "%0s is missing or too short", DATA);
`endif
  end

  always_ff @(posedge clk) if (enable) data <= words[address];
endmodule
`default_nettype wire
