"""Ways in which an ONNX file can be damaged, or merely odd: each takes a model and changes it, or gives bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Damage = Callable[[onnx.ModelProto, np.random.Generator], bytes | None]
DAMAGES: list[Damage] = []


def damaged(model: onnx.ModelProto, damage: Damage, rng: np.random.Generator) -> bytes:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    made = damage(copy, rng)
    return copy.SerializeToString() if made is None else made


def _kind(damage: Damage) -> Damage:
    DAMAGES.append(damage)
    return damage


def _one(items, rng: np.random.Generator):
    return items[int(rng.integers(len(items)))]


@_kind
def a_node_removed(model, rng):
    del model.graph.node[int(rng.integers(len(model.graph.node)))]


@_kind
def an_attribute_missing(model, rng):
    node = _one([node for node in model.graph.node if node.attribute], rng)
    del node.attribute[int(rng.integers(len(node.attribute)))]


@_kind
def an_attribute_out_of_range(model, rng):
    node = _one([node for node in model.graph.node if node.attribute], rng)
    attribute = _one(node.attribute, rng)
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = _one([-7, 0, 3, 1 << 40], rng)
    elif attribute.type == onnx.AttributeProto.INTS:
        attribute.ints[:] = [_one([-1, 0, 2, 1 << 20], rng) for _ in range(int(rng.integers(0, 5)))]
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = b"SIDEWAYS"
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = _one([float("nan"), -1e30, 0.0], rng)


@_kind
def an_attribute_of_another_type(model, rng):
    node = _one([node for node in model.graph.node if node.attribute], rng)
    attribute = _one(node.attribute, rng)
    name = attribute.name
    attribute.CopyFrom(helper.make_attribute(name, _one(["text", 1.5, 3, [1, 2], [0.5]], rng)))


@_kind
def shapes_that_do_not_fit(model, rng):
    tensor = _one([tensor for tensor in model.graph.initializer if tensor.dims], rng)
    values = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[: max(1, len(values) // 2)]), tensor.name))


@_kind
def another_rank(model, rng):
    tensor = _one(model.graph.initializer, rng)
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[None], tensor.name))


@_kind
def another_type(model, rng):
    tensor = _one(model.graph.initializer, rng)
    values = numpy_helper.to_array(tensor).astype(_one([np.float64, np.int32, np.bool_, np.float16, np.uint8], rng))
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@_kind
def numbers_cut(model, rng):
    tensor = _one([tensor for tensor in model.graph.initializer if len(tensor.raw_data) > 1], rng)
    tensor.raw_data = tensor.raw_data[:-1]


@_kind
def nan_or_infinity(model, rng):
    tensor = _one([t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT and t.raw_data], rng)
    values = numpy_helper.to_array(tensor).copy()
    values.ravel()[int(rng.integers(values.size))] = _one([np.nan, np.inf, -np.inf], rng)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@_kind
def a_negative_or_zero_scale(model, rng):
    tensor = _one(
        [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT and not t.dims]
        or model.graph.initializer,
        rng,
    )
    tensor.CopyFrom(numpy_helper.from_array(-abs(numpy_helper.to_array(tensor)) * int(rng.integers(0, 2)), tensor.name))


@_kind
def duplicate_value_info(model, rng):
    port = helper.make_tensor_value_info(model.graph.node[0].output[0], TensorProto.FLOAT, (1, 2))
    model.graph.value_info.extend([port, port])


@_kind
def an_unknown_domain(model, rng):
    _one(model.graph.node, rng).domain = _one(["com.acme", "ai.onnx.ml", "finn.custom_op.fpgadataflow", "\u00fc"], rng)


@_kind
def an_unknown_operator(model, rng):
    _one(model.graph.node, rng).op_type = _one(["Frobnicate", "", "LSTM", "Resize", "ConvTranspose", "Loop"], rng)


@_kind
def a_join(model, rng):
    last = model.graph.output[0].name
    node = _one([node for node in model.graph.node if node.op_type == "Quant"], rng)
    model.graph.node.append(helper.make_node(_one(["Add", "Concat"], rng), [last, node.output[0]], ["joined"]))
    model.graph.output[0].name = "joined"


@_kind
def a_missing_input(model, rng):
    node = _one([node for node in model.graph.node if node.input], rng)
    node.input[int(rng.integers(len(node.input)))] = _one(["", "nowhere"], rng)


@_kind
def too_many_inputs(model, rng):
    node = _one(model.graph.node, rng)
    node.input.append(model.graph.initializer[0].name)


@_kind
def no_output(model, rng):
    del _one(model.graph.node, rng).output[:]


@_kind
def nodes_in_another_order(model, rng):
    nodes = list(model.graph.node)
    rng.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


@_kind
def a_second_input(model, rng):
    model.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, (1, 3)))


@_kind
def an_input_without_a_size(model, rng):
    shape = next(
        p for p in model.graph.input if p.name not in {t.name for t in model.graph.initializer}
    ).type.tensor_type.shape
    dim = _one(shape.dim, rng)
    dim.ClearField("value")
    if rng.random() < 0.5:
        dim.dim_value = _one([-1, 1 << 40, 3], rng)


@_kind
def external_data_missing(model, rng):
    tensor = _one(model.graph.initializer, rng)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    if rng.random() < 0.7:
        tensor.external_data.add(key="location", value=_one(["gone.bin", "../gone.bin", "/etc/passwd", "."], rng))


@_kind
def a_bit_flipped(model, rng):
    data = bytearray(model.SerializeToString())
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return bytes(data)


@_kind
def bytes_flipped(model, rng):
    data = bytearray(model.SerializeToString())
    for place in rng.integers(0, len(data), 12):
        data[place] = int(rng.integers(256))
    return bytes(data)


@_kind
def a_file_cut(model, rng):
    data = model.SerializeToString()
    return data[: int(rng.integers(len(data)))]


@_kind
def a_training_node(model, rng):
    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            node.attribute.append(helper.make_attribute("training_mode", 1))


@_kind
def a_random_dropout(model, rng):
    node = model.graph.node[-1]
    last, node.output[0] = node.output[0], "before"
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "switch"))
    model.graph.node.append(helper.make_node("Dropout", ["before", "", "switch"], [last]))


@_kind
def another_opset(model, rng):
    _one(model.opset_import, rng).version = _one([0, 1, 6, 8, 999], rng)


@_kind
def scales_by_channel_where_codes_are_summed(model, rng):
    node = _one([node for node in model.graph.node if node.op_type in ("Quant", "BipolarQuant")], rng)
    model.graph.initializer.append(numpy_helper.from_array(np.array([0.5, 0.25], np.float32), "two"))
    node.input[1] = "two"


@_kind
def odd_bit_widths(model, rng):
    node = _one([node for node in model.graph.node if node.op_type == "Quant"], rng)
    value = _one([0.0, 0.5, 3.7, 9.0, 33.0, -2.0], rng)
    model.graph.initializer.append(numpy_helper.from_array(np.float32(value), "width"))
    node.input[3] = "width"


@_kind
def a_function_of_its_own(model, rng):
    body = [helper.make_node("Neg", ["x"], ["y"])]
    model.functions.append(
        helper.make_function("qonnx.custom_op.general", "Quant", ["x"], ["y"], body, [helper.make_opsetid("", 13)])
    )


@_kind
def names_in_no_utf8(model, rng):
    return model.SerializeToString().replace(b"Conv", b"C\xff\xfev", 1)
