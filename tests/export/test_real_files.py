"""Files as they come: our own exports and Brevitas' stock ones, read into the integers that torch decides by."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.export.graph import Dense
from bitneck.export.reading.chain import StreamlineError
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize, thresholds

BYTES = np.arange(256, dtype=np.float32) / 255


@pytest.mark.parametrize(("widths", "input_bits"), [((12, 10, 7, 5, 2), 1), ((9, 24, 17, 4), 3), ((33, 64, 64, 10), 8)])
def test_our_own_files_read_back_to_the_thresholds_of_torch(widths, input_bits, adversarial):
    net = adversarial(widths, input_bits)
    read = streamline(serialize(export(net, "mine")))
    assert read.graph.name == "mine"
    assert read.graph.input_bits == input_bits
    assert not read.margins
    assert read.tensors == {name: "scores" if name == "scores" else f"{name}.code" for name in net.config.names}
    for name, found in thresholds(net).items():
        layer = read.graph[name]
        assert np.array_equal(layer.threshold, found.at)
        if isinstance(layer, Dense):
            signs = net.hidden[int(name.removeprefix("dense")) - 1].linear.quant_weight().value.detach().numpy() > 0
            assert np.array_equal(layer.weight, found.rising(signs))


@pytest.fixture
def stock():
    """Brevitas' own TFC with random statistics, untrained: stock(weight quantizer or None) -> (net, file)."""
    torch = pytest.importorskip("torch")
    from brevitas.export import export_qonnx
    from brevitas.nn import QuantLinear
    from brevitas_examples.bnn_pynq.models import model_with_cfg

    def make(weight_quant=None, scale: float = 1.0):
        torch.manual_seed(0)
        net, _ = model_with_cfg("tfc_1w1a", pretrained=False)
        for index, part in enumerate(net.features):
            if isinstance(part, QuantLinear) and weight_quant is not None:
                net.features[index] = QuantLinear(
                    part.in_features, part.out_features, bias=False, weight_quant=weight_quant
                )
        with torch.no_grad():
            for part in net.features:
                if isinstance(part, torch.nn.BatchNorm1d):
                    part.running_mean.normal_(0, 8 * scale)
                    part.running_var.uniform_(1 * scale**2, 90 * scale**2)
                    part.weight.normal_()
                    part.bias.normal_(0, 0.3)
            net.features[-1].running_mean.fill_(0.3)
            net.features[-1].weight.fill_(1.7)
        net.eval()
        return net, export_qonnx(net, torch.zeros(1, 1, 28, 28), dynamo=False)

    return make


def stock_scores(net, x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return net(torch.from_numpy(BYTES[x]).reshape(-1, 1, 28, 28)).numpy()


def test_the_stock_tfc_predicts_in_integers_as_in_torch(stock):
    net, model = stock()
    read = streamline(model, BYTES)
    assert [layer.name for layer in read.graph.layers] == ["binarize", "dense1", "dense2", "dense3", "scores"]
    assert (read.graph["binarize"].threshold == 128).all()
    assert not read.margins
    x = np.random.default_rng(0).integers(0, 256, (2000, 784), dtype=np.uint8)
    assert np.array_equal(read.graph(x).predictions(), stock_scores(net, x).argmax(axis=1))


def test_the_stock_scale_of_a_tenth_is_read_with_a_stated_margin(stock):
    from brevitas.quant.binary import SignedBinaryWeightPerTensorConst

    net, model = stock(SignedBinaryWeightPerTensorConst, 0.1)
    with pytest.raises(StreamlineError, match=r"dense1 sums terms of 0\.1"):
        streamline(model, BYTES)
    read = streamline(model, BYTES, margin="state")
    assert list(read.margins) == ["dense1", "dense2", "dense3", "scores"]
    x = np.random.default_rng(0).integers(0, 256, (2000, 784), dtype=np.uint8)
    scores = read.graph(x).scores
    top = np.sort(scores, axis=1)
    alone = top[:, -1] > top[:, -2]
    assert alone.mean() > 0.5
    assert np.array_equal(scores.argmax(axis=1)[alone], stock_scores(net, x).argmax(axis=1)[alone])
