"""Networks of few bits: weights and codes of one bit or two, batch-norm between them; and their float twins.

In a net of maps tensors are (n, channels, height, width), as torch has them; samples and codes go row by row, column by
column, the channels of a place together. A dense layer behind a map has its columns in torch's order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any, ClassVar, TypeAlias, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .codebooks import CodedConv2d
from .config import ConfigError, NetworkConfig
from .integrate import Integrate
from .layers import LayerConfig, Shape, named, shapes
from .signs import Activation, ChannelThreshold, FewBitConv2d, FewBitLinear, quantized


class Binarize(nn.Module):
    """code[j] = pixel[j] >= threshold[j], as ±1.

    threshold   (features,), of maps (channels, 1, 1), of steps (steps, 1, 1), each of which cuts all pixels:
                half-integers, so that no pixel ever ties; half of the range until training fits them
    """

    threshold: Tensor

    def __init__(self, config: NetworkConfig, sign: nn.Module) -> None:
        super().__init__()
        shape = (config.steps, 1, 1) if config.steps > 1 else (config.entering[-1], 1, 1)[: len(config.entering)]
        self.register_buffer("threshold", torch.full(shape, 2.0 ** (config.input_bits - 1) - 0.5))
        self.activation = sign

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x - self.threshold)


class Pool(nn.Module):
    """The largest of every window of a channel."""

    def __init__(self, layer: LayerConfig) -> None:
        super().__init__()
        self.side, self.step = layer.side, layer.step

    def forward(self, x: Tensor) -> Tensor:
        return functional.max_pool2d(x, self.side, self.step)


class Weighted(nn.Module):
    """What a hidden layer multiplies: a row, or the windows of a map.

    around   places of `value` on each side of the map
    """

    linear: nn.Linear | nn.Conv2d

    def __init__(self, linear: nn.Linear | nn.Conv2d, around: int, value: float) -> None:
        super().__init__()
        self.linear, self.around, self.value = linear, around, value

    def entering(self, x: Tensor) -> Tensor:
        if self.around:
            return functional.pad(x, (self.around,) * 4, value=self.value)
        return as_rows(x) if isinstance(self.linear, nn.Linear) else x

    def sums(self, x: Tensor) -> Tensor:
        return self.linear(self.entering(x))

    def normalisation(self) -> nn.Module:
        return (nn.BatchNorm1d if isinstance(self.linear, nn.Linear) else nn.BatchNorm2d)(len(self.linear.weight))


class Block(Weighted):
    """One hidden layer: code = activation(shift(batch-norm(weight · x))), where only `rsign` shifts.

    offsets   (sets, rows) of a net of threshold sets: what the sums of each member are lowered by before they are
              normalised, even whole numbers; zero until `threshold_sets.draw`
    """

    offsets: Tensor

    def __init__(
        self, linear: nn.Linear | nn.Conv2d, around: int, value: float, activation: str, sign: nn.Module, sets: int = 1
    ) -> None:
        super().__init__(linear, around, value)
        if sets > 1:
            self.register_buffer("offsets", torch.zeros(sets, len(linear.weight)))
        self.norm = self.normalisation()
        self.shift = ChannelThreshold(len(linear.weight)) if activation == "rsign" else nn.Identity()
        self.activation = sign

    def normed(self, x: Tensor) -> Tensor:
        """What is cut into a code."""
        return self.shift(self.norm(self.sums(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.normed(x))

    def of_members(self, x: Tensor) -> Tensor:
        """(sets, n, rows) the code of every member, of (n, fan-in) that all see, or (sets, n, fan-in)."""
        sums = self.sums(x) - self.offsets[:, None]
        return self.activation(self.shift(self.norm(sums.flatten(0, 1)))).view_as(sums)


class Integrating(Weighted):
    """One hidden layer of a net of steps: (steps, n, fan-in) codes to (steps, n, rows)."""

    def __init__(self, linear: nn.Linear, sign: nn.Module) -> None:
        super().__init__(linear, 0, -1.0)
        self.neurons = Integrate(linear.out_features, linear.in_features, sign)

    def forward(self, x: Tensor) -> Tensor:
        return self.neurons(self.sums(x))


class BinaryNet(nn.Module):
    """From pixels to one score per class.

    In:  (n, inputs), or (n, channels, height, width), float32, integers 0 .. 2^input_bits - 1, or ±1 where input_bits
         is 1: what `encode` makes.
    Out: (n, classes) float32, the integer dot product of code and weight, -K .. K for a last fan-in of K; of a net of
         steps their mean over the steps.

    What it is built of is plain torch; `brevitas_net` puts Brevitas' layers in their place.

    spread, temperature   of a net of threshold sets: how far apart its members were drawn, and the temperature of a
                          softmax over their mean dot products; `threshold_sets.settle` chooses both
    """

    spread: Tensor
    temperature: Tensor

    linear: ClassVar[type[nn.Linear]] = FewBitLinear
    conv: ClassVar[type[nn.Conv2d]] = FewBitConv2d

    @staticmethod
    def of_weights(bits: int) -> Mapping[str, Any]:
        """What `linear` and `conv` are told beside their shape."""
        return {"bias": False, "bits": bits}

    @staticmethod
    def activation(name: str, bits: int) -> nn.Module:
        return Activation(name, bits)

    def __init__(self, config: NetworkConfig, seed: int = 0) -> None:
        """Untrained; `seed` decides the weights, and torch's global generator is neither read nor moved."""
        super().__init__()
        if not config.binary:
            raise ConfigError(f"{config.activation} is no sign: such a net is a FloatNet; `untrained` chooses")
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's own initialisation draws from the global generator
            cut = self.activation("ste-clipped", 1)
            self.binarize = Binarize(config, cut) if config.cut else None
            made = _layers(config, self.linear, self.conv, self.of_weights(config.weight_bits), self._block)
            self.hidden, self.scores = nn.ModuleList(made[:-1]), cast(nn.Linear, made[-1])
        if config.threshold_sets > 1:
            self.register_buffer("spread", torch.zeros(()))
            self.register_buffer("temperature", torch.ones(()))
        _initialise(self, seed)

    def _block(self, linear: nn.Linear | nn.Conv2d, around: int, value: float) -> Weighted:
        activation = self.activation(self.config.activation, self.config.activation_bits)
        if self.config.steps > 1:
            return Integrating(cast(nn.Linear, linear), activation)
        return Block(linear, around, value, self.config.activation, activation, self.config.threshold_sets)

    def forward(self, x: Tensor) -> Tensor:
        if self.binarize is not None:
            x = self.binarize(x)
        if self.config.steps > 1:
            return self.over_steps(x)[-1].mean(dim=0)
        for layer in self.hidden:
            x = layer(x)
        return self.scores(as_rows(x))

    def over_steps(self, signs: Tensor) -> list[Tensor]:
        """Of a net of steps, for (steps, n, inputs) ±1: every layer's codes, then the scores, (steps, n, rows)."""
        emitted = [signs]
        for layer in self.hidden:
            emitted.append(layer(emitted[-1]))
        return [*emitted[1:], self.scores(emitted[-1])]

    def members(self, signs: Tensor) -> list[Tensor]:
        """Of a net of threshold sets, for (n, inputs) ±1: every layer's codes, then the scores, (sets, n, rows)."""
        emitted = []
        for block in self.hidden:
            signs = cast(Block, block).of_members(signs)
            emitted.append(signs)
        return [*emitted, self.scores(signs)]

    def linears(self) -> list[nn.Linear | nn.Conv2d]:
        """Every layer that has weights, from input to output."""
        return _linears(self)

    def multiplied(self, linear: nn.Linear | nn.Conv2d) -> Tensor:
        """The weights of one of its layers as they are multiplied: -1, +1 and, of two bits, 0."""
        if isinstance(linear, CodedConv2d):
            return linear.multiplied()
        return quantized(linear.weight, self.config.weight_bits)

    def encode(self, x: NDArray | Tensor) -> Tensor:
        """The float input for (n, features) uint8 pixels, on the net's device; bits 0 and 1 become ±1."""
        pixels = as_entering(x, self).float()
        return 2 * pixels - 1 if self.config.input_bits == 1 else pixels


