"""What a sweep has measured, on disk: a file for each finished task that vouches for itself, and one table of all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..ib_analysis.dynamics import Trajectory
from .config import RunError
from .files import write
from .measured import Row
from .sweep_file import Task

if TYPE_CHECKING:
    import pyarrow

CONTENT = b"sha256"  # in the schema of a part: of its task and rows
TABLE, TEXT_TABLE = "results.parquet", "results.csv"


def keep(folder: Path, task: Task, rows: list[Row]) -> None:
    write(_part(folder, task), _parquet(_table(task, rows)))


def kept(folder: Path, task: Task) -> pyarrow.Table | None:
    """The results of a finished task; None where there are none, or not those that were written."""
    path = _part(folder, task)
    try:
        state = path.stat()
    except OSError:
        return None
    return _read(path, task.key, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _read(path: Path, key: str, *state: int) -> pyarrow.Table | None:
    """Of a file in this state; a sweep's table and its page both ask."""
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(path).read()  # read_table loads what reads folders first, most of a second
        whole = (table.schema.metadata or {}).get(CONTENT) == _content(key, table)
    except (pyarrow.ArrowException, OSError, ValueError):
        return None
    return table if whole else None


def collect(folder: Path | str, wanted: Sequence[Task]) -> Path:
    """All results in one table, in the order of the sweep: results.parquet, and the same as results.csv."""
    import pyarrow
    from pyarrow import csv

    folder = Path(folder)
    parts = [part.replace_schema_metadata() for task in wanted if (part := kept(folder, task)) is not None]
    if not parts:
        raise RunError(f"{folder}: no task of this sweep has ended well, so there is no table")
    table, text = pyarrow.concat_tables(parts, promote_options="permissive"), pyarrow.BufferOutputStream()
    csv.write_csv(table, text)
    write(folder / TEXT_TABLE, text.getvalue().to_pybytes())
    path = folder / TABLE
    write(path, _parquet(table))
    return path


def rows_of(folder: Path | str, task: Task) -> list[Row]:
    """What `measure` gave for a finished task. Raises RunError where it is not in the folder."""
    if (part := kept(Path(folder), task)) is None:
        raise RunError(f"{folder} holds no results of {task}; run it again, and look at what it says")
    return part.to_pylist()


def trajectories_of(rows: Sequence[Row]) -> list[Trajectory]:
    """Of every layer that learns: the binarised input never changes."""
    found = []
    for layer in dict.fromkeys(row["layer"] for row in rows if row["layer"] != "binarize"):
        mine = [row for row in rows if row["layer"] == layer]
        columns = (np.array([row[name] for row in mine]) for name in ("epoch", "i_xt_bits", "i_ty_bits"))
        found.append(Trajectory(layer, *columns))
    return found


def _part(folder: Path, task: Task) -> Path:
    return folder / "tasks" / f"{task.key}.parquet"


def _content(key: str, table: pyarrow.Table) -> bytes:
    return hashlib.sha256(json.dumps([key, table.to_pydict()]).encode()).hexdigest().encode()


def _table(task: Task, rows: list[Row]) -> pyarrow.Table:
    import pyarrow

    varied = {path: str(value) if isinstance(value, list | dict) else value for path, value in task.varied}
    head = {"task": task.key, "data_sha256": task.data_sha256, **varied}
    table = pyarrow.Table.from_pylist([head | row for row in rows])
    return table.replace_schema_metadata({CONTENT: _content(task.key, table)})


def _parquet(table: pyarrow.Table) -> bytes:
    import pyarrow
    from pyarrow import parquet

    out = pyarrow.BufferOutputStream()
    parquet.write_table(table, out)
    return out.getvalue().to_pybytes()
