"""What runs in FINN+'s own environment: one QONNX file through its transformations, executed and estimated.

Called by `finn_plus.py` as `python finn_plus_script.py FOLDER`, and imports nothing of ours: in FOLDER lie model.onnx,
x.npy and request.json; said.npz, estimates.json and, if asked for, the generated RTL are left there. Lines on standard
output that begin with PROGRESS are for the caller.

A file of which nothing is known is streamlined as far as FINN+ takes it, and executed: its thresholds are then those
that FINN+ would build, whatever it can make hardware of.
"""

import json
import sys
from pathlib import Path
from types import ModuleType

PROGRESS = "finn-plus: "
FEW = 100  # of a file of which nothing is known
DECISIONS = ("TopK", "ArgMax", "Softmax", "LogSoftmax", "Hardmax")  # of a class, behind the scores
BLOCK = 2048  # samples at a time: bounds the memory that a wide layer's activations take


class _Missing(ModuleType):
    """Stands in for torch, which FINN+ imports for one operator that no net of ours has."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for name in ("torch", "torch.nn", "torch.nn.functional"):
    sys.modules[name] = _Missing(name)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, sys.modules[name])

import numpy as np
from finn.analysis.fpgadataflow.exp_cycles_per_layer import exp_cycles_per_layer
from finn.analysis.fpgadataflow.res_estimation import res_estimation
from finn.transformation.fpgadataflow.convert_to_hw.binary_matrix_vector_activation import (
    InferBinaryMatrixVectorActivation,
)
from finn.transformation.fpgadataflow.convert_to_hw.label_select import InferLabelSelectLayer
from finn.transformation.fpgadataflow.convert_to_hw.thresholding import InferThresholdingLayer
from finn.transformation.fpgadataflow.create_dataflow_partition import CreateDataflowPartition
from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from finn.transformation.streamline import Streamline
from finn.transformation.streamline.absorb import AbsorbScalarBiasIntoMultiThreshold, AbsorbScalarMulAddIntoTopK
from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.bipolar_to_xnor import ConvertBipolarMatMulToXnorPopcount
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.general import (
    GiveReadableTensorNames,
    GiveUniqueNodeNames,
    RemoveStaticGraphInputs,
    RemoveUnusedTensors,
)
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.insert_topk import InsertTopK
from qonnx.util.cleanup import cleanup_model


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text())
    if request["any"]:
        np.savez(folder / "said.npz", **of_any_file(folder))  # type: ignore[arg-type]
        return
    model = ModelWrapper(str(folder / "model.onnx"))
    layers = [*_codes(model), "scores"]
    tell("streamlining")
    model = streamlined(model, layers)
    if request["rtl"]:
        tell("generating the RTL of its thresholds")
        made = thresholding_rtl(hardware(model, standalone_thresholds=True), layers, request, folder)
        (folder / "rtl.json").write_text(json.dumps(made))
        return
    x = np.load(folder / "x.npy")
    stages = {"streamlined": model, "hardware": hardware(model)}
    stages["narrowed"] = narrowed(stages["hardware"])
    said = {"fan_in": np.array(model.get_tensor_shape(model.graph.node[-2].input[1])[0])}
    for name, stage in stages.items():
        tell(f"executing {len(x):,} samples, {name}")
        said |= {f"{name}/{key}": values for key, values in executed(stage, emissions(stage, layers), x).items()}
    np.savez(folder / "said.npz", **said)  # type: ignore[arg-type]
    tell("looking for the largest sums")
    largest = {layer: int(sums.max()) for layer, sums in executed(model, popcounts(model, layers), x).items()}
    tell("estimating cycles and resources")
    special = specialised(stages["narrowed"], layers, request, folder)
    (folder / "estimates.json").write_text(json.dumps(estimates(special, request["part"], largest)))


def tell(line: str) -> None:
    print(f"{PROGRESS}{line}", flush=True)


def transformed(model: ModelWrapper, *transformations: object) -> ModelWrapper:
    for transformation in transformations:
        model = model.transform(transformation)
    return model


def _codes(model: ModelWrapper) -> list[str]:
    """Names of the layers with codes, as `bitneck export` writes them."""
    tensors = [node.output[0] for node in model.graph.node]
    return [tensor.removesuffix(".code") for tensor in tensors if tensor.endswith(".code")]


def streamlined(model: ModelWrapper, layers: list[str]) -> ModelWrapper:
    """Floats absorbed into thresholds, ±1 products as XNOR and popcount, the class by TopK."""
    model = transformed(cleanup_model(model), ConvertQONNXtoFINN(), InferShapes(), FoldConstants())
    model = transformed(model, GiveUniqueNodeNames(), GiveReadableTensorNames(), InferDataTypes())
    model = transformed(model, RemoveStaticGraphInputs(), InsertTopK(k=1), InferShapes())
    model = transformed(model, AbsorbScalarBiasIntoMultiThreshold(), Streamline(), ConvertBipolarMatMulToXnorPopcount())
    model = transformed(model, Streamline(), AbsorbScalarMulAddIntoTopK(), InferDataLayouts(), RemoveUnusedTensors())
    kinds = [node.op_type for node in model.graph.node]
    expected = ["XnorPopcountMatMul", "MultiThreshold"] * sum(name.startswith("dense") for name in layers)
    expected = ["MultiThreshold"] * ("binarize" in layers) + [*expected, "XnorPopcountMatMul", "TopK"]
    if kinds != expected:
        raise SystemExit(f"FINN+ streamlines this file to {' '.join(kinds)}, not to {' '.join(expected)}")
    return model


def of_any_file(folder: Path) -> dict[str, np.ndarray]:
    """How many of its thresholds each element of every quantizer reaches, in their order, and the floats that leave.

    x.npy holds what the file takes, sample by sample, as floats. FINN+ would lower convolutions to matrices next, in
    which qonnx mixes the samples of a batch; it moves no threshold.
    """
    tell("streamlining")
    model = transformed(
        cleanup_model(ModelWrapper(str(folder / "model.onnx"))), ConvertQONNXtoFINN(), InferShapes(), FoldConstants()
    )
    model = transformed(model, GiveUniqueNodeNames(), GiveReadableTensorNames(), InferDataTypes())
    model = transformed(model, RemoveStaticGraphInputs(), AbsorbScalarBiasIntoMultiThreshold(), Streamline())
    model = transformed(model, Streamline())
    quantizers = model.get_nodes_by_op_type("MultiThreshold")
    last = next(node for node in reversed(model.graph.node) if node.op_type not in DECISIONS).output[0]
    x = np.load(folder / "x.npy")
    said: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(x), FEW):
        block = x[start : start + FEW]
        tell(f"executing {start:,} of {len(x):,} samples")
        wide = transformed(ModelWrapper(model.model, make_deepcopy=True), ChangeBatchSize(len(block)), InferShapes())
        del wide.graph.quantization_annotation[:]
        context = execute_onnx(wide, {wide.graph.input[0].name: block}, return_full_exec_context=True)
        for index, node in enumerate(quantizers):
            scale, bias = (getCustomOp(node).get_nodeattr(name) for name in ("out_scale", "out_bias"))
            reached = np.rint((context[node.output[0]] - bias) / scale).astype(np.uint16)
            said.setdefault(f"{index:03d}", []).append(reached.reshape(len(block), -1))
        said.setdefault("last", []).append(context[last].reshape(len(block), -1))
    return {name: np.concatenate(blocks) for name, blocks in said.items()}


def hardware(model: ModelWrapper, standalone_thresholds: bool = False) -> ModelWrapper:
    """The same net of FINN+'s hardware operators with integer thresholds; accumulators still have 32 bits."""
    first = [InferThresholdingLayer()] if standalone_thresholds else []
    model = transformed(model, *first, InferBinaryMatrixVectorActivation(), InferThresholdingLayer())
    model = transformed(model, InferLabelSelectLayer(), GiveUniqueNodeNames(), InferDataTypes(), InferShapes())
    # FINN+ narrows widths first, and then refuses the -0.5 of a pixel that always fires.
    return transformed(model, RoundAndClipThresholds(), InferDataTypes())


