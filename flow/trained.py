"""What a checkpoint was trained with: the truth about a run's net, against which its run.toml is held."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from ..hw.synthesis.bitstream import Digest
from ..models.config import NetworkConfig, Strict, TrainingConfig, describe
from ..models.history import Epoch, Plan, TrainingError, from_text, plans_from_text
from .config import RunConfig, RunError, Samples
from .files import damaged, digest_of, read_arrays, sha256_of

RECORD = "run"  # the array of the checkpoint that holds a Record
LABELS = "labels.npz"


class Record(Strict):
    """What a run adds to the checkpoint of its training.

    samples   those whose codes were captured
    codes     sha256 by file name of what lies in codes/: every capture so far, and the labels
    state     digest of the other arrays of the checkpoint
    """

    dataset: str
    samples: Samples
    codes: dict[Annotated[str, Field(pattern=r"^(labels|epoch-\d+)\.npz$")], Digest]
    state: Digest = "0" * 64

    @property
    def epochs(self) -> list[int]:
        """Those captured."""
        return sorted(int(name[len("epoch-") : -len(".npz")]) for name in self.codes if name != LABELS)

    def beside(self, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """What the checkpoint holds: a training's arrays and this."""
        return {**arrays, RECORD: np.array(self.model_copy(update={"state": digest_of(arrays)}).model_dump_json())}


@dataclass(frozen=True)
class Trained:
    """What a checkpoint says of itself.

    training   the recipe, with the epochs that were planned last
    earlier    (epochs planned, last epoch trained so) of every plan before; see `models.training`
    """

    network: NetworkConfig
    training: TrainingConfig
    data_sha256: str
    history: tuple[Epoch, ...]
    earlier: tuple[Plan, ...]
    record: Record

    @property
    def epochs(self) -> int:
        """Done so far."""
        return self.history[-1].epoch


def checkpoint_arrays(checkpoint: Path) -> tuple[dict[str, NDArray], Record]:
    """A training's arrays, and what the run has added. Raises RunError where anything is not as it was written."""
    arrays = read_arrays(checkpoint)
    for name in ("network", "training", "data", "history", "earlier", RECORD):
        if name not in arrays or arrays[name].dtype.kind != "U" or arrays[name].ndim:
            raise damaged(checkpoint, f"no checkpoint: {name} is missing, or no text")
    try:
        record = Record.model_validate_json(str(arrays.pop(RECORD)))
    except ValidationError as error:
        raise damaged(checkpoint, f"no checkpoint: {describe(error)}") from None
    if record.state != digest_of(arrays):
        raise damaged(checkpoint, "its arrays were changed after they were written")
    return arrays, record


def trained(checkpoint: Path) -> Trained:
    """Raises RunError where the file is damaged or no checkpoint."""
    arrays, record = checkpoint_arrays(checkpoint)
    try:
        return Trained(
            NetworkConfig.model_validate_json(str(arrays["network"])),
            TrainingConfig.model_validate_json(str(arrays["training"])),
            str(arrays["data"]),
            tuple(from_text(str(arrays["history"]))),
            tuple(plans_from_text(str(arrays["earlier"]))),
            record,
        )
    except ValidationError as error:
        raise damaged(checkpoint, f"no checkpoint: {describe(error)}") from None
    except TrainingError as error:
        raise damaged(checkpoint, error) from None


def disagreements(asked: RunConfig, was: Trained) -> list[str]:
    """The keys in which a configuration is not that of the trained net, each with both values.

    More epochs than were planned are no disagreement: the training goes on. Nor are those of [hardware], the name, and
    what the samples stand for: they follow the training.
    """
    now = asked.model_dump(mode="json")
    had = now | {"network": was.network.model_dump(mode="json"), "training": was.training.model_dump(mode="json")}
    if asked.training.epochs > was.training.epochs:
        had["training"]["epochs"] = asked.training.epochs
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


def as_captured(record: Record, path: Path) -> Path:
    """The path of a file in codes/. Raises RunError where it is not the one that the training captured."""
    if (due := record.codes.get(path.name)) != (now := sha256_of(path)):
        raise RunError(
            f"{path} is not what the training captured: its sha256 is {now[:12]}, the checkpoint says "
            f"{(due or 'nothing')[:12]}; put the captured file back, or remove {path.parent.parent / 'checkpoint'} and "
            f"train anew with `bitneck train {path.parent.parent}`"
        )
    return path
