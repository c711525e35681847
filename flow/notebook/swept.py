"""Many networks from Python: a sweep that is done when the call returns, and its table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from ...ib_analysis.data_frame import data_frame
from .. import sweep as sweeping
from ..config import RunError
from ..files import read_text
from ..held import held
from ..pages.sweep_page import PAGE, write_page
from .progress import progress_of

if TYPE_CHECKING:
    import pandas

SWEEP_FILE = "sweep.toml"


@dataclass(frozen=True, repr=False)
class Swept:
    """folder     of the results: `results.parquet` in it is the table, `results.csv` the same, `sweep.html` the page
    outcomes   of every network, in the order in which they ended
    """

    folder: Path
    outcomes: tuple[sweeping.Outcome, ...]
    tasks: tuple[sweeping.Task, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Which networks did, and why, a line each."""
        return tuple(f"{each.task}: {each.error}" for each in self.outcomes if each.error is not None)

    def rows(self) -> list[dict[str, Any]]:
        """A dict for each network, epoch and layer, in the order of the sweep: what varies, then what was measured. A
        refused number is None.
        """
        gone = {each.task.key for each in self.outcomes if each.error is not None}
        return [
            {"task": task.key, **dict(task.varied), **row}
            for task in self.tasks
            if task.key not in gone
            for row in sweeping.rows_of(self.folder, task)
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a DataFrame. Raises DataFrameError where pandas is not installed."""
        return data_frame(self.rows())

    def __repr__(self) -> str:
        done = len(self.tasks) - len(self.failed)
        first = f"; FAILED {self.failed[0]}" if self.failed else ""
        return f"Swept({done} of {len(self.tasks)} networks: {self.folder}{first})"

    def _repr_html_(self) -> str:
        from ...ib_analysis.pictures.in_notebook import link, table

        rows = self.rows()
        varied = list(dict.fromkeys(path for task in self.tasks for path, _ in task.varied))
        head = (*varied, "epochs", "test set right", "last layer of codes", "I(X;T) bits", "I(T;Y) bits")
        cells = []
        for task in self.tasks:
            own = [row for row in rows if row["task"] == task.key]
            last = [row for row in own if row["epoch"] == own[-1]["epoch"] and row["layer"] != "scores"]
            if last:
                row, of = last[-1], dict(task.varied)
                numbers = (_bits(row["i_xt_bits"]), _bits(row["i_ty_bits"]))
                right = f"{row['test_accuracy']:.2%}"
                cells.append((*(of.get(path, "-") for path in varied), row["epoch"], right, row["layer"], *numbers))
        shown = table(head, cells, repr(self).removeprefix("Swept(").removesuffix(")"), self.failed)
        return shown + link(str(self.folder / PAGE), "page of the sweep")


def _bits(value: float | None) -> str:
    return "refused" if value is None else f"{value:.3f}"


def sweep(
    networks: Path | str | Mapping[str, Any],
    folder: Path | str | None = None,
    workers: int = os.cpu_count() or 1,
    scheduler: str | None = None,
    data_dir: Path | str | None = None,
    progress: bool = False,
) -> Swept:
    """Trains and measures many networks; what was measured before is taken from the folder.

    networks    a sweep file, or what would be in it: {"preset": "twelve", "set": {"training.epochs": 60},
                "grid": {"training.seed": [0, 1, 2]}}
    folder      of the results; by default sweeps/NAME of the file
    workers     processes on this machine; 0 measures in this one, and needs no dask
    scheduler   address of a dask cluster in their place

    A network that fails is named in `failed`, and the rest goes on. Raises RunError where none has ended well.
    """
    if isinstance(networks, Mapping):
        text, name = tomli_w.dumps(networks), SWEEP_FILE
        if folder is None:
            raise RunError("a sweep without a file needs a folder for its results; give folder=…")
    else:
        text, name = read_text(Path(networks)), str(networks)
    place = Path(folder) if folder is not None else Path("sweeps") / Path(name).stem
    if workers < 0:
        raise RunError(f"workers={workers}; choose 1 or more processes, or 0 for this one")
    tasks = tuple(sweeping.tasks(text, name, None if data_dir is None else Path(data_dir)))
    alone = workers == 0 and scheduler is None
    ended: list[sweeping.Outcome] = []
    with held(place, "sweep", make=True), progress_of("sweep", progress) as line:

        def tell(outcome: sweeping.Outcome) -> None:
            ended.append(outcome)
            line.step(len(ended), len(tasks), str(outcome.task))

        with nullcontext() if alone else sweeping.connected(scheduler, workers) as client:
            sweeping.run(place, list(tasks), client, data_dir, tell)
        sweeping.collect(place, tasks)
        write_page(place, tasks, place.name)
    return Swept(place, tuple(ended), tasks)
