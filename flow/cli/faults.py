"""The verb `faults`: which stored bits and wires of the hardware its answers hang on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ...hw.parts import PARTS, part_names
from ..fault_report import FaultReport
from ..faults import faults as found
from ..folder import RunFolder
from .console import DataDir, say, show, step, wrong
from .verb import Facts, FailedError


def faults(
    folder: Annotated[Path, typer.Argument(help="folder of a run that was built", metavar="RUN")],
    target: Annotated[
        str, typer.Option(help=f"part that guards are estimated for: {', '.join(PARTS)}", autocompletion=part_names)
    ] = "xc7",
    data_dir: DataDir = None,
) -> Facts:
    """What every bit that flips in a memory, and every wire that is stuck, costs: accuracy and bits, over all samples.

    Exact for nets of dense 1-bit layers; a sample of the flips goes through the RTL.

    - `bitneck faults runs/digits`
    - `bitneck faults runs/tfc --target up5k --data-dir data`
    """
    place = RunFolder(folder)
    with step("faults") as tell:
        report = found(place, target, data_dir, tell)
    show(_table(report))
    for name, rows in (("worst flip", report.worst[:3]), ("worst wire", report.stuck[:3])):
        for row in rows:
            say(name, f"{row.what}: {row.loss:+.2%} wrong")
    for guard in report.guards:
        say(
            "guard",
            f"{guard.columns:,} of {guard.of:,} columns stored thrice: {guard.removed:.0%} of a random flip's cost "
            f"gone for {guard.luts:,} LUTs and {guard.blocks:,} blocks of {report.target}, estimated",
        )
    luts, blocks = report.parity
    say("guard", f"parity of every word: tells of every flip, mends none, for {luts:,} LUTs and {blocks:,} blocks")
    for line in report.differences:
        wrong("different", line)
    facts = {**asdict(report), "equal": not report.differences}
    if report.differences:
        raise FailedError(facts)
    say("rtl", f"{report.replayed} flips replayed over {report.samples:,} samples, every layer equal", place.faults)
    return facts


def _table(report: FaultReport) -> Table:
    head = ("layer", "memory", "bits", "costs", "most", "harmless", "H(T)", "lost", "I(T;Y)", "lost")
    drawn = Table(*head, box=None, header_style="bold", pad_edge=False)
    for row in report.memories:
        bits = (row.h_t, row.h_t_lost, row.i_ty, row.i_ty_lost)
        drawn.add_row(
            row.layer,
            row.part,
            f"{row.bits:,}",
            f"{row.mean:.4%}",
            f"{row.most:.2%}",
            f"{row.harmless:.1%}",
            *("" if each is None else f"{each:.3f}" for each in bits),
        )
    return drawn
