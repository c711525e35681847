"""Many runs of one question: a grid or a random set over any field of the run configuration, one table of results.

Each network is a task of its own, run by dask: on this machine, or on an existing cluster given by its address. Every
finished task is a file at once, so a sweep that was interrupted continues where it stopped. The file's name stands for
everything that decides what is in it: sweeps over other data, or by other code, lie side by side.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from ..ib_analysis.dynamics import Trajectory
from ..models.config import Strict
from ..models.datasets import EMBEDDED, ENVIRONMENT, load
from .config import RunConfig, RunError, changed, checked_toml, from_preset, loaded
from .files import write
from .held import held
from .measured import Row, decisive, measure

if TYPE_CHECKING:
    import pyarrow
    from distributed import Client

Values: TypeAlias = Annotated[list[Any], Field(min_length=1)]
CONTENT = b"sha256"  # in the schema of a part: of its task and rows
RETRIES = 2  # of a task that raised; dask itself gives a task of a killed worker to another one


class Span(Strict):
    """A range to draw from: evenly, or evenly in the logarithm; integers where both ends are."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _not_empty(self) -> Span:
        if self.high < self.low or (self.log and self.low <= 0):
            raise ValueError(f"nothing between low={self.low} and high={self.high}" + ", both above 0" * self.log)
        return self

    def draw(self, rng: np.random.Generator) -> int | float:
        if isinstance(self.low, int) and isinstance(self.high, int) and not self.log:
            return int(rng.integers(self.low, self.high + 1))
        if self.log:
            return float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
        return float(rng.uniform(self.low, self.high))


class Random(Strict):
    """`count` configurations, each field drawn from its span or its list of values."""

    count: Annotated[int, Field(ge=1)]
    seed: int = 0
    fields: dict[str, Span | Values]


class SweepConfig(Strict):
    """A preset and what to vary of it: `set` for every network alike, then a grid, or a random set.

    Fields are named by their path in run.toml: "training.seed", "network.widths".
    """

    preset: str
    set: Annotated[dict[str, Any], Field(default_factory=dict)]
    grid: dict[str, Values] | None = None
    random: Random | None = None


@dataclass(frozen=True)
class Task:
    """One network: its configuration, and the values of the fields that vary, as a name for people.

    files_sha256   of a data set that is made of files, as `files_sha256` gives it; an embedded one has none
    """

    config: RunConfig
    varied: tuple[tuple[str, Any], ...]
    files_sha256: str | None = None

    @property
    def data_sha256(self) -> str:
        """Of the data set. Raises RunError where it is made of files and nobody looked at them."""
        if self.files_sha256 is None and self.config.dataset not in EMBEDDED:
            raise RunError(f"{self}: {self.config.dataset} is made of files, and their sha256 is not given")
        return self.files_sha256 or _embedded_sha256(self.config.dataset)

    @property
    def key(self) -> str:
        """Of everything that decides the result."""
        everything = [self.config.toml(), decisive(self.data_sha256)]
        return hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return ", ".join(f"{path}={value}" for path, value in self.varied) or self.config.name


@cache
def _embedded_sha256(name: str) -> str:
    return load(name).sha256


def files_sha256(dataset: str, data_dir: Path | str | None) -> str | None:
    """Of a data set that is made of files; None for an embedded one. Raises DataError where they are missing."""
    return None if dataset in EMBEDDED else load(dataset, data_dir).sha256


def tasks(text: str, place: str, data_dir: Path | str | None = None) -> list[Task]:
    """The networks of a sweep file, in order, each once. Raises RunError with the place and what is wrong.

    data_dir   where data sets lie that are made of files: these are read, for what is in them decides the results
    """
    sweep = checked_toml(SweepConfig, text, place)
    if (sweep.grid is None) == (sweep.random is None):
        raise RunError(f"{place}: a sweep needs either [grid] or [random]")
    base = _with(from_preset(sweep.preset), sweep.set, place)
    found = [(_with(base, values, place), tuple(values.items())) for values in _choices(sweep)]
    read = {_read(config): config for config, _ in found}
    digests = {key: None if c.dataset in EMBEDDED else loaded(c, data_dir).sha256 for key, c in read.items()}
    made = [Task(config, varied, digests[_read(config)]) for config, varied in found]
    return list({task.key: task for task in made}.values())


def _read(config: RunConfig) -> tuple[object, ...]:
    """Everything of a configuration that decides what is read of its data set."""
    return config.dataset, config.data, config.network.input_bits


