"""What a stage takes of a part, estimated without synthesis: LUTs, flip-flops, memory blocks.

Memory blocks follow the rule by which yosys maps memories (`memories.placement`). LUTs and flip-flops are linear in
what a stage is made of (`parts_of`); the coefficients are fitted to syntheses of single stages and lie in
`coefficients.json`, with their residuals and the versions of the tools. `python -m
bitneck.hw.synthesis.calibrate` makes them anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources as package
from typing import cast

from ..memories import LUT_ROM, placement, table_facts
from ..packing import integer_bits
from ..parts import Family, part
from ..stages import Binarize, RomStyle, Stage


class ResourceError(ValueError):
    """A module that no estimate exists for."""


@dataclass(frozen=True)
class Resources:
    """What a stage or a design takes.

    luts     LUT4 (iCE40, ECP5) or LUT6 (Xilinx), those that serve as memory or carry included
    ffs      flip-flops
    brams    blocks of 4 kbit (iCE40) or 18 kbit (the others)
    cells    what a part runs out of: on iCE40 logic cells, which hold a LUT, a carry and a flip-flop; elsewhere LUTs
    method   where the numbers are from
    """

    luts: int
    ffs: int
    brams: int
    cells: int
    method: str

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.luts + other.luts,
            self.ffs + other.ffs,
            self.brams + other.brams,
            self.cells + other.cells,
            self.method,
        )


NOTHING = Resources(0, 0, 0, 0, "estimate")


Parameters = Mapping[str, int | str]
Counts = dict[str, float]


def _rom(kind: str, words: int, width: int, family: Family, style: RomStyle = "auto") -> tuple[Counts, int]:
    """What a registered ROM of random bits adds, and its blocks.

    A ROM of few words has few different columns, and yosys keeps one of each: of n random columns of w bits that is
    (2^w - 2)·(1 - (1 - 2^-w)^n), without the two constant ones.
    """
    if words == 1:
        return {}, 0
    place = placement(words, width, family, style=style)
    if place.blocks:
        return {"block row bit": width * (place.rows - 1)}, place.blocks
    different = width if words > 30 else -(2**words - 2) * math.expm1(width * math.log1p(-(0.5**words)))
    luts = words / (LUT_ROM / 2) - 1 if words > LUT_ROM else 0  # a tree: words/16 leaves, and multiplexers
    return {
        f"{kind} ROM column": different if not luts else 0,
        f"{kind} ROM deep LUT": width * luts,
        "ROM register": different,
    }, 0


def _replay(width: int, beats: int, times: int, family: Family) -> tuple[Counts, int]:
    if times == 1:
        return {}, 0
    words = 2 << _bits(beats)
    place = placement(words, width, family, writable=True)
    counts: Counts = {
        "replay": 1,
        "replay counter bit": 2 * _bits(beats) + _bits(times),
        "replay bit in blocks": width if place.blocks else 0,
        "replay bit in LUTs": width if place.luts else 0,
        "replay LUT": place.luts,
        "replay row bit": width * (place.rows - 1),
        "replay bit in logic": 0 if place.blocks or place.luts else words * width,
    }
    return counts, place.blocks


def _bits(values: int) -> int:
    """Of a counter."""
    return max(1, (values - 1).bit_length())


def _matrix(p: Parameters, family: Family) -> tuple[Counts, int]:
    rows, cols, pe, simd = (int(p[key]) for key in ("ROWS", "COLS", "PE", "SIMD"))
    threshold = "THRESHOLDS" in p
    row_folds, col_folds = rows // pe, cols // simd
    folds = row_folds * col_folds
    width = cols.bit_length() + threshold
    leaves = [6] * (simd // 6) + ([simd % 6] if simd % 6 else [])
    leaf_bits = sum(leaf.bit_length() for leaf in leaves)
    style = cast(RomStyle, p.get("ROM_STYLE", "auto"))
    weights, weight_blocks = _rom("weight", folds, pe * simd, family, style)
    half, deviation = cols // 2, math.ceil(1.5 * cols**0.5)  # thresholds lie within 3 σ of half the inputs:
    varying = min(width, ((deviation - half) ^ (-deviation - half)).bit_length())  # bits above are the same in all
    starts, start_blocks = _rom("threshold", row_folds if threshold else 1, pe * varying, family)
    replay, replay_blocks = _replay(simd, col_folds, row_folds, family)
    counts: Counts = {
        "stage": 1,
        "counter bit": (_bits(folds) if folds > 1 else 0) + sum(_bits(n) for n in (row_folds, col_folds) if n > 1),
        "synapse": pe * simd,
        "popcount register": pe * leaf_bits,
        "compressor": pe * (leaf_bits - simd.bit_length()),
        "accumulator bit": pe * width if col_folds > 1 and threshold else 0,
        "score bit": pe * width if col_folds > 1 and not threshold else 0,
        "offset bit": pe * width if col_folds == 1 else 0,
        "input bit": simd,
        "output bit": pe * (1 if threshold else width),
    }
    for more in (weights, starts, replay):
        for key, value in more.items():
            counts[key] = counts.get(key, 0) + value
    return counts, weight_blocks + start_blocks + replay_blocks


def _unrolled(p: Parameters, _: Family) -> tuple[Counts, int]:
    rows, cols = int(p["ROWS"]), int(p["COLS"])
    threshold = "THRESHOLDS" in p
    return {
        "stage": 1,
        "constant synapse": rows * cols,
        "row": rows if threshold else 0,
        "score bit": 0 if threshold else rows * cols.bit_length(),
        "further group": rows * ((cols - 1) // int(p["GROUP"])),
        "input bit": cols,
    }, 0


def _binarize(p: Parameters, family: Family) -> tuple[Counts, int]:
    cols, pe, bits = (int(p[key]) for key in ("COLS", "PE", "BITS"))
    if cols == pe:
        return {"constant pixel": pe, "constant pixel bit": pe * bits}, 0
    place = placement(cols // pe, int(p["VARYING"]), family)
    rom = {} if place.blocks else {f"threshold ROM {what}": int(p[what.upper()]) for what in ("column", "leaf", "mux")}
    varying = "varying bit of blocks" if place.blocks else "varying bit"
    own: Counts = {"stage": 1, "pixel": pe, "pixel bit": pe * bits, varying: int(p["VARYING"])}
    return own | {"counter bit": _bits(cols // pe)} | rom, place.blocks


def described(stage: Stage) -> Parameters:
    """The parameters of a stage, and of a Binarize what its thresholds are like: trained ones are far from random."""
    if not isinstance(stage, Binarize):
        return stage.parameters()
    bits = integer_bits(stage.threshold.reshape(-1, stage.pe), stage.bits)
    return {**stage.parameters(), **table_facts(bits)}


def _up(p: Parameters, _: Family) -> tuple[Counts, int]:
    narrow, wide = int(p["S_WIDTH"]), int(p["M_WIDTH"])
    return {"stage": 1, "bit": wide, "counter bit": _bits(wide // narrow)}, 0


def _down(p: Parameters, _: Family) -> tuple[Counts, int]:
    wide, narrow = int(p["S_WIDTH"]), int(p["M_WIDTH"])
    return {"stage": 1, "bit": wide, "last bit": narrow, "counter bit": _bits(wide // narrow)}, 0


def _argmax(p: Parameters, _: Family) -> tuple[Counts, int]:
    return {"stage": 1, "score bit": int(p["SCORE_WIDTH"]), "class bit": _bits(int(p["CLASSES"]))}, 0


def _argmax_tree(p: Parameters, _: Family) -> tuple[Counts, int]:
    classes, width = int(p["CLASSES"]), int(p["SCORE_WIDTH"])
    return {"stage": 1, "match": classes - 1, "match bit": (classes - 1) * width}, 0


def _fifo(p: Parameters, family: Family) -> tuple[Counts, int]:
    width, depth = int(p["WIDTH"]), int(p["DEPTH"])
    place = placement(depth, width, family, writable=True)
    return {
        "stage": 1,
        "bit": width,
        "counter bit": _bits(depth),
        "RAM LUT": place.luts,
        "bit in logic": 0 if place.blocks or place.luts else width * depth,
    }, place.blocks


MODULES: Mapping[str, tuple[str, Callable[[Parameters, Family], tuple[Counts, int]]]] = {
    "mvtu": ("matrix", _matrix),
    "scores": ("matrix", _matrix),
    "dense": ("unrolled", _unrolled),
    "dense_scores": ("unrolled", _unrolled),
    "binarize": ("binarize", _binarize),
    "dwc_up": ("dwc_up", _up),
    "dwc_down": ("dwc_down", _down),
    "argmax": ("argmax", _argmax),
    "argmax_tree": ("argmax_tree", _argmax_tree),
    "fifo": ("fifo", _fifo),
}
"""By module: the group of coefficients that it shares, and what it is made of. A new module is a line here, and cases
to fit it to."""


def parts_of(module: str, parameters: Parameters, family: Family) -> tuple[str, Counts, int]:
    """The group of coefficients, how many of everything the stage is made of, and its memory blocks."""
    if module not in MODULES:
        raise ResourceError(f"no estimate of module {module!r}; there are {', '.join(MODULES)}")
    group, made_of = MODULES[module]
    return (group, *made_of(parameters, family))


Coefficients = Mapping[str, Mapping[str, Mapping[str, float]]]
"""group → quantity (luts, ffs, cells) → what it is made of → how many of the quantity each takes."""


@cache
def _stored() -> Mapping[str, Coefficients]:
    text = (package.files(__package__) / "coefficients.json").read_text()
    return {family: values["coefficients"] for family, values in json.loads(text)["families"].items()}


def predict(module: str, parameters: Parameters, family: Family, coefficients: Mapping[str, Coefficients]) -> Resources:
    """The estimate by the given coefficients of all families."""
    group, counts, blocks = parts_of(module, parameters, family)
    of = coefficients[family][group]
    if unseen := [what for what, count in counts.items() if count and what not in of["luts"]]:
        raise ResourceError(
            f"{module} on {family}: the calibration saw no stage with {', '.join(unseen)}; "
            "add one to hw/synthesis/calibration_cases.py and calibrate"
        )
    luts, ffs, cells = (
        round(sum(of[quantity][what] * count for what, count in counts.items() if count))
        for quantity in ("luts", "ffs", "cells")
    )
    return Resources(luts, ffs, blocks, max(cells, luts), "estimate")


def estimate(stage: Stage, target: str) -> Resources:
    """What `stage` takes of the part `target`, by its module and what `described` says: weights are not looked at."""
    return _estimate(stage.module, tuple(sorted(described(stage).items())), part(target).family)


@cache
def _estimate(module: str, parameters: tuple[tuple[str, int | str], ...], family: Family) -> Resources:
    return predict(module, dict(parameters), family, _stored())


def total(stages: Iterable[Stage], target: str) -> Resources:
    """What the stages take together."""
    return sum((estimate(stage, target) for stage in stages), NOTHING)
