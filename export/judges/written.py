"""Files that `standard` and `streamlined` wrote of a graph, executed by those who know the file alone.

Both writers are deterministic, so a file is spelt right if it equals the graph's own but for the numbers of the net:
whether those are right is what it is executed for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from ...ib_analysis.codes import Codes, Source, Trace, concatenate
from ..annotations import QonnxError, data_types
from ..graph import BIPOLAR, Graph, GraphError
from ..graph.net import SPREAD
from ..reading.evaluation import REFUSALS, first_line
from ..soundness import check
from ..writing.standard import standard
from ..writing.streamlined import Dialect, Written, written
from ..writing.tie_proof import tie_proof
from . import finn

Run = Callable[[NDArray], Mapping[str, NDArray]]
Executor = Literal["qonnx", "finn-base", "onnxruntime"]
BATCH = 2048
TAKES_ONE = "Im2Col"  # qonnx and finn-base mix the samples of a batch in it


def skeleton(model: onnx.ModelProto) -> bytes:
    """A file without the numbers of the net; shapes and places, which are int64, stay."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for tensor in bare.graph.initializer:
        if tensor.data_type != onnx.TensorProto.INT64:
            tensor.CopyFrom(onnx.TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type))
    return bare.SerializeToString(deterministic=True)


def execute_standard(graph: Graph, model: onnx.ModelProto, x: NDArray[np.uint8], batch: int = BATCH) -> Trace:
    """Every layer's codes and the scores of x, (n, inputs) levels, by ONNX Runtime with its optimisations on.

    model   of `standard(graph)`, its numbers perhaps others. Raises QonnxError where it is spelt otherwise.
    """
    _check(graph, x)
    check(model)
    if skeleton(model) != skeleton(standard(graph)):
        raise QonnxError(f"{model.graph.name} is not spelt as `standard` spells {graph.name}; export it again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    wanted = [port.name for port in model.graph.output if port.name != "class"]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        blocks = [x[start : start + batch] for start in range(0, len(x), batch)]
        values = [dict(zip(wanted, session.run(wanted, {"x": block}), strict=True)) for block in blocks]
    except REFUSALS as error:
        raise QonnxError(f"{graph.name}: ONNX Runtime does not run the file: {first_line(error)}") from None

    def levels(name: str, said: NDArray) -> NDArray:
        return _allowed(graph, name, "onnxruntime", said)

    traces = [_trace(graph, "onnxruntime", each, levels, lambda scores: scores) for each in values]
    return concatenate(traces)


def execute_streamlined(
    graph: Graph,
    model: onnx.ModelProto,
    x: NDArray[np.uint8],
    by: Executor = "qonnx",
    batch: int = BATCH,
) -> Trace:
    """Every layer's codes and the scores of x, (n, inputs) levels, by qonnx's executor or finn-base's.

    model   of `streamlined(graph)` in either dialect, its numbers perhaps others. Raises QonnxError where it is spelt
            otherwise, or a code is none of its layer's levels.

    A file of windows is executed sample by sample: both executors mix a batch in Im2Col.
    """
    _check(graph, x)
    check(model)
    own = _own(graph, model)
    batch = 1 if any(node.op_type == TAKES_ONE for node in model.graph.node) else min(batch, len(x))
    run = _with_finn(model, batch) if by == "finn-base" else _with_qonnx(model, batch)
    port = model.graph.input[0].type.tensor_type.shape.dim
    shape = [batch, *(dim.dim_value for dim in port[1:])]
    entering = 2 if _is_bipolar(own) else 1

    def levels(name: str, said: NDArray) -> NDArray:
        try:
            return own.levels[name].of(said)
        except GraphError as error:
            raise QonnxError(f"{name}, by {by}: {error}") from None

    def scores(said: NDArray) -> NDArray:
        exact = (said.astype(np.float64) + own.constant) / own.step
        if (wrong := exact != np.rint(exact)).any():
            raise QonnxError(f"scores, by {by}: {exact[wrong][0]:g} is no whole score; other weights than its graph's")
        return exact

    traces = []
    for start in range(0, len(x), batch):
        block = x[start : start + batch]
        fed = np.zeros((batch, graph.inputs), dtype=np.float32)
        fed[: len(block)] = block
        values = run((entering * fed - (entering - 1)).reshape(shape))
        said = {name: value[: len(block)] for name, value in values.items() if _is_answer(name)}
        traces.append(_trace(graph, by, said, levels, scores))
    return concatenate(traces)


def execute_passes(
    graph: Graph, model: onnx.ModelProto, x: NDArray[np.uint8], by: Executor = "qonnx", batch: int = BATCH
) -> Trace:
    """Every layer's codes, spread and scores of x, (n, inputs) levels, for a net of members, or of steps.

    model   of `tie_proof(graph)`, its numbers perhaps others. Raises QonnxError where it is spelt otherwise.
    """
    _check(graph, x)
    check(model)
    if skeleton(model) != skeleton(tie_proof(graph)):
        raise QonnxError(f"{model.graph.name} is not spelt as `tie_proof` spells {graph.name}; export it again")
    batch = min(batch, len(x))
    wanted = [*(f"{name}.code" for name in graph.coded), "scores"]
    run = {"qonnx": _with_qonnx, "finn-base": _with_finn}.get(by, _with_ort(wanted))(model, batch)
    bipolar = data_types(model)["x"] == "BIPOLAR"
    traces = []
    for start in range(0, len(x), batch):
        block = x[start : start + batch]
        fed = np.zeros((batch, graph.inputs), dtype=np.float32)
        fed[: len(block)] = block
        values = run(2 * fed - 1 if bipolar else fed)
        said = {name: values[name].reshape(batch, -1)[: len(block)] for name in wanted}

        def levels(name: str, said: NDArray) -> NDArray:
            return said > 0 if graph[name].emits == BIPOLAR else graph[name].emits.of(said)

        traces.append(_trace(graph, by, said, levels, lambda scores: scores))
    return concatenate(traces)


def _check(graph: Graph, x: NDArray[np.uint8]) -> None:
    if x.ndim != 2 or x.shape[1] != graph.inputs or x.dtype != np.uint8 or not len(x):
        raise QonnxError(f"{graph.name} takes (n, {graph.inputs}) uint8, got {x.shape} {x.dtype}")


def _own(graph: Graph, model: onnx.ModelProto) -> Written:
    said = skeleton(model)
    dialect: Dialect
    for dialect in get_args(Dialect):
        own = written(graph, dialect)
        if skeleton(own.model) == said:
            return own
    raise QonnxError(f"{model.graph.name} is not spelt as `streamlined` spells {graph.name}; export it again")


def _is_bipolar(own: Written) -> bool:
    return data_types(own.model)["x"] == "BIPOLAR"


def _is_answer(name: str) -> bool:
    return name == "scores" or name.endswith(".code")


def _of_batch(model: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """The file for a batch, without the annotations to which executors round: they could hide a difference."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    asked = {node.input[0] for node in model.graph.node if node.op_type == TAKES_ONE}  # it wants to know their type
    kept = [each for each in model.graph.quantization_annotation if each.tensor_name in asked]
    del wide.graph.quantization_annotation[:]
    wide.graph.quantization_annotation.extend(kept)
    for port in (*wide.graph.input, *wide.graph.output, *wide.graph.value_info):
        port.type.tensor_type.shape.dim[0].dim_value = batch
    return wide


def _with_qonnx(model: onnx.ModelProto, batch: int) -> Run:
    wide = ModelWrapper(_of_batch(model, batch))
    if not model.graph.value_info:
        wide = wide.transform(InferShapes())
    return lambda values: execute_onnx(wide, {"x": values}, return_full_exec_context=True)


def _with_finn(model: onnx.ModelProto, batch: int) -> Run:
    from finn.core.modelwrapper import ModelWrapper as Theirs
    from finn.core.onnx_exec import execute_onnx as execute
    from finn.transformation.infer_shapes import InferShapes as TheirInferShapes

    wide: Any = Theirs(finn.in_their_domains(_of_batch(model, batch)))
    if not model.graph.value_info:
        wide = wide.transform(TheirInferShapes())
    return lambda values: execute(wide, {"x": values}, True)


def _with_ort(wanted: Sequence[str]) -> Callable[[onnx.ModelProto, int], Run]:
    def opened(model: onnx.ModelProto, batch: int) -> Run:
        wide = _of_batch(model, batch)
        del wide.graph.value_info[:]
        wide.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in wanted if name != "scores")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(wide.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return lambda values: dict(zip(wanted, session.run(list(wanted), {"x": values}), strict=True))

    return opened


def _allowed(graph: Graph, name: str, source: Source, said: NDArray) -> NDArray:
    top = graph[name].emits.top
    if said.size and int(said.max()) > top:
        raise QonnxError(f"{name}, by {source}: level {said.max()}, of {top + 1} levels")
    return said


def _trace(
    graph: Graph,
    source: Source,
    values: Mapping[str, NDArray],
    levels: Callable[[str, NDArray], NDArray],
    scores: Callable[[NDArray], NDArray],
) -> Trace:
    codes = {}
    for layer in graph.layers[:-1]:
        said = values[f"{layer.name}.code"]
        codes[layer.name] = Codes.of_levels(levels(layer.name, said.reshape(len(said), -1)), layer.emits.bits)
    if SPREAD in graph.coded:
        spread = values[f"{SPREAD}.code"].reshape(-1, 1).astype(np.int64)
        codes[SPREAD] = Codes.pack_integers(spread, graph.coded[SPREAD])
    last = values["scores"]
    return Trace(source, codes, scores(last.reshape(len(last), -1)).astype(np.int32), graph.top)
