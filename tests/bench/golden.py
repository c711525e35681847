"""Images/s, every layer's codes included: the golden model against qonnx's executor and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnxruntime
import torch
from bitneck.export.judges import onnx_runtime
from bitneck.export.judges.qonnx import execute
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.export.writing.standard import standard
from bitneck.models.config import preset
from bitneck.models.networks import DenseNet
from cnv import as_floats, cnv
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes
from timing import Row, measure

IMAGES = {"digits": 16384, "tfc": 8192, "sfc": 8192, "lfc": 4096}
CNV_BATCH = 16
BATCH = 2048  # of the two that run the file; both are fastest near it


def random_net(name: str) -> DenseNet:
    """A preset's shape with random weights and statistics: speed does not depend on what they are."""
    net = DenseNet(preset(name).network).eval()
    rng = torch.Generator().manual_seed(0)
    for block in net.hidden:
        block.norm.running_mean.normal_(0, block.linear.in_features**0.5, generator=rng)
        block.norm.running_var.uniform_(1, block.linear.in_features, generator=rng)
        block.norm.weight.data.normal_(generator=rng)
    return net


def rows() -> Iterator[Row]:
    for name, images in IMAGES.items():
        net = random_net(name)
        x = np.random.default_rng(0).integers(
            0, 1 << net.config.input_bits, (images, net.config.inputs), dtype=np.uint8
        )
        model = export(net, name)
        graph = streamline(model).graph
        assert graph(x[:64]).codes == execute(model, x[:64]).codes, "what differs needs no stop-watch"
        yield Row(
            f"{name}, every layer", "golden model, ours", measure(lambda graph=graph, x=x: graph(x)), images, "images"
        )
        batched = measure(lambda model=model, x=x: execute(model, x, BATCH))
        yield Row(f"{name}, every layer", f"qonnx's executor, {BATCH} at a time", batched, images, "images")
        session = fixed_batch(model)
        floats = x[:BATCH].astype(np.float32)
        scores = measure(lambda session=session, floats=floats: session.run(["scores"], {"x": floats}))
        yield Row(f"{name}, every layer", "ONNX Runtime, scores only, one thread", scores, BATCH, "images")
        plain = onnx_runtime.opened(standard(graph))
        codes = measure(lambda plain=plain, x=x: plain.run(None, {"x": x[:BATCH]}))
        yield Row(f"{name}, every layer", "ONNX Runtime, standard.onnx, one thread", codes, BATCH, "images")

    for bits in (1, 2):
        yield from _cnv(bits, 512)


def _cnv(bits: int, images: int) -> Iterator[Row]:
    graph = cnv(bits)
    x = np.random.default_rng(0).integers(0, 256, (images, graph.inputs), dtype=np.uint8)
    session = one_thread(as_floats(graph).SerializeToString())
    maps = x[:CNV_BATCH].reshape(-1, 32, 32, 3)
    assert np.array_equal(session.run(["scores"], {"x": maps})[0], graph(x[:CNV_BATCH]).scores)
    group = f"CNV of {bits} bit{'s' * (bits > 1)}, every layer"
    yield Row(group, "golden model, ours", measure(lambda: graph(x)), images, "images")
    floats = measure(lambda: session.run(None, {"x": maps}))
    yield Row(group, "ONNX Runtime, floats, one thread", floats, CNV_BATCH, "images")


def fixed_batch(model) -> onnxruntime.InferenceSession:
    wide = ModelWrapper(model, make_deepcopy=True).transform(ChangeBatchSize(BATCH)).transform(InferShapes())
    return one_thread(serialize(wide.model))


def one_thread(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)
