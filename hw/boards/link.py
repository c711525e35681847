"""A design behind the two wires of a UART: frames are checked, answers numbered, layers recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..stages import Fifo
from ..verilog import module
from .framed import Framed, LinkError, listed, side, stream

MOST = 63  # frames under way: their numbers are counted modulo 64
WAITING_BYTES = 2048  # of frames that wait for a slow design


@dataclass(frozen=True, eq=False)
class Linked(Framed):
    """Pins: `clk`, synchronous `rst`, `rx`, `tx`. The protocol: `rtl/link_down.sv`, `rtl/link_up.sv`, docs/boards.md.

    divider   clock cycles a bit of the UART, 4 and more
    """

    divider: int = 4

    kind: ClassVar[str] = "linked"
    ends: ClassVar[tuple[str, ...]] = "link_down", "link_up"
    anew: ClassVar[str] = "hello"
    settles: ClassVar[bool] = False
    harness: ClassVar[str] = "uart"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.divider < 4:
            raise LinkError(f"{self.core.name}: {self.divider} cycles a bit leave no middle of it; 4 are the least")

    @property
    def window(self) -> int:
        kept = [self.kept] if self.buffers_answers else []
        return min([MOST, *kept, *([max(2, WAITING_BYTES // self.bytes_in)] if self.waits else [])])

    @property
    def cycles(self) -> int:
        """A frame, at the full rate of the link: of its longer direction, or of the core."""
        line = 10 * self.divider * max(self.bytes_in + 3, self.bytes_up)
        return max(math.ceil(line), self.core.cycles)

    @property
    def bytes_up(self) -> float:
        """Of an answer with its framing, on average."""
        return sum(self.answer_bytes) / self.every + 3

    @property
    def waits(self) -> bool:
        """Whether frames are kept in front of the core, because it may be busy when a byte comes.

        A design whose slowest stage takes at most half the time in which a frame comes never holds up a byte.
        That is a rule with a margin and no proof: where a byte is lost all the same, the link counts its frame as
        damaged and the host sends it again.
        """
        return 2 * self.inner.cycles > 10 * self.divider * (self.bytes_in + 3)

    @property
    def buffers_answers(self) -> bool:
        """Whether answers are kept behind the core, because they may come faster than they leave."""
        return bool(self.taps) or self.bytes_out > self.bytes_in

    @property
    def up_seed(self) -> int:
        """In the CRC of each answer."""
        return self.identity >> 16

    @property
    def down_seed(self) -> int:
        """In the CRC of each frame."""
        return self.identity & 0xFFFF

    def _unhurried(self) -> Linked:
        return replace(self, divider=4)

    def _waiting(self) -> Sequence[Fifo]:
        return [Fifo("waiting", 8, 1 << (self.window * self.bytes_in - 1).bit_length(), self.bytes_in)] * self.waits

    def _verilog(self, identity: int) -> str:
        ports = ["input  wire clk", "input  wire rst", "input  wire rx", "output wire tx"]
        comment = (
            f"{self.core.name} behind a UART of {self.divider} cycles a bit: {self.bytes_in} bytes a frame in, "
            f"{listed(dict.fromkeys(self.answer_bytes))} out, up to {self.window} frames at a time."
        )
        return module(self.name, ports, self._body(identity), comment)

    def _body(self, identity: int) -> Iterator[str]:
        yield "wire hello;  // everything begins anew"
        yield "wire [5:0] received;"
        yield "wire [1:0] damaged;"
        yield "wire [5:0] answered;"
        yield "wire [5:0] number = received;"
        yield from stream("taken", 8)
        yield from stream("sent", 8)
        yield "wire sent_tlast;"
        yield f"{self._own('link_down')} #("
        yield f"  .DIVIDER({self.divider}), .BODY({self.bytes_in}), .SEED(16'h{identity & 0xFFFF:04x})"
        yield ") down ("
        yield f"  .clk, .rst, .rx, .hello, .received, .damaged, {side('m_axis', 'taken')}"
        yield ");"
        yield from self._between()
        yield f"{self._own('link_up')} #(.DIVIDER({self.divider}), .SEED(16'h{identity >> 16:04x})) up ("
        yield f"  .clk, .rst, .hello, .received, .damaged, {side('s_axis', 'sent')},"
        yield "  .s_axis_tlast(sent_tlast), .answered, .tx"
        yield ");"
