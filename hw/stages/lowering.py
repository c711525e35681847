"""Which stages a layer of the graph becomes, and which foldings it can have.

A layer becomes a few stages in a row. The one that bears the layer's name is the last of them: its output stream
carries the layer's codes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...export import graph as g
from ...export.graph.weighted import steps
from ..memories import RomStyle
from .cut import Binarize, Cut, ThresholdStep
from .integrate import Integrate
from .kernels import TAPS, Kernels
from .maps import Pool, PoolSum, Window
from .matrix import FEW_WORDS, Dense, DenseScores, Mvlu, Mvtu, ScaledScores, Scores, covers
from .passes import PassSum, Replay, Thresholding
from .stage import Folding, FoldingError, Stage, check_divides, divisors
from .stream import converters
from .turned import mirrored

STYLES: tuple[RomStyle, ...] = ("auto", "block")  # where weights may lie; what yosys puts there anyway is not tried
AT_ONCE = 15  # thresholds that are compared side by side; more are searched


@dataclass(frozen=True)
class Lowering:
    """What a kind of layer becomes.

    stages        of a layer with a folding; `lane` is the bits in which an element of the chip's input comes
    foldings      every legal one, wherever the weights may lie
    elementwise   it has no weights: only PE counts, and follows the beats that the next layer reads
    """

    stages: Callable[[Any, Folding, int], list[Stage]]
    foldings: Callable[[Any], Iterator[Folding]]
    elementwise: bool = False


def stages_of(layer: g.Layer, folding: Folding, lane: int | None = None) -> list[Stage]:
    """The layer in hardware. lane   of the first layer: bits of an element where it comes onto the chip"""
    bits = (layer.takes - 1).bit_length()
    found = LOWERINGS[type(layer)].stages(layer, folding, lane or bits)
    if lane in (None, bits) or isinstance(found[0], Binarize | Cut):
        return found
    # Elements that come in bytes and are narrower.
    wide = found[0].in_width // bits
    elements = found[0].in_beats * wide
    identity = np.arange(1 << bits)[None]
    return [Cut("input", identity, elements, wide, lane, bits), *found]


def lowering(layer: g.Layer) -> Lowering:
    return LOWERINGS[type(layer)]


def _binarize(layer: g.Binarize, folding: Folding, lane: int) -> list[Stage]:
    return [Binarize(layer.name, layer.threshold, layer.bits, folding.pe)]


def _cut(layer: g.Cut, folding: Folding, lane: int) -> list[Stage]:
    table = np.pad(layer.table.astype(np.int64), ((0, 0), (0, (1 << (layer.takes - 1).bit_length()) - layer.takes)))
    return [Cut(layer.name, table, layer.inputs, folding.pe, lane, layer.emits.bits)]


def _of_channels(layer: g.Binarize | g.Cut | g.Pool) -> Iterator[Folding]:
    return (Folding(pe) for pe in divisors(layer.out_shape[-1]))


def _of_pixels(layer: g.StepCuts) -> Iterator[Folding]:
    return (Folding(pe) for pe in divisors(layer.pixels))


def _pool(layer: g.Pool, folding: Folding, lane: int) -> list[Stage]:
    shape, kernel, stride, padding = upright(layer)
    channels = shape[2]
    check_divides(layer.name, "PE", folding.pe, channels, "channels")
    smallest = np.broadcast_to(np.array(layer.of) == "min", channels)
    bits = (layer.takes - 1).bit_length()
    pads = np.where(smallest, (1 << bits) - 1, 0)
    window = Window(f"{layer.name}_window", shape, kernel, stride, padding, folding.pe, bits, pads, by_fold=True)
    common = layer.name, channels, folding.pe, bits, math.prod(kernel), math.prod(window.places)
    if layer.of[0] == "sum":
        return [window, PoolSum(*common, layer.emits.bits)]
    return [window, Pool(*common, smallest)]


def _conv(layer: g.Conv, folding: Folding, lane: int) -> list[Stage]:
    shape, kernel, stride, padding = upright(layer)
    whole_kernels = _widths_of_kernels(layer) if folding.coded else []
    own, coded = _is_depthwise(layer), folding.simd in whole_kernels
    if not coded and folding.simd not in _widths(layer):
        raise FoldingError(
            f"{layer.name}: SIMD={folding.simd} gives no beats of a window of {kernel[0]} x {kernel[1]} places of "
            f"{shape[2]} channels; choose one of {sorted({*_widths(layer), *whole_kernels})}"
        )
    lanes = folding.pe if own else folding.simd // TAPS if coded else min(folding.simd, shape[2])
    check_divides(layer.name, "PE", folding.pe, layer.rows, "rows")
    bits = (layer.takes - 1).bit_length()
    pads = np.full(shape[2], layer.pad)
    window = Window(f"{layer.name}_window", shape, kernel, stride, padding, lanes, bits, pads, by_fold=own or coded)
    vectors = math.prod(window.places)
    if own:
        return [window, *_thresholded(layer, layer.weight.reshape(layer.rows, -1), folding, vectors, own)]
    between = converters(window, folding.simd * bits, f"{layer.name}_window")
    if coded:
        by_fold = layer.weight.reshape(layer.rows, TAPS, -1, lanes).transpose(0, 2, 1, 3).reshape(layer.rows, -1)
        return [window, *between, *_thresholded(layer, by_fold, folding, vectors, coded=True)]
    return [window, *between, *_thresholded(layer, _over_all_channels(layer), folding, vectors)]


def _is_depthwise(layer: g.Conv) -> bool:
    """Every channel has a row of its own."""
    return layer.groups == layer.rows == layer.shape[2] > 1 and layer.emits.top <= AT_ONCE


def repeats(layer: g.Conv) -> bool:
    """Its 3 x 3 kernels repeat so often that a codebook and numbers of its words are fewer bits than they."""
    plain = layer.weight.dtype == np.bool_ and layer.groups == 1 and layer.emits.count == 2
    return plain and layer.kernel == (3, 3) and _kernels(layer).pays


@lru_cache(maxsize=64)
def _kernels(layer: g.Conv) -> Kernels:
    return Kernels.of(layer.signs.reshape(layer.rows, TAPS, -1).transpose(0, 2, 1))


def _dense(layer: g.Dense, folding: Folding, lane: int) -> list[Stage]:
    stages = _thresholded(layer, layer.weight, folding, 1)
    if folding.turned and _can_turn(layer, folding):
        return [replace(unit, turned=True) for unit in stages if isinstance(unit, Mvtu)]
    return stages


def _can_turn(layer: g.Dense, folding: Folding) -> bool:
    """Its upper half says all and both folds have halves; as few words as go into a LUT each need no fewer."""
    row_folds, col_folds = layer.rows // folding.pe, layer.fan_in // folding.simd
    halves = row_folds % 2 == col_folds % 2 == 0 and row_folds * col_folds > FEW_WORDS
    return halves and layer.emits.count == 2 and _is_turned(layer)


@lru_cache(maxsize=64)
def _is_turned(layer: g.Dense) -> bool:
    return layer.weight.dtype == np.bool_ and mirrored(layer.signs) is not None


def _thresholded(
    layer: g.Dense | g.Conv, weight: NDArray, folding: Folding, vectors: int, own: bool = False, coded: bool = False
) -> list[Stage]:
    """A matrix with thresholds, over so many vectors a frame.

    own     whether every row has inputs of its own
    coded   whether weights lie as numbers of words
    """
    pe, simd, style, takes = folding.pe, folding.simd, folding.rom_style, layer.takes
    if layer.emits.count == 2:
        threshold = steps(layer.threshold)[:, 0]
        if weight.dtype == np.bool_ and takes == 2 and not own and covers(weight, pe, simd):
            return [Dense(layer.name, weight, pe, simd, threshold, vectors=vectors)]
        made = Mvtu(layer.name, weight, pe, simd, threshold, takes=takes, vectors=vectors, own=own, rom_style=style)
        return [replace(made, coded=coded)]
    if layer.emits.top <= AT_ONCE:
        at = layer.threshold
        return [Mvlu(layer.name, weight, pe, simd, at, takes=takes, vectors=vectors, own=own, rom_style=style)]
    name = f"{layer.name}_sums"
    sums = Scores(name, weight, pe, simd, takes=takes, vectors=vectors, compared=True, rom_style=style)
    return [sums, *converters(sums, sums.out_bits, f"{layer.name}_sum"), *_search(layer, sums)]


def _search(layer: g.Dense | g.Conv, sums: Scores) -> Iterator[Stage]:
    bits = layer.emits.bits
    # Filled up with such as are never reached: a search halves 2^bits − 1.
    threshold = np.full((layer.rows, (1 << bits) - 1), sums.top, dtype=np.int64)
    threshold[:, : layer.emits.top] = layer.threshold
    for done in range(bits):
        name = layer.name if done == bits - 1 else f"{layer.name}_step{done}"
        yield ThresholdStep(name, threshold, sums.out_bits, done, sums.vectors * sums.rows)


def _scores(layer: g.Scores, folding: Folding, lane: int) -> list[Stage]:
    pe, simd = folding.pe, folding.simd
    offset = layer.offset if layer.offset is not None and layer.offset.any() else None
    takes, style = layer.takes, folding.rom_style
    if layer.multiplier is not None and (layer.multiplier != 1).any():
        full = np.zeros(layer.rows, np.int64) if offset is None else offset
        return [ScaledScores(layer.name, layer.weight, pe, simd, layer.multiplier, full, takes=takes, rom_style=style)]
    if layer.one_bit and offset is None and covers(layer.weight, pe, simd):
        return [DenseScores(layer.name, layer.weight, pe, simd)]
    return [Scores(layer.name, layer.weight, pe, simd, takes=takes, offset=offset, rom_style=style)]


def _set_dense(layer: g.SetDense, folding: Folding, lane: int) -> list[Stage]:
    """Sums of every pass, and its thresholds; where all see the same, one pass, whose sums are played again."""
    name, passes, pe = layer.name, layer.passes, folding.pe
    vectors = 1 if layer.shared else passes
    sums = Scores(
        f"{name}_sums",
        layer.weight,
        pe,
        folding.simd,
        vectors=vectors,
        compared=True,
        rom_style=folding.rom_style,
    )
    again = [Replay(f"{name}_again", sums.out_width, sums.out_beats, passes)] if layer.shared else []
    return [sums, *again, Thresholding(name, layer.threshold, pe, sums.out_bits)]


def _step_cuts(layer: g.StepCuts, folding: Folding, lane: int) -> list[Stage]:
    """How many cuts a pixel reaches, the lowest first, for every step again, and whether its own is among them."""
    rank = layer.threshold.argsort(kind="stable").argsort() + 1
    table = np.searchsorted(np.sort(layer.threshold), np.arange(1 << layer.bits), side="right")[None]
    levels = Cut(f"{layer.name}_levels", table, layer.pixels, folding.pe, lane, layer.steps.bit_length())
    again = Replay(f"{layer.name}_again", levels.out_width, levels.out_beats, layer.steps)
    at = np.repeat(rank[:, None], layer.pixels, axis=1)
    return [levels, again, Thresholding(layer.name, at, folding.pe, levels.out_bits)]


def _integrate_dense(layer: g.IntegrateDense, folding: Folding, lane: int) -> list[Stage]:
    """Sums of every step, and the states of the rows."""
    name, pe, style = layer.name, folding.pe, folding.rom_style
    sums = Scores(f"{name}_sums", layer.weight, pe, folding.simd, vectors=layer.passes, rom_style=style)
    return [sums, Integrate(name, layer.leak, layer.theta, layer.passes, pe, sums.out_bits, layer.fan_in)]


def _pass_scores(layer: g.PassScores, folding: Folding, lane: int) -> list[Stage]:
    pe, simd, style = folding.pe, folding.simd, folding.rom_style
    return [Scores(layer.name, layer.weight, pe, simd, vectors=layer.passes, rom_style=style)]


def _pass_sum(layer: g.PassSum, folding: Folding, lane: int) -> list[Stage]:
    return [PassSum(layer.name, layer.classes, layer.passes, folding.pe, layer.takes - 1)]


def _of_matrix(layer: g.Scores | g.SetDense | g.IntegrateDense | g.PassScores) -> Iterator[Folding]:
    """Unrolled weights lie nowhere, but the search knows that by the cost."""
    for pe, simd, style in product(divisors(layer.rows), divisors(layer.fan_in), STYLES):
        yield Folding(pe, simd, style)


def _of_dense(layer: g.Dense) -> Iterator[Folding]:
    for pe, simd, turned, style in product(divisors(layer.rows), divisors(layer.fan_in), (True, False), STYLES):
        folding = Folding(pe, simd, style, turned=turned)
        if turned or _can_turn(layer, folding):
            yield folding


def _of_pass_sum(layer: g.PassSum) -> Iterator[Folding]:
    return (Folding(pe) for pe in divisors(layer.classes) if pe <= layer.passes)


def _of_conv(layer: g.Conv) -> Iterator[Folding]:
    coded = _widths_of_kernels(layer)
    for pe, simd, style in product(divisors(layer.rows), coded, STYLES):
        yield Folding(pe, simd, style)
    for pe, simd, style in product(divisors(layer.rows), _widths(layer), STYLES):
        yield Folding(pe, simd, style, coded=not coded)


def _widths_of_kernels(layer: g.Conv) -> list[int]:
    """SIMD of a convolution whose kernels are coded: whole ones. Of any other there is none."""
    return [TAPS * each for each in divisors(layer.shape[2])] if repeats(layer) else []


def _widths(layer: g.Conv) -> list[int]:
    """SIMD of a convolution: a part of a place's channels, or several places of a window; of a depthwise one, 1."""
    if _is_depthwise(layer):
        return [1]
    channels = layer.shape[2]
    return [*divisors(channels), *(channels * places for places in divisors(math.prod(layer.kernel)) if places > 1)]


