"""What a run is asked for, as one frozen value, and what follows from it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import tomli_w
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from ..export.graph import Graph
from ..hw.accelerator import Accelerator, lower
from ..hw.costs.search import budget, search
from ..hw.folding import fastest, fold
from ..hw.parts import part, part_names
from ..hw.stages import Folding, FoldingError, Output, RomStyle
from ..models.config import LISTED, DataConfig, NetworkConfig, Strict, TrainingConfig, describe, nearest, preset
from ..models.datasets import EMBEDDED, Dataset, load
from ..models.label_rules import MOST_LISTED, every_input

Config = TypeVar("Config", bound=Strict)


class RunError(ValueError):
    """A run that lacks something, or was made for something else."""


DEFAULT_CYCLES = 64  # a frame, where no part and no rate is asked for, and the net is small
DEFAULT_LANES = 2048  # weights that meet an input at a time, at the most, where nobody says how fast it is to be


class HardwareConfig(Strict):
    """What to build.

    Without a target the cheapest folding is the one of fewest lanes, and `default_cycles` a frame are the default.
    With one, and neither cycles nor frames asked for, it is the fastest folding that fits the part.
    """

    target_cycles: Annotated[int | None, Field(ge=1, description="clock cycles a frame, at most")] = None
    target_fps: Annotated[
        float | None, Field(gt=0, description="frames a second, at least, at clock_mhz; instead of target_cycles")
    ] = None
    clock_mhz: Annotated[float | None, Field(gt=0, description="the clock that the part will run at")] = None
    target: Annotated[
        Annotated[str, AfterValidator(lambda name: part(name).name)] | None,
        Field(
            description="the part to fold for: costs are estimated for it, and what does not fit is refused",
            json_schema_extra=lambda field: field.update(examples=list(part_names())),
        ),
    ] = None
    luts: Annotated[
        int | None, Field(ge=1, description="logic cells (iCE40) or LUTs to spend; by default all of the part")
    ] = None
    brams: Annotated[
        int | None,
        Field(ge=0, description="memory blocks to spend, of 4 kbit on iCE40, else 18 kbit; by default all of the part"),
    ] = None
    folding: Annotated[
        dict[str, Annotated[tuple[int, int], LISTED]] | None,
        Field(description="PE and SIMD by layer; without it the cheapest folding that is fast enough"),
    ] = None
    rom_style: Annotated[
        dict[str, RomStyle] | None,
        Field(description="by layer, where its weights lie: block memory, distributed in LUTs, or as synthesis likes"),
    ] = None
    output: Annotated[Output, Field(description="what leaves the design: the class, or every class's score")] = "class"
    fifo_depth: Annotated[int, Field(ge=0, description="beats of a FIFO behind every layer; 0: none")] = 0

    @model_validator(mode="after")
    def _one_wish(self) -> HardwareConfig:
        if self.target_fps is not None and self.target_cycles is not None:
            raise ValueError("target_fps and target_cycles both say how fast; give one of them")
        if self.target_fps is not None and self.clock_mhz is None:
            raise ValueError("target_fps says nothing without clock_mhz; give the clock that the part will run at")
        if self.target_fps is not None and self.clock_mhz is not None and self.clock_mhz * 1e6 < self.target_fps:
            raise ValueError(
                f"target_fps={self.target_fps:,.0f} is more than one frame a cycle at {self.clock_mhz:g} MHz; "
                "ask for fewer frames or a faster clock"
            )
        if (self.luts is not None or self.brams is not None) and self.target is None:
            raise ValueError(f"luts and brams are of a part; give target, one of {', '.join(part_names())}")
        if (self.luts is not None or self.brams is not None) and self.folding is not None:
            raise ValueError("luts and brams limit a search, and folding leaves none; give one or the other")
        if self.rom_style and self.target is not None and self.folding is None:
            raise ValueError("rom_style and a search for target both place memories; give folding with rom_style")
        return self

    @property
    def cycles(self) -> int | None:
        """Clock cycles a frame that are asked for, by number or by frames a second."""
        if self.target_fps is not None and self.clock_mhz is not None:
            return int(self.clock_mhz * 1e6 / self.target_fps)
        return self.target_cycles


Samples = Literal["train", "test", "all"]
Target = Literal["dataset", "enumerated", "population"]


BRACKETED_EPOCHS = 5


class AnalysisConfig(Strict):
    """Which samples are verified and analysed, and what they stand for."""

    samples: Annotated[Samples, Field(description="which part of the data set")] = "all"
    at_most: Annotated[
        int | None, Field(ge=4, description="so many of them, the first; by default every one: a map's codes are many")
    ] = None
    target: Annotated[
        Target,
        Field(
            description="what they stand for: themselves, every input there is, or the population they were drawn from"
        ),
    ] = "dataset"
    labels: Annotated[
        str | None,
        Field(
            description="with target enumerated: the rule that gives every input its label; whatever the data set "
            f"holds, all 2^k inputs are then analysed, k ≤ {MOST_LISTED}"
        ),
    ] = None
    brackets: Annotated[
        int,
        Field(
            ge=0,
            description="at how many epochs the ends are sought between which a population's number lies where too "
            "few samples give none: log-spaced, the last and the first among them; seconds a layer and epoch",
        ),
    ] = BRACKETED_EPOCHS

    @model_validator(mode="after")
    def _enumerated_is_all(self) -> AnalysisConfig:
        if self.target == "enumerated" and (self.samples != "all" or self.at_most):
            which = f"samples={self.samples}" + f", at_most={self.at_most}" * (self.at_most is not None)
            raise ValueError(
                f"target enumerated says that X is every input there is, but {which} are some of them; "
                "take samples=all, or target dataset"
            )
        if self.labels is not None and self.target != "enumerated":
            raise ValueError(
                f"labels={self.labels} gives every input there is a label, but target {self.target} says that X is "
                "samples; take target enumerated, or leave labels out"
            )
        return self

    @model_serializer(mode="wrap")
    def _what_is_said(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dumped(self).items() if value is not None}


SECTIONS = ("name", "dataset", "data", "model", "network", "training", "hardware", "analysis")  # of run.toml, in order


class AnyConfig(Strict):
    """What every run is asked for, whether its net was trained here or elsewhere."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", description="of the top module")]
    dataset: Annotated[
        str,
        Field(description="a built-in set by name, as digits or iris, what lies in --data-dir, or a path"),
    ]
    data: DataConfig = DataConfig()
    hardware: HardwareConfig = HardwareConfig()
    analysis: AnalysisConfig = AnalysisConfig()

    def toml(self) -> str:
        said = self.model_dump(mode="json", exclude_none=True)
        said["data"] = self.data.model_dump(mode="json", exclude_defaults=True)  # most sets need none
        if not said["data"]:
            del said["data"]
        return tomli_w.dumps({key: said[key] for key in SECTIONS if key in said})


