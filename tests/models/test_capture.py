import numpy as np
import pytest
import torch
from bitneck.models.capture import CaptureError, capture, capture_floats
from bitneck.models.config import NetworkConfig
from bitneck.models.floats import FloatsError, FloatTrace
from bitneck.models.networks import BinaryNet, untrained


def adversarial_net(config):
    """Random batch-norm of both signs, means on reachable dot products and no shift, so that many decisions tie."""
    net = BinaryNet(config, seed=2)
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

    assert tuple(trace.codes) == config.names[:-1]
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


TWIN = NetworkConfig(widths=(13, 11, 9, 4), input_bits=3).twin("tanh")


def test_a_float_net_is_captured_as_the_floats_that_its_layers_emit():
    net = untrained(TWIN, seed=2).train()
    pixels = np.random.default_rng(3).integers(0, 8, (257, 13), np.uint8)
    trace = capture_floats(net, pixels, batch=100)
    assert net.training
    assert tuple(trace.layers()) == TWIN.names
    values = pixels / 7
    for index, block in enumerate(net.hidden):
        weight, bias = (parameter.detach().numpy() for parameter in (block.linear.weight, block.linear.bias))
        values = np.tanh(values @ weight.T + bias)
        assert trace.activations[f"dense{index + 1}"] == pytest.approx(values, abs=1e-5)
    logits = net.scores(torch.tensor(values, dtype=torch.float32)).detach().numpy()
    assert trace.scores == pytest.approx(logits, abs=1e-5)
    assert np.array_equal(trace.predictions(), trace.scores.argmax(axis=1))


def test_a_float_trace_survives_its_own_arrays_and_refuses_what_it_cannot_be():
    trace = capture_floats(untrained(TWIN), np.zeros((5, 13), np.uint8))
    again = FloatTrace.from_arrays(trace.arrays())
    assert list(again.layers()) == list(trace.layers())
    assert all(map(np.array_equal, again.layers().values(), trace.layers().values()))
    with pytest.raises(FloatsError, match=r"dense1: \(5, width\) float32 needed, got \(4, 11\) float32"):
        FloatTrace({"dense1": trace.activations["dense1"][:4]}, trace.scores)
    with pytest.raises(FloatsError, match="activations/dense1 is missing"):
        FloatTrace.from_arrays({"names": np.array(["dense1"]), "scores": trace.scores})


def test_codes_of_a_float_net_and_floats_of_a_one_bit_net_are_refused():
    pixels = np.zeros((5, 13), np.uint8)
    with pytest.raises(CaptureError, match="a net of tanh emits floats and no codes"):
        capture(untrained(TWIN), pixels)
    with pytest.raises(CaptureError, match="a net of approx-sign emits codes and no floats"):
        capture_floats(BinaryNet(NetworkConfig(widths=(13, 11, 4), input_bits=3)), pixels)
