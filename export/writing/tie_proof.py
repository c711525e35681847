"""The integer Graph as a QONNX file of the nodes that Brevitas exports and FINN reads, which no consumer can misread.

Every threshold lies midway between two reachable sums, so that no value comes near a decision, in whatever order it is
computed. `qonnx.export` writes a trained net so; here it is any graph.
"""

from __future__ import annotations

import onnx

from ..annotations import annotate
from ..graph import BIPOLAR, Conv, Graph, Levels, Pool
from . import member_layers, step_layers  # noqa: F401  they register what is written
from .nodes import Edge, bipolar_quant, entering_shape, model_of
from .proof_nodes import Proof
from .tie_proof_layers import pooled_sums, write
from .whole_sums import data_type


def tie_proof(graph: Graph) -> onnx.ModelProto:
    """Same graph, same bytes; `reading.streamline` reads the graph back.

    In: `x`, (1, inputs) or (1, channels, height, width) float32: ±1 annotated BIPOLAR, or levels 0, 1, 2 …, annotated
    UINTn where there are 2^n of them; where there are not, a reader has to be told `np.arange(count)`. Every layer L
    before the last has `L.code`, the whole numbers that `whole_sums.as_integers` says, in the file's order; but of a
    convolution whose pool takes the largest of some channels and the least of others, the pool alone. Weights are ±1
    through BipolarQuant or INTn through Quant. Out: `scores`, of a net that ends in codes those, else dot products
    times a multiplier, up to a constant that all classes share.

    A sum over windows is an AveragePool times their size. Rows with a weight of +128 are written inverted, and the sign
    goes back behind the sum.

    Raises GraphError for what these nodes cannot say: tables that rise and fall, or differ in levels from place to
    place of a map; a mixed pool behind anything but a convolution; padded sums; more than 4096 thresholds.
    """
    file = Proof()
    entering = BIPOLAR if graph.input_bits == 1 else Levels(0, 1, graph.layers[0].takes)
    edge = Edge("x", entering_shape(graph), entering)
    file.shapes["x"] = edge.shape
    if entering.count == 1 << graph.input_bits:
        file.kinds["x"] = data_type(entering)
    layers, index = graph.layers, 0
    while index < len(layers):
        layer, following = layers[index], layers[index + 1] if index + 1 < len(layers) else None
        if isinstance(layer, Conv) and isinstance(following, Pool) and len(set(following.of)) > 1:
            index += 1
            output = "scores" if following is layers[-1] else f"{following.name}.code"
            edge = pooled_sums(layer, following, file, edge, output)
        else:
            edge = write(layer, file, edge, "scores" if layer is layers[-1] else f"{layer.name}.code")
        index += 1
    model = model_of(graph.name, file, file.port("x"), file.port("scores"))
    if any(node.op_type == "BipolarQuant" for node in model.graph.node):
        model.functions.append(bipolar_quant(model))
    annotate(model, file.kinds)
    onnx.checker.check_model(model)
    return model
