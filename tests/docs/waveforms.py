"""The waveforms of docs/interface.md, as a design of two input beats and two output beats a frame shows them in Icarus.

python tests/docs/waveforms.py      # writes them into the page, where its text says which is which
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "hw"))

from bitneck.hw.accelerator import Accelerator, lower  # noqa: E402
from bitneck.hw.folding import Folding  # noqa: E402
from bitneck.hw.verilog import verilog  # noqa: E402
from random_nets import random_graph  # noqa: E402

PAGE = ROOT / "docs" / "interface.md"
BLOCK = re.compile(r'(?<=```wavedrom title=")(\w+)"\n(.*?)(?=```)', re.S)
IDLE = 2  # cycles of reset, before what is shown
BENCH = """module bench;
  reg clk = 0, rst = 1, s_valid = 0, m_ready = 0;
  wire s_ready, m_valid, m_last;
  wire [7:0] m_data;
  reg [2:0] stimulus [0:{last}];
  integer i;
  net dut (.clk, .rst, .s_axis_tdata(8'h05), .s_axis_tvalid(s_valid), .s_axis_tready(s_ready),
           .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), .m_axis_tlast(m_last));
  initial begin
    $readmemb("stimulus.txt", stimulus);
    for (i = 0; i <= {last}; i = i + 1) begin
      {{rst, s_valid, m_ready}} = stimulus[i];
      #4 $display("%b%b%b%b%b%b", rst, s_valid, s_ready, m_valid, m_ready, m_last);
      #1 clk = 1;
      #5 clk = 0;
    end
    $finish;
  end
endmodule
"""
# By name, and by cycle: whether the source offers a beat (it keeps what it offers until it is taken), whether the sink
# is ready, whether there is a reset; and which cycles are shown.
STORIES = {
    "input": ("1" * 26 + "0011" + "1" * 10, "0" * 22 + "1" * 18, "0" * 40, slice(16, 32)),
    "output": ("1" * 40, "1" * 15 + "0001101" + "1" * 18, "0" * 40, slice(11, 26)),
    "reset": ("1" * 40, "1" * 40, "0" * 19 + "1" + "0" * 20, slice(16, 36)),
}
SIGNALS = {
    "input": ("s_axis_tdata", "s_axis_tvalid", "s_axis_tready"),
    "output": ("m_axis_tdata", "m_axis_tvalid", "m_axis_tready", "m_axis_tlast"),
    "reset": ("rst", "s_axis_tdata", "s_axis_tvalid", "s_axis_tready", "m_axis_tdata", "m_axis_tvalid", "m_axis_tlast"),
}
NAMES = ("rst", "s_axis_tvalid", "s_axis_tready", "m_axis_tvalid", "m_axis_tready", "m_axis_tlast")


def accelerator() -> Accelerator:
    foldings = {"dense1": Folding(2, 4), "scores": Folding(1, 2)}
    return lower(random_graph([8, 2, 2], 1, name="net"), foldings, output="scores")


def simulated(design: Accelerator, valid: str, ready: str, reset: str) -> list[dict[str, bool]]:
    """Every signal in every cycle, just before the rising edge. A source that has not been heard goes on offering."""
    files = verilog(design)
    offered = list(valid)
    while True:  # which beats are taken hangs on the design: run, see, and hold what was not
        lines = ["100"] * IDLE + [f"{r}{s}{m}" for r, s, m in zip(reset, offered, ready, strict=True)]
        seen = _run(files, lines)[IDLE:]
        lost = [
            cycle + 1
            for cycle, row in enumerate(seen[:-1])
            if row["s_axis_tvalid"] and not row["s_axis_tready"] and not row["rst"] and offered[cycle + 1] == "0"
        ]
        if not lost:
            return seen
        offered[lost[0]] = "1"


def _run(files: dict[str, str], stimulus: list[str]) -> list[dict[str, bool]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = {"bench.sv": BENCH.format(last=len(stimulus) - 1), "stimulus.txt": "\n".join(stimulus) + "\n"}
        for file, text in {**files, **bench}.items():
            (folder / file).write_text(text)
        sources = [file for file in files if file.endswith(".sv")]
        command = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", *sources, "bench.sv"]
        subprocess.run(command, cwd=folder, check=True)
        said = subprocess.run(["vvp", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True).stdout
    rows = [line for line in said.splitlines() if re.fullmatch("[01x]{6}", line)]
    return [dict(zip(NAMES, (bit == "1" for bit in row), strict=True)) for row in rows]


def wave(seen: list[dict[str, bool]], names: tuple[str, ...], shown: slice) -> str:
    """WaveJSON of the cycles shown. Beats are called a0 a1 b0 b1 …, in and out: frame a is two beats on both."""
    cycles = range(len(seen))[shown]
    signals: list[dict[str, object]] = [{"name": "clk", "wave": "p" + "." * (len(cycles) - 1)}]
    for name in names:
        if name.endswith("tdata"):
            beats = _beats(seen, name.removesuffix("tdata"))
            data = [beats[i] for i in cycles if beats[i] and (i == cycles[0] or beats[i] != beats[i - 1])]
            signals.append({"name": name, "wave": _runs(beats[i] or "x" for i in cycles), "data": data})
        else:
            signals.append({"name": name, "wave": _runs("01"[seen[i][name]] for i in cycles)})
    return "\n".join(['{"signal": [', ",\n".join(f"  {json.dumps(signal)}" for signal in signals), "]}"])


def _runs(values: Iterable[str]) -> str:
    """A letter where a value begins, a point where it lasts; the name of a beat is in the data."""
    said, last = "", None
    for value in values:
        said, last = said + ("." if value == last else value if len(value) == 1 else "="), value
    return said


def _beats(seen: list[dict[str, bool]], side: str) -> list[str]:
    """What a stream carries in each cycle, empty where nothing: a new beat once the one before has passed. With a reset
    the frame that was begun at the input is gone, and so is all that was on its way.
    """
    said, begun, frame, beat = list[str](), 0, 0, 0  # beats taken at the input; the frame and beat on this side
    for row in seen:
        said.append(f"{chr(ord('a') + frame)}{beat}" if row[f"{side}tvalid"] else "")
        begun += row["s_axis_tvalid"] and row["s_axis_tready"] and not row["rst"]
        if row["rst"]:
            begun += begun % 2
            frame, beat = begun // 2, 0
        elif row[f"{side}tvalid"] and row[f"{side}tready"]:
            frame, beat = frame + beat, 1 - beat
    return said


def waveforms() -> dict[str, str]:
    design = accelerator()
    return {name: wave(simulated(design, *story), SIGNALS[name], shown) for name, (*story, shown) in STORIES.items()}


if __name__ == "__main__":
    made = waveforms()
    PAGE.write_text(BLOCK.sub(lambda match: f'{match[1]}"\n{made[match[1]]}\n', PAGE.read_text()))
