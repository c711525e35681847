"""What a run is asked for, as one frozen value, and what follows from it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import tomli_w
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from .export.graph import Graph
from .hw.accelerator import Accelerator, Output, lower
from .hw.folding import Folding, fold
from .hw.stages import FoldingError, RomStyle
from .models.config import NetworkConfig, Strict, TrainingConfig, describe, nearest, preset
from .models.datasets import EMBEDDED, Dataset


class RunError(ValueError):
    """A run that lacks something, or was made for something else."""


class HardwareConfig(Strict):
    """What to build.

    folding     PE and SIMD by layer; without it, the cheapest folding that needs at most `target_cycles` a frame
    rom_style   by layer, where its weights lie: "block" memory, "distributed" in LUTs; "auto" as synthesis sees fit
    """

    target_cycles: Annotated[int, Field(ge=1)] = 64
    folding: dict[str, tuple[int, int]] | None = None
    rom_style: dict[str, RomStyle] = Field(default_factory=dict)
    output: Output = "class"
    fifo_depth: Annotated[int, Field(ge=0)] = 0


class AnalysisConfig(Strict):
    """Which samples are verified and analysed, and what they stand for."""

    samples: Literal["train", "test", "all"] = "all"
    target: Literal["dataset", "enumerated", "population"] = "dataset"

    @model_validator(mode="after")
    def _enumerated_is_all(self) -> AnalysisConfig:
        if self.target == "enumerated" and self.samples != "all":
            raise ValueError(
                f"target enumerated says that X is every input there is, but samples={self.samples} are some of them; "
                "take samples=all, or target dataset"
            )
        return self


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


CYCLES = {"digits": 32, "digits-small": 32, "tfc": 64, "sfc": 256, "lfc": 1024, "twelve": 12} | dict.fromkeys(
    ("paper-mnist", "narrow-mnist"), 784
)
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
            if section and section not in values:
                raise RunError(f"no section {section!r} in a run's configuration; {nearest(section, values)}")
            (values[section] if section else values)[field] = value
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise RunError(describe(error)) from None


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
    if unknown := [layer for layer in hardware.rom_style if layer not in foldings]:
        raise FoldingError(f"{graph.name}: rom_style for {', '.join(unknown)}, but the layers are {list(foldings)}")
    foldings |= {layer: replace(foldings[layer], rom_style=style) for layer, style in hardware.rom_style.items()}
    return lower(graph, foldings, hardware.output, hardware.fifo_depth)
