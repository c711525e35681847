"""A file's several spellings of one thing made one: domains of qonnx's operators, Gemm, and what only says shapes."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .purity import DOMAIN, OF_QONNX, QONNX, STANDARD

QONNX_VERSION = 2


def normalised(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy. Quantizers of any domain that they have had, the empty one too, are in qonnx's own; a missing import of
    it is added; shapes that are written down beside the nodes are dropped, since they follow from the nodes.

    Raises ValueError for a version of qonnx's operators that there is not.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    written = {(function.domain, function.name) for function in model.functions}
    moved = False
    for node in copy.graph.node:
        known = node.domain in (*QONNX, *STANDARD) and node.op_type in OF_QONNX
        if known and (node.domain, node.op_type) not in written:
            moved |= node.domain != DOMAIN
            node.domain = DOMAIN
    imported = {domain_of(opset.domain) for opset in copy.opset_import}
    if moved and DOMAIN not in imported:
        copy.opset_import.append(helper.make_opsetid(DOMAIN, QONNX_VERSION))
    for opset in copy.opset_import:
        if opset.domain in QONNX and opset.version not in (1, QONNX_VERSION):
            raise ValueError(f"operators of {opset.domain} in version {opset.version}, of which 1 and 2 are known")
    return copy


def domain_of(name: str) -> str:
    """The standard operators' domain has two spellings."""
    return "" if name == "ai.onnx" else name


def without_gemm(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """A Gemm whose factors are 1 as the MatMul and Add that it is; any other node as it is.

    Raises ValueError for a Gemm with other factors.
    """
    if node.op_type != "Gemm" or node.domain not in STANDARD or len(node.input) < 2:
        return [node]
    options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if options.get("alpha", 1) != 1 or options.get("beta", 1) != 1 or options.get("transA", 0):
        raise ValueError(f"only alpha = beta = 1 and transA = 0 are read, got {options}")
    nodes, weight, output = [], node.input[1], node.output[0]
    if options.get("transB", 0):
        weight = f"{output}/transposed"
        nodes.append(helper.make_node("Transpose", [node.input[1]], [weight], f"{node.name}/transpose", perm=[1, 0]))
    product = f"{output}/product" if any(node.input[2:]) else output
    nodes.append(helper.make_node("MatMul", [node.input[0], weight], [product], node.name))
    if product != output:
        nodes.append(helper.make_node("Add", [product, node.input[2]], [output], f"{node.name}/bias"))
    return nodes


def without_bias(node: onnx.NodeProto, rank: int) -> list[onnx.NodeProto]:
    """A Conv with a bias as the Conv and Add that it is; any other node as it is.

    rank   of the tensor that it makes
    """
    if node.op_type != "Conv" or node.domain not in STANDARD or len(node.input) < 3 or not node.input[2]:
        return [node]
    bare, output = onnx.NodeProto(), node.output[0]
    bare.CopyFrom(node)
    del bare.input[2:]
    bare.output[0], bias = f"{output}/product", f"{output}/bias"
    shape = numpy_helper.from_array(np.array([1, -1, *[1] * (rank - 2)]))
    return [
        helper.make_node("Constant", [], [f"{bias}/shape"], f"{node.name}/bias/shape", value=shape),
        helper.make_node("Reshape", [node.input[2], f"{bias}/shape"], [bias], f"{node.name}/bias/channels"),
        bare,
        helper.make_node("Add", [bare.output[0], bias], [output], f"{node.name}/bias"),
    ]
