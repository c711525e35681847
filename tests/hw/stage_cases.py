"""Every stage over a grid of foldings and at its largest, as descriptors; and the inner modules that are no stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from bitneck.hw.packing import Beats
from bitneck.hw.stages import (
    Argmax,
    ArgmaxTree,
    Binarize,
    Dense,
    DenseScores,
    DwcDown,
    DwcUp,
    Fifo,
    Mvtu,
    Scores,
    Stage,
)
from level_cases import large_level_stages, level_stages
from map_cases import large_map_stages, map_stages
from member_cases import large_member_stages, member_stages
from turned_cases import large_turned_stages, turned_stages


@dataclass(frozen=True)
class Skid:
    """`rtl/skid.sv`: a beat comes out as it went in."""

    name: str
    width: int

    module: ClassVar[str] = "skid"
    in_beats: ClassVar[int] = 8
    out_beats: ClassVar[int] = 8
    cycles: ClassVar[int] = 8

    @property
    def in_width(self) -> int:
        return self.width

    out_width = in_width

    def parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width}

    def memories(self) -> dict[str, str]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        return beats


@dataclass(frozen=True)
class Replay:
    """`rtl/replay.sv`: every vector of `beats` beats, `times` times."""

    name: str
    width: int
    beats: int
    times: int

    module: ClassVar[str] = "replay"

    @property
    def in_width(self) -> int:
        return self.width

    out_width = in_width

    @property
    def in_beats(self) -> int:
        return self.beats

    @property
    def out_beats(self) -> int:
        return self.beats * self.times

    cycles = out_beats

    def parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width, "BEATS": self.beats, "TIMES": self.times}

    def memories(self) -> dict[str, str]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        frames = beats.reshape(-1, 1, self.beats, self.width)
        return np.repeat(frames, self.times, axis=1).reshape(-1, self.width)


@dataclass(frozen=True)
class Framed:
    """`rtl/frame_end.sv` beside a stream (`framed.sv`): the beats as they went in, TLAST above their highest bit."""

    name: str
    width: int
    beats: int

    module: ClassVar[str] = "framed"

    @property
    def in_width(self) -> int:
        return self.width

    @property
    def out_width(self) -> int:
        return self.width + 1

    @property
    def in_beats(self) -> int:
        return self.beats

    out_beats = cycles = in_beats

    def parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width, "BEATS": self.beats}

    def memories(self) -> dict[str, str]:
        return {}

    def __call__(self, beats: Beats) -> Beats:
        last = np.arange(len(beats)) % self.beats == self.beats - 1
        return np.column_stack([beats, last])


def mvtu(rng: np.random.Generator, rows: int, cols: int, pe: int, simd: int) -> Mvtu:
    """Random weights; thresholds near the middle, and with rows enough one that always and one that never fires."""
    threshold = np.clip(rng.normal(cols / 2, cols**0.5 / 2, rows).round(), 0, cols + 1).astype(np.int32)
    if rows > 3:
        threshold[1:3] = 0, cols + 1  # not the first or the last: a code that is always the same shows nothing
    weight = rng.random((rows, cols)) < 0.5
    return Mvtu(f"mvtu_{rows}x{cols}_pe{pe}_simd{simd}", weight, pe, simd, threshold)


def scores(rng: np.random.Generator, rows: int, cols: int, pe: int, simd: int) -> Scores:
    return Scores(f"scores_{rows}x{cols}_pe{pe}_simd{simd}", rng.random((rows, cols)) < 0.5, pe, simd)


def dense(rng: np.random.Generator, rows: int, cols: int, group: int) -> Dense:
    like = mvtu(rng, rows, cols, rows, cols)
    return Dense(f"dense_{rows}x{cols}_group{group}", like.weight, rows, cols, like.threshold, group=group)


def dense_scores(rng: np.random.Generator, rows: int, cols: int, group: int) -> DenseScores:
    weight = rng.random((rows, cols)) < 0.5
    return DenseScores(f"dense_scores_{rows}x{cols}_group{group}", weight, rows, cols, group=group)


def binarize(rng: np.random.Generator, cols: int, bits: int, pe: int, never: int = 1) -> Binarize:
    """Random thresholds; pixel 0 always fires, and pixel `never` does not."""
    threshold = rng.integers(0, (1 << bits) + 1, cols).astype(np.int32)
    threshold[[0, never]] = 0, 1 << bits
    return Binarize(f"binarize_{cols}_bits{bits}_pe{pe}_never{never}", threshold, bits, pe)


REFUSED: dict[str, list[tuple[dict[str, int], str]]] = {
    "cut": [
        ({"ROWS": 5, "PE": 2}, "cut: PE=2 does not divide ROWS=5"),
        ({"ROWS": 2, "PE": 3}, "cut: PE=3 does not divide ROWS=2"),
    ],
    "thresholding": [({"ROWS": 5, "PE": 2}, "thresholding: PE=2 does not divide ROWS=5")],
    "integrate": [({"ROWS": 5, "PE": 2}, "integrate: PE=2 does not divide ROWS=5")],
    "binarize": [({"COLS": 5, "PE": 2}, "binarize: PE=2 does not divide COLS=5")],
    "pass_sum": [
        ({"CLASSES": 5, "PE": 2}, "pass_sum: PE=2 does not divide CLASSES=5"),
    ],
    "dwc_down": [
        ({"S_WIDTH": 5, "M_WIDTH": 2}, "dwc_down: S_WIDTH=5 is no multiple of M_WIDTH=2"),
    ],
    "dwc_up": [
        ({"S_WIDTH": 2, "M_WIDTH": 5}, "dwc_up: M_WIDTH=5 is no multiple of S_WIDTH=2"),
    ],
    "keep": [
        ({"FRAMES": 1}, "keep: FRAMES=1 is no power of two above 1"),
        ({"FRAMES": 3}, "keep: FRAMES=3 is no power of two above 1"),
        ({"EVERY": 3}, "keep: EVERY=3 is no power of two"),
    ],
    "gate": [({"FRAMES": 3}, "gate: FRAMES=3 is no power of two")],
    "uart_rx": [({"DIVIDER": 3}, "uart_rx: DIVIDER=3 leaves no middle of a bit")],
    "udp_down": [({"SLOTS": 3}, "udp_down: SLOTS=3 is no power of two above 1")],
    "mvu": [
        ({"ROWS": 5, "COLS": 4, "PE": 2, "SIMD": 4}, "mvu: PE=2 does not divide ROWS=5"),
        ({"ROWS": 4, "COLS": 5, "PE": 2, "SIMD": 2}, "mvu: SIMD=2 does not divide COLS=5"),
        ({"COLS": 20, "SIMD": 10, "CODE_BITS": 2}, "mvu: SIMD=10 is no multiple of nine"),
        ({"ROWS": 6, "PE": 2, "TURNED": 1}, "mvu: ROW_FOLDS=3 and COL_FOLDS=2 have no halves to be turned"),
        ({"COLS": 12, "TURNED": 1}, "mvu: ROW_FOLDS=2 and COL_FOLDS=3 have no halves to be turned"),
    ],
}
"""By module, parameters that it cannot have, and what it says to them."""


def stages(seed: int = 1) -> list[Stage]:
    rng = np.random.default_rng(seed)
    foldings = [(1, 1), (1, 8), (6, 1), (2, 4), (3, 2), (6, 8)]
    return [
        *(binarize(rng, 12, bits, pe) for bits, pe in [(8, 1), (8, 4), (5, 3), (8, 12), (2, 6)]),
        *(mvtu(rng, 6, 8, pe, simd) for pe, simd in foldings),
        *(
            mvtu(rng, *shape)
            for shape in [
                (1, 1, 1, 1),
                (4, 7, 2, 7),
                (4, 7, 4, 1),
                (8, 98, 4, 49),
                (2, 1, 1, 1),
                (5, 3, 1, 3),
                (17, 2, 1, 2),
            ]
        ),
        *(scores(rng, 6, 8, pe, simd) for pe, simd in foldings),
        *(scores(rng, *shape) for shape in [(10, 63, 5, 21), (2, 3, 1, 1)]),
        *(dense(rng, *shape) for shape in [(1, 1, 128), (6, 8, 128), (5, 32, 16), (4, 33, 32), (7, 98, 32), (4, 7, 1)]),
        *(dense_scores(rng, *shape) for shape in [(1, 2, 128), (3, 31, 6), (10, 70, 32)]),
        *(DwcUp(f"up_{s}_{m}", s, m, m // s * 2) for s, m in [(1, 2), (1, 8), (4, 12), (7, 63)]),
        *(DwcDown(f"down_{s}_{m}", s, m, 2) for s, m in [(2, 1), (8, 1), (12, 4), (63, 7)]),
        *(
            Fifo(f"fifo_{width}_depth{depth}", width, depth, depth)
            for width, depth in [(1, 2), (5, 3), (8, 5), (33, 16)]
        ),
        *(Argmax(f"argmax_{classes}_{width}", classes, width) for classes, width in [(1, 3), (2, 1), (3, 2), (10, 7)]),
        *(
            ArgmaxTree(f"argmax_tree_{classes}_{width}", classes, width)
            for classes, width in [(2, 1), (3, 2), (8, 2), (10, 7), (17, 3)]
        ),
        *(Skid(f"skid_{width}", width) for width in (1, 9)),
        *(Framed(f"framed_{beats}", 2, beats) for beats in (1, 2, 3, 5, 8)),
        *(Replay(f"replay_{b}x{t}", 5, b, t) for b, t in [(1, 1), (1, 2), (3, 1), (3, 2), (4, 3), (5, 7)]),
        *map_stages(rng),
        *level_stages(rng),
        *member_stages(rng),
        *turned_stages(),
    ]


def large_stages(seed: int = 2) -> list[Stage]:
    """Every size of every module that is shipped, and a little more, in as few cycles as it takes: long frames are
    narrow and wide ones short. `test_reach.py` says that nothing shipped is larger.
    """
    rng = np.random.default_rng(seed)
    return [
        # The highest bit of a word of thresholds is that of a last pixel that never fires.
        *(binarize(rng, *shape) for shape in [(784, 8, 1), (130, 8, 2), (784, 8, 784), (784, 8, 784, 783)]),
        # 516 words of thresholds; many lanes; FINN's folding of TFC; the widest popcount, every leaf full; the largest
        # sums.
        *(
            mvtu(rng, *shape)
            for shape in [(1032, 4, 2, 4), (132, 6, 66, 3), (64, 784, 16, 49), (4, 786, 1, 786), (6, 1024, 2, 256)]
        ),
        # More than 1,024 words of weights; as many beats a vector; all scores in one beat.
        *(scores(rng, *shape) for shape in [(10, 1024, 1, 8), (2, 1024, 2, 1), (10, 1024, 10, 64), (20, 257, 20, 257)]),
        *(dense(rng, *shape) for shape in [(70, 9, 128), (17, 130, 128), (3, 1024, 128)]),
        *(dense_scores(rng, *shape) for shape in [(17, 130, 128), (3, 300, 128)]),
        *(DwcUp(f"up_{s}_{m}", s, m, m // s) for s, m in [(1, 16), (2, 34), (4, 784), (392, 784), (1, 392)]),
        *(DwcDown(f"down_{s}_{m}", s, m, 1) for s, m in [(16, 1), (34, 2), (784, 4), (1024, 128), (260, 1)]),
        *(Fifo(f"fifo_{w}_depth{depth}", w, depth, depth) for w, depth in [(784, 17), (5, 64), (9, 100), (3, 260)]),
        *(Argmax(f"argmax_{classes}_{w}", classes, w) for classes, w in [(10, 11), (16, 8), (17, 9), (130, 7)]),
        *(
            ArgmaxTree(f"argmax_tree_{classes}_{w}", classes, w)
            for classes, w in [(10, 11), (16, 8), (33, 9), (100, 7)]
        ),
        Skid("skid_1030", 1030),
        *(Framed(f"framed_{beats}", 1, beats) for beats in (9, 10, 16, 17, 33, 100, 260)),
        *(Replay(f"replay_{b}x{t}_{w}", w, b, t) for w, b, t in [(2, 1024, 2), (3, 2, 516), (786, 3, 2)]),
        *large_map_stages(rng),
        *large_level_stages(rng),
        *large_member_stages(rng),
        *large_turned_stages(),
    ]
