"""Files that others wrote, executed over whole data sets: by qonnx, and by ONNX Runtime, to which qonnx's operators are
spelled out in its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from ...ib_analysis.codes import Codes, Source, Trace, concatenate
from ..annotations import QonnxError
from ..graph import GraphError, Layer
from ..graph.packed import Plain
from ..reading.evaluation import REFUSALS, first_line
from ..reading.purity import OF_QONNX, SHAPES
from ..reading.quantizers import max_int, min_int, options
from ..reading.streamline import Streamlined

OLDEST = 11  # the first opset with Round
BATCH = 64
NO_EXECUTION = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
)  # what qonnx meets odd files with


def qonnx(
    read: Streamlined, x: NDArray[np.uint8], batch: int = BATCH, progress: Callable[[int], None] = lambda _: None
) -> Trace:
    """Every layer's codes and the scores of x, (n, inputs) levels, by qonnx's executor."""
    batch = min(batch, len(x))
    try:
        model = ModelWrapper(_of_batch(read, batch)).transform(InferShapes())
    except (shape_inference.InferenceError, AssertionError, *NO_EXECUTION) as error:
        raise QonnxError(f"{read.graph.name}: qonnx does not take the file: {first_line(error)}") from None
    name = read.chain.input
    return _trace(
        read, "qonnx", x, batch, lambda fed: execute_onnx(model, {name: fed}, return_full_exec_context=True), progress
    )


def onnx_runtime(
    read: Streamlined, x: NDArray[np.uint8], batch: int = BATCH, progress: Callable[[int], None] = lambda _: None
) -> Trace:
    """The same by ONNX Runtime. Raises QonnxError where it cannot run the file."""
    batch = min(batch, len(x))
    wanted = list(dict.fromkeys(read.tensors.values()))
    model = _spelled_out(read, _of_batch(read, batch), wanted)
    options_ = onnxruntime.SessionOptions()
    options_.intra_op_num_threads = 1
    options_.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options_, providers=["CPUExecutionProvider"])
    except REFUSALS as error:
        raise QonnxError(f"{read.graph.name}: ONNX Runtime does not take the file: {first_line(error)}") from None
    name = read.chain.input
    return _trace(
        read,
        "onnxruntime",
        x,
        batch,
        lambda fed: dict(zip(wanted, session.run(wanted, {name: fed}), strict=True)),
        progress,
    )


def _trace(
    read: Streamlined,
    source: Source,
    x: NDArray[np.uint8],
    batch: int,
    run: Callable[[NDArray[np.float32]], Mapping[str, NDArray]],
    progress: Callable[[int], None],
) -> Trace:
    traces = []
    for start in range(0, len(x), batch):
        block = x[start : start + batch]
        entering = floats(read, block)
        fed = np.zeros((batch, *entering.shape[1:]), dtype=np.float32)
        fed[: len(block)] = entering
        traces.append(_read(read, source, run(fed), len(block)))
        progress(min(start + batch, len(x)))
    return concatenate(traces)


def floats(read: Streamlined, x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the file takes for the samples x, (n, inputs) levels."""
    return read.pixels[x[:, read.entering]].reshape(-1, *read.chain.entering(read.chain.nodes[0]))


def _read(read: Streamlined, source: Source, values: Mapping[str, NDArray], samples: int) -> Trace:
    codes: dict[str, Codes] = {}
    *hidden, last = read.graph.layers
    for layer in hidden:
        try:
            codes[layer.name] = Codes.of_levels(_levels(read, layer, values, samples), layer.emits.bits)
        except GraphError as error:
            raise QonnxError(f"{layer.name}, by {source}: {error}") from None
    tensor = values[read.tensors[last.name]][:samples].reshape(samples, -1)
    scores = _levels(read, last, values, samples) if read.sums is None else read.sums.scores(tensor)
    return Trace(source, codes, scores.astype(np.int32), read.graph.top, read.graph.ends_in_code)


def _levels(read: Streamlined, layer: Layer, values: Mapping[str, NDArray], samples: int) -> NDArray:
    tensor = values[read.tensors[layer.name]][:samples].reshape(samples, -1)
    return in_stream(read, layer, layer.emits.of(tensor))


