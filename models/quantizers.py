"""One bit at scale exactly 1, so that every accumulator is an integer that float32 holds exactly.

Both quantizers answer +1 at zero. They are Brevitas' stock ones in all else, so its QONNX export types them BIPOLAR.
"""

from __future__ import annotations

from brevitas.core.function_wrapper import TensorClampSte
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """Sign of the latent weight; the gradient passes straight through.

    The stock quantizer scales by 0.1 and clips the latent values in the forward pass; here a forward pass changes
    nothing and training clips.
    """

    scaling_const = 1.0
    tensor_clamp_impl = TensorClampSte


class BinaryActivation(SignedBinaryActPerTensorConst):
    """Sign of the activation, a code's bit as ±1; the gradient passes straight through within ±1 and is zero beyond."""

    min_val = -1.0
    max_val = 1.0
