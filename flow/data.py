"""The data set of a run: from its name, or from the arrays that Python handed over and that lie in the run's folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..models.config import DataConfig
from ..models.datasets import EMBEDDED, Dataset, Taken, dataset, load
from ..models.own_data import arrays_of
from ..models.samples import samples_of
from .config import RunConfig, RunError, loaded, suited, suited_copies
from .files import read_arrays, read_record, write_arrays, write_record
from .folder import RunFolder, is_there

ARRAYS = "arrays"  # in place of a data set: those in data.npz of the run


def data_of(folder: RunFolder, config: RunConfig, data_dir: Path | str | None) -> Dataset:
    """As the net of the run takes it. Raises DataError, or RunError where the folder has lost its arrays."""
    if config.dataset != ARRAYS:
        return loaded(config, data_dir)
    if not is_there(folder.data):
        raise RunError(
            f"{folder.data} is missing: the arrays that this run was given in Python; put it back, or give them again, "
            "`flow.train(folder, config, data=…)`"
        )
    samples = samples_of(str(folder.data), read_arrays(folder.data))
    return dataset(ARRAYS, samples, config.data, config.network.input_bits)


def suited_to(name: str, data_dir: Path | None, label: str | None, design: str) -> RunConfig:
    """A configuration for a data set that has no preset. label: column of a CSV; design: name of the top module."""
    options = DataConfig() if label is None else DataConfig(label=label)
    once = load(name, data_dir, options)
    copies = 1 if name in EMBEDDED else suited_copies(once)
    options = options.model_copy(update={"copies": copies})
    return suited(design, load(name, data_dir, options), options)


def given(data: Any, config: RunConfig | None, name: str) -> tuple[RunConfig, Dataset]:
    """Data from Python, and the configuration of its run: the one given, or one that suits it.

    name   of the top module, where there is no configuration
    """
    samples = samples_of("data", arrays_of(data))
    if config is not None:
        config = config.model_copy(update={"dataset": ARRAYS})
        return config, dataset(ARRAYS, samples, config.data, config.network.input_bits)
    once = dataset(ARRAYS, samples)
    options = DataConfig(copies=suited_copies(once))
    found = dataset(ARRAYS, samples, options)
    return suited(name, found, options), found


def keep(folder: RunFolder, data: Dataset, arrays: Any = None) -> None:
    """In the folder of a run that begins: what became of the samples, by which cuts, and the arrays from Python."""
    if arrays is not None:
        write_arrays(folder.data, arrays_of(arrays))
    for path in (folder.taken, folder.cuts):  # of an earlier training
        path.unlink(missing_ok=True)
    if data.quantiser is not None:
        made = data.quantiser
        write_arrays(folder.cuts, {"cuts": made.cuts, "low": made.low, "high": made.high})
    if data.taken is not None:
        write_record(folder.taken, asdict(data.taken))


def taken_of(folder: RunFolder) -> Taken | None:
    """What became of the samples; None for a set that is embedded, and for a run that wrote nothing of it."""
    return read_record(folder.taken, Taken) if is_there(folder.taken) else None


def taken_lines(taken: Taken) -> Iterator[str]:
    """In words, a line each."""
    shape, loss = " x ".join(map(str, taken.shape)), taken.loss
    classes = f"{len(taken.classes)} classes ({', '.join(taken.classes[:10])}{', …' * (len(taken.classes) > 10)})"
    yield (
        f"{taken.train:,} samples to train with, {taken.test:,} to test with"
        + f"{', drawn 80/20 by class' * taken.split}; {shape} inputs, {classes}"
    )
    shown = f", each shown {taken.copies} times" * (taken.copies > 1)
    if loss is None:
        yield f"whole numbers, taken as they are: {taken.bits} bits{shown}; nothing is lost"
        return
    fewest, most = (f(feature.levels for feature in loss.features) for f in (min, max))
    levels = str(most) if fewest == most else f"{fewest} to {most}"
    yield (
        f"cut by {loss.rule} into {taken.bits} bits{shown}: {levels} of {1 << taken.bits} levels used; "
        f"{loss.clipped:,} of {loss.tested:,} test values lie beyond the training set's and were clipped"
    )
    yield (
        f"of {loss.different:,} different samples {loss.left:,} are left; {loss.colliding:,} samples equal one of "
        f"another class, {loss.colliding_before:,} before"
    )