def upright(layer: g.Conv | g.Pool) -> tuple[Any, Any, Any, Any]:
    """Shape, kernel, stride and padding; a map of one row stands on its end, so that its ring holds a window and not
    the whole of it. Its stream is the same.
    """
    if layer.shape[0] != 1 or layer.kernel[0] != 1 or layer.padding[0] or layer.padding[2]:
        return layer.shape, layer.kernel, layer.stride, layer.padding
    _, columns, channels = layer.shape
    return (
        (columns, 1, channels),
        (layer.kernel[1], 1),
        (layer.stride[1], 1),
        (layer.padding[1], 0, layer.padding[3], 0),
    )


def _over_all_channels(layer: g.Conv) -> NDArray:
    """(rows, kernel rows · kernel columns · channels): 0 for the channels of other groups."""
    if layer.groups == 1:
        return layer.weight.reshape(layer.rows, -1)
    rows, down, right, each = layer.weight.shape
    whole = np.zeros((rows, down, right, layer.groups, each), dtype=np.int16)
    weight = layer.integers().reshape(layer.weight.shape)
    for row in range(rows):
        whole[row, :, :, row * layer.groups // rows] = weight[row]
    return whole.reshape(rows, -1)


LOWERINGS: dict[type, Lowering] = {
    g.Binarize: Lowering(_binarize, _of_channels, elementwise=True),
    g.Cut: Lowering(_cut, _of_channels, elementwise=True),
    g.Pool: Lowering(_pool, _of_channels, elementwise=True),
    g.Conv: Lowering(_conv, _of_conv),
    g.Dense: Lowering(_dense, _of_dense),
    g.Scores: Lowering(_scores, _of_matrix),
    g.SetDense: Lowering(_set_dense, _of_matrix),
    g.StepCuts: Lowering(_step_cuts, _of_pixels, elementwise=True),
    g.IntegrateDense: Lowering(_integrate_dense, _of_matrix),
    g.PassScores: Lowering(_pass_scores, _of_matrix),
    g.PassSum: Lowering(_pass_sum, _of_pass_sum, elementwise=True),
}
