"""Where yosys puts a memory, in blocks, LUTs used as RAM or logic; and what a ROM in logic is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .parts import Family

RomStyle = Literal["auto", "block", "distributed", "logic"]


@dataclass(frozen=True)
class Memories:
    """How a family keeps memories, in the costs that yosys 0.70 weighs (memory_libmap and the families' libraries).

    shapes          (bits, words) of a block
    block_cost      of a block; a memory goes into blocks where that is cheaper than logic by more than `margin`
    rom_cost        of a bit of ROM in logic; of a bit of RAM it is 1
    distributed     (bits, words, cost, LUTs) of a RAM made of LUTs
    least           share of that cost that one of few bits has
    """

    shapes: tuple[tuple[int, int], ...]
    block_cost: float
    margin: float
    rom_cost: float
    distributed: tuple[tuple[int, int, float, int], ...] = ()
    least: float = 1


_WIDE = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
MEMORIES: Mapping[Family, Memories] = {
    "ice40": Memories(((16, 256), (8, 512), (4, 1024), (2, 2048)), 64, 0, 1 / 16),
    "ecp5": Memories(_WIDE, 128, 3, 1 / 16, ((4, 16, 4, 4),)),
    "gowin": Memories(_WIDE, 128, 3, 1 / 16, ((4, 16, 4, 4),), 1 / 4),
    "gatemate": Memories(((40, 512), (20, 1024), (10, 2048), (5, 4096), (2, 8192), (1, 16384)), 129, 0, 1 / 16),
    "nexus": Memories(_WIDE, 128, 0, 1 / 16, ((4, 16, 4.001, 4),)),  # where LUTs cost as much it takes blocks
    "xc7": Memories(_WIDE, 129, 0, 1 / 64, ((6, 32, 8, 4), (3, 64, 8, 4)), 1 / 2),
    "xcup": Memories(_WIDE, 129, 0, 1 / 64, ((14, 32, 16, 8), (7, 64, 16, 8)), 1 / 8),
}
LUT_ROM = 16  # words of ROM that yosys gets into one LUT, though a LUT6 could hold 64
MUX_COST = 0.5  # of a bit, for each further row of blocks


@dataclass(frozen=True)
class Placement:
    """Where a memory goes: `blocks` memory blocks, or `luts` LUTs used as RAM, or logic where both are zero.

    rows   of blocks or LUT RAMs in depth; more than one need a multiplexer
    """

    blocks: int = 0
    luts: int = 0
    rows: int = 1


@cache
def placement(words: int, width: int, family: Family, writable: bool = False, style: RomStyle = "auto") -> Placement:
    """Where yosys puts a memory of `words` × `width` bits: whatever is cheapest, logic first among equals.

    style   of a ROM: only blocks, or none
    """
    of = MEMORIES[family]

    def price(number: float, rows: int, each: float) -> float:
        return number * each + MUX_COST * width * (rows - 1)

    logic = words * width * (1 if writable else of.rom_cost)
    margin = of.margin * (2 if writable else 1)  # a RAM has two ports to be fitted
    best, found = (math.inf if style == "block" else logic - margin), Placement()
    for bits, depth, each, luts in of.distributed if writable else ():
        rows = math.ceil(words / depth)
        number = math.ceil(width / bits) * rows
        filled = width // bits + (max(of.least, width % bits / bits) if width % bits else 0)
        cost = price(filled * rows, rows, each) - margin
        if cost < best:
            best, found = cost, Placement(luts=number * luts, rows=rows)
    for bits, depth in () if style in ("distributed", "logic") else of.shapes:
        rows = math.ceil(words / depth)
        number = math.ceil(width * rows / bits)  # rows may share a block side by side
        cost = price(number, rows, of.block_cost)
        if cost < best:
            best, found = cost, Placement(blocks=number, rows=rows)
    return found


def table_facts(words: NDArray[np.bool_]) -> dict[str, int]:
    """What a ROM of these (words, width) bits is made of in LUTs, where equal things are made once.

    VARYING   columns that are not constant
    COLUMN    of them, the different ones
    LEAF      their different stretches of LUT_ROM words, without constant ones
    MUX       different pairs of different stretches, to the root of every column: a multiplexer each
    """
    depth = max(LUT_ROM, 1 << (len(words) - 1).bit_length())
    columns = np.pad(words, ((0, depth - len(words)), (0, 0)), mode="edge").T
    varying = columns[(columns != columns[:, :1]).any(axis=1)]
    different = {column.tobytes() for column in varying}
    nodes = [[column[at : at + LUT_ROM] for at in range(0, depth, LUT_ROM)] for column in different]
    leaves = {node for column in nodes for node in column if len(set(node)) > 1}
    muxes: set[bytes] = set()
    while len(nodes[0] if nodes else ()) > 1:
        pairs = [list(zip(column[::2], column[1::2], strict=True)) for column in nodes]
        muxes |= {low + high for column in pairs for low, high in column if low != high}
        nodes = [[low + high for low, high in column] for column in pairs]
    return {"VARYING": len(varying), "COLUMN": len(different), "LEAF": len(leaves), "MUX": len(muxes)}
