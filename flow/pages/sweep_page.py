"""The page of a sweep: parallel axes, a scatter with axes to choose, and every network's line of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import jinja2
from plotly.offline import get_plotlyjs

from ...ib_analysis.diagnostics import SATURATED_DATASET, Verdict
from ...ib_analysis.layer_bits import PERMUTATIONS
from ..config import RunError
from ..files import write
from ..sweep_file import Task
from ..sweep_parts import kept
from .sweep_columns import Net, columns, net

PAGE = "sweep.html"


def write_page(folder: Path, wanted: Sequence[Task], name: str) -> Path:
    """Of all tasks of a sweep that lie in its folder, beside their table."""
    parts = [(task, part.to_pylist()) for task in wanted if (part := kept(folder, task)) is not None]
    path = folder / PAGE
    write(path, page(name, [net(task, rows) for task, rows in parts], len(wanted) - len(parts)))
    return path


def page(name: str, nets: Sequence[Net], failed: int = 0) -> str:
    """The HTML text. Same networks, same bytes. Raises RunError where there are none.

    failed   networks of the sweep that gave no numbers
    """
    if not nets:
        raise RunError(f"{name}: no network has ended well, so there is nothing to show")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(resources.files(__package__).joinpath("sweep.html.jinja").read_text())
    return template.render(
        name=name,
        nets=[str(each.task) for each in nets],
        failed=failed,
        columns=[asdict(each) for each in columns(nets)],
        caption=_caption(nets),
        legends=_legends(nets),
        plotly=get_plotlyjs(),
    )


def _caption(nets: Sequence[Net]) -> str:
    """Of what the numbers of bits are; where networks differ in it, each way once."""
    ways = dict.fromkeys(
        f"Target: {row['target']}. N = {row['samples']:,}. Estimator: {estimator.replace('_', '-')}."
        for each in nets
        for row in [each.last]
        if (estimator := row.get("estimator"))
    )
    return " Or: ".join(ways)


def _legends(nets: Sequence[Net]) -> list[str]:
    rows = [row for each in nets for row in each.layers.values()]
    verdicts = {row[f"{quantity}_verdict"] for row in rows for quantity in ("i_xt", "i_ty")}
    lines = [f"{verdict}: {verdict.explanation}" for verdict in Verdict if verdict in verdicts]
    lines += sorted(verdict for verdict in verdicts if verdict not in set(Verdict))
    if any(row.get("saturated") for row in rows):
        lines.append(SATURATED_DATASET)
    if any(row.get("p_value") is not None for row in rows):
        lines.append(f"p: how often labels dealt at random share as much with the codes, of {PERMUTATIONS} dealings.")
    refused = dict.fromkeys(
        f"{each.task}: no hardware: {why}" for each in nets if (why := each.last.get("no_hardware"))
    )
    return [*lines, *refused]
