"""Many runs of one question: each network a task of its own, on this machine or on a dask cluster given by its address.

Networks that differ in the seed alone are trained together, and have the numbers that each has alone. Every finished
task is a file at once, so a sweep that was interrupted continues where it stopped. The file's name stands for
everything that decides what is in it: sweeps over other data, or by other code, lie side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.datasets import ENVIRONMENT
from .cluster import connected, measured_by, said
from .held import held
from .measured import data_here, measure_together
from .sweep_file import Task, files_sha256, tasks
from .sweep_groups import at_once, grouped
from .sweep_parts import collect, keep, kept, rows_of, trajectories_of

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Outcome", "Task", "at_once", "collect", "connected", "files_sha256", "outcomes", "rows_of", "run", "tasks"]
__all__ += ["trajectories_of"]


@dataclass(frozen=True)
class Outcome:
    """Of one task.

    error     None where its results lie in the sweep's folder
    earlier   whether they lay there before
    """

    task: Task
    error: str | None
    earlier: bool = False


def run(
    folder: Path | str,
    wanted: list[Task],
    client: Client | None = None,
    data_dir: Path | str | None = None,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Runs what is not in the folder yet; every task as it ended, those already there first.

    tell   is told of each as it ends; the rest is said at `outcomes`
    """
    ended = []
    for outcome in outcomes(folder, wanted, client, data_dir):
        tell(outcome)
        ended.append(outcome)
    return ended


def outcomes(
    folder: Path | str, wanted: list[Task], client: Client | None, data_dir: Path | str | None = None
) -> Iterator[Outcome]:
    """The sweep of `run`, an outcome each time that the next one is asked for.

    client     of a dask cluster; None measures here, one group after the other
    data_dir   resolved here, for a worker's working folder is another; every worker makes sure that it has read the
                data, and runs the code and packages, that the task's key stands for
    """
    place = Path(folder)
    with held(place, "sweep", make=True):
        yield from _run(place, wanted, client, data_dir)


def _run(folder: Path, wanted: list[Task], client: Client | None, data_dir: Path | str | None) -> Iterator[Outcome]:
    given = data_dir or os.environ.get(ENVIRONMENT)
    place = Path(given).absolute() if given else None
    missing = []
    for task in wanted:
        if kept(folder, task) is not None:
            yield Outcome(task, None, earlier=True)
        else:
            missing.append(task)
    if client is None:
        for group in grouped(missing, 1):
            yield from _here(folder, group, place)
        return
    for task, rows, error in measured_by(client, missing, place):
        if rows is not None:
            keep(folder, task, rows)
        yield Outcome(task, error or None)


def _here(folder: Path, group: list[Task], data_dir: Path | None) -> Iterator[Outcome]:
    """Of tasks that are trained together; where that raises, each is tried alone."""
    first = group[0]
    try:
        data, configs = data_here(first.config, data_dir), [task.config for task in group]
        measured = measure_together(configs, data, first.due, first.extras)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        if len(group) == 1:
            yield Outcome(first, said(error))
        else:
            for task in group:
                yield from _here(folder, [task], data_dir)
        return
    for task, rows in zip(group, measured, strict=True):
        keep(folder, task, rows)
        yield Outcome(task, None)