def narrowed(model: ModelWrapper) -> ModelWrapper:
    """Weights, accumulators and thresholds of the fewest bits that FINN+ finds enough."""
    model = transformed(ModelWrapper(model.model, make_deepcopy=True), MinimizeWeightBitWidth())
    model = transformed(model, MinimizeAccumulatorWidth(), InferDataTypes(), RoundAndClipThresholds())
    return transformed(model, InferDataTypes(), MinimizeWeightBitWidth(), InferDataTypes())


def emissions(model: ModelWrapper, layers: list[str]) -> dict[str, str]:
    """The tensors of each layer's codes as 0 and 1, of the scores in agreeing bits, and of the classes."""
    last = model.graph.node[-1]
    codes = [node.output[0] for node in model.graph.node if _emits_codes(node)]
    return dict(zip(layers, [*codes, last.input[0]], strict=True)) | {"classes": last.output[-1]}


def popcounts(model: ModelWrapper, layers: list[str]) -> dict[str, str]:
    """The tensors of each matrix product of the streamlined model."""
    sums = [node.output[0] for node in model.graph.node if node.op_type == "XnorPopcountMatMul"]
    return dict(zip((layer for layer in layers if layer != "binarize"), sums, strict=True))


def executed(model: ModelWrapper, tensors: dict[str, str], x: np.ndarray) -> dict[str, np.ndarray]:
    """What lies in `tensors` for the samples x, (n, inputs): whole numbers, (n, width), by name."""
    features = model.get_tensor_shape(model.graph.input[0].name)[1]
    if x.shape[1] != features:
        raise SystemExit(f"the file takes {features} inputs, the samples have {x.shape[1]}")
    blocks = [_block(model, tensors, x[start : start + BLOCK]) for start in range(0, len(x), BLOCK)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in tensors}


