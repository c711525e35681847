"""The net that is exported: a trained net's weights in Brevitas' layers, from which its exporter makes QONNX.

One bit at scale exactly 1, so that every accumulator is an integer that float32 holds exactly. All quantizers answer +1
at zero. They are Brevitas' stock ones in all else, so its QONNX export types them BIPOLAR. Brevitas builds scale, zero
point and bit width anew for every tensor; on nets this small that is most of the time, so training does without: a test
holds the two together, bits and gradients, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from brevitas.core.function_wrapper import TensorClampSte
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from torch import Tensor, nn

from .networks import BinaryNet, Net
from .signs import slope


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


def quantizer(activation: str) -> type[SteClipped]:
    """The sign that is trained. Raises PluginError as `slope` does."""
    if activation in QUANTIZERS:
        return QUANTIZERS[activation]
    slope(activation)
    return type("AddedSign", (SteClipped,), {"tensor_clamp_impl": Sloped, "surrogate": activation})


class BrevitasNet(BinaryNet):
    """A `BinaryNet` of Brevitas' layers: the same state, bits and gradients."""

    linear: ClassVar[type[nn.Linear]] = QuantLinear
    conv: ClassVar[type[nn.Conv2d]] = QuantConv2d
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({"bias": False, "weight_quant": BinaryWeight})

    @staticmethod
    def sign(activation: str) -> nn.Module:
        return QuantIdentity(act_quant=quantizer(activation))


def in_brevitas(net: Net) -> BrevitasNet:
    """The same net, on the CPU, in evaluation mode; `net` is left as it was. Raises ConfigError for a float net."""
    made = BrevitasNet(net.config)
    made.load_state_dict({name: value.cpu() for name, value in net.state_dict().items()})
    return made.eval()
