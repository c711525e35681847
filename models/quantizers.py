"""One bit at scale exactly 1, so that every accumulator is an integer that float32 holds exactly.

All quantizers answer +1 at zero. They are Brevitas' stock ones in all else, so its QONNX export types them BIPOLAR.
Forward, every activation is the same sign; they differ in the slope that a gradient finds where the sign has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from brevitas.core.function_wrapper import TensorClampSte
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from torch import Tensor, nn

from ..plugins import PluginError
from .config import ACTIVATIONS

SWISH_BETA = 5.0


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """Sign of the latent weight; the gradient passes straight through.

    The stock quantizer scales by 0.1 and clips the latent values in the forward pass; here a forward pass changes
    nothing and training clips.
    """

    scaling_const = 1.0
    tensor_clamp_impl = TensorClampSte


class SteClipped(SignedBinaryActPerTensorConst):
    """sign(x), a code's bit as ±1. Gradient: 1 within |x| <= 1, 0 beyond, the slope of the hard tanh.

    Source: Hubara et al. 2016, "Binarized Neural Networks".
    """

    min_val = -1.0
    max_val = 1.0


class SteIdentity(SteClipped):
    """sign(x). Gradient: 1 everywhere, the slope of the identity.

    Source: Bengio et al. 2013, "Estimating or Propagating Gradients Through Stochastic Neurons".
    """

    tensor_clamp_impl = TensorClampSte


class Sloped(nn.Module):
    """Stands where the stock quantizer clamps: the value passes, its gradient is multiplied by `slope(surrogate)`."""

    def __init__(self, surrogate: str) -> None:
        super().__init__()
        self.slope = slope(surrogate)

    def forward(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        return SlopedIdentity.apply(x, self.slope)


class ApproxSign(SteClipped):
    """sign(x). Gradient: 2 − 2|x| within |x| <= 1, 0 beyond, the slope of the parabolas that meet the sign at ±1.

    Source: Liu et al. 2018, "Bi-Real Net".
    """

    tensor_clamp_impl = Sloped
    surrogate = "approx-sign"


class SwishSign(SteClipped):
    """sign(x). Gradient: β (2 − βx tanh(βx/2)) / (1 + cosh βx), the slope of 2σ(βx)(1 + βx(1 − σ(βx))) − 1; β = 5.

    Source: Darabi et al. 2018, "BNN+: Improved Binary Network Training".
    """

    tensor_clamp_impl = Sloped
    surrogate = "swish-sign"


class ChannelThreshold(nn.Module):
    """RSign is sign(x − threshold): this, and ApproxSign behind it. Gradient of threshold: −(2 − 2|x − threshold|).

    threshold   (channels,) float32, learnt, 0 at first

    It stands in front of the quantizer and not in it, because any QONNX writer, not only ours, then writes it down.
    Source: Liu et al. 2020, "ReActNet"; the part of Zhang et al. 2022, "Dynamic Binary Neural Network by learning
    channel-wise thresholds", that does not depend on the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x - (self.threshold if x.ndim == 2 else self.threshold[:, None, None])


def clipped_slope(x: Tensor) -> Tensor:
    """Of `SteClipped`, as bool."""
    return x.abs() <= 1


def approx_slope(x: Tensor) -> Tensor:
    """Of `ApproxSign`."""
    return (2 - 2 * x.abs()).clamp_(min=0)


def swish_slope(x: Tensor) -> Tensor:
    """Of `SwishSign`, with tail = σ(−β|x|): the same as with cosh, which overflows in float32 from βx = 89 on."""
    size = SWISH_BETA * x.abs()
    tail = torch.sigmoid(-size)
    return 2 * SWISH_BETA * tail * (1 - tail) * (2 - size * (1 - 2 * tail))


class SlopedIdentity(torch.autograd.Function):
    """x, its gradient times slope(x)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.save_for_backward(slope(x))
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


QUANTIZERS: Mapping[str, type[SteClipped]] = MappingProxyType(
    {
        "ste-identity": SteIdentity,
        "ste-clipped": SteClipped,
        "approx-sign": ApproxSign,
        "swish-sign": SwishSign,
        "rsign": ApproxSign,
    }
)
SLOPES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "ste-identity": torch.ones_like,
        "ste-clipped": clipped_slope,
        "approx-sign": approx_slope,
        "swish-sign": swish_slope,
        "rsign": approx_slope,
    }
)
"""The same gradients for the plain forward pass."""


def slope(activation: str) -> Callable[[Tensor], Tensor]:
    """The gradient of a sign. Raises PluginError where one of others gives no slope of x's shape and type."""
    if activation in SLOPES:
        return SLOPES[activation]
    found = ACTIVATIONS[activation]
    x = torch.linspace(-3, 3, 14).reshape(2, 7)
    given = found(x)
    if not isinstance(given, Tensor) or given.shape != x.shape or not given.isfinite().all():
        got = f"{tuple(given.shape)} {given.dtype}" if isinstance(given, Tensor) else type(given).__name__
        raise PluginError(
            f"activation {activation!r} of {ACTIVATIONS.origin(activation)} gave {got} for x (2, 7) in -3 .. 3; "
            "a finite slope for each is due"
        )
    return found


def quantizer(activation: str) -> type[SteClipped]:
    """The sign that is trained. Raises PluginError as `slope` does."""
    if activation in QUANTIZERS:
        return QUANTIZERS[activation]
    slope(activation)
    return type("AddedSign", (SteClipped,), {"tensor_clamp_impl": Sloped, "surrogate": activation})