class RunConfig(AnyConfig):
    """Everything that decides what a run gives, but for the files of the data set."""

    network: NetworkConfig
    training: TrainingConfig

    def described(self) -> str:
        """The net, in a few words."""
        return f"{self.network}, seed {self.training.seed}"


RANDOM = "random"  # in place of a data set: inputs drawn over their whole range


class ModelConfig(Strict):
    """The file that a net was read from.

    file      its name
    sha256    of its bytes, unpacked
    pixels    what floats it takes, LOW..HIGH:LEVELS; empty where the file says so itself
    folded    whether neurons that never change were folded away
    """

    file: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    pixels: str = ""
    folded: bool = False


class ImportedConfig(AnyConfig):
    """The same of a run whose net was made elsewhere."""

    model: ModelConfig

    def described(self) -> str:
        """The net, in a few words."""
        return self.model.file


SUITED_HIDDEN = (64, 48)
SUITED_INPUTS = 128
SUITED_SAMPLES = 600_000  # shown in all
MANY_SAMPLES = 20_000  # from which on the test set alone is proven and analysed, unless somebody asks for more
CYCLES = (
    {
        "digits": 32,
        "digits-small": 32,
        "digits-tiny": 32,
        "tfc": 64,
        "sfc": 256,
        "lfc": 1024,
        "twelve": 12,
        "digits-conv": 1024,
        "mnist-small": 1024,
        "mnist-conv": 8192,
    }
    | dict.fromkeys(("paper-mnist", "narrow-mnist"), 784)
    | dict.fromkeys(("cnv-tiny", "cnv-half", "cnv"), 32768)
)
"""Of the presets: those of TFC and CNV are of FINN's published foldings."""


LOOKED_AT = 1000  # images of CIFAR-10: CNV emits 158,000 bits for each


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
            at_most=LOOKED_AT if chosen.dataset == "cifar10" else None,
            target="enumerated" if chosen.dataset == "twelve" else "dataset",
        ),
    )


