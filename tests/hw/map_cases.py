"""Stages of feature maps for the bench: windows of odd shapes, pools, tables."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from bitneck.hw.stages import Cut, Pool, PoolSum, Window

Shape = tuple[int, int, int]
Pair = tuple[int, int]
Sides = tuple[int, int, int, int]
BARE = (0, 0, 0, 0)

WINDOWS: dict[str, tuple[Shape, Pair, Pair, Sides, int, int, bool]] = {
    # shape, kernel, stride, padding (above, left, below, right), lanes, bits, by fold
    "one_place": ((1, 1, 1), (1, 1), (1, 1), BARE, 1, 1, False),
    "one_place_in_the_middle": ((1, 1, 3), (4, 3), (1, 1), (2, 2, 3, 2), 3, 1, False),
    "one_row": ((1, 5, 2), (1, 3), (1, 2), (0, 1, 0, 0), 1, 1, True),
    "one_column": ((6, 1, 1), (3, 1), (1, 1), (1, 0, 0, 0), 1, 2, False),
    "one_column_alone": ((5, 1, 2), (2, 1), (2, 1), BARE, 1, 1, False),  # its last row is not read
    "the_whole_map": ((3, 2, 1), (3, 2), (1, 1), BARE, 1, 1, False),
    "stride_over_kernel": ((7, 6, 1), (2, 1), (3, 2), BARE, 1, 1, False),
    "stride_over_kernel_padded": ((5, 4, 2), (2, 2), (3, 3), (1, 1, 1, 1), 1, 1, True),
    "prime_channels": ((4, 3, 5), (2, 2), (2, 1), (0, 1, 1, 0), 1, 1, False),  # what is below is not read
    "prime_channels_in_turn": ((3, 3, 3), (2, 2), (1, 1), (0, 0, 1, 0), 1, 2, True),
    "around": ((3, 3, 2), (3, 3), (1, 1), (1, 1, 1, 1), 1, 2, False),
    "above": ((4, 3, 1), (3, 2), (2, 1), (2, 0, 0, 0), 1, 1, False),
    "right": ((3, 4, 1), (2, 3), (1, 3), (0, 0, 0, 2), 1, 1, True),
    "far_above_and_right": ((4, 2, 1), (4, 4), (1, 1), (3, 0, 0, 3), 1, 1, False),
    "pooled": ((4, 6, 4), (2, 2), (2, 2), BARE, 2, 1, True),
    "kernel_of_eight": ((14, 1, 1), (8, 1), (6, 1), BARE, 1, 1, False),
    "far_apart": ((16, 1, 1), (5, 1), (6, 1), (4, 0, 0, 0), 1, 1, False),
    "far_above_and_left": ((5, 1, 1), (3, 5), (4, 1), (2, 4, 0, 0), 1, 1, False),
    "far_below": ((8, 1, 1), (1, 2), (4, 1), (0, 1, 0, 0), 1, 1, False),  # three rows behind the last that is read
}
LARGE_WINDOWS: dict[str, tuple[Shape, Pair, Pair, Sides, int, int, bool]] = {
    "wide": ((3, 66, 1), (2, 2), (1, 1), (1, 0, 0, 1), 1, 3, False),
    "deep": ((2, 2, 66), (2, 2), (1, 1), (0, 1, 0, 0), 1, 1, True),
    "deep_too": ((2, 2, 66), (3, 1), (1, 1), (2, 0, 0, 0), 1, 3, False),  # rows begin beyond half of all addresses
    "high": ((130, 1, 1), (5, 1), (4, 1), (0, 0, 4, 0), 1, 9, False),
    "high_with_gaps": ((133, 1, 1), (3, 1), (4, 1), BARE, 1, 1, False),  # and two rows behind the last window
}


def window(
    name: str, shape: Shape, kernel: Pair, stride: Pair, padding: Sides, lanes: int, bits: int, by_fold: bool
) -> Window:
    """Beside the map neighbouring channels have levels of their own."""
    pads = (-1 - np.arange(shape[2]) % 3 * 5) % (1 << bits)  # no power of two: an index of a bit less is seen
    return Window(f"window_{name}", shape, kernel, stride, padding, lanes, bits, pads, by_fold)


def pool(rng: np.random.Generator, channels: int, pe: int, bits: int, taps: int, places: int) -> Pool:
    """At both ends neighbouring channels differ, and the last bit of a word is set."""
    smallest = rng.random(channels) < 0.5
    smallest[[0, 1 % channels]] = smallest[[-2 % channels, -1]] = False, True
    return Pool(f"pool_{channels}_pe{pe}_bits{bits}_taps{taps}", channels, pe, bits, taps, places, smallest)


def pool_sum(channels: int, pe: int, bits: int, taps: int, places: int) -> PoolSum:
    out_bits = (((1 << bits) - 1) * taps).bit_length()
    return PoolSum(f"pool_sum_{channels}_pe{pe}_bits{bits}_taps{taps}", channels, pe, bits, taps, places, out_bits)


def cut(rng: np.random.Generator, rows: int, elements: int, pe: int, lane: int, in_bits: int, out_bits: int) -> Cut:
    """The last two entries differ, so that the last element is not taken for its neighbour."""
    table = rng.integers(0, 1 << out_bits, (rows, 1 << in_bits))
    table[-1, -2:] = 0, (1 << out_bits) - 1
    return Cut(f"cut_{rows}_of_{elements}_pe{pe}_{lane}_{in_bits}_to_{out_bits}", table, elements, pe, lane, out_bits)


def map_stages(rng: np.random.Generator) -> Iterator[Window | Pool | PoolSum | Cut]:
    yield from (window(name, *shape) for name, shape in WINDOWS.items())
    for channels, pe, bits, taps, places in [(1, 1, 1, 1, 2), (3, 1, 1, 4, 1), (6, 2, 3, 3, 1), (4, 4, 2, 6, 1)]:
        yield pool(rng, channels, pe, bits, taps, places)
    yield from (pool_sum(*shape) for shape in [(1, 1, 1, 1, 2), (3, 1, 1, 4, 1), (4, 2, 3, 3, 1)])
    shapes = [(1, 6, 2, 8, 3, 1), (6, 12, 2, 2, 2, 3), (3, 3, 3, 4, 4, 2), (5, 5, 1, 1, 1, 2), (2, 4, 2, 8, 8, 1)]
    shapes += [(2, 4, 1, 1, 1, 1)]
    yield from (cut(rng, *shape) for shape in shapes)


def large_map_stages(rng: np.random.Generator) -> Iterator[Window | Pool | PoolSum | Cut]:
    yield from (window(name, *shape) for name, shape in LARGE_WINDOWS.items())
    for bits in (1, 2):
        yield pool(rng, 130, 1, bits, 2, 1)
        yield pool(rng, 66, 66, bits, 2, 4)  # of more taps every lane would have the same largest
        yield pool(rng, 2, 1, bits, 33, 1)
    yield pool_sum(66, 66, 2, 17, 1)
    yield pool_sum(1, 1, 1, 260, 1)
    yield cut(rng, 130, 130, 1, 8, 8, 8)
    yield cut(rng, 66, 66, 33, 1, 1, 1)


def rows_kept(stage: Window) -> list[bool]:
    """Of a map: whether any window reads the row."""
    top, down = stage.padding[0], stage.stride[0]
    begins = [place * down - top for place in range(stage.places[0])]
    return [any(0 <= row - begin < stage.kernel[0] for begin in begins) for row in range(stage.shape[0])]


def held_by_window(stage: Window) -> int:
    """Beats that go in while one comes out at most: two windows' rows and those between them that are not read."""
    row, room = stage.shape[1] * stage.folds, 2 * stage.kernel[0]
    if stage.places[1] * math.prod(stage.kernel) * stage.folds == 1:
        room += 1  # the one beat in the output register was a whole row of windows
    beats = 0
    for at in range(1 << 30):
        kept = rows_kept(stage)[at % stage.shape[0]]
        if kept and not room:
            return beats
        room, beats = room - kept, beats + row
    raise AssertionError
