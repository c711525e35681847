"""Networks on a dask cluster: the connection, the task as a worker runs it, and the data that a worker lacks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.datasets import Dataset
from ..models.idx import DataError
from .config import RunConfig, RunError, loaded
from .measured import Extras, Row, data_here, measure_together
from .sweep_file import Task
from .sweep_groups import grouped

if TYPE_CHECKING:
    from distributed import Client, Future

SPAWNED = "distributed.nanny.pre-spawn-environ"
RETRIES = 2  # of a task that raised; dask itself gives a task of a killed worker to another one


def measured_by(
    client: Client, wanted: list[Task], data_dir: Path | None
) -> Iterator[tuple[Task, list[Row] | None, str]]:
    """Each task in the order in which they end: its rows; or None, and what it raised, as a line.

    Those that can be are trained together, and end together; where that raises, each is tried alone, so that an error
    is that of its own task. A worker reads the data where it is, and measures nothing where it reads others. To one
    that has none the caller's are sent, once. What is still running is cancelled when nobody asks for more. Raises
    DataError where the caller's are gone meanwhile.
    """
    from distributed import as_completed

    def submit(group: list[Task], given: Future | None) -> Future:
        name = f"measure{len(group)}" if given is None else f"measure{len(group)}_sent"  # dask learns how long by name
        first, configs = group[0], [task.config for task in group]
        arguments = configs, data_dir, first.due, first.extras, given
        retries = RETRIES if len(group) == 1 else 0
        return client.submit(_measured, *arguments, key=f"{name}-{first.key}", retries=retries, pure=False)

    running = {submit(group, None): group for group in grouped(wanted, sum(client.nthreads().values()) or len(wanted))}
    sent: dict[object, Future] = {}
    try:
        ending = as_completed(list(running))
        for future in ending:
            group, ended = running.pop(future), future.status == "finished"
            measured, first = future.result() if ended else None, group[0]
            again: list[Future] = []
            if measured is not None:
                yield from ((task, rows, "") for task, rows in zip(group, measured, strict=True))
            elif ended:
                if first.reads not in sent:
                    sent[first.reads] = _sent(client, first, data_dir)
                again = [submit(group, sent[first.reads])]
                running[again[0]] = group
            elif len(group) == 1:
                yield first, None, said(future.exception())
            else:
                again = [submit([task], sent.get(task.reads)) for task in group]
                running.update(zip(again, ([task] for task in group), strict=True))
            for one in again:
                ending.add(one)
            future.release()
    finally:
        client.cancel([*running, *sent.values()])


def _sent(client: Client, task: Task, data_dir: Path | None) -> Future:
    """The caller's data, on every worker there is; one that comes later gets them from another."""
    import dask

    data = replace(loaded(task.config, data_dir))  # without a digest that it may have taken here: workers take it anew
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        future = client.submit(_as_sent, data, key=f"data-{task.data_sha256}", pure=False)  # outlives any worker
    client.replicate([future])
    return future


def _as_sent(data: Dataset) -> Dataset:
    return data


def _measured(
    configs: list[RunConfig], data_dir: Path | None, due: Mapping[str, str], extras: Extras, sent: Dataset | None
) -> list[list[Row]] | None:
    """Of nets that are trained together, or of one; None where nothing was sent, and there are no such data here."""
    if sent is None:
        try:
            sent = data_here(configs[0], data_dir)
        except DataError:
            return None
    return measure_together(configs, sent, due, extras)


def said(error: BaseException | None) -> str:
    """An error as a line; nothing where there is none."""
    return "" if error is None else f"{type(error).__name__}: " + str(error).partition("\n")[0]


def _start_tracker() -> None:
    """multiprocessing's, which cleans up behind a process that was interrupted, and need not say so."""
    said = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(
        filter(None, [said, "ignore::UserWarning:multiprocessing.resource_tracker"])
    )
    try:
        resource_tracker.ensure_running()
    finally:
        del os.environ["PYTHONWARNINGS"]
        if said is not None:
            os.environ["PYTHONWARNINGS"] = said


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
    import dask

    quiet = {"silence_logs": 50, "dashboard_address": ":0"}  # a free port: the usual one may be another sweep's
    given = dask.config.get(SPAWNED)
    keeping = {name: value for name, value in given.items() if name != "MALLOC_TRIM_THRESHOLD_"}
    _start_tracker()  # it unblocks what we block, and would start with the first worker
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the workers inherit it: Ctrl-C is for us alone
    try:
        with (
            dask.config.set({SPAWNED: keeping}),  # a net's memory goes back and comes again at every step otherwise
            LocalCluster(n_workers=workers, threads_per_worker=1, **quiet) as cluster,
            Client(cluster) as client,
        ):
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield client
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
