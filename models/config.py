"""What is trained and how, as frozen values: the only things that a run's file may say about network and recipe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ..plugins import Plugins
from .layers import KERNEL, LayerConfig, Shape, check, layers_of, named, shapes
from .strict import LISTED, Strict, describe, nearest  # noqa: F401  describe: who reads a configuration needs both


class ConfigError(ValueError):
    """A preset, key or value that does not exist."""


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


# Fields of a network that are left out of what is written where they are as usual.
NEWER_SHAPES = ("activation_bits", "weight_bits", "threshold_sets", "complex", "steps", "codebook_bits")


class NetworkConfig(Strict):
    """A dense net, said by its widths; or a net of maps, said by the shape of a sample and a list of layers."""

    widths: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(min_length=3, description="of a dense net: inputs, neurons of every hidden layer, classes"),
        LISTED,
    ] = ()
    shape: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(min_length=3, max_length=3, description="of a sample of a net of maps: height, width, channels"),
        LISTED,
    ] = ()
    layers: Annotated[
        tuple[LayerConfig, ...],
        Field(min_length=2, description="of a net of maps: convs and pools, then dense ones, one neuron a class"),
        LISTED,
    ] = ()
    whole: Annotated[
        bool,
        Field(
            description="a net of maps takes each input as the number that it is, as FINN's CNV its pixels; otherwise "
            "each channel is cut into a bit by a threshold"
        ),
    ] = False
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
    activation_bits: Annotated[
        int,
        Field(ge=1, le=2, description="of a hidden code's element: 1 is -1 or +1; 2 is -1, 0 or +1, Brevitas' narrow"),
    ] = 1
    weight_bits: Annotated[int, Field(ge=1, le=2, description="of a weight, in the same way")] = 1
    threshold_sets: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="of a dense 1-bit net: so many nets that share its weights, each with thresholds of its own, "
            "drawn around the trained ones; their scores are added, and their spread is told beside the class",
        ),
    ] = 1
    complex: Annotated[
        bool,
        Field(
            description="a dense 1-bit net's widths are real parts, then as many imaginary ones, but for the scores, "
            "which are real; weights of both parts are the same complex numbers"
        ),
    ] = False
    steps: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="of a dense 1-bit net: a frame passes so often, its pixels cut elsewhere each time; each "
            "hidden neuron integrates what it sums and fires; scores are added over the steps",
        ),
    ] = 1
    codebook_bits: Annotated[
        int | None,
        Field(
            ge=4,
            le=6,
            description="of a 1-bit net of maps: each 3 x 3 kernel of a conv behind the first is one of the "
            "2^codebook_bits that its layer has, and is stored as its number; by default every kernel is free",
        ),
    ] = None
    batch_norm: Annotated[
        bool | None,
        Field(
            description="between dot product and activation; by default in 1-bit nets, which cannot do without, and "
            "in no other"
        ),
    ] = None

    @model_validator(mode="after")
    def _of_one_form(self) -> NetworkConfig:
        if bool(self.widths) == bool(self.layers):
            raise ValueError("a dense net is said by widths, a net of maps by shape and layers; give one of the two")
        if self.widths and (self.shape or self.whole):
            raise ValueError("shape and whole are of a net of layers; one of widths takes rows, and cuts every input")
        if self.layers:
            check(self.shape, self.layers)
        return self

    @model_validator(mode="after")
    def _bits_of_what_has_some(self) -> NetworkConfig:
        if not self.binary and (self.activation_bits, self.weight_bits) != (1, 1):
            raise ValueError(f"activation_bits, weight_bits: a net of {self.activation} is of floats; leave them out")
        return self

    @model_validator(mode="after")
    def _sets_of_what_has_one_threshold(self) -> NetworkConfig:
        if self.threshold_sets > 1 and not self.rows_of_bits:
            of = f"threshold_sets={self.threshold_sets}"
            raise ValueError(f"{of}: dense 1-bit nets have them, this one is {self._unlike_those}")
        return self

    @model_validator(mode="after")
    def _pairs_of_what_is_complex(self) -> NetworkConfig:
        if not self.complex:
            return self
        if not self.rows_of_bits:
            raise ValueError(f"complex: dense 1-bit nets can be, this one is {self._unlike_those}")
        if self.passes > 1:
            raise ValueError(f"complex: nets that a frame passes once can be; it passes this one {self.passes} times")
        if odd := [width for width in self.widths[:-1] if width % 2]:
            raise ValueError(
                f"complex: {odd[0]} elements are no pairs of a real and an imaginary part; widths are even"
            )
        return self

    @model_validator(mode="after")
    def _steps_of_what_integrates(self) -> NetworkConfig:
        if self.steps == 1:
            return self
        if not self.rows_of_bits:
            raise ValueError(f"steps={self.steps}: dense 1-bit nets have them, this one is {self._unlike_those}")
        if self.input_bits == 1:
            raise ValueError(f"steps={self.steps}: each cuts pixels at a level of its own, and a bit is cut already")
        if self.threshold_sets > 1:
            raise ValueError(
                f"steps={self.steps}, threshold_sets={self.threshold_sets}: a frame passes for one of them"
            )
        if self.activation == "rsign":
            raise ValueError(f"steps={self.steps}: a neuron's theta is its threshold; approx-sign is rsign without one")
        return self

    @model_validator(mode="after")
    def _codebooks_of_kernels(self) -> NetworkConfig:
        if self.codebook_bits is None:
            return self
        of = f"codebook_bits={self.codebook_bits}"
        if not self.of_maps or not self.one_bit:
            unlike = "dense" if self.rows_of_bits else self._no_bits
            raise ValueError(f"{of}: 1-bit nets of maps have them, this one is {unlike}")
        for name, layer in [each for each in named(self.layers) if each[1].kind == "conv"][1:]:
            if layer.side != KERNEL:
                raise ValueError(
                    f"{of}: words have {KERNEL} x {KERNEL} bits, kernels of {name} {layer.side} x {layer.side}"
                )
        if not self.coded:
            raise ValueError(
                f"{of}: no conv behind the first has kernels enough that their numbers and a codebook take fewer bits"
            )
        return self

    @property
    def _unlike_those(self) -> str:
        return "a net of maps" if self.of_maps else self._no_bits

    @property
    def _no_bits(self) -> str:
        return "of 2 bits" if self.binary else f"a net of {self.activation}"

    @model_validator(mode="after")
    def _centre_what_a_sign_cuts(self) -> NetworkConfig:
        if self.binary and self.batch_norm is False:
            raise ValueError(
                f"batch_norm: a net of {self.activation} needs it; only {' and '.join(get_args(Smooth))} can do without"
            )
        return self

    @model_serializer(mode="wrap")
    def _in_its_form(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        other = ("shape", "layers", "whole") if self.widths else ("widths",)
        fields = type(self).model_fields
        usual = [key for key in NEWER_SHAPES if getattr(self, key) == fields[key].default]
        return {key: value for key, value in dumped(self).items() if key not in (*other, *usual)}

    @property
    def of_maps(self) -> bool:
        return bool(self.layers)

    @property
    def binary(self) -> bool:
        """Weights and codes of few bits, that hardware can compute."""
        return self.activation not in get_args(Smooth)

    @property
    def one_bit(self) -> bool:
        """±1 weights and codes."""
        return self.binary and self.activation_bits == self.weight_bits == 1

    @property
    def rows_of_bits(self) -> bool:
        """A dense 1-bit net: its file is Brevitas' own, where those of others are read, and written again."""
        return self.one_bit and not self.of_maps

    @property
    def normalized(self) -> bool:
        return self.binary or self.batch_norm is True

    @property
    def passes(self) -> int:
        """How often a frame passes: once, or for every set of thresholds or step."""
        return max(self.threshold_sets, self.steps)

    @property
    def cut(self) -> bool:
        """Whether inputs of several bits become one bit each before anything is multiplied."""
        return self.binary and self.input_bits > 1 and not self.whole

    def twin(self, activation: Smooth, batch_norm: bool | None = None) -> NetworkConfig:
        """The float net of the same shape."""
        of_bits = {name: type(self).model_fields[name].default for name in NEWER_SHAPES}
        of_floats = {"activation": activation, "batch_norm": batch_norm, **of_bits}
        return self.model_copy(update=of_floats)

    @property
    def entering(self) -> Shape:
        """Of a sample."""
        return self.shape or self.widths[:1]

    @property
    def chain(self) -> tuple[LayerConfig, ...]:
        """Every layer behind the input, whichever way they are said."""
        return self.layers or tuple(LayerConfig(dense=width) for width in self.widths[1:])

    @property
    def shapes(self) -> dict[str, Shape]:
        """Of what every layer emits for a sample, from input to output: every room calls the layers so."""
        names = dict(zip((name for name, _ in named(self.chain)), shapes(self.entering, self.chain)[1:], strict=True))
        return {"cut1" if self.of_maps else "binarize": self.entering, **names} if self.cut else names

    def bits_of(self, layer: str) -> int:
        """Of an element of a code that a hidden layer emits; an input is cut into single bits."""
        return 1 if self.cut and layer == self.names[0] else self.activation_bits

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.shapes)

    @property
    def inputs(self) -> int:
        return math.prod(self.entering)

    @property
    def channels(self) -> int:
        """Of an input; the elements of a row are places of one."""
        return self.shape[2] if self.of_maps else 1

    @property
    def classes(self) -> int:
        return self.shapes["scores"][0]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Elements that every layer between input and scores emits."""
        return tuple(math.prod(shape) for shape in shapes(self.entering, self.chain)[1:-1])

    @property
    def rows(self) -> dict[str, int]:
        """Channels of every convolution, neurons of every dense layer but the scores, by name."""
        return {name: layer.channels for name, layer in list(named(self.chain))[:-1] if layer.pool is None}

    def of_rows(self, rows: Iterable[int], inputs: int | None = None) -> NetworkConfig:
        """The same net with so many, in their order; a net of no maps with so many inputs, too."""
        widths = iter(rows)
        if not self.of_maps:
            return self.model_copy(update={"widths": (inputs or self.inputs, *widths, self.classes)})
        *hidden, scores = self.layers
        narrowed = [each if each.pool else each.model_copy(update={each.kind: next(widths)}) for each in hidden]
        return self.model_copy(update={"layers": (*narrowed, scores)})

    @property
    def read(self) -> tuple[int, ...]:
        """Of `hidden`, those whose codes a product takes, and not a pool."""
        return tuple(width for width, after in zip(self.hidden, self.chain[1:], strict=True) if after.pool is None)

    @property
    def synapses(self) -> int:
        """Weights in all layers."""
        return sum(fan_in * shape[-1] for fan_in, shape in self._weighted())

    @property
    def products(self) -> int:
        """Of a weight and an input, for one sample."""
        return self.steps * sum(fan_in * math.prod(shape) for fan_in, shape in self._weighted())

    @property
    def free_weights(self) -> int:
        """Weights that can be chosen: of a complex net, but for its scores, half of those that are multiplied."""
        shared = 2 if self.complex else 1
        *hidden, scores = (
            layer.channels * layer.fan_in(shape)
            for layer, shape in zip(self.chain, shapes(self.entering, self.chain), strict=False)
            if layer.pool is None
        )
        return sum(hidden) // shared + scores

    @property
    def coded(self) -> tuple[str, ...]:
        """Layers whose kernels are words of a codebook: convs behind the first, where numbers and words are fewer bits.

        The first looks at inputs of few channels, and has hardly more kernels than words.
        """
        if self.codebook_bits is None:
            return ()
        convs = [(name, kernels) for name, kernels in self._kernels() if kernels]
        return tuple(name for name, kernels in convs[1:] if self._coded_bits(kernels) < KERNEL**2 * kernels)

    @property
    def memory_bits(self) -> int:
        """Of all weights as they are stored: of coded kernels a number for each, and the codebooks."""
        uncoded = self.synapses * self.weight_bits
        of = dict(self._kernels())
        return uncoded - sum(KERNEL**2 * of[name] - self._coded_bits(of[name]) for name in self.coded)

    def _kernels(self) -> Iterator[tuple[str, int]]:
        """How many every layer has; 0 of one that is no conv."""
        for (name, layer), shape in zip(named(self.chain), shapes(self.entering, self.chain), strict=False):
            yield name, layer.channels * shape[-1] if layer.kind == "conv" else 0

    def _coded_bits(self, kernels: int) -> int:
        assert self.codebook_bits is not None
        return kernels * self.codebook_bits + (KERNEL**2 << self.codebook_bits)

    def _weighted(self) -> Iterator[tuple[int, Shape]]:
        """Fan-in of a neuron, and what is emitted, of every layer that has weights."""
        for layer, (shape, emitted) in zip(self.chain, pairwise(shapes(self.entering, self.chain)), strict=True):
            if layer.pool is None:
                yield layer.fan_in(shape), emitted

    def __str__(self) -> str:
        of = "-".join(map(str, self.widths)) or "-".join(["x".join(map(str, self.shape)), *map(str, self.layers)])
        if self.threshold_sets > 1:
            return f"{of} ({self.threshold_sets} threshold sets)"
        if self.complex:
            return f"{of} (complex)"
        if self.steps > 1:
            return f"{of} ({self.steps} steps)"
        if self.codebook_bits is not None:
            return f"{of} ({self.codebook_bits}-bit codebooks)"
        return of if self.one_bit or not self.binary else f"{of} (w{self.weight_bits}a{self.activation_bits})"


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
    inputs: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...] | None,
        Field(
            min_length=1,
            description="the inputs that the net takes, by number from 0, rising: pixels row by row, or columns; by "
            "default all. What images are moved by still sees whole ones",
        ),
        LISTED,
    ] = None

    @model_validator(mode="after")
    def _inputs_rise(self) -> DataConfig:
        if self.inputs and (wrong := [b for a, b in pairwise(self.inputs) if b <= a]):
            raise ValueError(f"inputs: {wrong[0]} stands behind one that is no less; give each once, rising")
        return self


RECIPE_OF_BITS = ("teacher_epochs", "teacher", "soft", "float_weights", "bilinear", "reestimate")
NEWER = ("flip", "cutout", "mixup", *RECIPE_OF_BITS)


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
    flip: Annotated[bool, Field(description="every other training image is seen in a mirror")] = False
    cutout: Annotated[int, Field(ge=0, description="side of a grey square in each training image, in pixels")] = 0
    mixup: Annotated[float, Field(ge=0, description="a of Beta(a, a), by which two images and labels are mixed")] = 0
    teacher_epochs: Annotated[
        int, Field(ge=0, description="of a float net of the same layers, ReLU between them, that is trained first")
    ] = 0
    teacher: Annotated[str, Field(description="a run whose teacher, or where it had none, net is taken instead")] = ""
    soft: Annotated[
        float, Field(ge=0, le=1, description="weight of the teacher's answers in the loss; the rest is the labels'")
    ] = 0.9
    float_weights: Annotated[
        float,
        Field(ge=0, lt=1, description="first share of the epochs, in which only codes are bits; then weights too"),
    ] = 0
    bilinear: Annotated[
        float,
        Field(
            ge=0,
            description="weight in the loss of RBONN's distance between weights and their signs; it pushes rows that "
            "lag, too",
        ),
    ] = 0
    reestimate: Annotated[
        bool, Field(description="means and variances of the trained net are those of the whole training set")
    ] = False
    settle: Annotated[float, Field(ge=0, le=1, description="last share of the epochs, in which images lie still")] = 0.1
    seed: Annotated[int, Field(ge=0, description="of weights, batches and augmentation")] = 0

    @model_serializer(mode="wrap")
    def _as_ever_where_nothing_newer_is_asked(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The same training has the same file and checkpoint, whatever recipes have learnt since."""
        fields = type(self).model_fields
        return {key: value for key, value in dumped(self).items() if key not in NEWER or value != fields[key].default}

    @model_validator(mode="after")
    def _one_teacher(self) -> TrainingConfig:
        if self.teacher and self.teacher_epochs:
            raise ValueError(f"a teacher is trained or taken; here are teacher_epochs {self.teacher_epochs} and a run")
        return self

    @property
    def taught(self) -> bool:
        """By another net."""
        return bool(self.teacher or self.teacher_epochs)

    @property
    def on_float_weights(self) -> int:
        """The last epoch of the first step, in which only codes are bits; 0 without such a step."""
        return round(self.epochs * self.float_weights)

    @property
    def moved(self) -> str | None:
        """What asks that training images be square, by name."""
        return next((way for way in ("shift", "warp", "flip", "cutout") if getattr(self, way)), None)


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


