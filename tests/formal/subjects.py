"""What is proven of what: small instances of every stage, and a checker with its parameters for every property.

The instances come from the stages' descriptors, so widths, beats and cycles are those that the generator promises.
Memories are lifted: every weight and threshold is a free constant, so a proof holds for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from bitneck.hw.stages import (
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
    ScaledScores,
    Scores,
    Thresholding,
    ThresholdStep,
    Window,
)
from bitneck.hw.stages.turned import turned
from goldens import Subject, golden, numbers, ports


@dataclass(frozen=True)
class Inner:
    """`rtl/skid.sv` and `rtl/replay.sv`, which are no stages of their own: a frame of `beats`, played `times` times."""

    module: str
    width: int
    beats: int
    times: int

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

    def parameters(self) -> Mapping[str, int | str]:
        timing = {"BEATS": self.beats, "TIMES": self.times} if self.module == "replay" else {}
        return {"WIDTH": self.width, **timing}


def matrix(rows: int, cols: int) -> np.ndarray:
    """Of weights, which a descriptor wants and the proof frees."""
    return np.zeros((rows, cols), bool)


def of_i(rows: int, cols: int) -> np.ndarray:
    """Of complex weights, so many real rows, which the proof frees."""
    return np.vstack([matrix(rows, cols), turned(matrix(rows, cols))])


class ByPlane(Mvlu):
    """Popcounts for every pair of bits, however few lanes there are."""

    planes = True  # type: ignore[assignment]


class ByLane(Mvlu):
    """Products."""

    planes = False  # type: ignore[assignment]


STEPS_OF_TWO = np.zeros((2, 3), np.int32)  # thresholds for levels of two bits
STAGES: dict[str, Subject] = {
    "skid": Inner("skid", 2, 1, 1),
    "fifo": Fifo("fifo", 2, 3, 1),
    "replay": Inner("replay", 1, 3, 2),
    "dwc_up": DwcUp("dwc_up", 1, 3, 3),
    "dwc_down": DwcDown("dwc_down", 3, 1, 1),
    "argmax": Argmax("argmax", 3, 2),
    "argmax_tree": ArgmaxTree("argmax_tree", 3, 2),  # two rounds and an empty slot
    "binarize": Binarize("binarize", np.zeros(4, np.int32), 2, 2),
    "binarize_once": Binarize("binarize_once", np.zeros(2, np.int32), 2, 2),  # without the register row
    "scores": Scores("scores", matrix(4, 4), 2, 2),
    "mvtu": Mvtu("mvtu", matrix(4, 4), 2, 2, np.zeros(4, np.int32)),
    # Small enough for an unbounded proof of its answers.
    "mvtu_tiny": Mvtu("mvtu_tiny", matrix(2, 2), 1, 1, np.zeros(2, np.int32)),
    "mvtu_coded": Mvtu("mvtu_coded", matrix(2, 9), 1, 9, np.zeros(2, np.int32), coded=True),  # two words of a codebook
    # Three folds of each half of the columns; the smallest, whose answers an unbounded proof reaches.
    "mvtu_turned": Mvtu("mvtu_turned", of_i(1, 6), 1, 1, np.zeros(2, np.int32), turned=True),
    "mvtu_turned_tiny": Mvtu("mvtu_turned_tiny", of_i(1, 2), 1, 1, np.zeros(2, np.int32), turned=True),
    # Two groups, the second not full.
    "dense": Dense("dense", matrix(2, 3), 2, 3, np.zeros(2, np.int32), group=2),
    "dense_scores": DenseScores("dense_scores", matrix(2, 3), 2, 3, group=2),
    # Two windows down and two right; the third has several columns itself.
    "window": Window("window", (3, 2, 1), (2, 1), (1, 1), (0, 0, 0, 0), 1, 1, np.zeros(1, int)),
    "window_wide": Window("window_wide", (2, 3, 1), (1, 2), (1, 1), (0, 0, 0, 0), 1, 1, np.zeros(1, int)),
    "window_1d": Window("window_1d", (3, 1, 1), (2, 1), (1, 1), (1, 0, 1, 0), 1, 1, np.zeros(1, int)),
    "pool": Pool("pool", 2, 1, 2, 2, 1, np.zeros(2, bool)),
    "pool_of_bits": Pool("pool_of_bits", 2, 1, 1, 2, 1, np.zeros(2, bool)),
    "pool_sum": PoolSum("pool_sum", 1, 1, 1, 3, 1, 2),
    "cut": Cut("cut", np.zeros((2, 2), int), 2, 1, 2, 2),
    "threshold_step": ThresholdStep("threshold_step", np.zeros((2, 7), int), 2, 1, 2),
    "mvlu": ByLane("mvlu", matrix(2, 1), 1, 1, STEPS_OF_TWO, takes=4),
    "mvlu_of_products": ByLane("mvlu_of_products", np.array([[-2, 1]], np.int8), 1, 1, STEPS_OF_TWO[:1], takes=4),
    "mvlu_of_planes": ByPlane("mvlu_of_planes", np.array([[-2, 1]], np.int8), 1, 1, STEPS_OF_TWO[:1], takes=4),
    "thresholding": Thresholding("thresholding", np.zeros((2, 1), int), 1, 2),
    "integrate": Integrate("integrate", np.ones(2, int), np.ones(2, int), 2, 1, 1, 1),
    "pass_sum": PassSum("pass_sum", 2, 2, 1, 2),
    "argmax_spread": ArgmaxSpread("argmax_spread", 3, 2, 1, 2),
    "scaled_scores": ScaledScores("scaled_scores", matrix(2, 2), 1, 2, np.array([1, 3]), np.array([0, 1])),
}
SPARE_CYCLES = 8  # of latency, beyond those of a frame, before a beat must leave: room for pipeline registers
MOST_FRAMES = 6  # in any stage at once
STEPS = {
    ("answered", "scores"): 18,
    ("answered", "mvtu"): 20,
    ("answered", "mvtu_coded"): 14,
    ("answered", "mvtu_turned"): 28,
    ("answered", "window"): 20,
    ("answered", "window_wide"): 20,
    ("answered", "window_1d"): 16,
    ("answered", "mvlu"): 14,
    ("answered", "mvlu_of_products"): 12,
    ("answered", "mvlu_of_planes"): 12,
    ("answered", "scaled_scores"): 14,
}  # searched where an unbounded proof takes too long
READY_PASSES = {
    *("dwc_up", "dwc_down", "argmax", "argmax_tree", "argmax_spread"),
    *("pool", "pool_of_bits", "pool_sum", "pass_sum", "cut"),
}
# Answers a beat before the frame has ended.
BEATWISE = {"binarize", "cut", "threshold_step", "thresholding", "integrate"}
PARTIAL = {"window", "pool", "pool_of_bits", "pass_sum"}  # answers what has come in of the frame


def shape(stage: Subject) -> str:
    return " ".join(f"{name}={value}" for name, value in numbers(stage).items())


def stable(stage: Subject) -> str:
    return f"stable #(.WIDTH({stage.out_width})) check (.*);"


def emptied(stage: Subject) -> str:
    return "emptied check (.*);"


def moving(stage: Subject) -> str:
    return f"moving #(.BOUND({bound(stage)})) check (.*);"


def bound(stage: Subject) -> int:
    """Cycles within which a beat must leave: the frame comes in, is computed, and passes the pipeline."""
    return stage.in_beats + stage.cycles + SPARE_CYCLES


def paced(stage: Subject) -> str:
    parameters = {"BEATS": stage.out_beats, "CYCLES": stage.cycles, "WARM": bound(stage) + 2 * stage.cycles}
    return f"paced #({ports(parameters)}) check (.*);"


def answered(stage: Subject) -> str:
    frame_bits, answer_bits = stage.in_beats * stage.in_width, stage.out_beats * stage.out_width
    parameters = {
        "IN_WIDTH": stage.in_width,
        "IN_BEATS": stage.in_beats,
        "OUT_WIDTH": stage.out_width,
        "OUT_BEATS": stage.out_beats,
        "MOST": MOST_FRAMES,
        "BEATWISE": 2 if stage.module in PARTIAL else int(stage.module in BEATWISE),
    }
    return f"""wire [{frame_bits - 1}:0] frame;
  wire [{answer_bits - 1}:0] golden;
  {golden(stage)}
  answered #({ports(parameters)}) check (.*);"""


PROPERTIES: dict[str, Callable[[Subject], str]] = {
    "stable": stable,
    "emptied": emptied,
    "moving": moving,
    "paced": paced,
    "answered": answered,
}


def harness(stage: Subject, checker: str) -> str:
    """Free inputs, a reset in the first cycle and whenever it likes, one stage, one checker."""
    return f"""`default_nettype none
module harness (
  input wire clk,
  input wire any_reset,
  input wire pick,
  input wire [{stage.in_width - 1}:0] s_axis_tdata,
  input wire s_axis_tvalid,
  input wire m_axis_tready
);
  logic started = 1'b0;
  always_ff @(posedge clk) started <= 1'b1;
  wire rst = any_reset || !started;

  wire s_axis_tready, m_axis_tvalid;
  wire [{stage.out_width - 1}:0] m_axis_tdata;
  {stage.module} #({ports(numbers(stage))}) dut (.*);
  {checker}
endmodule
`default_nettype wire
"""
