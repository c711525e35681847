"""What is proven of modules around any core, `recorded.sv` and `batched.sv`, and the broken copies to be refuted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from fault import Fault
from prover import Verdict, decide
from rows import checkers, lifted_library

MODULES = {"recorded": ("gate", "keep", "in_turn"), "batched": ("batch_end",)}
PORTS = {
    "recorded": "clk, any_reset, s_axis_tvalid, core_ready, emits_beat, emits_answer, sink_ready",
    "batched": "clk, any_reset, s_axis_tvalid, s_axis_tlast, core_ready, emits, m_axis_tready",
}
HARNESS = """`default_nettype none
module harness (input wire {ports});
  {checker} #({parameters}) check (.*);
endmodule
`default_nettype wire
"""

_ONE_MORE = Fault(
    "one frame more than there is room for", "gate.sv", "NUMBER_WIDTH'(FRAMES))", "NUMBER_WIDTH'(FRAMES + 1))"
)
_OPEN = Fault("it lets in any frame", "gate.sv", "number != (leaving ^ NUMBER_WIDTH'(FRAMES))", "1'b1")
_STAYS = Fault("frames that have left stay counted", "gate.sv", "(leaving ^", "('0 ^")
_SHORT = Fault("the layers' bytes follow every answer", "in_turn.sv", "(STREAMS - 1) || alone;", "(STREAMS - 1);")
_ALL = Fault("every frame is written", "keep.sv", "writes = beat && recorded", "writes = beat")
_SKIPPED = Fault("frames that are left out take a place", "keep.sv", "'(frame >> EVERY_WIDTH)", "'(frame)")


@dataclass(frozen=True)
class Around:
    """checker      its module, and `number` the property in it
    parameters   of the checker, where they are not the default
    steps        that are searched where an unbounded proof takes too long
    """

    checker: str
    number: int
    claim: str
    faults: tuple[Fault, ...]
    steps: int | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)

    def prove(self, fault: Fault | None = None) -> Verdict:
        rtl = everything() if fault is None else fault.applied(everything())
        wanted = {f"{name}.sv": rtl[f"{name}.sv"] for name in MODULES[self.checker]}
        given = {"PROPERTY": self.number, **self.parameters}
        parameters = ", ".join(f".{name}({value})" for name, value in given.items())
        harness = HARNESS.format(checker=self.checker, ports=PORTS[self.checker], parameters=parameters)
        checker = f"{self.checker}.sv"
        return decide({**wanted, checker: checkers()[checker], "harness.sv": harness}, self.steps)


@cache
def everything() -> Mapping[str, str]:
    """The library, and what packages for Vivado have beside it."""
    batch_end = resources.files("bitneck.hw.vivado") / "batch_end.sv"
    return {**lifted_library(), batch_end.name: batch_end.read_text()}


AROUND = (
    Around(
        "recorded",
        0,
        "records are whole frames, in order, nothing lost or doubled",
        (
            Fault("a frame lies where the one before does", "keep.sv", "ADDRESS_WIDTH'(number) << WORD_WIDTH", "'0"),
            Fault(
                "the last byte of a record is left", "in_turn.sv", "wire ends = index ==", "wire ends = index + 1'b1 =="
            ),
            Fault(
                "records begin before the answer is there",
                "keep.sv",
                "frame != FRAME_WIDTH'(number) << EVERY_WIDTH;",
                "frame[0] == 1'b0;",
            ),
            _OPEN,
        ),
    ),
    Around("recorded", 1, "no memory holds more than it has room for", (_ONE_MORE, _OPEN)),
    Around(
        "recorded",
        2,
        "no deadlock: with a source, a core and a sink that go on, bytes leave",
        (
            _STAYS,
            Fault("it is shut while nothing is inside", "gate.sv", "(leaving ^ NUMBER_WIDTH'(FRAMES))", "leaving"),
            Fault(
                "an answer that is here is not seen",
                "keep.sv",
                "frame != FRAME_WIDTH'(number)",
                "frame < FRAME_WIDTH'(number)",
            ),
        ),
        steps=48,
    ),
    Around("recorded", 0, "the same of every second frame", (_ALL, _SKIPPED, _SHORT), parameters={"EVERY": 2}),
    Around(
        "recorded",
        1,
        "no memory holds more, of every second frame",
        (_ONE_MORE, _OPEN),
        steps=16,
        parameters={"FRAMES": 4, "EVERY": 2},
    ),
    Around("recorded", 2, "no deadlock, of every second frame", (_STAYS,), steps=40, parameters={"EVERY": 2}),
    Around(
        "batched",
        0,
        "TLAST comes with the answer of the frame that had it, and with no other beat",
        (
            Fault("frames of the next batch are let in", "batch_end.sv", "open  = !closing && held", "open  = held"),
            Fault("every frame ends a batch", "batch_end.sv", "if (entered && s_axis_tlast)", "if (entered)"),
            Fault(
                "TLAST of any beat ends a batch",
                "batch_end.sv",
                "if (entered && s_axis_tlast)",
                "if (taken && s_axis_tlast)",
            ),
            Fault("TLAST comes early", "batch_end.sv", "closing && held == COUNT_WIDTH'(1);", "closing;"),
        ),
    ),
    Around(
        "batched",
        1,
        "beats move on both sides of it at once, and what is offered stays",
        (
            Fault("the core takes what is held back", "batch_end.sv", "= s_axis_tvalid && open;", "= s_axis_tvalid;"),
            Fault(
                "the core gives what is held back",
                "batch_end.sv",
                "core_m_tready = m_axis_tready && (whole || !core_m_tlast)",
                "core_m_tready = m_axis_tready",
            ),
        ),
    ),
    Around(
        "batched",
        2,
        "no deadlock beside a core: with source, core and sink that go on, beats leave",
        (
            Fault(
                "a batch never ends", "batch_end.sv", "else if (left && held == COUNT_WIDTH'(1)) closing <= 1'b0;", ""
            ),
            Fault("frames that have left stay counted", "batch_end.sv", ": held - 1'b1;", ": held;"),
            Fault(
                "nothing leaves before its frame is whole, and none is",
                "batch_end.sv",
                "wire whole = held != '0;",
                "wire whole = held == '1;",
            ),
        ),
    ),
)