def _of_maps(name: str, dataset: str, shape: Shape, layers: str, input_bits: int, **recipe: Any) -> Preset:
    whole = recipe.pop("whole", True)
    network = NetworkConfig(shape=shape, layers=tuple(layers_of(layers)), whole=whole, input_bits=input_bits)
    return Preset(name, dataset, network, TrainingConfig(**recipe))


def _cnv(channels: int) -> str:
    """FINN's CNV, of which 64 channels come first."""
    one, two, four, eight = (channels * times for times in (1, 2, 4, 8))
    return f"{one}c-{one}c-2p-{two}c-{two}c-2p-{four}c-{four}c-{eight}-{eight}-10"


DIGITS: dict[str, Any] = {"batch_size": 128, "learning_rate": 3e-3, "temperature": 0.7, "readout_weight": 1.0}
PAPER: dict[str, Any] = {"batch_size": 256, "learning_rate": 3e-3, "temperature": 0.5}
IMAGES: dict[str, Any] = {"batch_size": 128, "learning_rate": 5e-3, "temperature": 0.7}
MOVED: dict[str, Any] = {"batch_size": 256, "warp": 1.0}
SMALL: dict[str, Any] = {**IMAGES, "batch_size": 64, "warp": 1.0, "readout_weight": 1.0}
CIFAR: dict[str, Any] = {**IMAGES, "temperature": 1.5, "shift": 4, "flip": True, "reestimate": True}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            _preset("digits", "digits-twice", (128, 64, 48, 10), 5, epochs=600, warp=1.5, **DIGITS),
            _preset("digits-small", "digits-twice", (128, 28, 24, 10), 5, epochs=300, warp=1.0, **DIGITS),
            _preset("digits-tiny", "digits", (64, 32, 32, 10), 5, epochs=300, warp=1.0, **DIGITS),
            _preset("tfc", "mnist", (784, 64, 64, 64, 10), 8, epochs=40, **MOVED),
            _preset("sfc", "mnist", (784, 256, 256, 256, 10), 8, epochs=100, learning_rate=5e-3, **MOVED),
            _preset("lfc", "mnist", (784, 1024, 1024, 1024, 10), 8, epochs=72, learning_rate=3e-3, **MOVED),
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
            _of_maps("digits-conv", "digits", (8, 8, 1), "16c+1-16c-2p-10", 5, epochs=150, **SMALL),
            _of_maps("mnist-conv", "mnist", (28, 28, 1), "32c-2p-32c-32c-2p-64-10", 8, epochs=28, shift=1, **IMAGES),
            _of_maps(
                "mnist-small", "mnist", (28, 28, 1), "16c4/4-32c3-10", 8, whole=False, epochs=40, shift=1, **IMAGES
            ),
            _of_maps("cnv-tiny", "cifar10", (32, 32, 3), _cnv(16), 8, epochs=40, teacher_epochs=10, **CIFAR),
            _of_maps("cnv-half", "cifar10", (32, 32, 3), _cnv(32), 8, epochs=70, teacher_epochs=15, **CIFAR),
            _of_maps("cnv", "cifar10", (32, 32, 3), _cnv(64), 8, epochs=80, teacher_epochs=20, **CIFAR),
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
