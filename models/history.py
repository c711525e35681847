"""What a training has said epoch by epoch, as a checkpoint holds it; torch is not needed to read it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from .config import describe

Share = Annotated[float, Field(ge=0, le=1)]


class TrainingError(ValueError):
    """A net that does not fit its data, or a checkpoint that does not fit the run."""


@dataclass(frozen=True)
class Epoch:
    """One row of the history. Epoch 0 is the untrained net.

    loss       mean over the epoch's batches, in nats; of the training set in evaluation mode for epoch 0. NaN where the
               training diverged
    accuracy   of the net as it would be deployed: evaluation mode, no augmentation; in training, of a net of maps that
               over the first `training.JUDGING` samples
    seconds    of wall time; 0 after a checkpoint was read back, because the same run must give the same bytes
    """

    epoch: Annotated[int, Field(ge=0)]
    loss: float
    train_accuracy: Share
    test_accuracy: Share
    seconds: Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class TeacherEpoch(Epoch):
    """One of the net that teaches, of `epochs`."""

    epochs: int


def to_text(history: Iterable[Epoch]) -> str:
    return json.dumps([asdict(row) | {"seconds": 0.0} for row in history])


def from_text(text: str) -> list[Epoch]:
    """Raises TrainingError for anything that `to_text` did not write."""
    try:
        rows = TypeAdapter(list[Epoch]).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        raise TrainingError(f"the history of a checkpoint: {describe(error)}") from None
    if [row.epoch for row in rows] != list(range(len(rows))):
        raise TrainingError(f"the history of a checkpoint has the epochs {[row.epoch for row in rows][:5]} …")
    return rows


Plan = tuple[int, int]  # epochs planned, last epoch trained so


def plans_to_text(plans: Iterable[Plan]) -> str:
    return json.dumps(list(plans))


def plans_from_text(text: str) -> list[Plan]:
    """Raises TrainingError for anything that `plans_to_text` did not write."""
    try:
        return TypeAdapter(list[Plan]).validate_json(text)
    except ValidationError as error:
        raise TrainingError(f"the earlier plans of a checkpoint: {describe(error)}") from None
