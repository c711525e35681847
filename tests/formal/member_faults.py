"""Deliberate faults of the stages of a net of members, for their rows of the table."""

from __future__ import annotations

from fault import BUBBLE, LOCKED, READY, UNCLEARED, UNHELD, UNREGISTERED, VALID_RESET, Fault
from map_faults import ONE_BELOW

ON_THE_WIRE = ("pass_sum", "argmax_spread")  # their ready passes through


def _ready(why: str, becomes: str) -> dict[str, tuple[Fault, ...]]:
    return {stage: (Fault(why, f"{stage}.sv", READY, becomes),) for stage in ON_THE_WIRE}


MEMBER_FAULTS: dict[tuple[str, str], tuple[Fault, ...]] = {
    ("stable", "thresholding"): (UNHELD,),
    ("emptied", "thresholding"): (UNCLEARED,),
    ("moving", "thresholding"): (LOCKED,),
    ("paced", "thresholding"): (BUBBLE,),
    ("unchained", "thresholding"): (UNREGISTERED,),
    ("answered", "thresholding"): (
        ONE_BELOW,
        Fault("a frame cut by reset shifts the thresholds", "thresholding.sv", "fold  <= '0;", ""),
        Fault(
            "thresholds run on under a stall", "thresholding.sv", "if (take)          fold", "if (s_axis_tvalid) fold"
        ),
    ),
    **{
        (claim, stage): faults
        for claim, of_stages in {
            "stable": _ready("an answer is overwritten", "s_axis_tready = 1'b1;"),
            "moving": _ready("ready waits for an answer to leave", "s_axis_tready = m_axis_tready && m_axis_tvalid;"),
            "paced": _ready("a bubble after every answer", "s_axis_tready = !m_axis_tvalid;"),
            "unchained": _ready("ready waits for valid", READY.replace(";", " && s_axis_tvalid;")),
        }.items()
        for stage, faults in of_stages.items()
    },
    **{
        ("emptied", stage): (Fault("an answer outlives the reset", f"{stage}.sv", VALID_RESET, ""),)
        for stage in ON_THE_WIRE
    },
    **{
        (claim, "integrate"): (fault,)
        for claim, fault in {
            "stable": UNHELD,
            "emptied": UNCLEARED,
            "moving": LOCKED,
            "paced": BUBBLE,
            "unchained": UNREGISTERED,
        }.items()
    },
    ("answered", "integrate"): (
        Fault("the state of the frame before stays", "integrate.sv", "first ? '0 : states[", "1'b0 ? '0 : states["),
        Fault("a frame cut by reset leaves its step", "integrate.sv", "step  <= '0;", ""),
        Fault("a frame cut by reset shifts the rows", "integrate.sv", "fold  <= '0;", ""),
        Fault("a row that fires stays up", "integrate.sv", "fires ? above[STATE_BITS-1:0] : v", "v"),
        Fault("a state at its theta does not fire", "integrate.sv", "!above[STATE_BITS];", "above > 0;"),
        Fault("states move on under a stall", "integrate.sv", "if (leave) states", "if (valid) states"),
    ),
    ("answered", "pass_sum"): (
        Fault("sums of the frame before stay", "pass_sum.sv", "(first_pass ? '0 : sum)", "sum"),
        Fault("the highest of the frame before stays", "pass_sum.sv", "first_pass || above[BITS]", "above[BITS]"),
        Fault("the lowest of the frame before stays", "pass_sum.sv", "first_pass || below[BITS]", "below[BITS]"),
        Fault(
            "the spread is the highest",
            "pass_sum.sv",
            "latest[SUM_BITS + BITS +: BITS] - latest[SUM_BITS +: BITS]",
            "latest[SUM_BITS + BITS +: BITS]",
        ),
        Fault("a frame cut by reset shifts the classes", "pass_sum.sv", "fold          <= '0;", ""),
        Fault("a frame cut by reset leaves a member", "pass_sum.sv", "pass          <= '0;", ""),
    ),
    ("answered", "argmax_spread"): (
        Fault("an equal score wins later", "argmax_spread.sv", "best   <= s", "best <= -1 + s"),
        Fault("the best of the frame before stays", "argmax_spread.sv", "greater = first || ", "greater = "),
        Fault("the spread of the frame before stays", "argmax_spread.sv", "(first ? '0 : total)", "total"),
        Fault("a frame cut by reset shifts the next", "argmax_spread.sv", "index         <= '0;", ""),
    ),
}
