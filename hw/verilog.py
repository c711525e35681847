"""The design as text. It only instantiates: all arithmetic lives in the hand-written modules of `rtl/`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import resources

from .accelerator import Accelerator
from .stages import Stage

FRAME_END = "frame_end"


OWN = "{design}__{name}"
"""Of what a design brings along, so that two designs, of two versions too, can live in one project: no design's own
name has two underscores in a row."""


def verilog(accelerator: Accelerator) -> dict[str, str]:
    """Every file of the design by name: the top module, the memories, the modules it is built from, and a list of the
    sources in an order that every tool takes. Same accelerator, same bytes.
    """
    design = accelerator.name
    modules = own_modules(design, [*(stage.module for stage in accelerator.stages), FRAME_END])
    memories = {
        memory_file(design, name): text for stage in accelerator.stages for name, text in stage.memories().items()
    }
    sources = [*modules, f"{design}.sv"]
    listed = {f"{design}.f": "".join(f"{name}\n" for name in sources)}
    return {f"{design}.sv": top(accelerator), **modules, **memories, **listed}


def own_modules(design: str, wanted: Iterable[str]) -> dict[str, str]:
    """The wanted hand-written modules and those inside them, innermost first, renamed to be the design's own."""
    texts = {name.removesuffix(".sv"): text for name, text in library().items()}
    found: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in found:
            for inner in texts:
                if inner != name and re.search(rf"^ *{inner} #\(", texts[name], re.MULTILINE):
                    add(inner)
            found[name] = texts[name]

    for name in wanted:
        add(name)
    words = "|".join(found)
    renamed = OWN.format(design=design, name=r"\1")
    return {
        OWN.format(design=design, name=f"{name}.sv"): re.sub(rf"\b({words})(?= #\()", renamed, text)
        for name, text in found.items()
    }


def memory_file(design: str, name: str) -> str:
    """What the design calls a memory file of one of its stages."""
    return OWN.format(design=design, name=name)


def library() -> dict[str, str]:
    """The hand-written modules by file name."""
    files = sorted(resources.files(__package__).joinpath("rtl").iterdir(), key=lambda file: file.name)
    return {file.name: file.read_text() for file in files if file.name.endswith(".sv")}


def bytes_up(width: int) -> int:
    """Bits of TDATA for `width` bits of payload: AXI4-Stream counts in bytes."""
    return -(-width // 8) * 8


def stream_ports(prefix: str, width: int, sends: bool) -> list[str]:
    forward, backward = ("output", "input ") if sends else ("input ", "output")
    return [
        f"{forward} wire [{width - 1}:0] {prefix}_tdata",
        f"{forward} wire {prefix}_tvalid",
        f"{backward} wire {prefix}_tready",
    ]


def top(accelerator: Accelerator) -> str:
    """The top module: stages in a row, wires named after the stage that drives them."""
    first, last = accelerator.stages[0], accelerator.stages[-1]
    out_width = bytes_up(last.out_width)
    ports = [
        "input  wire clk",
        "input  wire rst",
        *stream_ports("s_axis", bytes_up(first.in_width), sends=False),
        *stream_ports("m_axis", out_width, sends=True),
        "output wire m_axis_tlast",
    ]
    source = f"s_axis_tdata[{first.in_width - 1}:0]", "s_axis_tvalid", "s_axis_tready"
    body: list[str] = []
    for stage in accelerator.stages:
        wires = f"{stage.name}_tdata", f"{stage.name}_tvalid", f"{stage.name}_tready"
        body += [f"wire [{stage.out_width - 1}:0] {wires[0]};", f"wire {wires[1]}, {wires[2]};"]
        body += instance(stage, source, wires, accelerator.name)
        source = wires
    in_width = bytes_up(first.in_width)
    if in_width > first.in_width:
        body.append(f"wire unused = &{{1'b0, s_axis_tdata[{in_width - 1}:{first.in_width}]}};")
    padding = out_width - last.out_width
    data = f"{{{padding}'b0, {source[0]}}}" if padding else source[0]
    body += [
        f"assign m_axis_tdata = {data};",
        f"assign m_axis_tvalid = {source[1]};",
        f"assign {source[2]} = m_axis_tready;",
        f"{OWN.format(design=accelerator.name, name=FRAME_END)} #(.BEATS({last.out_beats})) output_frame (",
        "  .clk, .rst, .tvalid(m_axis_tvalid), .tready(m_axis_tready), .tlast(m_axis_tlast)",
        ");",
    ]
    return module(
        accelerator.name,
        ports,
        body,
        f"{first.in_beats} beats of {first.in_width} bits in, {last.out_beats} of {last.out_width} out,"
        f" {accelerator.cycles} cycles a frame ({accelerator.bottleneck}).",
    )


def module(name: str, ports: Iterable[str], body: Iterable[str], comment: str) -> str:
    """A module of instances."""
    port_text = ",\n".join(f"  {port}" for port in ports)
    header = f"module {name} (\n{port_text}\n);" if port_text else f"module {name};"
    body_text = "".join(f"  {line}\n" for line in body)
    return (
        f"`default_nettype none\n// Generated by bitneck. {comment}\n"
        f"{header}\n{body_text}endmodule\n`default_nettype wire\n"
    )


def instance(stage: Stage, source: Sequence[str], target: Sequence[str], design: str | None = None) -> list[str]:
    """A stage between two streams, each given as its data, valid and ready wires.

    design   whose own modules and memory files these are; None for the library's, and files as the stage names them
    """
    memories = stage.memories()
    values: dict[str, int | str] = {}
    for key, value in stage.parameters().items():
        if isinstance(value, str):
            file = memory_file(design, value) if design is not None and value in memories else value
            values[key] = f'"{file}"'
        else:
            values[key] = value
    parameters = ", ".join(f".{key}({value})" for key, value in values.items())
    sides = [
        ", ".join(f".{side}_{wire}({name})" for wire, name in zip(("tdata", "tvalid", "tready"), wires, strict=True))
        for side, wires in (("s_axis", source), ("m_axis", target))
    ]
    module_name = stage.module if design is None else OWN.format(design=design, name=stage.module)
    return [
        f"{module_name} #({parameters}) {stage.module}_{stage.name} (",
        "  .clk, .rst,",
        f"  {sides[0]},",
        f"  {sides[1]}",
        ");",
    ]
