import numpy as np
import pytest
import torch
from bitneck.models.config import NetworkConfig
from bitneck.models.networks import DenseNet

GREY = NetworkConfig(widths=(6, 5, 4, 3), input_bits=4)
BITS = NetworkConfig(widths=(6, 5, 3), input_bits=1)


def test_zero_is_plus_one_in_weights_and_codes_and_nothing_is_scaled():
    net = DenseNet(BITS)
    activation = net.hidden[0].activation
    values = torch.tensor([[0.0, -0.0, -1e-30, 3.0, -3.0]])
    assert activation(values).tolist() == [[1, 1, -1, 1, -1]]
    with torch.no_grad():
        net.scores.weight[0] = values
    assert net.scores.quant_weight().value[0].tolist() == [1, 1, -1, 1, -1]


def test_a_pixel_at_or_above_its_threshold_is_plus_one():
    net = DenseNet(GREY)
    assert net.binarize.threshold.tolist() == [7.5] * 6
    pixels = np.array([[0, 7, 8, 15, 7, 8]], np.uint8)
    assert net.binarize(net.encode(pixels)).tolist() == [[-1, -1, 1, 1, -1, 1]]


def test_one_bit_inputs_are_encoded_as_signs_and_have_no_binarize():
    net = DenseNet(BITS)
    assert net.binarize is None
    assert net.encode(np.array([[0, 1, 1, 0, 1, 0]], np.uint8)).tolist() == [[-1, 1, 1, -1, 1, -1]]


@pytest.mark.parametrize("config", [GREY, BITS], ids=["grey", "bits"])
def test_scores_are_dot_products_of_signs(config):
    net = DenseNet(config).eval()
    pixels = np.random.default_rng(1).integers(0, 2**config.input_bits, (50, 6), np.uint8)
    scores = net(net.encode(pixels))
    fan_in = config.widths[-2]
    assert scores.dtype == torch.float32
    assert set(scores.unique().tolist()) <= set(range(-fan_in, fan_in + 1, 2))


def test_gradients_pass_straight_through_within_one_and_stop_beyond():
    net = DenseNet(BITS)
    values = torch.tensor([-2.0, -1.0, -0.5, 0.0, 1.0, 1.5], requires_grad=True)
    net.hidden[0].activation(values).sum().backward()
    assert values.grad.tolist() == [0, 1, 1, 1, 1, 0]
    net.scores(torch.ones(1, 5)).sum().backward()
    assert net.scores.weight.grad.tolist() == [[1] * 5] * 3


def test_a_forward_pass_changes_no_weight():
    net = DenseNet(BITS)
    with torch.no_grad():
        net.scores.weight.fill_(2)
    net(torch.ones(4, 6))
    assert (net.scores.weight == 2).all()


def test_the_seed_alone_decides_the_weights():
    before = torch.get_rng_state()
    first = DenseNet(GREY, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(map(torch.equal, first.parameters(), DenseNet(GREY, seed=3).parameters()))
    assert not torch.equal(first.scores.weight, DenseNet(GREY, seed=4).scores.weight)


@pytest.mark.parametrize("config", [GREY, BITS], ids=["grey", "bits"])
def test_the_qonnx_export_of_brevitas_takes_it(config, tmp_path):
    import onnx
    from brevitas.export import export_qonnx

    net = DenseNet(config).eval()
    pixels = np.zeros((1, 6), np.uint8)
    export_qonnx(net, args=net.encode(pixels), export_path=str(tmp_path / "net.onnx"), dynamo=False, opset_version=13)
    kinds = [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]
    assert kinds[:2] == (["Sub", "BipolarQuant"] if config.input_bits > 1 else ["BipolarQuant", "Transpose"])
    assert set(kinds) <= {"Sub", "BipolarQuant", "Transpose", "MatMul", "BatchNormalization"}
    assert kinds.count("MatMul") == len(config.widths) - 1
