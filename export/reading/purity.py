"""Which nodes a net may hold: pure functions of one sample, with the same answer at every call.

A node is evaluated on a table of accumulators or folded into a constant; both is right for pure functions only. One
that takes statistics of its batch would take them of our table, and one draw of a random weight would pass for the
weight. So what is read is a list of types known to be pure, and all else is refused by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, helper

from .evaluation import EvaluationError, run
from .quantizers import QUANTIZERS

STANDARD = ("", "ai.onnx")
DOMAIN = "qonnx.custom_op.general"
QONNX = (DOMAIN, "finn.custom_op.general", "onnx.brevitas")  # three names that it has had
TRAINING = "ai.onnx.preview.training"
# Each rises or falls in its live input, so that what is behind it need not be asked at every number.
ELEMENTWISE = (
    *("Add", "BatchNormalization", "Cast", "Clip", "Div", "Dropout", "HardSigmoid", "Identity", "Mul"),
    *("Neg", "Relu", "Sigmoid", "Sub", "Tanh"),
)
SHAPES = ("Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
POOLS = ("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool")
PRODUCTS = ("Conv", "MatMul")
DECISIONS = ("ArgMax", "LogSoftmax", "Softmax", "TopK")  # at the end: the first maximum stays where it is
LIVE = (*ELEMENTWISE, *SHAPES, *POOLS, *PRODUCTS, *QUANTIZERS, *DECISIONS, "Pad")
OF_QONNX = tuple(kind for kind in QUANTIZERS if kind != "Sign")
# Of constants alone; nothing here draws, remembers, or runs a graph of its own.
FOLDED = (
    *(*ELEMENTWISE, *SHAPES, "MatMul", "Transpose", "Constant", "ConstantOfShape", "Shape", "Size", "Cast", "CastLike"),
    *("Abs", "Sign", "Sqrt", "Reciprocal", "Pow", "Exp", "Log", "Floor", "Ceil", "Round", "Tanh", "Sigmoid", "Relu"),
    *("Min", "Max", "Where", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Xor"),
    *("Concat", "Slice", "Gather", "Expand", "Tile", "Range", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"),
    *("Softplus", "Mod", "Sum", "ReduceL1", "ReduceL2", "ReduceProd", "IsNaN", "IsInf"),
)
REASONS = {
    **dict.fromkeys(
        ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
        "draws random numbers",
    ),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), "carries a state along a sequence"),
}
EVALUATION = "export the net in evaluation mode (net.eval(), training=TrainingMode.EVAL)"


def impurity(node: onnx.NodeProto, live: Collection[str], constants: Mapping[str, NDArray], opset: int) -> str | None:
    """Why a node is no pure function of one sample that this reader knows; None where it is.

    live        tensors that it takes and that depend on the input; none where it makes a constant
    constants   by name
    opset       of the standard operators
    """
    kind = node.op_type
    if node.domain == TRAINING:
        return f"is a step of a training ({TRAINING}); a net only answers, so {EVALUATION}"
    if node.domain not in (QONNX if kind in OF_QONNX else STANDARD):
        return f"is of the domain {node.domain or 'ai.onnx'!r}, where this reader knows no {kind}"
    if not any(node.output[:1]):
        return f"takes {list(node.input)} and makes {list(node.output)}"
    if any(attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for attribute in node.attribute):
        return "runs a graph of its own, which need be no pure function of one sample; export the net without it"
    if outer := [attribute.ref_attr_name for attribute in node.attribute if attribute.ref_attr_name]:
        return f"takes {outer[0]!r} from whoever calls the function that it stands in; export the net without it"
    if kind in REASONS:
        return f"{REASONS[kind]}, so it is no pure function of one sample; export the net without it"
    if not live and kind not in (*FOLDED, *OF_QONNX):
        return "makes a constant, and is not known as a pure function; export the net with that constant inside"
    if live and kind in LIVE and kind not in ("Add", "Div", "MatMul", "Mul", "Sub") and node.input[0] not in live:
        return f"takes {' and '.join(live)} in place of a constant; only its first input may depend on the sample"
    return _training_mode(node, constants, opset)


def _training_mode(node: onnx.NodeProto, constants: Mapping[str, NDArray], opset: int) -> str | None:
    options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    is_test = options.get("is_test", 0 if opset < 7 else 1)
    trains = bool(options.get("training_mode", 0)) or not is_test
    if node.op_type == "BatchNormalization" and (trains or any(node.output[1:])):
        return (
            "is in training mode: it normalises by the statistics of whatever batch it is given, so no sample has an "
            f"answer of its own; {EVALUATION}"
        )
    if node.op_type != "Dropout":
        return None
    ratio, switch = (*node.input[1:3], "", "")[:2]
    trains = trains or (switch != "" and (switch not in constants or bool(np.any(constants[switch]))))
    if trains and not (ratio in constants and not np.any(constants[ratio])):
        return f"is in training mode: it drops inputs at random, so no answer is the net's; {EVALUATION}"
    return None


def function_impurity(node: onnx.NodeProto, model: onnx.ModelProto) -> str | None:
    """Why a node that runs a function of the file's own is refused; None for the sign that our own files carry.

    ONNX Runtime runs such a body in place of the operator; qonnx goes by the name. Both have to mean the same.
    """
    body = next((f for f in model.functions if (f.domain, f.name) == (node.domain, node.op_type)), None)
    if body is None:
        return None
    if node.domain not in QONNX or node.op_type != "BipolarQuant":
        held = ", ".join(sorted({inner.op_type for inner in body.node})) or "nothing"
        return (
            f"runs a function that the file defines for itself, of {held}; write it out with "
            "onnx.inliner.inline_local_functions, so that each of its nodes can be looked at"
        )
    for inner in body.node:
        why = impurity(inner, (), {}, 20) or ("quantises again" if inner.domain in QONNX else None)
        if why:
            return f"is defined by the file itself, and there {inner.op_type} {why}"
    if not _is_sign(body):
        return "is defined by the file itself, and not as the sign times a scale that qonnx knows under this name"
    return None


def _is_sign(body: onnx.FunctionProto) -> bool:
    values = np.array([-3e38, -2, -1, -1e-30, -0.0, 0.0, 1e-30, 0.5, 7, 3e38], np.float32)
    opset = next((opset.version for opset in body.opset_import if opset.domain in STANDARD), 0)
    if len(body.input) != 2 or len(body.output) != 1:
        return False
    for scale in (np.float32(0.1), np.float32(3)):
        feeds = dict(zip(body.input, (values, np.array(scale)), strict=True))
        try:
            said = run(body.node, feeds, body.output[0], opset)
        except EvaluationError:
            return False
        if not np.array_equal(said, np.where(values >= 0, scale, -scale)):
            return False
    return True
