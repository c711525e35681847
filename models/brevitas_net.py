"""The net that is exported: a trained net's weights in Brevitas' layers, from which its exporter makes QONNX.

One bit or two at scale exactly 1, so that every accumulator is an integer that float32 holds exactly. Signs answer +1
at zero. The quantizers are Brevitas' stock ones in all else, so its QONNX export types signs BIPOLAR. Brevitas builds
scale, zero point and bit width anew for every tensor; on nets this small that is most of the time, so training does
without: a test holds the two together, bits and gradients, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from brevitas.core.function_wrapper import TensorClampSte
from brevitas.core.function_wrapper.ops_ste import RoundSte
from brevitas.core.zero_point import ZeroZeroPoint
from brevitas.inject import ExtendedInjector
from brevitas.inject.enum import (
    BitWidthImplType,
    FloatToIntImplType,
    QuantType,
    RestrictValueType,
    ScalingImplType,
    ScalingPerOutputType,
)
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from brevitas.quant.solver.act import ActQuantSolver
from brevitas.quant.solver.weight import WeightQuantSolver
from torch import Tensor, nn

from .codebooks import plain_state
from .networks import BinaryNet, Net
from .signs import QuantizedActivation, slope


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


class Narrow(ExtendedInjector):
    """-1, 0 and +1: two bits, narrow, at scale 1, as BNN-PYNQ's nets have them."""

    quant_type = QuantType.INT
    bit_width_impl_type = BitWidthImplType.CONST
    bit_width = 2
    narrow_range = True
    signed = True
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    scaling_per_output_type = ScalingPerOutputType.TENSOR
    zero_point_impl = ZeroZeroPoint
    tensor_clamp_impl = TensorClampSte


class TernaryWeight(Narrow, WeightQuantSolver):
    """What is nearest of -1, 0 and +1; the gradient passes straight through."""

    float_to_int_impl_type = FloatToIntImplType.ROUND
    scaling_const = 1.0


class SlopedRound(RoundSte):
    """Stands where the stock quantizer rounds, and is exported as what it is: the nearest level, its gradient times
    `slope(surrogate, 2)`.
    """

    def __init__(self, surrogate: str) -> None:
        super().__init__()
        self.slope = slope(surrogate, 2)

    def forward(self, x: Tensor) -> Tensor:
        return QuantizedActivation.apply(x, self.slope, 2)


class Ternary(Narrow, ActQuantSolver):
    """What is nearest of -1, 0 and +1. Gradient: see `signs.slope`."""

    min_val = -1.0
    max_val = 1.0
    float_to_int_impl = SlopedRound


QUANTIZERS: Mapping[str, type[SteClipped]] = MappingProxyType(
    {
        "ste-identity": SteIdentity,
        "ste-clipped": SteClipped,
        "approx-sign": ApproxSign,
        "swish-sign": SwishSign,
        "rsign": ApproxSign,
    }
)


def quantizer(activation: str, bits: int = 1) -> type[ExtendedInjector]:
    """The step that is trained. Raises PluginError as `slope` does."""
    if bits == 2:
        slope(activation, bits)
        return type("Ternary", (Ternary,), {"surrogate": activation})
    if activation in QUANTIZERS:
        return QUANTIZERS[activation]
    slope(activation)
    return type("AddedSign", (SteClipped,), {"tensor_clamp_impl": Sloped, "surrogate": activation})


class BrevitasNet(BinaryNet):
    """A `BinaryNet` of Brevitas' layers: the same state, bits and gradients."""

    linear: ClassVar[type[nn.Linear]] = QuantLinear
    conv: ClassVar[type[nn.Conv2d]] = QuantConv2d

    @staticmethod
    def of_weights(bits: int) -> Mapping[str, Any]:
        return {"bias": False, "weight_quant": BinaryWeight if bits == 1 else TernaryWeight}

    @staticmethod
    def activation(name: str, bits: int) -> nn.Module:
        return QuantIdentity(act_quant=quantizer(name, bits))


def in_brevitas(net: Net) -> BrevitasNet:
    """The same net, on the CPU, in evaluation mode, kernels of codebooks as plain weights; `net` is left as it was.

    Raises ConfigError for a float net.
    """
    made = BrevitasNet(net.config.model_copy(update={"codebook_bits": None}))
    made.load_state_dict({name: value.cpu() for name, value in plain_state(net).items()})
    return made.eval()
