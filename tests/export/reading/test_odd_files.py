"""Files that decode, and that no exporter writes: each is refused in one line that says what is odd."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from bitneck.export.annotations import QonnxError
from bitneck.export.reading.chain import StreamlineError
from bitneck.export.reading.streamline import streamline
from bitneck.export.soundness import check
from hand_made_files import node, two_layers
from onnx import helper, numpy_helper


def annotated(*kinds: str) -> onnx.ModelProto:
    model = two_layers()
    for kind in kinds:
        entry = onnx.StringStringEntryProto(key="finn_datatype", value=kind)
        model.graph.quantization_annotation.append(
            onnx.TensorAnnotation(tensor_name="x", quant_parameter_tensor_names=[entry])
        )
    return model


@pytest.mark.parametrize("kinds", [["garbage"], [""], ["uint8"], ["INT"], ["UINT8", "UINT3"]], ids=" and ".join)
def test_an_annotation_that_is_no_data_type_is_shown(kinds):
    with pytest.raises(StreamlineError, match=f"x is annotated as .*{kinds[0]}.*, no data type"):
        streamline(annotated(*kinds))


@pytest.mark.parametrize("kind", ["UINT0", "UINT-3", "UINT9", "FIXED<8,4>", "FLOAT32"])
def test_an_annotation_that_is_no_kind_of_pixel_asks_for_their_values(kind):
    with pytest.raises(StreamlineError, match="say with --pixels, or pixel_values, which float stands for each pixel"):
        streamline(annotated(kind))


def test_the_same_annotation_twice_is_one():
    assert streamline(annotated("BIPOLAR", "BIPOLAR")).graph.input_bits == 1


def test_shapes_that_are_said_twice_are_of_no_concern():
    model = two_layers()
    model.graph.value_info.extend([helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, 6))] * 2)
    assert streamline(model, (-1, 1)).graph.inputs == 6


def outer(name: str) -> onnx.AttributeProto:
    return onnx.AttributeProto(name=name, ref_attr_name="outer", type=onnx.AttributeProto.INT)


@pytest.mark.parametrize(("kind", "inputs", "name"), [("Flatten", "a", "axis"), ("Gemm", "a one", "transB")])
def test_an_attribute_of_a_function_that_is_not_there_is_named(kind, inputs, name):
    model = two_layers(node(kind, inputs, "b"))
    model.graph.node[1].attribute.append(outer(name))
    with pytest.raises(StreamlineError, match=f"{kind} 'my_{kind}' takes 'outer' of a function, and stands in none"):
        streamline(model, (-1, 1))


def test_a_sign_of_the_file_s_own_may_take_no_attribute_of_its_caller():
    model, domain = two_layers(), "qonnx.custom_op.general"
    inner = helper.make_node("Flatten", ["v"], ["c"])
    inner.attribute.append(outer("axis"))
    opsets = [helper.make_opsetid("", 13)]
    sign = helper.make_function(domain, "BipolarQuant", ["v", "s"], ["c"], [inner], opsets, ["outer"])
    model.functions.append(sign)
    with pytest.raises(StreamlineError, match="by the file itself, and there Flatten takes 'outer' from whoever calls"):
        streamline(model, (-1, 1))


def test_a_constant_of_text_is_named():
    model = two_layers(node("Constant", "", "t", value_string=b"\xff"), node("Add", "a t", "b"))
    with pytest.raises(StreamlineError, match=r"Constant 'my_Constant'.* cannot be evaluated: 'utf-8' codec"):
        streamline(model, (-1, 1))


def set_graph(model: onnx.ModelProto) -> None:
    model.graph.name = "a\nb"


def set_node(model: onnx.ModelProto) -> None:
    model.graph.node[0].name = "\x1b[31m"


def set_tensor(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].name = "o\rne"


@pytest.mark.parametrize("change", [set_graph, set_node, set_tensor])
def test_names_that_do_not_print_are_refused_in_one_line(change: Callable[[onnx.ModelProto], None]):
    model = two_layers()
    change(model)
    with pytest.raises(StreamlineError, match="a name in it holds a line break") as caught:
        streamline(model, (-1, 1))
    assert str(caught.value).isprintable()
    with pytest.raises(QonnxError, match="a name in it holds a line break"):
        check(model)


def test_prose_may_run_over_lines():
    model = two_layers()
    model.graph.doc_string = model.graph.node[0].doc_string = "one\ntwo"
    model.metadata_props.append(onnx.StringStringEntryProto(key="stack_trace", value="a\nb"))
    assert streamline(model, (-1, 1)).graph.inputs == 6


def test_a_matrix_that_takes_other_codes_than_there_are_is_named():
    model = two_layers()
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "v")
    tensor.CopyFrom(numpy_helper.from_array(np.ones((5, 2), np.float32), "v"))
    with pytest.raises(StreamlineError, match=r"MatMul 'my_MatMul' \(c, v → y\).*Incompatible dimensions"):
        streamline(model, (-1, 1))


@pytest.mark.parametrize(
    ("samples", "said"),
    [(-1, "input x is .-1, 6.*; rows or maps of a known size"), (1 << 40, "rows or maps of a known size belong there")],
)
def test_a_number_of_samples_that_cannot_be_is_refused(samples, said):
    model = two_layers()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = samples
    with pytest.raises(StreamlineError, match=said):
        streamline(model, (-1, 1))