class FloatBlock(Weighted):
    """One hidden layer of floats: tanh or ReLU of weight · x + bias, or of batch-norm(weight · x)."""

    def __init__(self, linear: nn.Linear | nn.Conv2d, around: int, value: float, config: NetworkConfig) -> None:
        super().__init__(linear, around, value)
        self.norm = self.normalisation() if config.normalized else nn.Identity()
        self.activation = nn.Tanh() if config.activation == "tanh" else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.sums(x)))


class FloatNet(nn.Module):
    """The float twin of a `BinaryNet`: the same shapes, float weights and activations, every pixel seen as it is.

    In:  (n, inputs), or (n, channels, height, width), float32, 0 .. 1: what `encode` makes.
    Out: (n, classes) float32 logits.
    """

    binarize = None  # a float net cuts no pixel

    def __init__(self, config: NetworkConfig, seed: int = 0) -> None:
        """Untrained: the weights that a `BinaryNet` of this seed starts from, biases zero."""
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            own = {"bias": not config.normalized}
            made = _layers(config, nn.Linear, nn.Conv2d, own, partial(FloatBlock, config=config))
            self.hidden = nn.ModuleList(made[:-1])
            self.scores = nn.Linear(cast(nn.Linear, made[-1]).in_features, config.classes)
        _initialise(self, seed)

    def forward(self, x: Tensor) -> Tensor:
        return self.emissions(x)[-1]

    def emissions(self, x: Tensor) -> list[Tensor]:
        """What every layer emits, from input to output."""
        emitted = []
        for layer in self.hidden:
            x = layer(x)
            emitted.append(x)
        return [*emitted, self.scores(as_rows(x))]

    def linears(self) -> list[nn.Linear | nn.Conv2d]:
        """Every layer that has weights, from input to output."""
        return _linears(self)

    def encode(self, x: NDArray | Tensor) -> Tensor:
        """The float input for (n, features) uint8 pixels, on the net's device: the greatest becomes 1."""
        return as_entering(x, self).float() / ((1 << self.config.input_bits) - 1)


