"""A trained net as a QONNX file that no consumer can misread.

Batch-norm and sign are asked in torch where they fire, then written as `sign(accumulator − midpoint)`: the midpoint
lies between two reachable accumulators, so however a consumer orders its arithmetic, no value comes near zero.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.util.cleanup import cleanup_model

from ..annotations import QonnxError
from ..graph import Graph, IntegrateDense, Layer, PassScores, PassSum, StepCuts
from ..graph.steps import STEPS
from ..reading.members import joined_graph
from ..reading.streamline import streamline
from ..reading.threshold import Sums, Thresholds, find, refuse_nan
from .nodes import bipolar_quant
from .tie_proof import tie_proof

if TYPE_CHECKING:
    from torch import nn

EMITS = {"MatMul": "accumulator", "BatchNormalization": "norm", "Sub": "norm", "BipolarQuant": "code"}
PARAMETERS: dict[str, tuple[str, ...]] = {
    "MatMul": (),
    "BatchNormalization": ("gain", "bias", "midpoint", "variance"),
    "Sub": ("midpoint",),
    "BipolarQuant": ("scale",),
}


def export(net: Any, name: str = "net") -> onnx.ModelProto:
    """The tie-proof QONNX of a `models.brevitas_net.BrevitasNet`; the net itself is left as it was.

    In: `x`, (1, features) float32 pixels annotated UINTn, or ±1 annotated BIPOLAR. Every layer L has `L.code` (±1), the
    dense ones `L.weight` (fan-in, rows; ±1) and `L.accumulator`. Out: `scores`, the integer dot products.
    Same net, same bytes: nothing of the machine, the time or torch's tracing stays in the file.

    Raises ThresholdError where a neuron has no threshold, QonnxError for a float net.
    """
    import torch

    if not net.config.binary:
        raise QonnxError(
            f"{name}: a net of {net.config.activation} has float weights; hardware needs a sign, such as rsign"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a kernel package that we have no use for
        from brevitas.export import export_qonnx

    proof = copy.deepcopy(net).cpu().eval()
    if proof.config.threshold_sets > 1:
        return _of_members(proof, name)
    if proof.config.steps > 1:
        return _of_steps(proof, name)
    with torch.no_grad():
        found = thresholds(proof)
        _make_tie_proof(proof, found)
        if not proof.config.rows_of_bits:
            return _read_back(proof, name)
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # the exporter's own deprecations; what matters is compared bit for bit
            model = export_qonnx(proof, torch.zeros(1, proof.config.inputs), dynamo=False)
    wrapper = cleanup_model(ModelWrapper(model))
    _speak(wrapper, [*found, "scores"])
    bits = proof.config.input_bits
    wrapper.set_tensor_datatype("x", DataType["BIPOLAR" if bits == 1 else f"UINT{bits}"])
    wrapper = wrapper.transform(InferDataTypes())
    return _bare(wrapper.model, name)


def _of_members(net: Any, name: str) -> onnx.ModelProto:
    """Every member made tie-proof, what Brevitas makes of it read, and all written as the net that they are."""
    import torch

    found = [thresholds(net, number) for number in range(net.config.threshold_sets)]
    members = []
    for each in found:
        proof = copy.deepcopy(net)
        with torch.no_grad():
            _make_tie_proof(proof, {layer: _falling_alike(layer, at, found) for layer, at in each.items()})
            members.append(_read(proof))
    return tie_proof(replace(joined_graph(members), name=name))


def _of_steps(net: Any, name: str) -> onnx.ModelProto:
    """What a net of steps emits in evaluation is integers already; Brevitas' exporter knows no states."""
    steps, (binarize, *hidden) = net.config.steps, net.config.names[:-1]
    cuts = np.ceil(net.binarize.threshold.flatten().numpy()).astype(np.int32)
    layers: list[Layer] = [StepCuts(binarize, cuts, net.config.inputs, net.config.input_bits)]
    for layer, block in zip(hidden, net.hidden, strict=True):
        whole = block.neurons.whole()
        falling, leak, theta = (each.numpy() for each in (whole.falling, whole.leak, whole.theta))
        weight = (net.multiplied(block.linear).numpy() > 0) ^ falling[:, None]
        layers.append(IntegrateDense(layer, weight, leak.astype(np.int32), theta.astype(np.int32), steps))
    last = net.multiplied(net.scores).numpy() > 0
    layers += [PassScores(last, steps, STEPS), PassSum(len(last), steps, last.shape[1] + 1)]
    return tie_proof(Graph(name, net.config.input_bits, tuple(layers)))


