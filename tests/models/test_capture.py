import numpy as np
import pytest
import torch
from bitneck.models.capture import capture
from bitneck.models.config import NetworkConfig
from bitneck.models.networks import DenseNet


def adversarial_net(config):
    """Random batch-norm of both signs, means on reachable dot products and no shift, so that many decisions tie."""
    net = DenseNet(config, seed=2)
    rng = np.random.default_rng(2)
    with torch.no_grad():
        for block in net.hidden:
            width = block.norm.num_features
            block.norm.weight.copy_(torch.from_numpy(rng.choice([-0.7, 0.0, 1.3], width)))
            block.norm.running_mean.copy_(torch.from_numpy(rng.integers(-3, 4, width)))
    return net


def signs(values):
    return np.where(values >= 0, 1, -1)


@pytest.mark.parametrize("input_bits", [1, 3])
def test_capture_is_what_plain_integer_arithmetic_computes(input_bits):
    config = NetworkConfig(widths=(13, 11, 9, 4), input_bits=input_bits)
    net = adversarial_net(config)
    pixels = np.random.default_rng(3).integers(0, 2**input_bits, (257, 13), np.uint8)
    trace = capture(net, pixels, batch=100)

    assert tuple(trace.codes) == config.layers[:-1]
    assert trace.source == "torch"
    code = signs(pixels - 0.5 if input_bits == 1 else pixels - net.binarize.threshold.numpy())
    if input_bits > 1:
        assert np.array_equal(trace.codes["binarize"].bits(), code > 0)
    for index, block in enumerate(net.hidden):
        dots = code @ signs(block.linear.weight.detach().numpy()).T
        gain, mean = block.norm.weight.detach().numpy(), block.norm.running_mean.numpy()
        code = signs((dots - mean) * gain)
        assert np.array_equal(trace.codes[f"dense{index + 1}"].bits(), code > 0)
    agreeing = (code[:, None, :] == signs(net.scores.weight.detach().numpy())).sum(axis=2)
    assert np.array_equal(trace.scores, agreeing)
    assert trace.scores.dtype == np.int32


def test_capture_uses_running_statistics_and_leaves_the_net_as_it_was():
    net = adversarial_net(NetworkConfig(widths=(13, 11, 4), input_bits=3)).train()
    pixels = np.random.default_rng(3).integers(0, 8, (64, 13), np.uint8)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    whole = capture(net, pixels)
    assert net.training
    assert net.hidden[0].norm.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    one_by_one = capture(net.eval(), pixels, batch=1)
    assert not net.training
    assert whole.codes["dense1"] == one_by_one.codes["dense1"]
    assert np.array_equal(whole.scores, one_by_one.scores)
