"""What a checkpoint was trained with: the truth about a run's net, against which its run.toml is held."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from ..hw.synthesis.bitstream import Digest
from ..models.config import DataConfig, NetworkConfig, Strict, TrainingConfig, describe
from ..models.history import Epoch, Plan, TrainingError, from_text, plans_from_text
from .config import ImportedConfig, RunConfig, RunError, Samples
from .files import damaged, digest_of, read_arrays, sha256_of

RECORD = "run"  # the array of the checkpoint that holds a Record
LABELS = "labels.npz"


class Record(Strict):
    """What a run adds to the checkpoint of its training.

    samples, at_most, labels   those whose codes were captured
    codes     sha256 by file name of what lies in codes/: every capture so far, the nets that emitted them where these
              are kept, and the labels
    state     digest of the other arrays of the checkpoint
    """

    dataset: str
    data: DataConfig = DataConfig()
    samples: Samples
    at_most: int | None = None
    labels: str | None = None
    codes: dict[Annotated[str, Field(pattern=r"^(labels|(epoch|net)-\d+)\.npz$")], Digest]
    state: Digest = "0" * 64

    @model_serializer(mode="wrap")
    def _what_is_said(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dumped(self).items() if value is not None}

    @classmethod
    def of(cls, config: RunConfig | ImportedConfig, codes: Mapping[str, str]) -> Record:
        asked = config.analysis
        return cls(
            dataset=config.dataset,
            data=config.data,
            samples=asked.samples,
            at_most=asked.at_most,
            labels=asked.labels,
            codes=dict(codes),
        )

    @property
    def epochs(self) -> list[int]:
        """Those captured."""
        return sorted(int(name[len("epoch-") : -len(".npz")]) for name in self.codes if name.startswith("epoch-"))

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

    @property
    def last(self) -> int:
        """The epoch of the codes of the net that is deployed."""
        return self.training.epochs


@dataclass(frozen=True, eq=False)
class Imported:
    """What the checkpoint of a net made elsewhere says: there it is the file itself.

    content   of the file, unpacked
    pixels    (levels,) the float that it takes for each level of its input; empty where it says so itself
    """

    file: str
    content: bytes
    pixels: NDArray[np.float32]
    folded: bool
    data_sha256: str
    record: Record

    history: ClassVar[tuple[Epoch, ...]] = ()
    earlier: ClassVar[tuple[Plan, ...]] = ()
    epochs: ClassVar[int] = 0
    last: ClassVar[int] = 0

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.content).hexdigest()

    def arrays(self) -> dict[str, NDArray]:
        """For the checkpoint; `origin` reads them back."""
        return self.record.beside(
            {
                "name": np.array(self.file),
                "content": np.frombuffer(self.content, dtype=np.uint8),
                "pixels": self.pixels,
                "folded": np.array(self.folded),
                "data": np.array(self.data_sha256),
            }
        )


def checkpoint_arrays(checkpoint: Path) -> tuple[dict[str, NDArray], Record]:
    """A training's arrays, and what the run has added. Raises RunError where anything is not as it was written, or
    where the net was not trained here.
    """
    arrays, record = _recorded(checkpoint)
    if "content" in arrays:
        raise RunError(f"{checkpoint} is of a net that was imported; there is no training of it to go on with")
    return arrays, record


def _recorded(checkpoint: Path) -> tuple[dict[str, NDArray], Record]:
    arrays = read_arrays(checkpoint)
    texts = ("name", "data") if "content" in arrays else ("network", "training", "data", "history", "earlier")
    for name in (*texts, RECORD):
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


def origin(checkpoint: Path) -> Trained | Imported:
    """Where the net of a run comes from. Raises RunError where the file is damaged or no checkpoint."""
    arrays, record = _recorded(checkpoint)
    if "content" not in arrays:
        return trained(checkpoint)
    due = {"name": "U", "content": "u", "pixels": "f", "folded": "b", "data": "U"}
    if arrays.keys() != due.keys() or any(arrays[name].dtype.kind != kind for name, kind in due.items()):
        raise damaged(checkpoint, f"no checkpoint of an imported net: {', '.join(arrays)}")
    return Imported(
        str(arrays["name"]),
        arrays["content"].tobytes(),
        arrays["pixels"],
        bool(arrays["folded"]),
        str(arrays["data"]),
        record,
    )


def disagreements(asked: RunConfig | ImportedConfig, was: Trained | Imported) -> list[str]:
    """The keys in which a configuration is not that of the trained net, each with both values.

    More epochs than were planned are no disagreement: the training goes on. Nor are those of [hardware], the name, and
    what the samples stand for: they follow the training.
    """
    now = asked.model_dump(mode="json")
    record = was.record.model_dump(mode="json")
    samples = {
        "dataset": record["dataset"],
        "data": record["data"],
        "analysis": {**now["analysis"], **{key: record.get(key) for key in ("samples", "at_most", "labels")}},
    }
    if isinstance(was, Imported):
        if not isinstance(asked, ImportedConfig):
            return [f"it describes a training, and the net here was imported from {was.file}"]
        said = now["model"] | {"file": was.file, "sha256": was.sha256, "folded": was.folded}
        return different(now, now | {"model": said} | samples, "is {}, imported with {}")
    if not isinstance(asked, RunConfig):
        return ["it describes an import, and the net here was trained"]
    had = now | {"network": was.network.model_dump(mode="json"), "training": was.training.model_dump(mode="json")}
    if asked.training.epochs > was.training.epochs:
        had["training"]["epochs"] = asked.training.epochs
    return different(now, had | samples, "is {}, trained with {}")


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
