"""A run: what was asked for, as one frozen value, and the folder in which every artefact has its place."""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import onnx
import tomli_w
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from .export.graph import Graph
from .hw.accelerator import Accelerator, Output, lower
from .hw.folding import Folding, fold
from .ib_analysis.codes import Trace
from .models.config import NetworkConfig, Strict, TrainingConfig, describe, preset
from .models.datasets import EMBEDDED, Dataset


class RunError(ValueError):
    """A run that lacks something, or was made for something else."""


class HardwareConfig(Strict):
    """What to build.

    folding   PE and SIMD by layer; without it, the cheapest folding that needs at most `target_cycles` a frame
    """

    target_cycles: Annotated[int, Field(ge=1)] = 64
    folding: dict[str, tuple[int, int]] | None = None
    output: Output = "class"
    fifo_depth: Annotated[int, Field(ge=0)] = 0


class AnalysisConfig(Strict):
    """Which samples are verified and analysed, and what they stand for."""

    samples: Literal["train", "test", "all"] = "all"
    target: Literal["dataset", "enumerated", "population"] = "dataset"


class RunConfig(Strict):
    """Everything that decides what a run gives, but for the files of the data set."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", description="of the top module")]
    dataset: str
    network: NetworkConfig
    training: TrainingConfig
    hardware: HardwareConfig = HardwareConfig()
    analysis: AnalysisConfig = AnalysisConfig()

    def toml(self) -> str:
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


CYCLES = {"digits": 32, "digits-small": 32, "tfc": 64, "sfc": 256, "lfc": 1024, "twelve": 12}
"""Of the presets: for TFC this gives FINN's published folding."""


def from_preset(name: str) -> RunConfig:
    chosen = preset(name)
    return RunConfig(
        name=name.replace("-", "_"),
        dataset=chosen.dataset,
        network=chosen.network,
        training=chosen.training,
        hardware=HardwareConfig(target_cycles=CYCLES[name]),
        analysis=AnalysisConfig(
            samples="all" if chosen.dataset in EMBEDDED else "test",
            target="enumerated" if chosen.dataset == "twelve" else "dataset",
        ),
    )


def from_toml(text: str, place: str) -> RunConfig:
    """Raises RunError with the place and every wrong key or value."""
    try:
        return RunConfig.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise RunError(f"{place}: {describe(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{place}: {error}") from None


def changed(config: RunConfig, **changes: object) -> RunConfig:
    """The same with some fields changed, `section__field=value`, and checked again; None changes nothing."""
    values = config.model_dump()
    for path, value in changes.items():
        if value is not None:
            section, _, field = path.rpartition("__")
            (values[section] if section else values)[field] = value
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise RunError(describe(error)) from None


@dataclass(frozen=True)
class RunFolder:
    """Where every artefact of a run lies. Each is written whole or not at all."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "run.toml"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint" / "checkpoint.npz"

    @property
    def codes(self) -> Path:
        return self.path / "codes"

    @property
    def model(self) -> Path:
        return self.path / "model.onnx"

    @property
    def graph(self) -> Path:
        return self.path / "graph.npz"

    @property
    def rtl(self) -> Path:
        return self.path / "rtl"

    @property
    def trace(self) -> Path:
        return self.path / "trace.npz"

    @property
    def verification(self) -> Path:
        return self.path / "verify.json"

    @property
    def plane(self) -> Path:
        return self.path / "plane.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def epoch_codes(self, epoch: int) -> Path:
        return self.codes / f"epoch-{epoch:05d}.npz"

    def captured_epochs(self) -> list[int]:
        found = (re.fullmatch(r"epoch-(\d+)\.npz", path.name) for path in self.codes.glob("epoch-*.npz"))
        return sorted(int(match[1]) for match in found if match)

    def needs(self, artefact: Path, verb: str) -> Path:
        """The artefact, where it is there; otherwise which verb makes it."""
        if not artefact.exists():
            raise RunError(f"{artefact} is missing; `bitneck {verb} {self.path}` makes it")
        return artefact

    def config(self) -> RunConfig:
        return from_toml(self.needs(self.config_file, "train").read_text(), str(self.config_file))

    def settle(self, config: RunConfig) -> None:
        """Writes the configuration, or checks that the folder was made with the same."""
        if self.config_file.exists():
            was, now = self.config().model_dump(), config.model_dump()
            different = [key for key in now if was[key] != now[key]]
            if different:
                raise RunError(
                    f"{self.config_file} says otherwise about {', '.join(different)}; leave the options out to go on "
                    "with it, or choose another folder"
                )
        else:
            write(self.config_file, config.toml())


def write(path: Path, content: str | bytes) -> None:
    """Whole or not at all: under a temporary name beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """One .npz; same arrays, same bytes."""
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    write(path, out.getvalue())


def damaged(path: Path, why: object) -> RunError:
    return RunError(f"{path} is damaged ({why}); remove it and make it anew")


def read_arrays(path: Path) -> dict[str, NDArray]:
    """Raises RunError where the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, error) from None


def read_json(path: Path) -> Any:
    """Raises RunError where the file is damaged."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise damaged(path, error) from None


def read_model(path: Path) -> onnx.ModelProto:
    """Raises RunError where the file is damaged."""
    try:
        return onnx.load(str(path))
    except DecodeError:
        raise damaged(path, "no ONNX file") from None


def read_trace(path: Path) -> Trace:
    return Trace.from_arrays(read_arrays(path))


def chosen_samples(config: RunConfig, data: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The samples that are verified and analysed, and their labels."""
    match config.analysis.samples:
        case "train":
            return data.train_x, data.train_y
        case "test":
            return data.test_x, data.test_y
        case _:
            return data.all()


def design(config: RunConfig, graph: Graph) -> Accelerator:
    """The accelerator that the configuration asks for."""
    hardware = config.hardware
    if hardware.folding is None:
        foldings = fold(graph, hardware.target_cycles)
    else:
        foldings = {layer: Folding(pe, simd) for layer, (pe, simd) in hardware.folding.items()}
    return lower(graph, foldings, hardware.output, hardware.fifo_depth)
