"""What icebox_vlog writes, as a circuit."""

from __future__ import annotations

from bitneck.hw.gate_level.chip import chip

TEXT = r"""
module net (clk , a , b , q , r );
input clk ;
input a ;
input b ;
output q ;
output r ;
assign n2 = /* LUT    3  4  5 */ (a ? b : 1'b0);
assign r = /* LUT    3  4  6 */ !a;
/* FF  3  4  5 */ always @(posedge clk) if (1'b1) q <= 1'b0 ? 1'b0 : n2;
wire \_cell:top.both_LUT = q;
wire \_cell:top.other_LUT = r;
endmodule
"""


def test_a_lut_is_called_by_its_place_and_by_the_cell_that_leaves_there_itself_or_through_its_flip_flop():
    found = chip(TEXT, "net")
    assert {lut.name: lut.table for lut in found.luts} == {
        "LUT 5 of tile (3, 4), top.both_LUT,": 0b1000,
        "LUT 6 of tile (3, 4), top.other_LUT,": 0b01,
    }


def test_a_lut_that_the_placer_says_nothing_of_is_called_by_its_place():
    text = "\n".join(line for line in TEXT.splitlines() if "_cell:" not in line)
    assert {lut.name for lut in chip(text, "net").luts} == {"LUT 5 of tile (3, 4)", "LUT 6 of tile (3, 4)"}
