"""Dense 1-bit networks in Brevitas: ±1 weights, ±1 codes, batch-norm and sign between them. And their float twins."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

import torch
from brevitas.nn import QuantIdentity, QuantLinear
from numpy.typing import NDArray
from torch import Tensor, nn

from .config import ConfigError, NetworkConfig
from .quantizers import BinaryWeight, ChannelThreshold, SteClipped, quantizer


class Binarize(nn.Module):
    """code[j] = pixel[j] >= threshold[j], as ±1.

    threshold   (features,) half-integers, so that no pixel ever ties; half of the range until training fits them
    """

    threshold: Tensor

    def __init__(self, features: int, bits: int) -> None:
        super().__init__()
        self.register_buffer("threshold", torch.full((features,), 2.0 ** (bits - 1) - 0.5))
        self.activation = QuantIdentity(act_quant=SteClipped)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x - self.threshold)


class Block(nn.Module):
    """One hidden layer: code = sign(shift(batch-norm(weight · x))), where only `rsign` shifts."""

    def __init__(self, inputs: int, outputs: int, activation: str) -> None:
        super().__init__()
        self.linear = QuantLinear(inputs, outputs, bias=False, weight_quant=BinaryWeight)
        self.norm = nn.BatchNorm1d(outputs)
        self.shift = ChannelThreshold(outputs) if activation == "rsign" else nn.Identity()
        self.activation = QuantIdentity(act_quant=quantizer(activation))

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.shift(self.norm(self.linear(x))))


class DenseNet(nn.Module):
    """From pixels to one score per class.

    In:  (n, widths[0]) float32, integers 0 .. 2^input_bits - 1, or ±1 where input_bits is 1: what `encode` makes.
    Out: (n, widths[-1]) float32, the integer dot product of ±1 code and ±1 weight, -K .. K for a last fan-in of K.
    """

    def __init__(self, config: NetworkConfig, seed: int = 0) -> None:
        """Untrained; `seed` decides the weights, and torch's global generator is neither read nor moved."""
        super().__init__()
        if not config.binary:
            raise ConfigError(f"{config.activation} is no sign: such a net is a FloatNet; `untrained` chooses")
        self.config = config
        widths = config.widths
        with torch.random.fork_rng(devices=[]):  # torch's own initialisation draws from the global generator
            self.binarize = Binarize(config.inputs, config.input_bits) if config.input_bits > 1 else None
            self.hidden = nn.ModuleList(Block(*pair, config.activation) for pair in pairwise(widths[:-1]))
            self.scores = QuantLinear(widths[-2], widths[-1], bias=False, weight_quant=BinaryWeight)
        generator = torch.Generator().manual_seed(seed)
        for linear in self.linears():
            nn.init.xavier_uniform_(linear.weight, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        if self.binarize is not None:
            x = self.binarize(x)
        for block in self.hidden:
            x = block(x)
        return self.scores(x)

    def linears(self) -> list[QuantLinear]:
        """Every layer that has weights, from input to output."""
        return [*(block.linear for block in self.hidden), self.scores]  # type: ignore[union-attr]

    def encode(self, x: NDArray | Tensor) -> Tensor:
        """The float input for (n, features) uint8 pixels, on the net's device; bits 0 and 1 become ±1."""
        pixels = (x if isinstance(x, Tensor) else torch.tensor(x)).to(self.scores.weight.device).float()
        return 2 * pixels - 1 if self.config.input_bits == 1 else pixels


class FloatBlock(nn.Module):
    """One hidden layer of floats: tanh or ReLU of weight · x + bias, or of batch-norm(weight · x)."""

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=not config.normalized)
        self.norm = nn.BatchNorm1d(outputs) if config.normalized else nn.Identity()
        self.activation = nn.Tanh() if config.activation == "tanh" else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.linear(x)))


class FloatNet(nn.Module):
    """The float twin of a `DenseNet`: the same widths, float weights and activations, every pixel seen as it is.

    In:  (n, widths[0]) float32, 0 .. 1: what `encode` makes.
    Out: (n, widths[-1]) float32 logits.
    """

    binarize = None  # a float net cuts no pixel

    def __init__(self, config: NetworkConfig, seed: int = 0) -> None:
        """Untrained: the weights that a `DenseNet` of this seed starts from, biases zero."""
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            self.hidden = nn.ModuleList(FloatBlock(*pair, config) for pair in pairwise(config.widths[:-1]))
            self.scores = nn.Linear(config.widths[-2], config.classes)
        generator = torch.Generator().manual_seed(seed)
        for linear in self.linears():
            nn.init.xavier_uniform_(linear.weight, generator=generator)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.emissions(x)[-1]

    def emissions(self, x: Tensor) -> list[Tensor]:
        """What every layer emits, from input to output."""
        emitted = []
        for block in self.hidden:
            x = block(x)
            emitted.append(x)
        return [*emitted, self.scores(x)]

    def linears(self) -> list[nn.Linear]:
        """Every layer that has weights, from input to output."""
        return [*(block.linear for block in self.hidden), self.scores]  # type: ignore[union-attr,list-item]

    def encode(self, x: NDArray | Tensor) -> Tensor:
        """The float input for (n, features) uint8 pixels, on the net's device: the greatest becomes 1."""
        pixels = (x if isinstance(x, Tensor) else torch.tensor(x)).to(self.scores.weight.device).float()
        return pixels / ((1 << self.config.input_bits) - 1)


Net: TypeAlias = DenseNet | FloatNet


def untrained(config: NetworkConfig, seed: int = 0) -> Net:
    """The net that the configuration asks for."""
    return DenseNet(config, seed) if config.binary else FloatNet(config, seed)
