"""What several stages are made of: ROMs, replay buffers, counters."""

from __future__ import annotations

import math

from ..memories import LUT_ROM, RomStyle, placement
from ..parts import Family
from .stage import Primitives


def counter_bits(values: int) -> int:
    return max(1, (values - 1).bit_length())


def deep_luts(words: int, family: Family) -> float:
    """Of a column that needs several LUTs: leaves, and multiplexers, which some families have beside their LUTs."""
    if family in ("xc7", "xcup"):
        return math.ceil(words / 64) if words > 64 else 0
    if family == "nexus":
        return math.ceil(words / LUT_ROM) if words > LUT_ROM else 0
    return words / (LUT_ROM / 2) - 1 if words > LUT_ROM else 0


def rom(kind: str, words: int, width: int, family: Family, style: RomStyle = "auto") -> Primitives:
    """What a registered ROM of random bits adds.

    A ROM of few words has few different columns, and yosys keeps one of each: of n random columns of w bits that is
    (2^w - 2)·(1 - (1 - 2^-w)^n), without the two constant ones.
    """
    if words == 1:
        return Primitives({})
    place = placement(words, width, family, style=style)
    if place.blocks:
        return Primitives({"block row bit": width * (place.rows - 1)}, place.blocks)
    different = width if words > 30 else -(2**words - 2) * math.expm1(width * math.log1p(-(0.5**words)))
    luts = deep_luts(words, family)
    return Primitives(
        {
            f"{kind} ROM column": different if not luts else 0,
            f"{kind} ROM deep LUT": width * luts,
            "ROM register": different,
        }
    )


def replay(width: int, beats: int, times: int, family: Family) -> Primitives:
    if times == 1:
        return Primitives({})
    words = 2 << counter_bits(beats)
    place = placement(words, width, family, writable=True)
    counts: dict[str, float] = {
        "replay": 1,
        "replay counter bit": 2 * counter_bits(beats) + counter_bits(times),
        "replay in blocks": 1 if place.blocks else 0,
        "replay bit in blocks": width
        if place.blocks and family in ("ice40", "gatemate")
        else 0,  # others read what was before
        "replay bit in LUTs": width if place.luts else 0,
        "replay LUT": place.luts,
        "replay row bit": width * (place.rows - 1),
        "replay bit in logic": 0 if place.blocks or place.luts else words * width,
    }
    return Primitives(counts, place.blocks)


def together(*several: Primitives) -> Primitives:
    counts: dict[str, float] = {}
    for one in several:
        for what, count in one.counts.items():
            counts[what] = counts.get(what, 0) + count
    return Primitives(counts, sum(one.blocks for one in several))
