"""The stages that the resource estimates are fitted to, over PE, SIMD, rows, inputs and depths; none is a preset's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..stages import (
    Argmax,
    ArgmaxSpread,
    ArgmaxTree,
    Binarize,
    Cut,
    Dense,
    DenseScores,
    DwcDown,
    DwcUp,
    Fifo,
    Integrate,
    Mvlu,
    Mvtu,
    PassSum,
    Pool,
    PoolSum,
    Replay,
    ScaledScores,
    Scores,
    Stage,
    Thresholding,
    ThresholdStep,
    Window,
)
from ..stages.kernels import TAPS
from ..stages.turned import turned

MVTUS = (  # rows, inputs, PE, SIMD
    # a layer of a few neurons
    (4, 6, 2, 3), (3, 5, 1, 1), (5, 8, 5, 1), (8, 10, 8, 1), (10, 12, 5, 3), (6, 10, 3, 2), (12, 20, 4, 4),
    # tens
    (24, 32, 3, 8), (48, 96, 12, 8), (32, 128, 16, 8), (32, 64, 8, 16), (48, 60, 6, 5), (64, 100, 4, 10),
    (60, 128, 15, 16), (64, 72, 8, 8), (28, 28, 4, 7),
    # hundreds
    (64, 96, 16, 32), (64, 256, 8, 32), (128, 128, 8, 8), (96, 192, 16, 12), (128, 512, 8, 64), (192, 256, 16, 16),
    (128, 784, 16, 28), (512, 512, 32, 16), (64, 784, 16, 56),
    # few lanes, deep memories
    (128, 784, 1, 7), (256, 256, 2, 4), (64, 784, 4, 16), (64, 512, 1, 1), (8, 784, 1, 4),
    (4, 2048, 1, 1), (6, 2, 2, 1),
    # all inputs, or all rows: nothing to replay, or no accumulation
    (16, 64, 16, 8), (32, 24, 4, 24), (64, 48, 8, 48),
)  # fmt: skip
LONG = ((8, 1152, 2, 32), (4, 2304, 1, 16), (60, 1280, 4, 16))  # beats in blocks; weights in rows of blocks
UNROLLED = (
    (8, 160),
    (4, 300),
    (2, 3),
    (3, 4),
    (4, 5),
    (8, 10),
    (16, 16),
    (24, 64),
    (28, 96),
    (12, 128),
    (32, 32),
    (20, 40),
    (48, 64),
)
UNROLLED_SCORES = ((4, 200), (2, 3), (4, 8), (10, 24), (10, 32), (10, 48), (6, 96))
SCORES = (
    (10, 64, 5, 4), (10, 48, 1, 3), (10, 100, 10, 10), (10, 120, 2, 10), (4, 24, 4, 6), (10, 512, 5, 2), (2, 4, 1, 1),
    (10, 128, 5, 2), (10, 32, 2, 4), (10, 784, 5, 4),
)  # fmt: skip
BINARIZES = (  # pixels, bits, PE
    (120, 5, 4), (768, 8, 48), (784, 8, 8), (784, 8, 2), (64, 4, 8), (100, 8, 10), (256, 8, 16), (128, 5, 16),
    (48, 3, 6), (392, 8, 1), (64, 5, 64), (128, 4, 128), (24, 8, 24),
)  # fmt: skip
PICTURES = (  # side, bits, PE: thresholds of a net trained on pictures
    (28, 8, 14), (28, 8, 49), (28, 8, 28), (28, 8, 7), (28, 8, 98), (16, 8, 8), (32, 8, 32), (8, 5, 4), (8, 4, 8),
    (20, 6, 20),
)  # fmt: skip
UPS = ((1, 8), (4, 24), (7, 28), (3, 12), (16, 48), (1, 56), (8, 64))
DOWNS = ((16, 4), (12, 2), (30, 10), (42, 7), (6, 1), (50, 10), (32, 8), (64, 16), (98, 49))
ARGMAXES = ((10, 7), (10, 10), (3, 3), (26, 8), (2, 5))
TREES = ((2, 2), (3, 5), (10, 5), (10, 7), (26, 6))
PASS_SUMS = (  # classes, members, PE, the highest score
    (10, 4, 1, 100), (10, 6, 2, 48), (4, 2, 2, 30), (26, 3, 1, 64), (8, 12, 8, 20), (6, 5, 3, 500), (2, 16, 1, 12),
)  # fmt: skip
SETS = (  # passes, rows, PE, bits of a sum
    (8, 64, 16, 9), (8, 48, 8, 7), (4, 32, 32, 6), (16, 32, 2, 9), (3, 10, 5, 5), (2, 48, 48, 8), (8, 96, 4, 11),
    (6, 24, 1, 6), (5, 40, 20, 7),
)  # fmt: skip
NEURONS = (  # rows, PE, steps, fan-in
    (64, 16, 4, 64), (64, 4, 4, 784), (32, 32, 4, 32), (64, 1, 4, 64), (24, 12, 8, 128), (64, 16, 2, 784),
    (48, 8, 16, 24), (10, 5, 3, 40), (16, 16, 4, 100), (128, 8, 4, 256),
)  # fmt: skip
REPLAYS = ((144, 4, 8), (32, 8, 4), (9, 16, 3), (288, 2, 8))  # width, beats, times
SPREADS = ((10, 9, 6, 9), (3, 5, 3, 5), (26, 8, 6, 11), (2, 10, 7, 8), (10, 12, 9, 13))  # classes, widths
FIFOS = ((1, 2), (1, 4), (8, 16), (16, 4), (1, 32), (32, 64))


LEVELS = (  # rows, inputs, PE, SIMD, bits of a weight, levels of an input, levels of a code
    (16, 18, 4, 3, 1, 256, 2), (12, 27, 2, 9, 1, 16, 2), (8, 24, 2, 8, 2, 2, 2), (8, 48, 2, 12, 2, 4, 4),
    (16, 36, 4, 4, 2, 3, 3), (8, 16, 8, 2, 3, 8, 4), (6, 20, 3, 10, 1, 4, 8), (12, 32, 2, 16, 1, 2, 4),
    (8, 9, 8, 9, 4, 4, 2), (4, 12, 1, 1, 4, 256, 16), (8, 10, 4, 5, 1, 4, 16), (20, 24, 2, 4, 2, 4, 8),
    (16, 64, 4, 32, 1, 4, 4), (6, 25, 6, 1, 3, 3, 2), (64, 40, 8, 4, 1, 4, 4), (10, 16, 1, 16, 4, 8, 3),
)  # fmt: skip
SUMS = (  # rows, inputs, PE, SIMD, bits of a weight, levels of an input, whether there are offsets
    (10, 32, 5, 2, 2, 4, True), (8, 24, 1, 12, 1, 3, False), (10, 20, 10, 4, 2, 2, True), (6, 18, 2, 3, 3, 16, False),
    (10, 64, 1, 8, 1, 2, True),
)  # fmt: skip
SCALED = ((10, 24, 2, 4, 1, 2, 40), (6, 16, 1, 8, 2, 4, 200), (10, 32, 10, 2, 1, 2, 9), (4, 12, 4, 3, 2, 2, 500))
CODED = (  # rows, kernels of a row, PE, kernels read at a time, words of a codebook
    (6, 4, 1, 2, 32), (8, 8, 2, 2, 64), (16, 16, 1, 4, 32), (4, 8, 2, 4, 16), (24, 8, 3, 2, 64),
    (32, 16, 1, 1, 32),
)  # fmt: skip
TURNED = (  # rows, inputs, PE, SIMD
    (8, 12, 1, 2), (16, 24, 2, 4), (32, 64, 4, 8), (64, 256, 2, 4), (24, 40, 6, 1), (16, 256, 1, 32), (8, 128, 1, 16),
    (32, 96, 2, 12), (20, 64, 1, 8),
)  # fmt: skip
WINDOWS = (  # map, kernel, stride, padding, lanes, bits, by fold
    ((8, 8, 4), 3, 1, 0, 2, 1, False), ((6, 10, 16), 2, 2, 0, 8, 1, True), ((28, 28, 1), 3, 1, 0, 1, 8, False),
    ((12, 12, 8), 3, 1, 1, 8, 1, False), ((5, 5, 32), 3, 1, 0, 16, 1, False), ((16, 16, 3), 5, 1, 2, 3, 2, False),
    ((30, 30, 16), 3, 1, 0, 16, 1, False), ((9, 7, 2), 3, 2, 1, 1, 1, False), ((14, 14, 24), 2, 2, 0, 24, 1, True),
    ((40, 20, 8), 4, 3, 0, 4, 2, False), ((20, 20, 2), 3, 3, 1, 2, 2, True), ((4, 4, 1), 2, 1, 0, 1, 1, False),
    ((3, 3, 64), 3, 1, 0, 16, 1, False), ((10, 10, 64), 2, 2, 0, 32, 1, True),
)  # fmt: skip
POOLS = (  # channels, PE, bits, taps, mixed
    (16, 4, 1, 4, False), (32, 32, 1, 4, False), (12, 3, 2, 9, False), (8, 8, 4, 4, True), (24, 4, 1, 2, True),
    (4, 1, 8, 16, False), (32, 16, 2, 4, False),
)  # fmt: skip
POOL_SUMS = ((8, 4, 1, 4), (16, 16, 1, 49), (4, 1, 8, 16), (12, 3, 4, 9), (24, 8, 2, 4))  # channels, PE, bits, taps
CUTS = (  # rows, elements, PE, bits in, bits out, step between levels: 0 is a random table
    (1, 64, 4, 8, 1, 128), (1, 48, 1, 8, 2, 64), (3, 48, 3, 8, 1, 128), (1, 32, 2, 4, 2, 0), (16, 16, 4, 4, 1, 4),
    (1, 64, 16, 8, 8, 1), (1, 30, 3, 6, 3, 0), (8, 32, 2, 8, 2, 0), (1, 64, 8, 8, 4, 16), (4, 32, 4, 5, 3, 0),
)  # fmt: skip
STEPS = (  # rows, width, bits done, bits
    (8, 12, 0, 5), (8, 12, 4, 5), (32, 10, 2, 4), (5, 16, 3, 4), (64, 9, 1, 4), (16, 8, 5, 6),
)  # fmt: skip


def _levels(kind: type, rng: np.random.Generator, shape: tuple[int, ...], more: tuple[int, ...] = ()) -> Any:
    """A matrix stage of levels, its thresholds or offsets not yet given."""
    rows, cols, pe, simd, w_bits, takes = shape
    most = 1 << (w_bits - 1)
    weight = rng.random((rows, cols)) < 0.5 if w_bits == 1 else rng.integers(-most, most, (rows, cols)).astype(np.int8)
    if w_bits > 1:
        weight[0, 0] = -most  # so that it needs its bits
    name = f"{kind.__name__.lower()}_{'_'.join(map(str, (*shape, *more)))}"
    return partial(kind, name, weight, pe, simd, takes=takes)


def _level_cases(rng: np.random.Generator) -> Iterator[Stage]:
    for *shape, levels in LEVELS:
        made = _levels(Mvtu if levels == 2 else Mvlu, rng, tuple(shape), (levels,))
        rows, cols = shape[:2]
        sums = _levels(Scores, rng, tuple(shape))()
        spread = sums.span / cols**0.5 / 2
        at = np.sort(rng.normal(sums.span / 2, spread, (rows, levels - 1)).clip(0, sums.span).astype(np.int32), axis=1)
        yield made(at[:, 0] if levels == 2 else at)
    for *shape, offset in SUMS:
        yield _levels(Scores, rng, tuple(shape))(offset=rng.integers(0, 30, shape[0]) if offset else None)
    for *shape, factor in SCALED:
        rows = shape[0]
        made = _levels(ScaledScores, rng, tuple(shape), (factor,))
        yield made(rng.integers(1, factor + 1, rows), rng.integers(0, 100, rows))
    for rows, width, done, bits in STEPS:
        at = np.sort(rng.integers(0, 1 << width, (rows, (1 << bits) - 1)), axis=1)
        yield ThresholdStep(f"threshold_step_{rows}_{width}_{done}_{bits}", at, width, done, rows)


def _map_cases(rng: np.random.Generator) -> Iterator[Stage]:
    for index, (shape, kernel, stride, pad, lanes, bits, by_fold) in enumerate(WINDOWS):
        around, pads = (pad,) * 4, np.full(shape[2], 1)
        pair = (kernel, kernel), (stride, stride)
        yield Window(f"window_{index}", shape, *pair, around, lanes, bits, pads, by_fold)
    for channels, pe, bits, taps, mixed in POOLS:
        smallest = rng.random(channels) < 0.5 if mixed else np.zeros(channels, bool)
        yield Pool(f"pool_{channels}_{pe}_{bits}_{taps}", channels, pe, bits, taps, 4, smallest)
    for channels, pe, bits, taps in POOL_SUMS:
        top = (taps * ((1 << bits) - 1)).bit_length()
        yield PoolSum(f"pool_sum_{channels}_{pe}_{bits}_{taps}", channels, pe, bits, taps, 4, top)
    for rows, elements, pe, into, out, step in CUTS:
        levels = np.arange(1 << into)
        table = (
            np.stack([np.minimum((levels + row) // step, (1 << out) - 1) for row in range(rows)])
            if step
            else rng.integers(0, 1 << out, (rows, 1 << into))
        )
        yield Cut(f"cut_{rows}_{elements}_{pe}_{into}_{out}_{step}", table, elements, pe, 8, out)


def _coded(rng: np.random.Generator, rows: int, kernels: int, pe: int, each: int, words: int) -> Mvtu:
    """Kernels that are any of so many words."""
    book = rng.permutation(1 << TAPS)[:words, None] >> np.arange(TAPS) & 1
    number = rng.permutation(np.arange(rows * kernels) % words)
    weight = book[number].reshape(rows, -1, each, TAPS).transpose(0, 1, 3, 2)
    cols = TAPS * kernels
    threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, rows).round(), 0, cols + 1).astype(np.int32)
    name = f"coded_{rows}x{kernels}_{pe}_{each}_{words}"
    return Mvtu(name, weight.reshape(rows, -1) == 1, pe, TAPS * each, threshold, coded=True)


def _turned(rng: np.random.Generator, rows: int, cols: int, pe: int, simd: int) -> Mvtu:
    plain = _mvtu(rng, rows, cols, pe, simd)
    upper = plain.signs[: rows // 2]
    return replace(
        plain, name=f"turned_{rows}x{cols}_{pe}_{simd}", weight=np.vstack([upper, turned(upper)]), turned=True
    )


def _picture(side: int, bits: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Lowest at the border, where pixels hardly change; in the middle any of a few levels."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    middle = np.hypot(x, y) < 0.38 * side
    levels = rng.integers(1, 1 << bits, 1 << (bits - 2))
    return np.where(middle, rng.choice(levels, (side, side)), 1).astype(np.int32).ravel()


def cases() -> list[Stage]:
    """Random weights and thresholds, the same every time."""
    rng = np.random.default_rng(0)
    stages: list[Stage] = [_mvtu(rng, *shape) for shape in MVTUS]
    for rows, cols, pe, simd in SCORES:
        stages.append(Scores(f"scores_{rows}x{cols}_{pe}_{simd}", rng.random((rows, cols)) < 0.5, pe, simd))
    for rows, cols in UNROLLED:
        threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, rows).round(), 0, cols + 1).astype(np.int32)
        stages.append(Dense(f"dense_{rows}x{cols}", rng.random((rows, cols)) < 0.5, rows, cols, threshold))
    for rows, cols in UNROLLED_SCORES:
        stages.append(DenseScores(f"dense_scores_{rows}x{cols}", rng.random((rows, cols)) < 0.5, rows, cols))
    for cols, bits, pe in BINARIZES:
        pixels = rng.integers(1, 1 << bits, cols).astype(np.int32)
        stages.append(Binarize(f"binarize_{cols}_{bits}_{pe}", pixels, bits, pe))
    for side, bits, pe in PICTURES:
        stages.append(Binarize(f"binarize_picture_{side}_{bits}_{pe}", _picture(side, bits, rng), bits, pe))
    stages += [DwcUp(f"dwc_up_{narrow}_{wide}", narrow, wide, wide // narrow) for narrow, wide in UPS]
    stages += [DwcDown(f"dwc_down_{wide}_{narrow}", wide, narrow, 1) for wide, narrow in DOWNS]
    stages += [Argmax(f"argmax_{classes}_{width}", classes, width) for classes, width in ARGMAXES]
    stages += [ArgmaxTree(f"argmax_tree_{classes}_{width}", classes, width) for classes, width in TREES]
    own = np.random.default_rng(1)  # so that those before and behind stay as they were measured
    for passes, rows, pe, bits in SETS:
        at = np.clip(own.normal(1 << (bits - 2), 1 << (bits - 4), (passes, rows)).round(), 0, (1 << bits) - 1)
        stages.append(Thresholding(f"thresholding_{passes}x{rows}_{pe}_{bits}", at.astype(np.int32), pe, bits))
    for rows, pe, steps, fan_in in NEURONS:
        deviation = fan_in**0.5 / 2
        theta = np.maximum(own.normal(deviation, deviation / 4, rows).round(), 1).astype(np.int32)
        leak = (own.normal(fan_in / 2, deviation / 2, rows) - theta / 2).round().astype(np.int32)
        name = f"integrate_{rows}_{pe}_{steps}_{fan_in}"
        stages.append(Integrate(name, leak, theta, steps, pe, fan_in.bit_length(), fan_in))
    stages += [PassSum(f"pass_sum_{'_'.join(map(str, shape))}", *shape) for shape in PASS_SUMS]
    stages += [Replay(f"replay_{'_'.join(map(str, shape))}", *shape) for shape in REPLAYS]
    stages += [ArgmaxSpread(f"argmax_spread_{'_'.join(map(str, shape))}", *shape) for shape in SPREADS]
    stages += [Fifo(f"fifo_{width}_{depth}", width, depth, depth) for width, depth in FIFOS]
    long = [*_level_cases(rng), *_map_cases(rng), *(_mvtu(rng, *shape) for shape in LONG)]
    later = [*(_coded(own, *shape) for shape in CODED), *(_turned(own, *shape) for shape in TURNED)]
    return [*stages, *long, *later]


def _mvtu(rng: np.random.Generator, rows: int, cols: int, pe: int, simd: int) -> Mvtu:
    threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, rows).round(), 0, cols + 1).astype(np.int32)
    return Mvtu(f"mvtu_{rows}x{cols}_{pe}_{simd}", rng.random((rows, cols)) < 0.5, pe, simd, threshold)