def _choices(sweep: SweepConfig) -> Iterator[dict[str, Any]]:
    if sweep.grid is not None:
        for values in itertools.product(*sweep.grid.values()):
            yield dict(zip(sweep.grid, values, strict=True))
    if sweep.random is not None:
        rng = np.random.default_rng(sweep.random.seed)
        for _ in range(sweep.random.count):
            yield {
                path: span.draw(rng) if isinstance(span, Span) else span[rng.integers(len(span))]
                for path, span in sweep.random.fields.items()
            }


def _with(config: RunConfig, values: Mapping[str, Any], place: str) -> RunConfig:
    try:
        return changed(config, **{path.replace(".", "__"): value for path, value in values.items()})
    except RunError as error:
        raise RunError(f"{place}: {error}") from None


@dataclass(frozen=True)
class Outcome:
    """Of one task: `error` is None where its results lie in the sweep's folder."""

    task: Task
    error: str | None


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

    client     of a dask cluster; None measures here, one network after the other, and tries none again
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
        if _kept(folder, task) is not None:
            yield Outcome(task, None)
        else:
            missing.append(task)
    if client is None:
        yield from (_here(folder, task, place) for task in missing)
        return
    from distributed import as_completed

    futures = {
        client.submit(measure, t.config, place, decisive(t.data_sha256), key=t.key, retries=RETRIES, pure=False): t
        for t in missing
    }
    try:
        for future in as_completed(list(futures)):
            task = futures[future]
            if future.status == "finished":
                write(_part(folder, task), _parquet(_table(task, future.result())))
                yield Outcome(task, None)
            else:
                yield Outcome(task, _said(future.exception()))
            future.release()
    finally:
        client.cancel(list(futures))


def _here(folder: Path, task: Task, data_dir: Path | None) -> Outcome:
    try:
        rows = measure(task.config, data_dir, decisive(task.data_sha256))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return Outcome(task, _said(error))
    write(_part(folder, task), _parquet(_table(task, rows)))
    return Outcome(task, None)


def _said(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def collect(folder: Path | str, wanted: list[Task]) -> Path:
    """All results in one table, in the order of the sweep: results.parquet."""
    import pyarrow

    folder = Path(folder)
    parts = [part.replace_schema_metadata() for task in wanted if (part := _kept(folder, task)) is not None]
    if not parts:
        raise RunError(f"{folder}: no task of this sweep has ended well, so there is no table")
    path = folder / "results.parquet"
    write(path, _parquet(pyarrow.concat_tables(parts, promote_options="permissive")))
    return path


def rows_of(folder: Path | str, task: Task) -> list[Row]:
    """What `measure` gave for a finished task. Raises RunError where it is not in the folder."""
    if (part := _kept(Path(folder), task)) is None:
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


def _kept(folder: Path, task: Task) -> pyarrow.Table | None:
    """The results of a finished task; None where there are none, or not those that were written."""
    import pyarrow
    from pyarrow import parquet

    path = _part(folder, task)
    if not path.exists():
        return None
    try:
        table = parquet.read_table(path)
        whole = (table.schema.metadata or {}).get(CONTENT) == _content(task.key, table.to_pylist())
    except (pyarrow.ArrowException, OSError, ValueError):
        return None
    return table if whole else None


def _content(key: str, rows: Sequence[Row]) -> bytes:
    return hashlib.sha256(json.dumps([key, list(rows)]).encode()).hexdigest().encode()


def _table(task: Task, rows: list[Row]) -> pyarrow.Table:
    import pyarrow

    varied = {path: str(value) if isinstance(value, list) else value for path, value in task.varied}
    head = {"task": task.key, "data_sha256": task.data_sha256, **varied}
    table = pyarrow.Table.from_pylist([head | row for row in rows])
    return table.replace_schema_metadata({CONTENT: _content(task.key, table.to_pylist())})


def _parquet(table: pyarrow.Table) -> bytes:
    import pyarrow
    from pyarrow import parquet

    out = pyarrow.BufferOutputStream()
    parquet.write_table(table, out)
    return out.getvalue().to_pybytes()


@contextmanager
def connected(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of the cluster at `scheduler`, or of `workers` processes of this machine that end with it."""
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError:
        raise RunError("dask.distributed is not installed here; `pip install 'bitneck[sweep]'` brings it") from None
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout="10s")
        except (OSError, ValueError) as error:
            why = error if isinstance(error, ValueError) else type(error).__name__
            raise RunError(f"no dask scheduler answers at {scheduler} ({why})") from None
        with client:
            yield client
        return
    quiet = {"silence_logs": 50, "dashboard_address": ":0"}  # a free port: the usual one may be another sweep's
    resource_tracker.ensure_running()  # it unblocks what we block, and would start with the first worker
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the workers inherit it: Ctrl-C is for us alone
    try:
        with LocalCluster(n_workers=workers, threads_per_worker=1, **quiet) as cluster, Client(cluster) as client:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield client
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
