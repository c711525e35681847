"""What is no pure function of one sample is refused by name: batch statistics, chance, state, graphs of their own."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from bitneck.export.reading.chain import StreamlineError
from bitneck.export.reading.streamline import streamline
from hand_made_files import all_codes, chain_file, floats_of, node, two_layers
from onnx import helper

NORM = {"g": [1.0, -1, 2, 0.5], "h": [0.1, 0.2, -0.1, 0], "k": [2.0, 0, 1, 1], "u": [1.0, 2, 3, 4]}
STATISTICS = "statistics of whatever batch"


def norm(outputs: str = "b", **options) -> onnx.NodeProto:
    return helper.make_node("BatchNormalization", ["a", "g", "h", "k", "u"], outputs.split(), "my_norm", **options)


def dropped(ratio: float | None, training: bool | None) -> onnx.ModelProto:
    inputs = ["a", "r" if ratio is not None else "", "t" if training is not None else ""]
    drop = helper.make_node("Dropout", inputs, ["b"], "my_drop")
    model = two_layers(drop, **({} if ratio is None else {"r": ratio}))
    if training is not None:
        model.graph.initializer.append(helper.make_tensor("t", onnx.TensorProto.BOOL, [], [training]))
    return model


def of_opset(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    model.opset_import[0].version = version
    return model


def body_of_branches() -> dict[str, onnx.GraphProto]:
    """The two branches of an If, which both give the weights of `two_layers` or their negation."""
    typed = helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, (6, 4))
    return {
        f"{branch}_branch": helper.make_graph([helper.make_node(kind, ["w"], ["out"])], branch, [], [typed])
        for branch, kind in (("then", "Identity"), ("else", "Neg"))
    }


def weights_by(maker: onnx.NodeProto, **constants) -> onnx.ModelProto:
    """x → MatMul with signs of what `maker` makes as `r` → y."""
    return chain_file(
        maker, node("BipolarQuant", "r one", "v"), node("MatMul", "x v", "y"), w=np.ones((6, 4)), **constants, outputs=4
    )


def with_domain(model: onnx.ModelProto, name: str, domain: str) -> onnx.ModelProto:
    next(one for one in model.graph.node if one.name == name).domain = domain
    model.opset_import.append(helper.make_opsetid(domain, 1))
    return model


def with_function(domain: str, name: str, *body: onnx.NodeProto, inputs: str = "value scale") -> onnx.FunctionProto:
    standard = [helper.make_opsetid("", 13)]
    return helper.make_function(domain, name, inputs.split(), ["code"], list(body), standard)


def carrying(function: onnx.FunctionProto, model: onnx.ModelProto) -> onnx.ModelProto:
    model.functions.append(function)
    return model


SIGN = (
    helper.make_node("Constant", [], ["zero"], value_float=0.0),
    helper.make_node("GreaterOrEqual", ["value", "zero"], ["fires"]),
    helper.make_node("Neg", ["scale"], ["minus"]),
    helper.make_node("Where", ["fires", "scale", "minus"], ["code"]),
)
ABOVE = (*SIGN[:1], helper.make_node("Greater", ["value", "zero"], ["fires"]), *SIGN[2:])
QONNX = "qonnx.custom_op.general"

IMPURE = {
    "batch-norm in training mode": (
        lambda: of_opset(two_layers(norm(training_mode=1), **NORM), 15),
        rf"BatchNormalization 'my_norm'.*{STATISTICS}.*evaluation mode",
    ),
    "its statistics as outputs": (
        lambda: of_opset(two_layers(norm("b m s", training_mode=1), **NORM), 15),
        rf"my_norm.*{STATISTICS}",
    ),
    "batch-norm of old, all outputs": (lambda: two_layers(norm("b m s p q"), **NORM), rf"my_norm.*{STATISTICS}"),
    "batch-norm of opset 6": (
        lambda: of_opset(two_layers(norm(is_test=0), **NORM), 6),
        rf"my_norm.*{STATISTICS}",
    ),
    "batch-norm of opset 6 by default": (lambda: of_opset(two_layers(norm(), **NORM), 6), rf"my_norm.*{STATISTICS}"),
    "dropout in training mode": (lambda: dropped(0.3, True), "Dropout 'my_drop'.*drops inputs at random"),
    "dropout at its usual ratio": (lambda: dropped(None, True), "Dropout 'my_drop'.*drops inputs at random"),
    "noise on the way": (lambda: two_layers(node("RandomNormalLike", "a", "b")), "RandomNormalLike.*draws random"),
    "a coin for each value": (lambda: two_layers(node("Bernoulli", "a", "b")), "Bernoulli.*"),
    "random weights": (
        lambda: weights_by(node("RandomUniform", "", "r", shape=[6, 4], low=-1.0)),
        r"RandomUniform 'my_RandomUniform' \( → r\), after the input, before BipolarQuant.*draws random numbers",
    ),
    "random weights like others": (lambda: weights_by(node("RandomNormalLike", "w", "r")), "RandomNormalLike.*draws"),
    "dropped weights": (
        lambda: weights_by(helper.make_node("Dropout", ["w", "one", "one"], ["r"], "my_drop")),
        "my_drop.*drops inputs at random",
    ),
    "weights by a branch": (
        lambda: weights_by(helper.make_node("If", ["yes"], ["r"], "my_if", **body_of_branches()), yes=1.0),
        "If 'my_if'.*runs a graph of its own",
    ),
    "weights that no list knows": (lambda: weights_by(node("Hardmax", "w", "r")), "Hardmax.*not known as a pure"),
    "a state": (
        lambda: two_layers(node("LSTM", "a l l", "b", hidden_size=1), l=np.ones((1, 4, 1))),
        "LSTM 'my_LSTM'.*carries a state",
    ),
    "a mean over samples": (lambda: two_layers(node("ReduceMean", "a", "b", axes=[0])), "ReduceMean.*is not read"),
    "a sum along samples": (
        lambda: two_layers(node("CumSum", "a axis", "b"), axis=0.0),
        "CumSum",
    ),
    "a step of a training": (
        lambda: with_domain(two_layers(node("Identity", "a", "b")), "my_Identity", "ai.onnx.preview.training"),
        "my_Identity.*is a step of a training",
    ),
    "a stranger's domain": (
        lambda: with_domain(two_layers(node("Identity", "a", "b")), "my_Identity", "com.acme"),
        "my_Identity.*of the domain 'com.acme', where this reader knows no Identity",
    ),
    "a stranger's quantizer": (
        lambda: with_domain(two_layers(), "my_BipolarQuant", "com.acme"),
        "my_BipolarQuant.*of the domain 'com.acme'",
    ),
    "a function that draws": (
        lambda: carrying(
            with_function("my.own", "Noise", node("RandomNormalLike", "value", "code"), inputs="value"),
            with_domain(two_layers(node("Noise", "a", "b")), "my_Noise", "my.own"),
        ),
        "Noise 'my_Noise'.*a function that the file defines for itself, of RandomNormalLike",
    ),
    "a sign that draws": (
        lambda: carrying(with_function(QONNX, "BipolarQuant", node("RandomNormalLike", "value", "code")), two_layers()),
        "my_BipolarQuant.*RandomNormalLike draws random numbers",
    ),
    "a sign that is none at 0": (
        lambda: carrying(with_function(QONNX, "BipolarQuant", *ABOVE), two_layers()),
        "my_BipolarQuant.*not as the sign",
    ),
    "samples in one row": (
        lambda: any_number_of_samples(node("Flatten", "x", "f", axis=0)),
        r"Flatten 'my_Flatten'.*makes \(1, 12\) of inputs of \(2, 6\), where each sample needs a row of its own",
    ),
}


def any_number_of_samples(shape: onnx.NodeProto, *sizes: int, **constants) -> onnx.ModelProto:
    """x (n, …) → `shape` → f → MatMul → y."""
    model = chain_file(shape, node("MatMul", "f w", "y"), w=np.ones((6, 2)), **constants)
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ("n", *(sizes or (6,)))))
    return model


@pytest.mark.parametrize("kind", IMPURE)
def test_no_pure_function_of_one_sample_is_refused_by_name(kind):
    make, said = IMPURE[kind]
    with pytest.raises(StreamlineError, match=said) as refused:
        streamline(make(), (-1, 1))
    assert len(str(refused.value).splitlines()) == 1


PURE = {
    "batch-norm": lambda: two_layers(norm(), **NORM),
    "batch-norm of opset 15": lambda: of_opset(two_layers(norm(training_mode=0), **NORM), 15),
    "dropout": lambda: dropped(0.3, None),
    "dropout that is off": lambda: dropped(0.3, False),
    "dropout of nothing": lambda: dropped(0.0, True),
    "the sign, written out": lambda: carrying(with_function(QONNX, "BipolarQuant", *SIGN), two_layers()),
}


@pytest.mark.parametrize("kind", PURE)
def test_what_is_pure_is_read(kind):
    model = PURE[kind]()
    graph = streamline(model, (-1, 1)).graph
    if kind == "dropout that is off":
        del model.graph.node[1].input[2]  # the reference evaluator wants it as a bool of numpy's own
    x = all_codes(graph)
    if "opset" not in kind and "sign" not in kind:
        assert np.array_equal(graph(x).codes["dense1"].bits(), floats_of(model, x)[0])


@pytest.mark.parametrize(("sizes", "axis"), [((6,), 1), ((1, 2, 3), 1), ((3, 2), 1), ((6,), -1)])
def test_shapes_that_keep_each_sample_in_its_row_are_read(sizes, axis):
    read = streamline(any_number_of_samples(node("Flatten", "x", "f", axis=axis), *sizes), (-1, 1))
    assert read.graph.inputs == 6


def test_a_file_of_one_sample_may_call_its_row_so():
    one = any_number_of_samples(node("Flatten", "x", "f", axis=0))
    one.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    assert streamline(one, (-1, 1)).graph.inputs == 6


@pytest.mark.parametrize("sizes", [(2, 6), (2, 3, 1), (5,)])
def test_an_input_that_is_no_row_of_its_pixels_is_refused(sizes):
    with pytest.raises(StreamlineError, match=r"only rows are multiplied|Incompatible dimensions"):
        streamline(any_number_of_samples(node("Identity", "x", "f"), *sizes), (-1, 1))


def test_an_input_that_does_not_say_its_size_is_refused():
    model = any_number_of_samples(node("Identity", "x", "f"), "pixels")
    with pytest.raises(StreamlineError, match=r"input x is \[0, 0\], 0 for what is not said"):
        streamline(model, (-1, 1))
    model.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(StreamlineError, match="'shape' of 'type' is required"):
        streamline(model, (-1, 1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_without_a_sign_is_refused_with_its_place(value):
    weight = np.ones((6, 2))
    weight[4, 1] = value
    model = chain_file(node("BipolarQuant", "w one", "v"), node("MatMul", "x v", "y"), w=weight)
    with pytest.raises(StreamlineError, match=rf"w is {value} at \(4, 1\), which has no sign"):
        streamline(model, (-1, 1))
