"""What a checkpoint was trained with: the truth about a run's net, against which its run.toml is held."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ..models.config import NetworkConfig, Strict, TrainingConfig, describe
from .config import RunConfig, RunError, Samples
from .files import damaged, read_arrays, sha256_of

RECORD = "run"  # the array of the checkpoint that holds a Record


class Record(Strict):
    """What a run adds to the checkpoint of its training.

    samples   those whose codes were captured
    codes     sha256 by file name of what lies in codes/: every capture so far, and the labels
    """

    dataset: str
    samples: Samples
    codes: dict[Annotated[str, Field(pattern=r"^(labels|epoch-\d+)\.npz$")], str]

    @property
    def epochs(self) -> list[int]:
        """Those captured."""
        return sorted(int(name[len("epoch-") : -len(".npz")]) for name in self.codes if name != "labels.npz")

    def arrays(self) -> dict[str, NDArray]:
        """To be written with those of the training."""
        return {RECORD: np.array(self.model_dump_json())}


class EpochRow(Strict):
    """A row of the history; the loss of a training that went astray may be no number."""

    model_config = ConfigDict(allow_inf_nan=True)

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    seconds: float


HISTORY = TypeAdapter(Annotated[list[EpochRow], Field(min_length=1)])
EARLIER = TypeAdapter(list[tuple[int, int]])


@dataclass(frozen=True)
class Trained:
    """What a checkpoint says of itself.

    training   the recipe, with the epochs that were planned last
    earlier    (epochs planned, last epoch trained so) of every plan before; see `models.training`
    record     None in a checkpoint from before it was kept: then the data set's name and the samples are taken on trust
    """

    network: NetworkConfig
    training: TrainingConfig
    data_sha256: str
    history: tuple[EpochRow, ...]
    earlier: tuple[tuple[int, int], ...]
    record: Record | None

    @property
    def epochs(self) -> int:
        """Done so far."""
        return self.history[-1].epoch


def trained(checkpoint: Path) -> Trained:
    """Without reading the weights. Raises RunError where the file is damaged or no checkpoint."""
    arrays = read_arrays(checkpoint, ("network", "training", "data", "history", "earlier", RECORD))
    text = {name: str(array) for name, array in arrays.items()}
    try:
        found = Trained(
            NetworkConfig.model_validate_json(text["network"]),
            TrainingConfig.model_validate_json(text["training"]),
            text["data"],
            tuple(HISTORY.validate_json(text["history"])),
            tuple(EARLIER.validate_json(text.get("earlier", "[]"))),
            Record.model_validate_json(text[RECORD]) if RECORD in text else None,
        )
    except KeyError as error:
        raise damaged(checkpoint, f"no checkpoint: {error.args[0]} is missing") from None
    except ValidationError as error:
        raise damaged(checkpoint, f"no checkpoint: {describe(error)}") from None
    if [row.epoch for row in found.history] != list(range(len(found.history))):
        raise damaged(checkpoint, "no checkpoint: its history leaves out an epoch")
    return found


def disagreements(asked: RunConfig, was: Trained) -> list[str]:
    """The keys in which a configuration is not that of the trained net, each with both values.

    More epochs than were planned are no disagreement: the training goes on. Nor are those of [hardware], the name, and
    what the samples stand for: they follow the training.
    """
    now = asked.model_dump(mode="json")
    had = now | {"network": was.network.model_dump(mode="json"), "training": was.training.model_dump(mode="json")}
    if asked.training.epochs > was.training.epochs:
        had["training"]["epochs"] = asked.training.epochs
    if was.record is not None:
        had |= {"dataset": was.record.dataset, "analysis": now["analysis"] | {"samples": was.record.samples}}
    return different(now, had, "is {}, trained with {}")


def different(asked: Mapping[str, Any], had: Mapping[str, Any], words: str, place: str = "") -> list[str]:
    """The keys, as paths, whose values differ: `words` with both."""
    found = []
    for key in {**had, **asked}:
        mine, other, path = asked.get(key), had.get(key), f"{place}.{key}" if place else key
        if isinstance(mine, Mapping) and isinstance(other, Mapping):
            found += different(mine, other, words, path)
        elif mine != other:
            found.append(f"{path} {words.format(_shown(mine), _shown(other))}")
    return found


def _shown(value: object) -> str:
    return "not set" if value is None else json.dumps(value)


def as_captured(record: Record | None, path: Path) -> Path:
    """The path of a file in codes/. Raises RunError where it is not the one that the training captured."""
    if record is not None and (due := record.codes.get(path.name)) != (now := sha256_of(path)):
        raise RunError(
            f"{path} is not what the training captured: its sha256 is {now[:12]}, the checkpoint says "
            f"{(due or 'nothing')[:12]}; put the captured file back, or remove {path.parent.parent / 'checkpoint'} and "
            f"train anew with `bitneck train {path.parent.parent}`"
        )
    return path