def suited(name: str, data: Dataset, options: DataConfig = DataConfig()) -> RunConfig:  # noqa: B008  frozen
    """A net and a recipe for a data set that has no preset: two hidden layers, so many epochs as the set is small.

    name   of the top module
    """
    samples = len(data.train_x)
    return RunConfig(
        name=name,
        dataset=data.name,
        data=options,
        network=NetworkConfig(widths=(data.features, *SUITED_HIDDEN, data.classes), input_bits=data.input_bits),
        training=TrainingConfig(
            epochs=min(max(SUITED_SAMPLES // samples, 10), 200),
            batch_size=min(max(samples // 16, 8), 128),
            learning_rate=3e-3,
            temperature=0.7,
            readout_weight=1.0,
        ),
        analysis=AnalysisConfig(samples="all" if samples < MANY_SAMPLES else "test"),
    )


def suited_copies(data: Dataset) -> int:
    """How often to show the inputs of a set that has few, so that a net may cut them at several places."""
    return min(max(SUITED_INPUTS // data.pixels, 1), 8)


def loaded(config: RunConfig, data_dir: Path | str | None = None) -> Dataset:
    """The data set of a configuration, as its net takes it. Raises DataError."""
    return load(config.dataset, data_dir, config.data, config.network.input_bits)


def from_toml(text: str, place: str) -> RunConfig:
    """Of a net that is trained here. Raises RunError with the place and every wrong key or value."""
    return checked_toml(RunConfig, text, place)


def any_from_toml(text: str, place: str) -> RunConfig | ImportedConfig:
    """The same of any run: one with a section [model] is of a net made elsewhere."""
    if re.search(r"(?m)^\s*\[\s*model\s*\]", text):
        return checked_toml(ImportedConfig, text, place)
    return from_toml(text, place)


def checked_toml(kind: type[Config], text: str, place: str) -> Config:
    """A file in TOML as the value that it describes. Raises RunError with the place and every wrong key or value."""
    try:
        return kind.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise RunError(f"{place}: {describe(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{place}: {error}") from None
    except RecursionError:  # tomllib calls itself for every bracket
        raise RunError(f"{place}: brackets nested deeper than any {Path(place).name} needs; write it anew") from None


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


def wished(hardware: HardwareConfig, wishes: Mapping[str, object], replace_rate: bool) -> HardwareConfig:
    """The same without a folding by hand and with what is wished; None wishes nothing.

    replace_rate   drop first how fast `hardware` is to be
    """
    dropped = {"folding", *(("target_cycles", "target_fps") if replace_rate else ())}
    values = {key: value for key, value in hardware.model_dump().items() if key not in dropped}
    try:
        found = HardwareConfig.model_validate(values | {k: v for k, v in wishes.items() if v is not None})
    except ValidationError as error:
        raise RunError(describe(error)) from None
    if found.target is None:
        raise RunError(f"for which part? [hardware] names no target; choose one of {', '.join(part_names())}")
    return found


def hardware_lines(hardware: HardwareConfig) -> str:
    """The section of a run.toml."""
    return tomli_w.dumps({"hardware": hardware.model_dump(mode="json", exclude_none=True)}).strip()


def chosen_samples(config: AnyConfig, data: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The samples that are verified and analysed, and their labels. Raises RunError where they are to be every input
    there is, and are not.
    """
    if (rule := config.analysis.labels) is not None:
        x, y = every_input(rule, data.pixels, data.input_bits, data.copies)
        if y.max() >= data.classes:
            raise RunError(f"labels rule {rule!r} gave label {y.max()}, and {data.name} has {data.classes} classes")
        return x, y
    if config.analysis.target == "enumerated":
        _check_enumerated(data)
    match config.analysis.samples:
        case "train":
            x, y = data.train_x, data.train_y
        case "test":
            x, y = data.test_x, data.test_y
        case _:
            x, y = data.all()
    return x[: config.analysis.at_most], y[: config.analysis.at_most]


def _check_enumerated(data: Dataset) -> None:
    """Raises RunError where its samples are not each input once."""
    x, bits = data.all()[0][:, : data.pixels], data.input_bits * data.pixels
    different = len(x)
    if len(x) == 1 << bits:
        different = len(np.unique(x @ (1 << data.input_bits * np.arange(data.pixels))))
    if different != 1 << bits:
        raise RunError(
            f"{data.name}: target enumerated says that X is every input there is, 2^{bits}, and these are "
            f"{len(x):,} samples, {different:,} different ones at most; give each once, or a rule "
            "as analysis.labels, or take target dataset"
        )


def default_cycles(graph: Graph) -> int:
    """Cycles a frame where nobody says: the least power of two that there is a folding of DEFAULT_LANES for.

    For BNN-PYNQ's CNV that is the 32,768, for TFC the 64 of FINN's published foldings.
    """
    products = sum(layer.outputs * layer.fan_in for layer in graph.layers if layer.fan_in > 1)
    least = fastest(graph)
    cycles = DEFAULT_CYCLES
    while products > DEFAULT_LANES * cycles or cycles < least:
        cycles *= 2
    return cycles


def design(config: AnyConfig, graph: Graph) -> Accelerator:
    """The accelerator that the configuration asks for."""
    hardware = config.hardware
    if hardware.folding is not None:
        foldings = {layer: Folding(pe, simd) for layer, (pe, simd) in hardware.folding.items()}
    elif hardware.target is not None:
        within = budget(hardware.target, hardware.luts, hardware.brams)
        return search(graph, within, hardware.cycles, hardware.output, hardware.fifo_depth).accelerator
    else:
        foldings = fold(graph, hardware.cycles or default_cycles(graph))
    styles = hardware.rom_style or {}
    if unknown := [layer for layer in styles if layer not in foldings]:
        raise FoldingError(f"{graph.name}: rom_style for {', '.join(unknown)}, but the layers are {list(foldings)}")
    foldings |= {layer: replace(foldings[layer], rom_style=style) for layer, style in styles.items()}
    accelerator = lower(graph, foldings, hardware.output, hardware.fifo_depth)
    if hardware.folding and hardware.cycles is not None and accelerator.cycles > hardware.cycles:
        slow = ", ".join(stage.name for stage in accelerator.stages if stage.cycles == accelerator.cycles)
        raise FoldingError(
            f"{graph.name}: the folding by hand takes {accelerator.cycles:,} cycles a frame in {slow}, and "
            f"{hardware.cycles:,} are asked for; give more PE or SIMD there, or leave target_cycles (target_fps) out"
        )
    return accelerator
