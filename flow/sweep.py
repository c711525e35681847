"""Many runs of one question: a grid or a random set over any field of the run configuration, one table of results.

Each network is a task of its own, run by dask: on this machine, or on an existing cluster given by its address. Every
finished task is a file at once, so a sweep that was interrupted continues where it stopped.
"""

from __future__ import annotations

import hashlib
import itertools
import signal
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator
from scipy.special import softmax

from ..ib_analysis.dynamics import Trajectory
from ..ib_analysis.float_quantities import binned_not_mi
from ..ib_analysis.plane import plane
from ..ib_analysis.symbols import label_symbols
from ..models.config import Strict, describe, schedule
from .config import RunConfig, RunError, changed, from_preset
from .files import write

if TYPE_CHECKING:
    import pyarrow
    from distributed import Client

BINS = 30  # of a float net's activations, as in Shwartz-Ziv and Tishby 2017
Row: TypeAlias = dict[str, Any]
Values: TypeAlias = Annotated[list[Any], Field(min_length=1)]
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
    """One network: its configuration, and the values of the fields that vary, as a name for people."""

    config: RunConfig
    varied: tuple[tuple[str, Any], ...]

    @property
    def key(self) -> str:
        """Of everything that decides the result."""
        return hashlib.sha256(self.config.toml().encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return ", ".join(f"{path}={value}" for path, value in self.varied) or self.config.name


def tasks(text: str, place: str) -> list[Task]:
    """The networks of a sweep file, in order, each once. Raises RunError with the place and what is wrong."""
    try:
        sweep = SweepConfig.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise RunError(f"{place}: {describe(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{place}: {error}") from None
    except RecursionError:  # tomllib calls itself for every bracket
        raise RunError(f"{place}: brackets nested deeper than any sweep needs; write it anew") from None
    if (sweep.grid is None) == (sweep.random is None):
        raise RunError(f"{place}: a sweep needs either [grid] or [random]")
    base = _with(from_preset(sweep.preset), sweep.set, place)
    found = [Task(_with(base, values, place), tuple(values.items())) for values in _choices(sweep)]
    return list({task.key: task for task in found}.values())


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


def measure(config: RunConfig, data_dir: Path | None = None) -> list[Row]:
    """One network trained and measured in memory: a row for each captured epoch and layer.

    A refused number is None, never a value. Of a float net the bins of its activations and of its class
    probabilities are measured, and the
    verdict says that this is no mutual information.
    """
    from ..models import training
    from ..models.datasets import load
    from .config import chosen_samples

    data = load(config.dataset, data_dir)
    x, labels = chosen_samples(config, data)
    looked_at = set(schedule(config.training.epochs))
    run = training.start(config.network, config.training, data)
    measured = _of_codes if config.network.binary else _of_floats
    rows = []
    for epoch in training.train(run):
        if epoch.epoch in looked_at:
            accuracies = {"train_accuracy": epoch.train_accuracy, "test_accuracy": epoch.test_accuracy}
            common = {"epoch": epoch.epoch, "samples": len(x), "loss": epoch.loss, **accuracies}
            rows += [common | row for row in measured(run.net, x, labels, config)]
    return rows


def _of_codes(net: Any, x: NDArray[np.uint8], labels: NDArray[np.int64], config: RunConfig) -> Iterator[Row]:
    from ..models.capture import capture

    for point in plane({0: capture(net, x).layers()}, labels, config.analysis.target):
        row: Row = {"layer": point.layer, "width": point.width, "target": point.i_xt.target}
        for name, estimate in (("i_xt", point.i_xt), ("i_ty", point.i_ty)):
            row[f"{name}_bits"] = None if estimate.verdict.refused else estimate.bits
            row[f"{name}_verdict"] = str(estimate.verdict)
            row[f"{name}_coverage"] = estimate.coverage
        yield row | {"saturated": point.i_xt.saturated}


def _of_floats(
    net: Any, x: NDArray[np.uint8], labels: NDArray[np.int64], config: RunConfig
) -> Iterator[dict[str, Any]]:
    """30 bins, of [-1, 1] for tanh, of 0 to the largest activation otherwise; the last layer as probabilities."""
    from ..models.capture import capture_floats

    y, trace = label_symbols(labels), capture_floats(net, x)
    for layer, values in {**trace.activations, "scores": softmax(trace.scores, axis=1)}.items():
        low, high = (-1.0, 1.0) if config.network.activation == "tanh" else (0.0, max(float(values.max()), 1e-6))
        found = binned_not_mi(values, y, BINS, *((0.0, 1.0) if layer == "scores" else (low, high)))
        row = {"layer": layer, "width": values.shape[1], "target": config.analysis.target}
        row |= {"i_xt_bits": found.xt_low_bits, "i_ty_bits": found.ty_low_bits}
        yield row | dict.fromkeys(("i_xt_verdict", "i_ty_verdict"), f"NOT MI: {found.method}")


@dataclass(frozen=True)
class Outcome:
    """Of one task: `error` is None where its results lie in the sweep's folder."""

    task: Task
    error: str | None


def run(folder: Path, wanted: list[Task], client: Client, data_dir: Path | None = None) -> Iterator[Outcome]:
    """Runs what is not in the folder yet, yielding every task as it ends; those already there first."""
    from distributed import as_completed

    missing = []
    for task in wanted:
        if _part(folder, task).exists():
            yield Outcome(task, None)
        else:
            missing.append(task)
    futures = {client.submit(measure, t.config, data_dir, key=t.key, retries=RETRIES, pure=False): t for t in missing}
    try:
        for future in as_completed(list(futures)):
            task = futures[future]
            if future.status == "finished":
                write(_part(folder, task), _parquet(_table(task, future.result())))
                yield Outcome(task, None)
            else:
                error = future.exception()
                yield Outcome(task, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
            future.release()
    finally:
        client.cancel(list(futures))


def collect(folder: Path, wanted: list[Task]) -> Path:
    """All results in one table, in the order of the sweep: results.parquet."""
    import pyarrow
    from pyarrow import parquet

    parts = [parquet.read_table(_part(folder, task)) for task in wanted if _part(folder, task).exists()]
    if not parts:
        raise RunError(f"{folder}: no task of this sweep has ended well, so there is no table")
    path = folder / "results.parquet"
    write(path, _parquet(pyarrow.concat_tables(parts, promote_options="permissive")))
    return path


def rows_of(folder: Path, task: Task) -> list[Row]:
    """What `measure` gave for a finished task. Raises RunError where it is not in the folder."""
    from pyarrow import parquet

    if not _part(folder, task).exists():
        raise RunError(f"{folder} holds no results of {task}; run it again, and look at what it says")
    return parquet.read_table(_part(folder, task)).to_pylist()


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


def _table(task: Task, rows: list[Row]) -> pyarrow.Table:
    import pyarrow

    varied = {path: str(value) if isinstance(value, list) else value for path, value in task.varied}
    return pyarrow.Table.from_pylist([{"task": task.key, **varied, **row} for row in rows])


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
