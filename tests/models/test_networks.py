from typing import get_args

import numpy as np
import pytest
import torch
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.config import ConfigError, NetworkConfig, Sign
from bitneck.models.networks import BinaryNet, FloatNet, untrained

GREY = NetworkConfig(widths=(6, 5, 4, 3), input_bits=4)
BITS = NetworkConfig(widths=(6, 5, 3), input_bits=1, activation="ste-clipped")


def test_zero_is_plus_one_in_weights_and_codes_and_nothing_is_scaled():
    net = BrevitasNet(BITS)
    activation = net.hidden[0].activation
    values = torch.tensor([[0.0, -0.0, -1e-30, 3.0, -3.0]])
    assert activation(values).tolist() == [[1, 1, -1, 1, -1]]
    with torch.no_grad():
        net.scores.weight[0] = values
    assert net.scores.quant_weight().value[0].tolist() == [1, 1, -1, 1, -1]


def test_a_pixel_at_or_above_its_threshold_is_plus_one():
    net = BinaryNet(GREY)
    assert net.binarize.threshold.tolist() == [7.5] * 6
    pixels = np.array([[0, 7, 8, 15, 7, 8]], np.uint8)
    assert net.binarize(net.encode(pixels)).tolist() == [[-1, -1, 1, 1, -1, 1]]


def test_one_bit_inputs_are_encoded_as_signs_and_have_no_binarize():
    net = BinaryNet(BITS)
    assert net.binarize is None
    assert net.encode(np.array([[0, 1, 1, 0, 1, 0]], np.uint8)).tolist() == [[-1, 1, 1, -1, 1, -1]]


@pytest.mark.parametrize("config", [GREY, BITS], ids=["grey", "bits"])
def test_scores_are_dot_products_of_signs(config):
    net = BinaryNet(config).eval()
    pixels = np.random.default_rng(1).integers(0, 2**config.input_bits, (50, 6), np.uint8)
    scores = net(net.encode(pixels))
    fan_in = config.widths[-2]
    assert scores.dtype == torch.float32
    assert set(scores.unique().tolist()) <= set(range(-fan_in, fan_in + 1, 2))


def test_gradients_pass_straight_through_a_weight():
    net = BinaryNet(BITS)
    net.scores(torch.ones(1, 5)).sum().backward()
    assert net.scores.weight.grad.tolist() == [[1] * 5] * 3


def test_a_forward_pass_changes_no_weight():
    net = BinaryNet(BITS)
    with torch.no_grad():
        net.scores.weight.fill_(2)
    net(torch.ones(4, 6))
    assert (net.scores.weight == 2).all()


def test_the_seed_alone_decides_the_weights():
    before = torch.get_rng_state()
    first = BinaryNet(GREY, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(map(torch.equal, first.parameters(), BinaryNet(GREY, seed=3).parameters()))
    assert not torch.equal(first.scores.weight, BinaryNet(GREY, seed=4).scores.weight)


@pytest.mark.parametrize("activation", get_args(Sign))
def test_zero_and_the_smallest_numbers_fall_to_the_same_side_in_every_activation(activation):
    quantizer = BinaryNet(BITS.model_copy(update={"activation": activation})).hidden[0].activation
    assert quantizer(torch.tensor([0.0, -0.0, -1e-30, 1e-30, 9.0, -9.0])).tolist() == [1, 1, -1, 1, 1, -1]


@pytest.mark.parametrize("config", [GREY, BITS, GREY.model_copy(update={"activation": "rsign"})])
def test_the_qonnx_export_of_brevitas_takes_it(config, tmp_path):
    import onnx
    from brevitas.export import export_qonnx

    net = BrevitasNet(config).eval()
    pixels = np.zeros((1, 6), np.uint8)
    export_qonnx(net, args=net.encode(pixels), export_path=str(tmp_path / "net.onnx"), dynamo=False, opset_version=13)
    kinds = [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]
    assert kinds[:2] == (["Sub", "BipolarQuant"] if config.input_bits > 1 else ["BipolarQuant", "Transpose"])
    assert set(kinds) <= {"Sub", "BipolarQuant", "Transpose", "MatMul", "BatchNormalization"}
    assert kinds.count("Sub") == (config.input_bits > 1) + 2 * (config.activation == "rsign")
    assert kinds.count("MatMul") == len(config.widths) - 1


def test_a_float_twin_has_the_shape_of_its_net_and_float_weights_without_batch_norm_unless_asked():
    net = untrained(GREY.twin("tanh"), seed=1)
    assert isinstance(net, FloatNet)
    assert [tuple(linear.weight.shape) for linear in net.linears()] == [(5, 6), (4, 5), (3, 4)]
    assert not list(net.buffers())
    x = torch.rand(9, 6) * 2 - 1
    weights = [(linear.weight, linear.bias) for linear in net.linears()]
    by_hand = x
    for weight, bias in weights[:-1]:
        by_hand = torch.tanh(by_hand @ weight.T + bias)
    assert torch.allclose(net(x), by_hand @ weights[-1][0].T + weights[-1][1])
    normed = untrained(NetworkConfig(widths=(6, 5, 3), input_bits=1, activation="relu", batch_norm=True))
    assert isinstance(normed.hidden[0].norm, torch.nn.BatchNorm1d)
    assert normed.hidden[0].linear.bias is None
    assert float(normed.hidden[0](x).detach().min()) == 0


def test_a_float_net_sees_every_pixel_between_zero_and_one():
    pixels = np.array([[0, 15, 5, 10]], np.uint8)
    assert FloatNet(GREY.twin("relu")).encode(pixels).tolist() == [pytest.approx([0, 1, 1 / 3, 2 / 3])]
    assert FloatNet(BITS.twin("relu")).encode(np.array([[0, 1]], np.uint8)).tolist() == [[0, 1]]


def test_twins_start_from_the_same_weights():
    net, twin = untrained(GREY, seed=4), untrained(GREY.twin("tanh"), seed=4)
    weights = ((one.weight, other.weight) for one, other in zip(net.linears(), twin.linears(), strict=True))
    assert all(torch.equal(*pair) for pair in weights)


def test_a_one_bit_net_of_a_float_activation_is_refused():
    with pytest.raises(ConfigError, match="tanh is no sign"):
        BinaryNet(GREY.twin("tanh"))
