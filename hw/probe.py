"""The design with its inner streams brought out, as text: what both whole-set simulations wrap."""

from __future__ import annotations

from .accelerator import Accelerator
from .stages import Stage
from .verilog import bytes_up, module, stream_ports


def recorded(accelerator: Accelerator) -> list[Stage]:
    """The stages whose output is recorded: the layers, and the last one."""
    return [stage for stage in accelerator.stages if stage.name in accelerator.layers or stage is accelerator.stages[-1]]


def probe(accelerator: Accelerator) -> str:
    """Module `probe`: the design's own ports, valid and ready of every stage, and the data of the recorded ones."""
    first, last = accelerator.stages[0], accelerator.stages[-1]
    ports = [
        "input  wire clk",
        "input  wire rst",
        *stream_ports("s_axis", bytes_up(first.in_width), sends=False),
        *stream_ports("m_axis", bytes_up(last.out_width), sends=True),
        "output wire m_axis_tlast",
    ]
    body = [f"{accelerator.name} dut (.*);"]
    for stage in accelerator.stages:
        ports += [f"output wire tap_{stage.name}_tvalid", f"output wire tap_{stage.name}_tready"]
        body += [
            f"assign tap_{stage.name}_tvalid = dut.{stage.name}_tvalid;",
            f"assign tap_{stage.name}_tready = dut.{stage.name}_tready;",
        ]
    for stage in recorded(accelerator):
        ports.append(f"output wire [{stage.out_width - 1}:0] tap_{stage.name}_tdata")
        body.append(f"assign tap_{stage.name}_tdata = dut.{stage.name}_tdata;")
    return module("probe", ports, body, f"{accelerator.name} with its inner streams brought out.")


def taps(accelerator: Accelerator) -> str:
    """taps.inc of the C++ harness: one initialiser of `Stream` a stage."""
    names = {stage.name for stage in recorded(accelerator)}
    return "".join(
        f"    {{{_data(stage) if stage.name in names else 'nullptr'}, "
        f"&top->tap_{stage.name}_tvalid, &top->tap_{stage.name}_tready, {-(-stage.out_width // 8)}}},\n"
        for stage in accelerator.stages
    )


def _data(stage: Stage) -> str:
    return f"reinterpret_cast<const uint8_t*>(&top->tap_{stage.name}_tdata)"
