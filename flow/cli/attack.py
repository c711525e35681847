"""The verb `attack`: input bits that somebody flips until the class is another."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ..attack import attack as found
from ..attack_report import AttackReport
from ..folder import RunFolder
from .console import DataDir, bar, say, show, wrong
from .verb import Facts, FailedError


def attack(
    folder: Annotated[Path, typer.Argument(help="folder of a run that was built", metavar="RUN")],
    flips: Annotated[int, typer.Option(min=1, help="input bits of a sample that may be flipped")] = 16,
    limit: Annotated[int, typer.Option(min=1, help="samples, from the first")] = 1000,
    candidates: Annotated[int, typer.Option(min=1, help="bits that are tried at each flip")] = 32,
    data_dir: DataDir = None,
) -> Facts:
    """Flip input bits at random, by the gradient, and by trying its best ones; the worst go through the RTL, too.

    For nets of dense 1-bit layers: the bits that enter the first weights.

    - `bitneck attack runs/digits`
    - `bitneck attack runs/tfc --flips 32 --data-dir data`
    """
    place = RunFolder(folder)
    with ExitStack() as stack:

        @cache
        def advance() -> Callable[[int, int, str], None]:
            return stack.enter_context(bar("attack"))

        report = found(place, flips, limit, candidates, data_dir, lambda done, of: advance()(done, of, ""))
    show(_table(report))
    if report.witness is not None:
        sample, was, now, bits = report.witness
        say("witness", f"sample {sample}, class {was}: {now} with bits {', '.join(map(str, bits))} flipped")
    for line in report.differences:
        wrong("different", line)
    facts = {**asdict(report), "equal": not report.differences}
    if report.differences:
        raise FailedError(facts)
    say("rtl", f"{report.replayed:,} attacked samples replayed, every layer equal", place.attack)
    return facts


def _table(report: AttackReport) -> Table:
    head = ("flips of each", *(f"{flips:,}" for flips in report.curves[0].flips))
    drawn = Table(*head, box=None, header_style="bold", pad_edge=False)
    rows = [(curve.by, curve) for curve in report.curves]
    rows += [(f"{curve.by}; summed over {report.draws} draws", curve) for curve in report.summed]
    for name, curve in rows:
        drawn.add_row(name, *(f"{right / report.samples:.1%}" for right in curve.right))
    return drawn