def in_stream(read: Streamlined, layer: Layer, levels: NDArray) -> NDArray:
    """(n, elements) levels of a layer's tensor, in its own order, as the layer's stream has them."""
    stream = np.empty_like(levels)
    stream[:, read.orders[layer.name]] = levels
    if layer.name not in read.kept:
        return stream
    left = read.kept[layer.name]  # of channels, the last axis of the stream
    channels = stream.shape[1] * len(left) // layer.outputs
    return stream.reshape(len(stream), -1, channels)[:, :, left].reshape(len(stream), -1)


def explained(read: Streamlined, said: Trace, x: NDArray[np.uint8]) -> tuple[int, str | None]:
    """How many of an executor's codes and scores its rounding moved, and the first that rounding cannot have moved.

    Each layer is asked for its answer to the executor's own codes that enter it, so that a difference is counted where
    it arises. Rounding can move a code to any level that the file's own nodes give within `Margin.error` of the sum.
    """
    moved = 0
    values: NDArray = x
    graph = read.graph
    for layer in graph.layers:
        scores = layer is graph.layers[-1]
        due = answer(layer, values)
        got = said.scores if scores else said.codes[layer.name].levels(layer.emits.bits)
        wrong = np.argwhere(due != got)
        for sample, neuron in wrong:
            entering = values[sample : sample + 1]
            accumulator = int(layer.accumulated(entering, int(neuron))[0])
            if not _may_round(read, layer.name, accumulator, int(neuron), int(got[sample, neuron])):
                return moved, (
                    f"{layer.name}: element {neuron}, sample {sample}: {graph.name} says {int(due[sample, neuron])}, "
                    f"{said.source} says {int(got[sample, neuron])} at accumulator {accumulator}"
                )
        moved += len(wrong)
        values = got
    return moved, None


def answer(layer: Layer, values: NDArray) -> NDArray:
    """What a layer makes of (n, inputs) levels."""
    return layer.emitter((layer.inputs,))(Plain(values, (layer.takes - 1).bit_length())).levels()


def _may_round(read: Streamlined, layer: str, accumulator: int, neuron: int, got: int) -> bool:
    margin = read.margins.get(layer)
    if margin is None:
        return False
    if layer not in read.decisions:  # scores of whole sums
        return True
    low, high = read.decisions[layer](accumulator, neuron, margin.error)
    return low <= got <= high


