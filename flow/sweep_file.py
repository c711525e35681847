"""The networks of a sweep: a grid or a random set over any field of the run configuration, as a file asks for them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from ..models.config import ConfigError, Strict
from ..models.datasets import EMBEDDED, load
from .config import RunConfig, RunError, changed, checked_toml, from_preset, from_toml, loaded
from .files import read_text
from .measured import NOTHING_MORE, Extras, decisive

Values: TypeAlias = Annotated[list[Any], Field(min_length=1)]


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
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        if self.log:
            drawn = float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
            return round(drawn) if whole else drawn
        if whole:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        return float(rng.uniform(self.low, self.high))


class Random(Strict):
    """`count` configurations, each field drawn from its span or its list of values."""

    count: Annotated[int, Field(ge=1)]
    seed: int = 0
    fields: Annotated[dict[str, Span | Values], Field(min_length=1)]


class SweepConfig(Strict):
    """A preset or a file like run.toml, and what to vary of it: `set` for every network alike, then a grid, or a random
    set. Fields are named by their path in run.toml: "training.seed", "network.widths".

    config     seen from the folder of the sweep's own file
    hardware   whether each trained net becomes an accelerator, whose cycles and estimated size are then in the table
    brackets   whether a population's ends are sought where counting gives no number; seconds a layer and epoch
    """

    preset: str | None = None
    config: str | None = None
    hardware: bool = False
    brackets: bool = False
    set: Annotated[dict[str, Any], Field(default_factory=dict)]
    grid: Annotated[dict[str, Values] | None, Field(min_length=1)] = None
    random: Random | None = None


@dataclass(frozen=True)
class Task:
    """One network: its configuration, and the values of the fields that vary, as a name for people.

    files_sha256   of a data set that is made of files, as `files_sha256` gives it; an embedded one has none
    extras         what is measured too
    """

    config: RunConfig
    varied: tuple[tuple[str, Any], ...]
    files_sha256: str | None = None
    extras: Extras = NOTHING_MORE

    @property
    def data_sha256(self) -> str:
        """Of the data set. Raises RunError where it is made of files and nobody looked at them."""
        if self.files_sha256 is None and self.config.dataset not in EMBEDDED:
            raise RunError(f"{self}: {self.config.dataset} is made of files, and their sha256 is not given")
        return self.files_sha256 or _embedded_sha256(self.config.dataset)

    @property
    def due(self) -> dict[str, str]:
        """What decides its numbers beside the configuration, as it is here."""
        return decisive(self.data_sha256, self.extras.hardware)

    @property
    def key(self) -> str:
        """Of everything that decides the result."""
        decided = [self.config.toml(), self.due, self.extras.brackets]
        return hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:16]

    @property
    def reads(self) -> tuple[object, ...]:
        """Everything of the configuration that decides what is read of its data set."""
        return self.config.dataset, self.config.data, self.config.network.input_bits

    def __str__(self) -> str:
        said = (f"{path}={value:.6g}" if isinstance(value, float) else f"{path}={value}" for path, value in self.varied)
        return ", ".join(said) or self.config.name


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
    base = _with(base_of(sweep.preset, sweep.config, place), sweep.set, place)
    extras = Extras(sweep.hardware, sweep.brackets)
    made = [Task(_with(base, values, place), tuple(values.items()), None, extras) for values in _choices(sweep)]
    read = {task.reads: task.config for task in made}
    digests = {key: None if c.dataset in EMBEDDED else loaded(c, data_dir).sha256 for key, c in read.items()}
    known = [Task(task.config, task.varied, digests[task.reads], extras) for task in made]
    return list({task.key: task for task in known}.values())


def base_of(preset: str | None, config: str | None, place: str) -> RunConfig:
    """What one of them names. Raises RunError where both or neither do, or where there is none such."""
    if preset is not None and config is None:
        try:
            return from_preset(preset)
        except ConfigError as error:
            raise RunError(f"{place}: preset: {error}") from None
    if config is None or preset is not None:
        both = "gives both preset and config" if config is not None else "gives neither preset nor config"
        raise RunError(
            f'{place} {both}; say what to vary with one of them, as preset = "digits" or config = "run.toml"'
        )
    file = Path(place).parent / config
    try:
        return from_toml(read_text(file), str(file))
    except OSError as error:
        why = f"{file}: {error.strerror}; name a file like a run's run.toml, as seen from the folder of {place}"
        raise RunError(f"{place}: config: {why}") from None
    except RunError as error:
        raise RunError(f"{place}: config: {error}") from None


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
