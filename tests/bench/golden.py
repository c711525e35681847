"""Images/s on one thread, every layer's codes included: the golden model against qonnx's executor and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import numpy as np
import onnx
import onnxruntime
import torch
from bitneck.export.judges import onnx_runtime
from bitneck.export.judges.qonnx import execute
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.export.writing.standard import standard
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.config import preset
from cnv import as_floats, cnv
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes
from timing import Row, measure, measure_in_turns

Call: TypeAlias = Callable[[], object]

IMAGES = {"digits": 16384, "tfc": 16384, "sfc": 8192, "lfc": 2048}
BATCHES = (2, 16, 64, 256, 1024, 2048, 4096, 8192, 16384)
QONNX_BATCH = 2048


def random_net(name: str) -> BrevitasNet:
    """A preset's shape with random weights and statistics: speed does not depend on what they are."""
    net = BrevitasNet(preset(name).network).eval()
    rng = torch.Generator().manual_seed(0)
    for block in net.hidden:
        block.norm.running_mean.normal_(0, block.linear.in_features**0.5, generator=rng)
        block.norm.running_var.uniform_(1, block.linear.in_features, generator=rng)
        block.norm.weight.data.normal_(generator=rng)
    return net


def rows() -> Iterator[Row]:
    for name, images in IMAGES.items():
        yield from _dense(name, images)
    for bits in (1, 2):
        yield from _cnv(bits, 64)


def _dense(name: str, images: int) -> Iterator[Row]:
    net = random_net(name)
    x = np.random.default_rng(0).integers(0, 1 << net.config.input_bits, (images, net.config.inputs), dtype=np.uint8)
    model, group = export(net, name), f"{name}, every layer"
    graph = streamline(model).graph
    assert graph(x[:64]).codes == execute(model, x[:64]).codes, "what differs needs no stop-watch"
    plain = onnx_runtime.opened(standard(graph))

    def scores_only(batch: int) -> Call:
        session, floats = fixed_batch(model, batch), x[:batch].astype(np.float32)
        return lambda: session.run(["scores"], {"x": floats})

    contestants = {
        "golden model, ours": lambda batch: partial(graph, x[:batch]),
        "ONNX Runtime, scores only": scores_only,
        "ONNX Runtime, standard.onnx": lambda batch: partial(plain.run, None, {"x": x[:batch]}),
    }
    yield from _at_their_best(group, images, contestants)
    batched = measure(lambda: execute(model, x[:QONNX_BATCH], QONNX_BATCH))
    yield Row(group, f"qonnx's executor, {QONNX_BATCH} at a time", batched, QONNX_BATCH, "images")


def _cnv(bits: int, images: int) -> Iterator[Row]:
    graph = cnv(bits)
    x = np.random.default_rng(0).integers(0, 256, (images, graph.inputs), dtype=np.uint8)
    session = one_thread(as_floats(graph).SerializeToString())
    maps = x.reshape(-1, 32, 32, 3)
    assert np.array_equal(session.run(["scores"], {"x": maps[:16]})[0], graph(x[:16]).scores)
    contestants = {
        "golden model, ours": lambda batch: partial(graph, x[:batch]),
        "ONNX Runtime, floats": lambda batch: partial(session.run, None, {"x": maps[:batch]}),
    }
    yield from _at_their_best(f"CNV of {bits} bit{'s' * (bits > 1)}, every layer", images, contestants)


def _at_their_best(group: str, images: int, contestants: dict[str, Callable[[int], Call]]) -> Iterator[Row]:
    """Each given as many images at a time, of no more than these, as suit it best; in turns."""
    best = {}
    for name, of_batch in contestants.items():
        calls = [(of_batch(batch), batch) for batch in BATCHES if batch <= images]
        best[name] = min(calls, key=lambda run: measure(run[0], 0.2).fastest / run[1])
    timed = measure_in_turns([call for call, _ in best.values()])
    for (name, (_, batch)), each in zip(best.items(), timed, strict=True):
        yield Row(group, f"{name}, {batch} at a time", each, batch, "images")


def fixed_batch(model: onnx.ModelProto, batch: int) -> onnxruntime.InferenceSession:
    wide = ModelWrapper(model, make_deepcopy=True).transform(ChangeBatchSize(batch)).transform(InferShapes())
    return one_thread(serialize(wide.model))


def one_thread(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)
