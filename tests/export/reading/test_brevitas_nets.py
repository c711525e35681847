"""Random nets of Brevitas layers: the reader's integers say in every layer what torch and the executors say."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.judges import foreign
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import of_module

torch = pytest.importorskip("torch")
from brevitas_nets import keyword_net, random_net  # noqa: E402 - it needs torch


@pytest.mark.parametrize("seed", range(16))
def test_a_random_net_says_what_torch_and_the_executors_say(seed):
    net = random_net(seed)
    read = streamline(of_module(net.module, torch.zeros(1, *net.shape)))
    graph = read.graph
    assert not read.margins, "every sum of these nets is exact"
    assert np.array_equal(read.pixels, net.levels)
    x = np.random.default_rng(seed).integers(0, len(net.levels), (200, graph.inputs)).astype(np.uint8)
    trace = graph(x)
    shown, left = net.said(read.pixels[x[:, read.entering]].reshape(-1, *net.shape))
    hidden = [layer for layer in graph.layers[:-1] if read.tensors[layer.name].endswith("/unpooled") is False]
    assert len(hidden) == len(shown)
    for layer, floats in zip(hidden, shown, strict=True):
        said = layer.emits.values()[trace.codes[layer.name].levels(layer.emits.bits).astype(int)]
        assert np.array_equal(said, floats), layer.name
    assert np.array_equal(read.sums.scores(left), trace.scores)
    assert np.array_equal(left.argmax(axis=1), trace.predictions())
    for judge in (foreign.onnx_runtime, foreign.qonnx):
        assert first_mismatch(graph, judge(read, x), trace, x) is None


def test_a_keyword_net_whose_sums_round_states_its_margins_and_moves_no_code():
    module, scale = keyword_net()
    read = streamline(of_module(module, torch.zeros(1, 490)), margin="state")
    graph = read.graph
    assert [layer.takes for layer in graph.layers] == [255, 8, 8, 8]
    assert read.pixels[0] == pytest.approx(-127 * scale)
    assert list(read.margins) == ["dense1", "dense2", "dense3", "scores"]
    x = np.random.default_rng(0).integers(0, 255, (1000, 490)).astype(np.uint8)
    trace = graph(x)
    with torch.no_grad():
        left = module(torch.from_numpy(read.pixels[x])).numpy()
    assert np.array_equal(left.argmax(axis=1), trace.predictions())
    for judge in (foreign.onnx_runtime, foreign.qonnx):
        moved, mismatch = foreign.explained(read, judge(read, x), x)
        assert mismatch is None
        assert moved <= 5, "of 780,000"
