"""A design behind two byte-wide streams, so that a net of any width fits the pins of a small part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..accelerator import Accelerator
from ..stages import DwcDown, DwcUp, Stage
from ..verilog import FRAME_END, OWN, bytes_up, instance, module, own_modules, stream_ports


@dataclass(frozen=True)
class Shell:
    """Pins: `clk`, synchronous `rst`, `s_axis_*` and `m_axis_*` of a byte each, `m_axis_tlast` at the last of a frame.

    The bytes of a beat of the core, lowest first. A skid at either side keeps the pins' delays out of the core.
    """

    core: Accelerator

    @property
    def name(self) -> str:
        return OWN.format(design=self.core.name, name="shell")

    @property
    def parents(self) -> tuple[str, str]:
        return self.core.name, self.name

    @property
    def primitives(self) -> bool:
        return False

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

    def files(self) -> dict[str, str]:
        """The shell by file name, with the modules that it is built from. The core's files are its own matter."""
        converters = (stage.module for stage in self._converters() if stage is not None)
        return {
            **own_modules(self.name, [(name, ()) for name in ("skid", FRAME_END, *converters)]),
            f"{self.name}.sv": self._verilog(),
        }

    def _verilog(self) -> str:
        ports = [
            "input  wire clk",
            "input  wire rst",
            *stream_ports("s_axis", 8, sends=False),
            *stream_ports("m_axis", 8, sends=True),
            "output wire m_axis_tlast",
        ]
        comment = f"{self.core.name} behind byte streams: {self.bytes_in} bytes a frame in, {self.bytes_out} out."
        return module(self.name, ports, self._body(), comment)

    def _widths(self) -> tuple[int, int]:
        """Of the core's ports."""
        return bytes_up(self.core.stages[0].in_width), bytes_up(self.core.stages[-1].out_width)

    def _converters(self) -> tuple[Stage | None, Stage | None]:
        """From bytes to the core's beats and back; None where a beat is a byte already."""
        wide, answer = self._widths()
        up = DwcUp("port", 8, wide, self.bytes_in) if wide > 8 else None
        down = DwcDown("port", answer, 8, self.bytes_out * 8 // answer) if answer > 8 else None
        return up, down

    def _own(self, module: str) -> str:
        return OWN.format(design=self.name, name=module)

    def _body(self) -> Iterator[str]:
        widths, (up, down) = self._widths(), self._converters()
        for name, width in (("taken", 8), ("wide", widths[0]), ("answer", widths[1]), ("sent", 8)):
            yield from (f"wire [{width - 1}:0] {name}_tdata;", f"wire {name}_tvalid, {name}_tready;")
        yield "wire core_tlast;"
        yield f"{self._own('skid')} #(.WIDTH(8)) pins_in ("
        yield f"  .clk, .rst, {_side('s_axis', 's_axis')}, {_side('m_axis', 'taken')}"
        yield ");"
        yield from _converter(up, "taken", "wide", self.name)
        yield f"{self.core.name} core ("
        yield f"  .clk, .rst, {_side('s_axis', 'wide')}, {_side('m_axis', 'answer')}, .m_axis_tlast(core_tlast)"
        yield ");"
        yield from _converter(down, "answer", "sent", self.name)
        yield f"{self._own('skid')} #(.WIDTH(8)) pins_out ("
        yield f"  .clk, .rst, {_side('s_axis', 'sent')}, {_side('m_axis', 'm_axis')}"
        yield ");"
        yield f"{self._own(FRAME_END)} #(.BEATS({self.bytes_out})) output_frame ("
        yield "  .clk, .rst, .tvalid(m_axis_tvalid), .tready(m_axis_tready), .tlast(m_axis_tlast)"
        yield ");"
        yield "wire unused = &{1'b0, core_tlast};"


def _side(port: str, wires: str) -> str:
    return ", ".join(f".{port}_{part}({wires}_{part})" for part in ("tdata", "tvalid", "tready"))


def _converter(stage: Stage | None, source: str, target: str, design: str) -> list[str]:
    """A width converter, or wires where a beat is a byte already."""
    if stage is not None:
        return instance(stage, _wires(source), _wires(target), design)
    return [
        f"assign {target}_tdata = {source}_tdata;",
        f"assign {target}_tvalid = {source}_tvalid;",
        f"assign {source}_tready = {target}_tready;",
    ]


def _wires(name: str) -> tuple[str, str, str]:
    return f"{name}_tdata", f"{name}_tvalid", f"{name}_tready"
