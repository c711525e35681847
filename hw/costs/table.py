"""What every stage of an accelerator is estimated to take, as a table, and what the next faster design would cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..accelerator import Accelerator
from ..parts import part
from ..stages import Stage
from .resources import Resources, estimate, total
from .search import Plan, cell_name


def stage_rows(accelerator: Accelerator, target: str | None = None) -> list[dict[str, Any]]:
    """A stage each: module, PE and SIMD where it has them, cycles a frame; with a target what it is to take."""
    return [
        {
            "stage": stage.name,
            "module": stage.module,
            "PE": stage.lanes().get("PE"),
            "SIMD": stage.lanes().get("SIMD"),
            "cycles": stage.cycles,
        }
        | (_cost(estimate(stage, target)) if target else {})
        for stage in accelerator.stages
    ]


def _cost(of: Resources) -> dict[str, int]:
    return {"cells": of.cells, "ffs": of.ffs, "brams": of.brams}


def table(accelerator: Accelerator, target: str) -> str:
    """A line a stage: PE, SIMD, cycles a frame, cells, flip-flops, memory blocks; the slowest stages are marked."""
    of = part(target)
    cells = cell_name(target)
    head = f"{'stage':<16} {'PE':>5} {'SIMD':>5} {'cycles':>7} {cells:>12} {'FFs':>8} {'blocks':>7}"
    lines = [head]
    for stage in accelerator.stages:
        mark = "  slowest" if stage.cycles == accelerator.cycles else ""
        lines.append(_line(stage.name, _lanes(stage), f"{stage.cycles:,}", estimate(stage, target)) + mark)
    whole = total(accelerator.stages, target)
    lines.append(_line("all", ("", ""), f"{accelerator.cycles:,}", whole))
    shares = f"{whole.cells / of.cells:>12.0%} {'':>8} {whole.brams / of.brams:>7.0%}"
    lines.append(f"{f'of {target}':<16} {'':>5} {'':>5} {'':>7} {shares}")
    return "\n".join(lines)


def _lanes(stage: Stage) -> tuple[str, str]:
    lanes = stage.lanes()
    return str(lanes.get("PE", "")), str(lanes.get("SIMD", ""))


def _line(name: str, lanes: tuple[str, str], cycles: str, cost: Resources) -> str:
    sizes = f"{cost.cells:>12,} {cost.ffs:>8,} {cost.brams:>7,}"
    return f"{name:<16} {lanes[0]:>5} {lanes[1]:>5} {cycles:>7} {sizes}"


def next_step(plan: Plan, faster: Plan | None, target: str) -> str:
    """A sentence: the bottleneck of `plan`, and what the cheapest design that is faster takes more."""
    slow = [stage.name for stage in plan.accelerator.stages if stage.cycles == plan.cycles]
    said = f"{plan.cycles:,} cycles a frame for {', '.join(slow)}"
    if faster is None:
        return f"{said}; no folding is faster"
    more = " and ".join(_differences(plan.resources, faster.resources, target)) or "no more"
    of = part(target)
    fits = faster.resources.cells <= of.cells and faster.resources.brams <= of.brams
    return f"{said}; the next step, {faster.cycles:,}, takes {more}{'' if fits else f': too large for {target}'}"


def _differences(before: Resources, after: Resources, target: str) -> Iterator[str]:
    for what, was, now in (
        (cell_name(target), before.cells, after.cells),
        ("memory blocks", before.brams, after.brams),
    ):
        if now != was:
            yield f"{abs(now - was):,} {'more' if now > was else 'fewer'} {what}"
