"""What cells and memories say in Icarus, cycle by cycle."""

from __future__ import annotations

import re
import subprocess

import numpy as np

UNKNOWN = -1  # of a memory before the first read


def in_icarus(models: str, text: list[str], stimulus, width: int, folder) -> np.ndarray:
    """(cycles, width): what stands at the outputs before each rising edge; 0, 1 or UNKNOWN."""
    size = stimulus.shape[1]
    bench = [
        f"module bench; reg clk = 0; reg [{size - 1}:0] in = 0; wire [{width - 1}:0] out;",
        f"reg [{size - 1}:0] words [0:{len(stimulus) - 1}]; integer i;",
        *text,
        'initial begin $readmemb("in.txt", words);',
        f"for (i = 0; i < {len(stimulus)}; i = i + 1)",
        'begin in = words[i]; #5 $display("%b", out); #1 clk = 1; #5 clk = 0; end',
        "$finish; end endmodule",
    ]
    (folder / "in.txt").write_text(
        "".join("".join("01"[bit] for bit in row[::-1]) + "\n" for row in stimulus.astype(int))
    )
    (folder / "cells.v").write_text(re.sub(r"\$error\(.*\);", "", models))  # Icarus 11 knows none outside of a process
    (folder / "bench.v").write_text("\n".join(bench))
    subprocess.run(["iverilog", "-g2012", "-o", "bench", "-s", "bench", "cells.v", "bench.v"], cwd=folder, check=True)
    said = subprocess.run(["vvp", "bench"], cwd=folder, check=True, capture_output=True, text=True).stdout
    rows = [line for line in said.splitlines() if len(line) == width and set(line) <= set("01xz")]
    assert len(rows) == len(stimulus)
    return np.array([["01".find(bit) for bit in row[::-1]] for row in rows])
