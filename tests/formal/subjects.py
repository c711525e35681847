"""What is proven of what: small instances of every stage, and a checker with its parameters for every property.

The instances come from the stages' descriptors, so widths, beats and cycles are those that the generator promises.
Memories are lifted: every weight and threshold is a free constant, so a proof holds for all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from bitneck.hw.stages import Argmax, DwcDown, DwcUp, Fifo, Stage
from stage_cases import Replay, Skid, binarize, mvtu, scores


class OneBeat(Skid):
    """A skid whose frames are beats."""

    in_beats = out_beats = cycles = 1


RNG = np.random.default_rng(0)  # a descriptor wants memories; the proof frees them
STAGES: dict[str, Stage] = {
    "skid": OneBeat("skid", 2),
    "fifo": Fifo("fifo", 2, 3, 1),
    "replay": Replay("replay", 1, 3, 2),
    "dwc_up": DwcUp("dwc_up", 1, 3, 3),
    "dwc_down": DwcDown("dwc_down", 3, 1, 1),
    "argmax": Argmax("argmax", 3, 2),
    "binarize": binarize(RNG, 4, 2, 2),
    "scores": scores(RNG, 4, 4, 2, 2),
    "mvtu": mvtu(RNG, 4, 4, 2, 2),
}
SPARE_CYCLES = 8  # of latency, beyond those of a frame, before a beat must leave: room for pipeline registers
MOST_FRAMES = 6  # in any stage at once
STEPS = {("answered", "scores"): 16, ("answered", "mvtu"): 16}  # searched where an unbounded proof takes too long
READY_PASSES = {"dwc_up", "dwc_down", "argmax"}
BEATWISE = {"binarize"}  # answers a beat before the frame has ended


def shape(stage: Stage) -> str:
    """Its parameters, memory files apart."""
    return " ".join(f"{name}={value}" for name, value in stage.parameters().items() if isinstance(value, int))


def ports(parameters: dict[str, int]) -> str:
    return ", ".join(f".{name}({value})" for name, value in parameters.items())


def stable(stage: Stage) -> str:
    return f"stable #(.WIDTH({stage.out_width})) check (.*);"


def emptied(stage: Stage) -> str:
    return "emptied check (.*);"


def moving(stage: Stage) -> str:
    return f"moving #(.BOUND({bound(stage)})) check (.*);"


def bound(stage: Stage) -> int:
    """Cycles within which a beat must leave: the frame comes in, is computed, and passes the pipeline."""
    return stage.in_beats + stage.cycles + SPARE_CYCLES


def paced(stage: Stage) -> str:
    parameters = {"BEATS": stage.out_beats, "CYCLES": stage.cycles, "WARM": bound(stage) + 2 * stage.cycles}
    return f"paced #({ports(parameters)}) check (.*);"


def answered(stage: Stage) -> str:
    frame_bits, answer_bits = stage.in_beats * stage.in_width, stage.out_beats * stage.out_width
    parameters = {
        "IN_WIDTH": stage.in_width,
        "IN_BEATS": stage.in_beats,
        "OUT_WIDTH": stage.out_width,
        "OUT_BEATS": stage.out_beats,
        "MOST": MOST_FRAMES,
        "BEATWISE": int(stage.module in BEATWISE),
    }
    return f"""wire [{frame_bits - 1}:0] frame;
  wire [{answer_bits - 1}:0] golden;
  {golden(stage)}
  answered #({ports(parameters)}) check (.*);"""


def golden(stage: Stage) -> str:
    """Instance of the stage's golden model, and taps on the memories: nets of the flattened design by their names."""
    numbers = {name: value for name, value in stage.parameters().items() if isinstance(value, int)}
    match stage.module:
        case "argmax":
            return f"wire legal = 1'b1;\n  golden_argmax #({ports(numbers)}) model (.frame, .answer(golden));"
        case "binarize":
            bits = numbers["COLS"] * (numbers["BITS"] + 1)
            del numbers["PE"]
            return f"""wire legal = 1'b1;
  (* hierconn *) wire [{bits - 1}:0] \\dut.thresholds ;
  golden_binarize #({ports(numbers)}) model (.frame, .thresholds(\\dut.thresholds ), .answer(golden));"""
        case "scores" | "mvtu":
            weight_bits = numbers["ROWS"] * numbers["COLS"]
            start_bits = numbers["ROWS"] * (numbers["COLS"].bit_length() + 1)
            taps = f"(* hierconn *) wire [{weight_bits - 1}:0] \\dut.unit.weights ;"
            connections = ".frame, .weights(\\dut.unit.weights ), .answer(golden)"
            if stage.module == "scores":
                return f"wire legal = 1'b1;\n  {taps}\n  golden_scores #({ports(numbers)}) model ({connections});"
            return f"""wire legal;
  {taps}
  (* hierconn *) wire [{start_bits - 1}:0] \\dut.unit.biased.starts ;
  golden_mvtu #({ports(numbers)}) model ({connections}, .starts(\\dut.unit.biased.starts ), .legal);"""
    bits = stage.in_beats * stage.in_width
    times = stage.out_beats * stage.out_width // bits
    return f"""wire legal = 1'b1;
  golden_repeat #(.BITS({bits}), .TIMES({times})) model (.frame, .answer(golden));"""


PROPERTIES: dict[str, Callable[[Stage], str]] = {
    "stable": stable,
    "emptied": emptied,
    "moving": moving,
    "paced": paced,
    "answered": answered,
}


def harness(stage: Stage, checker: str) -> str:
    """Free inputs, a reset in the first cycle and whenever it likes, one stage, one checker."""
    parameters = {name: value for name, value in stage.parameters().items() if isinstance(value, int)}
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
  {stage.module} #({ports(parameters)}) dut (.*);
  {checker}
endmodule
`default_nettype wire
"""