def _emits_codes(node: NodeProto) -> bool:
    if node.op_type == "MVAU":
        return not getCustomOp(node).get_nodeattr("noActivation")
    return node.op_type in ("MultiThreshold", "Thresholding")


def _block(model: ModelWrapper, tensors: dict[str, str], x: np.ndarray) -> dict[str, np.ndarray]:
    wide = ModelWrapper(model.model, make_deepcopy=True)
    entering = wide.graph.input[0].name
    for tensor in [entering, *(output for node in wide.graph.node for output in node.output)]:
        wide.set_tensor_shape(tensor, [len(x), *model.get_tensor_shape(tensor)[1:]])
    for node in wide.graph.node:
        if node.domain.startswith("finn."):
            getCustomOp(node).set_nodeattr("numInputVectors", [len(x)])
    del wide.graph.quantization_annotation[:]  # qonnx would round to them what it should only pass on
    context = execute_onnx(wide, {entering: x.astype(np.float32)}, return_full_exec_context=True)
    values = {name: context[tensor].reshape(len(x), -1) for name, tensor in tensors.items()}
    whole = {name: value.astype(np.int32) for name, value in values.items()}
    broken = [name for name in whole if (whole[name] != values[name]).any()]
    if broken:
        raise SystemExit(f"FINN+ emits numbers that are not whole in {', '.join(broken)}")
    return whole


def specialised(model: ModelWrapper, layers: list[str], request: dict, folder: Path) -> ModelWrapper:
    """The dataflow partition of HLS and RTL operators, folded as asked; every node is named by the layer it serves."""
    parent = transformed(model, CreateDataflowPartition(str(folder / "partition")))
    (partition,) = parent.get_nodes_by_op_type("StreamingDataflowPartition")
    model = transformed(ModelWrapper(getCustomOp(partition).get_nodeattr("model")), SpecializeLayers(request["part"]))
    rest = list(layers)
    for node in model.graph.node:
        operator = getCustomOp(node)
        kind = node.op_type.partition("_")[0]
        layer = "argmax" if kind == "LabelSelect" else rest[0]
        pe, simd = request["foldings"].get(layer, (1, 1))
        operator.set_nodeattr("PE", pe)
        if kind == "MVAU":
            operator.set_nodeattr("SIMD", simd)
        node.name = f"{layer}_thresholds" if kind == "Thresholding" and layer != "binarize" else layer
        if kind == "Thresholding" or (kind == "MVAU" and not operator.get_nodeattr("noActivation")):
            rest.pop(0)
    return transformed(model, InferShapes(), InferDataTypes())


def estimates(model: ModelWrapper, part: str, largest: dict[str, int]) -> list[dict[str, object]]:
    """One row a node, in order. largest   sum that occurred, by layer"""
    cycles, resources = exp_cycles_per_layer(model), res_estimation(model, part)
    rows = []
    for node in model.graph.node:
        found = resources[node.name]
        sums = getCustomOp(node).get_accumulator_datatype() if node.op_type.startswith("MVAU") else None
        rows.append(
            {
                "name": node.name,
                "operator": node.op_type,
                "cycles": cycles[node.name],
                "luts": round(found["LUT"]),
                "bram18": round(found["BRAM_18K"]),
                "dsps": round(found["DSP"]),
                "accumulator": sums and sums.name,
                "accumulator_max": sums and int(sums.max()),
                "largest_sum": sums and largest[node.name],
            }
        )
    return rows


def thresholding_rtl(model: ModelWrapper, layers: list[str], request: dict, folder: Path) -> list[dict[str, object]]:
    """FINN's own SystemVerilog for the thresholds of every layer, each with its memories in a folder of its name."""
    model = transformed(specialised(model, layers, request, folder), MinimizeWeightBitWidth(), InferDataTypes())
    made = []
    for node in model.get_nodes_by_op_type("Thresholding_rtl"):
        place = folder / node.name
        place.mkdir()
        operator = getCustomOp(node)
        operator.set_nodeattr("code_gen_dir_ipgen", str(place))
        operator.generate_hdl(model, request["part"], 5.0)
        made.append(
            {
                "name": node.name.removesuffix("_thresholds"),
                "top": operator.get_nodeattr("gen_top_module"),
                "pe": operator.get_nodeattr("PE"),
                "input_bits": operator.get_input_datatype(0).bitwidth(),
                "sources": operator.get_rtl_file_list(abspath=True),
            }
        )
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]))