def _falling_alike(layer: str, at: Thresholds, members: list[dict[str, Thresholds]]) -> Thresholds:
    """The same with the rows inverted that fall in any member: in this one they may be always or never reached, which
    inverted weights do not change.
    """
    return replace(at, falling=np.any([each[layer].falling for each in members], axis=0))


def _read(proof: Any) -> Graph:
    """Of a net that is tie-proof already: what Brevitas makes of it, read."""
    pixels = np.arange(1 << proof.config.input_bits)
    example = proof.encode(np.zeros((1, proof.config.inputs), np.uint8))
    return streamline(of_module(proof, example), (-1.0, 1.0) if len(pixels) == 2 else pixels).graph


def _read_back(proof: Any, name: str) -> onnx.ModelProto:
    """The same, written with every tensor named."""
    return tie_proof(replace(_read(proof), name=name))


def of_module(module: Any, example: Any) -> onnx.ModelProto:
    """What Brevitas makes of any net of its layers, as it is; `example` is a tensor of one sample."""
    import torch

    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from brevitas.export import export_qonnx

        with torch.no_grad():
            return export_qonnx(copy.deepcopy(module).cpu().eval(), example, dynamo=False)


def serialize(model: onnx.ModelProto) -> bytes:
    """The bytes of the file: equal models are equal bytes."""
    return model.SerializeToString(deterministic=True)


def thresholds(net: Any, member: int | None = None) -> dict[str, Thresholds]:
    """Where every layer of a `models.networks.BinaryNet` fires, but pools and the last, asked of torch on the CPU.

    member   of a net of threshold sets: whose thresholds
    """
    import torch

    net = copy.deepcopy(net).cpu().eval()

    def ask(layer: str, sums: Sums, *modules: nn.Module, lowered: Any = 0) -> Thresholds:
        one_bit = net.config.bits_of(layer) == 1

        def reached(indices: NDArray[np.int64]) -> NDArray:
            asked = sums.at(indices) - lowered
            emitted = torch.from_numpy(asked.reshape(-1, *sums.shape))
            for module in modules:
                emitted = module(emitted)
                refuse_nan(layer, asked, emitted.numpy().reshape(asked.shape))
            values = emitted.numpy().reshape(asked.shape)
            return values > 0 if one_bit else (values + 1).astype(np.uint8)

        return find(layer, np.full(len(sums.least), sums.span), 2 if one_bit else 3, reached)

    found: dict[str, Thresholds] = {}
    with torch.no_grad():
        if net.binarize is not None:
            shape = tuple(net.binarize.threshold.shape)
            pixels = Sums(np.zeros(shape[0], np.int64), 1, (1 << net.config.input_bits) - 1, shape)
            found[net.config.names[0]] = ask(net.config.names[0], pixels, net.binarize)
        for layer, block, sums in _blocks(net):
            lowered = 0 if member is None else block.offsets[member].numpy()
            found[layer] = ask(layer, sums, block.norm, block.shift, block.activation, lowered=lowered)
    return found


