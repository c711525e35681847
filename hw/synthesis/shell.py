"""A design behind two byte-wide streams, so that a net of any width fits the pins of a small part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..accelerator import Accelerator
from ..stages import DwcDown, DwcUp, Stage
from ..verilog import bytes_up, instance, module, stream_ports


@dataclass(frozen=True)
class Shell:
    """Pins: `clk`, synchronous `rst`, `s_axis_*` and `m_axis_*` of a byte each, `m_axis_tlast` at the last of a frame.

    The bytes of a beat of the core, lowest first. A skid at either side keeps the pins' delays out of the core.
    """

    core: Accelerator

    @property
    def name(self) -> str:
        return f"{self.core.name}_shell"

    @property
    def bytes_in(self) -> int:
        """Of a frame."""
        head = self.core.stages[0]
        return head.in_beats * bytes_up(head.in_width) // 8

    @property
    def bytes_out(self) -> int:
        last = self.core.stages[-1]
        return last.out_beats * bytes_up(last.out_width) // 8

    @property
    def cycles(self) -> int:
        """A frame, with the byte ports at full rate: the core's, or its bytes where those are more."""
        return max(self.core.cycles, self.bytes_in, self.bytes_out)

    def verilog(self) -> str:
        ports = [
            "input  wire clk",
            "input  wire rst",
            *stream_ports("s_axis", 8, sends=False),
            *stream_ports("m_axis", 8, sends=True),
            "output wire m_axis_tlast",
        ]
        comment = f"{self.core.name} behind byte streams: {self.bytes_in} bytes a frame in, {self.bytes_out} out."
        return module(self.name, ports, self._body(), comment)

    def _body(self) -> Iterator[str]:
        head, last = self.core.stages[0], self.core.stages[-1]
        widths = bytes_up(head.in_width), bytes_up(last.out_width)
        for name, width in (("taken", 8), ("wide", widths[0]), ("answer", widths[1]), ("sent", 8)):
            yield from (f"wire [{width - 1}:0] {name}_tdata;", f"wire {name}_tvalid, {name}_tready;")
        yield "wire core_tlast;"
        yield "skid #(.WIDTH(8)) pins_in ("
        yield f"  .clk, .rst, {_side('s_axis', 's_axis')}, {_side('m_axis', 'taken')}"
        yield ");"
        yield from _converter(DwcUp("port", 8, widths[0], self.bytes_in) if widths[0] > 8 else None, "taken", "wide")
        yield f"{self.core.name} core ("
        yield f"  .clk, .rst, {_side('s_axis', 'wide')}, {_side('m_axis', 'answer')}, .m_axis_tlast(core_tlast)"
        yield ");"
        down = DwcDown("port", widths[1], 8, self.bytes_out * 8 // widths[1]) if widths[1] > 8 else None
        yield from _converter(down, "answer", "sent")
        yield "skid #(.WIDTH(8)) pins_out ("
        yield f"  .clk, .rst, {_side('s_axis', 'sent')}, {_side('m_axis', 'm_axis')}"
        yield ");"
        yield f"frame_end #(.BEATS({self.bytes_out})) output_frame ("
        yield "  .clk, .rst, .tvalid(m_axis_tvalid), .tready(m_axis_tready), .tlast(m_axis_tlast)"
        yield ");"
        yield "wire unused = &{1'b0, core_tlast};"


def _side(port: str, wires: str) -> str:
    return ", ".join(f".{port}_{part}({wires}_{part})" for part in ("tdata", "tvalid", "tready"))


def _converter(stage: Stage | None, source: str, target: str) -> list[str]:
    """A width converter, or wires where a beat is a byte already."""
    if stage is not None:
        return instance(stage, _wires(source), _wires(target))
    return [
        f"assign {target}_tdata = {source}_tdata;",
        f"assign {target}_tvalid = {source}_tvalid;",
        f"assign {source}_tready = {target}_tready;",
    ]


def _wires(name: str) -> tuple[str, str, str]:
    return f"{name}_tdata", f"{name}_tvalid", f"{name}_tready"