Net: TypeAlias = BinaryNet | FloatNet


def untrained(config: NetworkConfig, seed: int = 0) -> Net:
    """The net that the configuration asks for."""
    return BinaryNet(config, seed) if config.binary else FloatNet(config, seed)


def as_rows(x: Tensor) -> Tensor:
    """A map as the row that a dense layer takes."""
    return x.flatten(1) if x.ndim == 4 else x


def as_entering(x: NDArray | Tensor, net: Net) -> Tensor:
    """(n, features) pixels on the net's device, of a net of maps as a view (n, channels, height, width)."""
    pixels = (x if isinstance(x, Tensor) else torch.tensor(x)).to(net.scores.weight.device)
    if not net.config.of_maps:
        return pixels
    height, width, channels = net.config.shape
    return pixels.view(-1, height, width, channels).permute(0, 3, 1, 2)


def _layers(
    config: NetworkConfig,
    linear: type[nn.Linear],
    conv: type[nn.Conv2d],
    options: Mapping[str, Any],
    block: Callable[[nn.Linear | nn.Conv2d, int, float], nn.Module],
) -> list[nn.Module]:
    """The hidden ones, each in its block, and the bare last one."""
    made: list[nn.Module] = []
    *hidden, last = zip(named(config.chain), shapes(config.entering, config.chain), strict=False)
    for (name, layer), shape in hidden:
        if layer.pool is not None:
            made.append(Pool(layer))
        else:
            value = 0.0 if not made and (config.whole or not config.binary) else -1.0
            of_layer: Callable[..., nn.Conv2d] = conv
            if config.codebook_bits is not None and name in config.coded:
                of_layer = partial(CodedConv2d, code_bits=config.codebook_bits)
            made.append(block(_product(layer, shape, linear, of_layer, options), layer.around, value))
    (_, layer), shape = last
    return [*made, _product(layer, shape, linear, conv, options)]


def _product(
    layer: LayerConfig,
    shape: Shape,
    linear: type[nn.Linear],
    conv: Callable[..., nn.Conv2d],
    options: Mapping[str, Any],
) -> nn.Linear | nn.Conv2d:
    if layer.conv is not None:
        return conv(shape[-1], layer.channels, layer.side, layer.step, **options)
    return linear(prod(shape), layer.channels, **options)


def _linears(net: Net) -> list[nn.Linear | nn.Conv2d]:
    return [*(layer.linear for layer in net.hidden if isinstance(layer, Weighted)), net.scores]


def _initialise(net: Net, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for linear in net.linears():
        if net.config.weight_bits == 1:
            nn.init.xavier_uniform_(linear.weight, generator=generator)
        else:  # latent weights as small as those would all be 0
            nn.init.uniform_(linear.weight, -1, 1, generator=generator)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
    for linear in net.linears():
        if isinstance(linear, CodedConv2d):
            linear.draw(generator)
