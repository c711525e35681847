"""What is trained and how, as frozen values: the only things that a run's file may say about network and recipe."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ..plugins import Plugins


class ConfigError(ValueError):
    """A preset, key or value that does not exist."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Half a sentence that names the known word nearest to `name`, or all of them where none is near."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"


def describe(error: ValidationError) -> str:
    """A pydantic error as one line: each place with what is wrong there, five at most."""
    said = [
        f"{'.'.join(map(str, item['loc'])) or error.title}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = [f"and {len(said) - 5} more"] if len(said) > 5 else []
    return " ".join("; ".join([*said[:5], *more]).splitlines())


class Strict(BaseModel):
    """Frozen, finite, and of exactly these types: true is no 1. An unknown key is an error that names the nearest."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(f"unknown key {key!r}; {nearest(str(key), cls.model_fields)}")
        return values


# Neither TOML nor JSON knows a tuple. Not by Field(strict=False): whoever validates strictly overrides that.
LISTED = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)

Sign = Literal["ste-identity", "ste-clipped", "approx-sign", "swish-sign", "rsign"]
Smooth = Literal["tanh", "relu"]
ACTIVATIONS = Plugins("activation", (*get_args(Sign), *get_args(Smooth)))
"""Signs of others: functions from x (n, …) to the slope that a gradient finds at it, of the same shape."""


def known(what: str, name: str, names: Iterable[str]) -> str:
    """The name. Raises ValueError with the nearest where it is not among them."""
    names = list(names)
    if name not in names:
        raise ValueError(f"no {what} {name!r}; {nearest(name, names)}")
    return name


def activations() -> tuple[str, ...]:
    return (*get_args(Sign), *get_args(Smooth), *ACTIVATIONS.names())


class NetworkConfig(Strict):
    """A dense net."""

    widths: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(min_length=3, description="inputs, neurons of every hidden layer, classes"),
        LISTED,
    ]
    input_bits: Annotated[int, Field(ge=1, le=8, description="of an input; 1: it is a code already, not cut")]
    activation: Annotated[
        str,
        AfterValidator(lambda name: known("activation", name, activations())),
        Field(
            description="a sign, named by the gradient that training finds at it, makes a 1-bit net, ±1 weights and "
            "codes; tanh and relu a float net of the same shape, for comparison only",
            json_schema_extra=lambda field: field.update(examples=list(activations())),
        ),
    ] = "approx-sign"
    batch_norm: Annotated[
        bool | None,
        Field(
            description="between dot product and activation; by default in 1-bit nets, which cannot do without, and "
            "in no other"
        ),
    ] = None

    @model_validator(mode="after")
    def _centre_what_a_sign_cuts(self) -> NetworkConfig:
        if self.binary and self.batch_norm is False:
            raise ValueError(
                f"batch_norm: a net of {self.activation} needs it; only {' and '.join(get_args(Smooth))} can do without"
            )
        return self

    @property
    def binary(self) -> bool:
        """±1 weights and codes, that hardware can compute."""
        return self.activation not in get_args(Smooth)

    @property
    def normalized(self) -> bool:
        return self.binary or self.batch_norm is True

    def twin(self, activation: Smooth) -> NetworkConfig:
        """The float net of the same shape, without batch-norm."""
        return NetworkConfig(widths=self.widths, input_bits=self.input_bits, activation=activation)

    @property
    def inputs(self) -> int:
        return self.widths[0]

    @property
    def classes(self) -> int:
        return self.widths[-1]

    @property
    def hidden(self) -> tuple[int, ...]:
        return self.widths[1:-1]

    @property
    def synapses(self) -> int:
        """Weights in all layers."""
        return sum(rows * cols for cols, rows in pairwise(self.widths))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of what emits, from input to output: every room calls them so."""
        head = ("binarize",) if self.binary and self.input_bits > 1 else ()
        return (*head, *(f"dense{index + 1}" for index in range(len(self.hidden))), "scores")


Rule = Literal["quantiles", "range"]


class DataConfig(Strict):
    """How samples become levels, and what the columns of a table are."""

    rule: Annotated[
        Rule | None,
        Field(
            description="by which numbers are cut into the 2^input_bits levels that the net takes, fitted on the "
            "training set; whole numbers that fit are never cut. By default floats of a table are cut at quantiles, "
            "each column at its own; those of images by range, all pixels alike; and whole numbers that do not fit are "
            "refused"
        ),
    ] = None
    label: Annotated[str, Field(min_length=1, description="the column of a CSV that holds the class")] = "label"
    ignore: Annotated[tuple[str, ...], Field(description="columns of a CSV that are no input"), LISTED] = ()
    copies: Annotated[
        int, Field(ge=1, le=16, description="how often each input is shown, so that it may be cut at so many places")
    ] = 1


class TrainingConfig(Strict):
    """The recipe: cross-entropy on tempered scores, cosine decay to zero, latent weights clipped to ±1."""

    epochs: Annotated[int, Field(ge=1, description="passes over the training set")]
    batch_size: Annotated[int, Field(ge=2, description="samples a step")] = 128
    optimizer: Annotated[
        Literal["adam", "sgd", "bop"],
        Field(
            description="adam, or sgd with momentum, on latent weights; or bop, which flips ±1 weights and leaves to "
            "adam what is no weight of a 1-bit layer"
        ),
    ] = "adam"
    learning_rate: Annotated[float, Field(gt=0, description="at the start")] = 1e-2
    momentum: Annotated[float, Field(ge=0, lt=1, description="of sgd")] = 0.9
    flip_rate: Annotated[float, Field(gt=0, le=1, description="of bop: weight of the newest gradient")] = 1e-2
    flip_threshold: Annotated[float, Field(ge=0, description="of bop: mean gradient that flips a weight")] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, description="of adam and sgd: pulls every parameter to zero")] = 0.0
    temperature: Annotated[float, Field(gt=0, description="of the softmax, in a 1-bit net times √fan-in")] = 1.0
    cosine: Annotated[bool, Field(description="decay all rates to zero along half a cosine")] = True
    readout_weight: Annotated[float, Field(ge=0, description="of the loss of float classifiers on hidden codes")] = 0
    shift: Annotated[int, Field(ge=0, description="whole pixels by which training images move")] = 0
    warp: Annotated[float, Field(ge=0, description="strength of turning and stretching training images")] = 0
    settle: Annotated[float, Field(ge=0, le=1, description="last share of the epochs, in which images lie still")] = 0.1
    seed: Annotated[int, Field(ge=0, description="of weights, batches and augmentation")] = 0


