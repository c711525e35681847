"""A design behind the UDP port of LiteEth's generated core: many frames a datagram, whose answers go back in one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from ..verilog import module
from .framed import Framed, LinkError, listed, side, stream

LONGEST = 1472  # bytes of a datagram in a frame of Ethernet, which LiteEth cannot divide
HEADER = 8  # bytes of it: identity and number
AROUND = 66  # bytes on the line around each: preamble, Ethernet, IP and UDP headers, CRC, gap
PORT = 45438  # of both ends: LiteEth's core answers to the port that it listens to
SLOTS = 8  # datagrams that lie in the device: a memory block of 2 kB each
MBYTES_PER_SECOND = 125  # of gigabit Ethernet


@dataclass(frozen=True, eq=False)
class Datagrams(Framed):
    """Ports: `clk`, synchronous `rst`, and those of a UDP port of LiteEth's core. The protocol: `rtl/udp_down.sv`,
    `rtl/udp_up.sv`, docs/boards.md.

    mhz   of `clk`, from which follows how many bytes the line brings in a cycle

    Raises LinkError where a frame or its answer is longer than a datagram.
    """

    mhz: float = MBYTES_PER_SECOND

    kind: ClassVar[str] = "datagrams"
    ends: ClassVar[tuple[str, ...]] = "udp_down", "udp_up", "frame_number"
    anew: ClassVar[str] = "rst"
    settles: ClassVar[bool] = True
    harness: ClassVar[str] = "datagrams"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < self.every:
            turn = "a frame" if self.every == 1 else f"{self.every} frames"
            down, up = self.every * self.bytes_in, sum(self.answer_bytes)
            raise LinkError(
                f"{self.core.name}: {turn} of {down:,} bytes, answered by {up:,}, are more than the "
                f"{LONGEST - HEADER:,} of a datagram; tap fewer layers, cut pixels on the host, or take a UART"
            )

    @cached_property
    def frames(self) -> int:
        """Of a datagram: as many as fit into its own and into that of its answers, all with whole turns of records."""
        most = min((LONGEST - HEADER) // (self.every * self.bytes_in), (LONGEST - HEADER) // sum(self.answer_bytes))
        return self.every * most

    @property
    def bytes_down(self) -> int:
        """Of a datagram to the device."""
        return HEADER + self.frames * self.bytes_in

    @property
    def bytes_up(self) -> int:
        """Of its answer."""
        return HEADER + self.frames // self.every * sum(self.answer_bytes)

    @property
    def line_cycles(self) -> int:
        """From a datagram to the next at the full rate of the line, of whichever direction has the longer ones."""
        return math.ceil((AROUND + max(self.bytes_down, self.bytes_up)) * self.mhz / MBYTES_PER_SECOND)

    @property
    def cycles(self) -> int:
        """A frame, at the full rate of the line, of the bytes inside or of the core."""
        inside = max(self.bytes_in, sum(self.answer_bytes) / self.every * (2 if self.taps else 1))
        return math.ceil(max(self.line_cycles / self.frames, inside, self.core.cycles))

    @property
    def window(self) -> int:
        return SLOTS * self.frames

    def _unhurried(self) -> Datagrams:
        return replace(self, mhz=MBYTES_PER_SECOND)

    def _verilog(self, identity: int) -> str:
        ports = [
            "input  wire clk",
            "input  wire rst",
            "input  wire [31:0] s_axis_tdata",
            "input  wire s_axis_tvalid",
            "input  wire s_axis_tlast",
            "input  wire s_axis_error",
            "input  wire [15:0] s_axis_length",
            "input  wire [31:0] s_axis_ip",
            "output wire [31:0] m_axis_tdata",
            "output wire m_axis_tvalid",
            "input  wire m_axis_tready",
            "output wire m_axis_tlast",
            "output wire [3:0] m_axis_last_be",
            "output wire [15:0] m_axis_length",
            "output wire [31:0] m_axis_ip",
        ]
        comment = (
            f"{self.core.name} behind UDP: {self.frames} frames a datagram, of {self.bytes_in} bytes each, and of "
            f"{listed(dict.fromkeys(self.answer_bytes))} out, up to {SLOTS} datagrams at a time."
        )
        return module(self.name, ports, self._body(identity), comment)

    def _body(self, identity: int) -> Iterator[str]:
        yield "wire asked, asked_hello, asked_left;"
        yield "wire [31:0] asked_number;"
        yield "wire [5:0] answered;"
        yield "wire [5:0] number;"
        yield from stream("taken", 8)
        yield from stream("sent", 8)
        yield "wire sent_tlast;"
        yield f"{self._own('udp_down')} #("
        yield f"  .IDENTITY(32'h{identity:08x}), .BODY({self.bytes_down - HEADER}), .SLOTS({SLOTS})"
        yield ") down ("
        yield "  .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tlast, .s_axis_error,"
        yield "  .length(s_axis_length), .ip(s_axis_ip),"
        yield "  .asked, .asked_hello, .asked_number, .asked_ip(m_axis_ip), .left(asked_left),"
        yield f"  {side('m_axis', 'taken')}"
        yield ");"
        yield f"{self._own('frame_number')} #(.BEATS({self.bytes_in}), .WIDTH(6)) count ("
        yield "  .clk, .rst, .beat(taken_tvalid && taken_tready), .number"
        yield ");"
        yield from self._between()
        yield f"{self._own('udp_up')} #(.IDENTITY(32'h{identity:08x}), .BODY({self.bytes_up - HEADER})) up ("
        yield "  .clk, .rst, .asked, .asked_hello, .asked_number, .left(asked_left),"
        yield f"  {side('s_axis', 'sent')}, .s_axis_tlast(sent_tlast), .answered,"
        yield "  .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast, .last_be(m_axis_last_be),"
        yield "  .length(m_axis_length)"
        yield ");"
