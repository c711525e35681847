"""What a stage takes of a part, estimated without synthesis: LUTs, flip-flops, memory blocks.

Memory blocks follow the rule by which yosys maps memories (`memories.placement`). LUTs and flip-flops are linear in
what a stage is made of (`Stage.made_of`); the coefficients are fitted to syntheses of single stages and lie in
`coefficients.json`, with their residuals and the versions of the tools. `python -m
bitneck.hw.synthesis.calibrate` makes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources as package

from ..parts import Family, part
from ..stages import MODULES, Parameters, Stage
from ..stages.stage import Primitives


class ResourceError(ValueError):
    """A module that no estimate exists for."""


@dataclass(frozen=True)
class Resources:
    """What a stage or a design takes.

    luts     LUT4 (iCE40, ECP5) or LUT6 (Xilinx), those that serve as memory or carry included
    ffs      flip-flops
    brams    blocks of 4 kbit (iCE40) or 18 kbit (the others)
    cells    what a part runs out of: on iCE40 logic cells, which hold a LUT, a carry and a flip-flop; elsewhere LUTs
    method   where the numbers are from
    """

    luts: int
    ffs: int
    brams: int
    cells: int
    method: str

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.luts + other.luts,
            self.ffs + other.ffs,
            self.brams + other.brams,
            self.cells + other.cells,
            self.method,
        )


NOTHING = Resources(0, 0, 0, 0, "estimate")


def primitives(module: str, features: Parameters, family: Family) -> tuple[str, Primitives]:
    """The group of coefficients of a module, and what a stage of these features is made of."""
    if module not in MODULES:
        raise ResourceError(f"no estimate of module {module!r}; there are {', '.join(MODULES)}")
    return MODULES[module].estimated_with, MODULES[module].made_of(features, family)


Coefficients = Mapping[str, Mapping[str, Mapping[str, float]]]
"""group → quantity (luts, ffs, cells) → what it is made of → how many of the quantity each takes."""


@cache
def _stored() -> Mapping[str, Coefficients]:
    text = (package.files(__package__) / "coefficients.json").read_text()
    return {family: values["coefficients"] for family, values in json.loads(text)["families"].items()}


def predict(module: str, parameters: Parameters, family: Family, coefficients: Mapping[str, Coefficients]) -> Resources:
    """The estimate by the given coefficients of all families."""
    group, (counts, blocks) = primitives(module, parameters, family)
    of = coefficients[family][group]
    needed = {what for what, count in counts.items() if count}
    if not needed <= of["luts"].keys():
        of = _filled(coefficients[family], group)
    if unseen := sorted(needed - of["luts"].keys()):
        raise ResourceError(
            f"{module} on {family}: the calibration saw no stage with {', '.join(unseen)}; "
            "add one to hw/synthesis/calibration_cases.py and calibrate"
        )
    luts, ffs, cells = (
        round(sum(of[quantity][what] * count for what, count in counts.items() if count))
        for quantity in ("luts", "ffs", "cells")
    )
    return Resources(luts, ffs, blocks, max(cells, luts), "estimate")


def _filled(family: Coefficients, group: str) -> Mapping[str, Mapping[str, float]]:
    """Those of a group, and what none of its stages had as the first group takes it that had: a multiplexer behind rows
    of memory blocks is the same wherever.
    """
    order = [group, *family]
    return {
        quantity: {what: each for other in reversed(order) for what, each in family[other][quantity].items()}
        for quantity in family[group]
    }


def estimate(stage: Stage, target: str) -> Resources:
    """What `stage` takes of the part `target`, by its module and features."""
    return _estimate(stage.module, tuple(sorted(stage.features().items())), part(target).family)


@cache
def _estimate(module: str, parameters: tuple[tuple[str, int | str], ...], family: Family) -> Resources:
    return predict(module, dict(parameters), family, _stored())


def total(stages: Iterable[Stage], target: str) -> Resources:
    """What the stages take together."""
    return sum((estimate(stage, target) for stage in stages), NOTHING)
