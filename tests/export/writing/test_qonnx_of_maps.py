"""Nets of maps and of 2 bits as tie-proof QONNX: torch, bit for bit, with falling and dead channels, and padding."""

from __future__ import annotations

import numpy as np
import pytest
import small_conv_nets
import torch
from bitneck.export.judges import foreign
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize, thresholds
from bitneck.models.capture import capture


@pytest.mark.parametrize("config", small_conv_nets.KINDS + small_conv_nets.ROWS, ids=str)
def test_torch_qonnx_and_graph_say_the_same_of_every_layer(config):
    net, x = small_conv_nets.odd(config).eval(), small_conv_nets.pixels(config, 100)
    model = export(net, "small")
    read = streamline(model)
    said, by_file, by_graph = capture(net, x), foreign.qonnx(read, x), read.graph(x)
    assert tuple(by_graph.codes) == config.names[:-1]
    for trace in (by_file, by_graph):
        assert {name: codes.digest() for name, codes in trace.layers().items()} == {
            name: codes.digest() for name, codes in said.layers().items()
        }
    assert serialize(export(net, "small")) == serialize(model)
    assert {f"{name}.code" for name in config.names[:-1]} <= {name for node in model.graph.node for name in node.output}


def test_thresholds_of_whole_pixels_are_asked_at_every_sum_that_a_row_can_have():
    net = small_conv_nets.odd(small_conv_nets.config(whole=True)).eval()
    found = thresholds(net)
    assert tuple(found) == ("conv1", "conv2", "dense1")
    assert found["conv1"].at.max() <= 7 * 18 + 1
    assert found["conv1"].falling[0]
    assert not found["conv1"].falling[-1]
    block = net.hidden[0]
    weight = block.linear.quant_weight().value.detach().flatten(1).numpy()
    x = np.random.default_rng(0).integers(0, 8, (500, 18))
    with torch.no_grad():
        sums = torch.from_numpy((x @ weight.T).astype(np.float32))
        fires = block.activation(block.shift(block.norm(sums[:, :, None, None])))[:, :, 0, 0].numpy() > 0
    rising = np.where(found["conv1"].falling[:, None], -weight, weight)
    counted = x @ rising.T + 7 * (rising < 0).sum(axis=1)  # from the least sum on
    assert np.array_equal(counted >= found["conv1"].at, fires)
