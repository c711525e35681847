"""What is proven of recording layers, `recorded.sv`, and the broken copies that the proofs must refute."""

from __future__ import annotations

from dataclasses import dataclass

from fault import Fault
from prover import Verdict, decide
from rows import checkers, lifted_library

MODULES = ("gate", "keep", "in_turn")
HARNESS = """`default_nettype none
module harness (
  input wire clk, any_reset, s_axis_tvalid, core_ready, emits_beat, emits_answer, sink_ready
);
  recorded #(.PROPERTY({number})) check (.*);
endmodule
`default_nettype wire
"""

_ONE_MORE = Fault(
    "one frame more than there is room for", "gate.sv", "COUNT_WIDTH'(FRAMES);", "COUNT_WIDTH'(FRAMES + 1);"
)
_UNCOUNTED = Fault(
    "a frame that leaves as another enters is not counted", "gate.sv", "if (enter != left)", "if (enter)"
)
_OPEN = Fault("it lets in any frame", "gate.sv", "!first || present != COUNT_WIDTH'(FRAMES)", "1'b1")


@dataclass(frozen=True)
class Recording:
    """steps   that are searched where an unbounded proof takes too long"""

    claim: str
    faults: tuple[Fault, ...]
    steps: int | None = None

    def prove(self, number: int, fault: Fault | None = None) -> Verdict:
        """number   of the property in `recorded.sv`"""
        rtl = lifted_library() if fault is None else fault.applied(lifted_library())
        wanted = {f"{name}.sv": rtl[f"{name}.sv"] for name in MODULES}
        files = {**wanted, "recorded.sv": checkers()["recorded.sv"], "harness.sv": HARNESS.format(number=number)}
        return decide(files, self.steps)


RECORDINGS = (
    Recording(
        "records are whole frames, in order, nothing lost or doubled",
        (
            Fault("a frame lies where the one before does", "keep.sv", "ADDRESS_WIDTH'(number) << WORD_WIDTH", "'0"),
            Fault(
                "the last byte of a record is left", "in_turn.sv", "wire ends = index ==", "wire ends = index + 1'b1 =="
            ),
            Fault(
                "records begin before the answer is there", "keep.sv", "+: SLOT_WIDTH + 1] != number;", "+: 1] == 1'b0;"
            ),
            _OPEN,
        ),
    ),
    Recording("no memory holds more than it has room for", (_ONE_MORE, _OPEN)),
    Recording(
        "no deadlock: with a source, a core and a sink that go on, bytes leave",
        (
            Fault("frames that have left stay counted", "gate.sv", ": present - 1'b1;", ": present;"),
            Fault("a frame is held up in its middle", "gate.sv", "open  = !first ||", "open  = first &&"),
            Fault(
                "an answer that is here is not seen",
                "keep.sv",
                "+: SLOT_WIDTH + 1] != number;",
                "+: SLOT_WIDTH + 1] < number;",
            ),
        ),
        steps=48,
    ),
)
