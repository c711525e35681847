"""What `bitneck import` prints: the table of what was read, and what was compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple

from rich.table import Table

from ..config import RANDOM
from ..importing import Report

HEAD = ("layer", "kind", "shape", "weights", "levels", "thresholds", "never change", "margin ± error")


def import_table(report: Report) -> Table:
    """A row a layer; columns that say nothing are left out."""
    rows = [astuple(row) for row in report.rows]
    shown = [column for column in range(len(HEAD)) if any(row[column] for row in rows)]
    table = Table(*(HEAD[column] for column in shown), box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(row[column] for column in shown))
    return table


def import_lines(report: Report) -> Iterator[str]:
    """Below the table."""
    if report.dropped:
        yield f"dropped at the end, as it changes no class: {', '.join(report.dropped)}"
    random = report.dataset == RANDOM
    of = "random inputs over the whole range" if random else f"samples of {report.dataset}"
    if report.accuracy is not None:
        yield f"{report.samples:,} {of}: {report.accuracy:.2%} of the classes are right"
    for each in report.executed:
        if each.skipped is not None:
            yield f"{each.source}: not asked: {each.skipped}"
        elif each.mismatch is not None:
            yield f"{each.source}: DIFFERENT: {each.mismatch}"
        elif each.moved:
            yield (
                f"{each.source}: {each.codes:,} codes and scores over {report.proven:,} {of}: rounding of its floats "
                f"moved {each.moved:,}, and {each.classes:,} classes; all others equal"
            )
        else:
            yield f"{each.source}: {each.codes:,} codes and scores over {report.proven:,} {of}: all equal"
    for warning in report.warnings:
        yield f"beware: {warning}"