def _of_batch(read: Streamlined, batch: int) -> onnx.ModelProto:
    """The file for `batch` samples at a time: nodes that only say shapes say those, and nothing else is changed."""
    model = onnx.ModelProto()
    model.CopyFrom(read.chain.model)
    graph = model.graph
    del graph.quantization_annotation[:]  # without them qonnx rounds nothing to them, which could hide a difference
    nodes: list[onnx.NodeProto] = []
    for node in (*graph.node, *read.unpooled):
        output = node.output[0] if node.output else ""
        if node.op_type in (*SHAPES, "Identity") and node.op_type != "Transpose" and output in read.chain.shapes:
            shape = f"{output}/of {batch}"
            graph.initializer.append(numpy_helper.from_array(np.array([batch, *read.chain.shapes[output][1:]]), shape))
            live = next(name for name in node.input if name in read.chain.shapes)
            nodes.append(helper.make_node("Reshape", [live, shape], [output], node.name))
        else:
            nodes.append(node)
    wanted = {*read.tensors.values()}
    kept = _needed(nodes, wanted)
    del graph.node[:]
    graph.node.extend(kept)
    del graph.output[:]
    last = read.tensors[read.graph.layers[-1].name]
    shape_ = [batch, *read.chain.shapes[last][1:]]
    graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, shape_))
    for port in graph.input:
        if port.name == read.chain.input:
            shape_ = [batch, *read.chain.entering(read.chain.nodes[0])]
            port.CopyFrom(helper.make_tensor_value_info(port.name, TensorProto.FLOAT, shape_))
    return model


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Those that something wanted depends on, in order."""
    needed, kept = set(wanted), []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _spelled_out(read: Streamlined, model: onnx.ModelProto, wanted: list[str]) -> onnx.ModelProto:
    """The file with qonnx's operators written in ONNX's own."""
    graph, opset = model.graph, read.chain.opset
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes += list(_in_standard(read, node)) if node.op_type in OF_QONNX else [node]
    moved = {node.op_type for node in nodes if node.op_type in ("Clip", "Pad", "Slice", "Dropout", "TopK")}
    if opset < OLDEST and moved:
        raise QonnxError(f"{graph.name}: of opset {opset}, in which {', '.join(sorted(moved))} were others than today")
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.output[:]
    graph.output.extend(helper.make_empty_tensor_value_info(name) for name in wanted)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", max(opset, OLDEST))], ir_version=max(model.ir_version, 8)
    )


def _in_standard(read: Streamlined, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """A quantizer step by step, in qonnx's own order."""
    said, output, count = options(node), node.output[0], 0
    parameters = [read.chain.constants[name].astype(np.float32) for name in node.input[1:]]
    live = node.input[0]
    made: list[onnx.NodeProto] = []

    def constant(value: NDArray | float) -> str:
        nonlocal count
        count += 1
        name = f"{output}/constant {count}"
        array = np.asarray(value, dtype=np.float32)
        made.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array)))
        return name

    def step(operator: str, *taken: str, last: bool = False, **attributes: Any) -> str:
        nonlocal count
        count += 1
        name = output if last else f"{output}/step {count}"
        made.append(helper.make_node(operator, list(taken), [name], **attributes))
        return name

    def rounded(value: str, mode: str) -> str:
        match mode.upper():
            case "ROUND" | "HALF_EVEN":
                return step("Round", value)
            case "FLOOR":
                return step("Floor", value)
            case "CEIL":
                return step("Ceil", value)
        size = step("Abs", value)
        match mode.upper():
            case "UP":
                size = step("Ceil", size)
            case "DOWN":
                size = step("Floor", size)
            case "HALF_UP":
                size = step("Floor", step("Add", size, constant(0.5)))
            case _:
                size = step("Ceil", step("Sub", size, constant(0.5)))
        return step("Mul", step("Sign", value), size)

    def clamped(value: str, bits: float) -> str:
        signed, narrow = bool(said.get("signed", 1)), bool(said.get("narrow", 0))
        low, high = float(min_int(signed, narrow, bits)), float(max_int(signed, narrow, bits))
        return step("Max", step("Min", value, constant(high)), constant(low))

    match node.op_type:
        case "BipolarQuant":
            below = step("Less", live, constant(0.0))
            step("Where", below, constant(-parameters[0]), constant(parameters[0]), last=True)
        case "MultiThreshold":
            known = live.removesuffix("/unpooled")  # as many axes as what it is a copy of
            axes = len(read.chain.shapes.get(known, (1,) * read.chain.constants.get(known, np.zeros(1)).ndim))
            last = str(said.get("data_layout", "")).find("C") == axes - 1 and axes > 2
            reached, scale = "", float(said.get("out_scale", 1.0))  # type: ignore[arg-type]
            each = (-1,) if last else (-1, *[1] * (axes - 2))
            for at in parameters[0].T:
                fires = step("Cast", step("Not", step("Less", live, constant(at.reshape(each)))), to=TensorProto.FLOAT)
                reached = step("Add", reached, fires) if reached else fires
            bias = float(said.get("out_bias", 0.0))  # type: ignore[arg-type]
            step("Add", step("Mul", reached, constant(scale)), constant(bias), last=True)
        case "Trunc" if len(parameters) == 5:
            scale_, zero, _, to_scale, to_bits = parameters
            factor = 2.0 ** np.round(np.log2(to_scale / scale_))
            whole = step("Round", step("Add", step("Div", live, constant(scale_)), constant(zero)))
            cut = clamped(step("Div", whole, constant(factor)), float(to_bits.ravel()[0]))
            less = step("Sub", rounded(cut, str(said.get("rounding_mode", "FLOOR"))), constant(zero / factor))
            step("Mul", less, constant(to_scale), last=True)
        case "Trunc":
            scale_, zero, bits, to_bits = parameters
            whole = step("Round", step("Add", step("Div", live, constant(scale_)), constant(zero)))
            cut = step("Div", whole, constant(2.0 ** (bits - to_bits)))
            less = step("Sub", rounded(cut, str(said.get("rounding_mode", "FLOOR"))), constant(zero))
            step("Mul", less, constant(scale_), last=True)
        case _:
            scale_, zero, bits = parameters
            shifted = step("Add", step("Div", live, constant(scale_)), constant(zero))
            if bits.item() == 1 and said.get("signed", 1):
                below = step("Less", shifted, constant(0.0))
                whole = step("Where", below, constant(-1.0), constant(1.0))
            else:
                whole = rounded(clamped(shifted, float(bits.item())), str(said.get("rounding_mode", "ROUND")))
            step("Mul", step("Sub", whole, constant(zero)), constant(scale_), last=True)
    yield from made