def _blocks(net: Any) -> Iterator[tuple[str, Any, Sums]]:
    """Every hidden layer that has weights: its name, and what it can sum of codes, or of pixels that enter whole."""
    names = net.config.names[net.binarize is not None : -1]
    for index, (name, block) in enumerate(zip(names, net.hidden, strict=True)):
        if name.startswith("pool"):
            continue
        weight = net.multiplied(block.linear).flatten(1).numpy()
        (rows, fan_in), top = weight.shape, (1 << net.config.input_bits) - 1
        shape = (rows, 1, 1) if block.linear.weight.ndim == 4 else (rows,)
        if index == 0 and net.config.whole and top > 1:
            yield name, block, Sums(-top * (weight < 0).sum(axis=1), 1, top * fan_in, shape)
        elif net.config.weight_bits == (net.config.activation_bits if index else 1) == 1:
            yield name, block, Sums.of_signs(rows, fan_in, len(shape) == 3)
        else:
            yield name, block, Sums(np.full(rows, -fan_in), 1, 2 * fan_in, shape)


def _make_tie_proof(net: Any, found: dict[str, Thresholds]) -> None:
    """In place: weights as they are multiplied, that only rise, and batch-norms that subtract a midpoint and do nothing
    else; of three levels what is midway between their two, which are scaled to ±½.
    """
    import torch

    if net.binarize is not None:
        at = torch.from_numpy(found[net.config.names[0]].at - 0.5)
        net.binarize.threshold.copy_(at.view_as(net.binarize.threshold))
    for layer, block, sums in _blocks(net):
        weight = net.multiplied(block.linear)
        weight[torch.from_numpy(found[layer].falling)] *= -1
        block.linear.weight.copy_(weight)
        norm, midpoints = block.norm, sums.midpoints(found[layer])
        apart = midpoints[:, -1] - midpoints[:, 0]
        # In the mean and not in the bias: whatever a consumer scales by afterwards, the sign is already decided.
        norm.running_mean.copy_(torch.from_numpy(midpoints.mean(axis=1)))
        norm.running_var.fill_(1)
        norm.weight.copy_(torch.from_numpy(1 / np.where(apart > 0, apart, 1 / midpoints.shape[1])))
        norm.bias.zero_()
        norm.eps = 0.0  # 1 / sqrt(1 + 0) is exactly 1 everywhere
        block.shift = torch.nn.Identity()  # a learnt threshold is in the midpoint by now
    net.scores.weight.copy_(net.multiplied(net.scores))


def _speak(model: ModelWrapper, layers: list[str]) -> None:
    """In place: nodes and tensors named by layer, down the chain from the input."""
    model.rename_tensor(model.graph.input[0].name, "x")
    node = model.find_consumer("x")
    for layer in layers:
        last = ""
        while node is not None and last != "BipolarQuant":
            last = node.op_type
            if last == "MatMul":
                quantizer = model.find_producer(node.input[1])
                assert quantizer is not None
                _name(model, quantizer, f"{layer}.weight.BipolarQuant", f"{layer}.signs", ("weight", "weight_scale"))
                model.set_tensor_datatype(f"{layer}.weight", DataType["BIPOLAR"])
            output = "scores" if layer == "scores" else f"{layer}.{EMITS[last]}"
            _name(model, node, f"{layer}.{last}", output, PARAMETERS[last])
            node = model.find_consumer(output)


def _name(model: ModelWrapper, node: onnx.NodeProto, name: str, output: str, parameters: tuple[str, ...]) -> None:
    layer = name.partition(".")[0]
    node.name = name
    constants = [tensor for tensor in node.input if model.get_initializer(tensor) is not None]
    for tensor, parameter in zip(constants, parameters, strict=True):
        model.rename_tensor(tensor, f"{layer}.{parameter}")
    model.rename_tensor(node.output[0], output)


def _bare(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """What a reader needs, without what tells of the machine and the versions that wrote it."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    bare.producer_name, bare.producer_version, bare.doc_string = "bitneck", "", ""
    bare.graph.name, bare.graph.doc_string = name, ""
    del bare.metadata_props[:]
    for node in bare.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for table in (bare.graph.initializer, bare.graph.value_info, bare.graph.quantization_annotation):
        ordered = sorted(table, key=lambda entry: getattr(entry, "name", "") or getattr(entry, "tensor_name", ""))
        del table[:]
        table.extend(ordered)
    bare.functions.append(bipolar_quant(bare))
    onnx.checker.check_model(bare)
    return bare