@dataclass(frozen=True)
class Preset:
    """A network with the data set that it is for and a recipe that trains it well."""

    name: str
    dataset: str
    network: NetworkConfig
    training: TrainingConfig


def _preset(
    name: str, dataset: str, widths: tuple[int, ...], input_bits: int, activation: Sign = "approx-sign", **recipe: Any
) -> Preset:
    network = NetworkConfig(widths=widths, input_bits=input_bits, activation=activation)
    return Preset(name, dataset, network, TrainingConfig(**recipe))


DIGITS: dict[str, Any] = {"batch_size": 128, "learning_rate": 3e-3, "temperature": 0.7, "readout_weight": 1.0}
PAPER: dict[str, Any] = {"batch_size": 256, "learning_rate": 3e-3, "temperature": 0.5}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            _preset("digits", "digits-twice", (128, 64, 48, 10), 5, epochs=600, warp=1.5, **DIGITS),
            _preset("digits-small", "digits-twice", (128, 28, 24, 10), 5, epochs=300, warp=1.0, **DIGITS),
            _preset("digits-tiny", "digits", (64, 32, 32, 10), 5, epochs=300, warp=1.0, **DIGITS),
            _preset("tfc", "mnist", (784, 64, 64, 64, 10), 8, epochs=30, batch_size=256),
            _preset("sfc", "mnist", (784, 256, 256, 256, 10), 8, epochs=25, batch_size=256, learning_rate=5e-3),
            _preset("lfc", "mnist", (784, 1024, 1024, 1024, 10), 8, epochs=15, batch_size=256, learning_rate=3e-3),
            _preset("paper-mnist", "mnist", (784, 1024, 20, 20, 20, 10), 8, epochs=12, **PAPER),
            _preset("narrow-mnist", "mnist", (784, 64, 10, 8, 6, 10), 8, epochs=30, **PAPER),
            _preset(
                "twelve",
                "twelve",
                (12, 10, 7, 5, 4, 3, 2),
                1,
                "ste-clipped",
                epochs=300,
                batch_size=256,
                cosine=False,
            ),
        )
    }
)


def preset(name: str) -> Preset:
    """Raises ConfigError with the nearest name where there is none of this one."""
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}; {nearest(name, PRESETS)}")
    return PRESETS[name]


def schedule(epochs: int, points: int = 32) -> tuple[int, ...]:
    """Epochs at which to capture codes: 0, the untrained net; every one to 10; then log-spaced; and the last.

    points   about how many in all; few where there are few epochs
    """
    dense = set(range(min(epochs, 10) + 1))
    if epochs <= 10:
        return tuple(sorted(dense))
    steps = max(points - len(dense), 1)
    ratio = epochs / 10
    return tuple(sorted(dense | {round(10 * ratio ** (step / steps)) for step in range(1, steps + 1)}))


def log_spaced(epochs: Sequence[int], count: int) -> list[int]:
    """So many of these, or all: the last, then the first, and others between them, log-spaced as far as there are."""
    if count >= len(epochs):
        return list(epochs)
    if count < 2:
        return list(epochs[len(epochs) - count :])
    first, last = math.log2(1 + epochs[0]), math.log2(1 + epochs[-1])
    due = [first + step / (count - 1) * (last - first) for step in range(count)]
    return sorted({min(epochs, key=lambda epoch: abs(math.log2(1 + epoch) - place)) for place in due})
