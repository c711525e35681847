"""The design with its inner streams brought out, as text: what both whole-set simulations wrap."""

from __future__ import annotations

from ..accelerator import Accelerator
from ..stages import Stage
from ..verilog import bytes_up, module, stream_ports


def recorded(accelerator: Accelerator) -> list[Stage]:
    """The stages whose output is recorded: the layers, and the last one."""
    *inner, last = accelerator.stages
    return [*(stage for stage in inner if stage.name in accelerator.layers), last]


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
    """taps.inc of the C++ harness: one TAP(number, data or nullptr, valid, ready, bytes of a beat) a stage."""
    names = {stage.name for stage in recorded(accelerator)}
    return "".join(
        f"TAP({index}, {f'&top->tap_{stage.name}_tdata' if stage.name in names else 'nullptr'}, "
        f"top->tap_{stage.name}_tvalid, top->tap_{stage.name}_tready, {-(-stage.out_width // 8)})\n"
        for index, stage in enumerate(accelerator.stages)
    )


def bench(accelerator: Accelerator) -> str:
    """Module `bench`: clock, reset, source, probe, sink, and a recorder on every recorded stream."""
    first, last = accelerator.stages[0], accelerator.stages[-1]
    streams = recorded(accelerator)
    body = [
        "logic clk = 1'b0;",
        "logic rst = 1'b1;",
        "always #1 clk = !clk;",
        "initial #10 rst = 1'b0;",  # on a falling edge
        "wire done, hang, misframed;",
        "wire [63:0] first_frame, last_frame;",
        f"wire [{bytes_up(first.in_width) - 1}:0] s_axis_tdata;",
        "wire s_axis_tvalid, s_axis_tready;",
        f"wire [{bytes_up(last.out_width) - 1}:0] m_axis_tdata;",
        "wire m_axis_tvalid, m_axis_tready, m_axis_tlast;",
        f"wire [{len(streams) - 1}:0] complete, surplus;",
        *(f"wire tap_{stage.name}_tvalid, tap_{stage.name}_tready;" for stage in accelerator.stages),
        *(f"wire [{stage.out_width - 1}:0] tap_{stage.name}_tdata;" for stage in streams),
        f"source #(.WIDTH({bytes_up(first.in_width)})) stimulus (.clk, .rst, .m_axis_tdata(s_axis_tdata), "
        ".m_axis_tvalid(s_axis_tvalid), .m_axis_tready(s_axis_tready));",
        "probe wrapped (.*);",
        f"sink #(.BEATS({last.out_beats})) drain (.clk, .rst, .tvalid(m_axis_tvalid), .tlast(m_axis_tlast), "
        ".tready(m_axis_tready), .complete(&complete), .surplus(|surplus), .done, .hang, .misframed, "
        ".first_frame, .last_frame);",
    ]
    for i, stage in enumerate(streams):
        tap = f"tap_{stage.name}"
        body.append(
            f'recorder #(.NAME("{stage.name}"), .WIDTH({stage.out_width}), .BEATS({stage.out_beats})) '
            f"record_{stage.name} (.clk, .rst, .tdata({tap}_tdata), .tvalid({tap}_tvalid), .tready({tap}_tready), "
            f".hang, .complete(complete[{i}]), .surplus(surplus[{i}]));"
        )
    return module("bench", [], body, f"{accelerator.name} between a source and a sink, every layer recorded.")
